// SPDX-License-Identifier: GPL-3.0-or-later
/* The ring of stamps from both ends: the client that programs include, and the reader that believes
 * nothing. The client's state is this program's, so each test gives it back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/meter/stamps.h"
#include "proto/base/mem.h"
#include "proto/stamp/assay_stamp.h"

enum { WRITERS = 4, EACH = 1000 };

static size_t mapped;

static struct stamps *ring_of(uint32_t capacity)
{
	struct host_root root;
	struct stamps *s = NULL;
	struct err err = ERR_NONE;
	assert_int_equal(host_root_open("/", &root, &err), 0);
	if (stamps_open(&root, capacity, &s, &err) < 0)
		fail_msg("%s", err.text);
	host_root_close(&root);
	return s;
}

static void open_client(const struct stamps *s, uint32_t capacity)
{
	char where[32];
	snprintf(where, sizeof(where), "fd:%d", stamps_fd(s));
	setenv(ASSAY_STAMP_VARIABLE, where, 1);
	assert_int_equal(assay_stamp_open(), 1);
	assert_int_equal(assay_stamp_open(), 1);
	mapped = assay_stamp_bytes(capacity);
}

static int close_client(void **state)
{
	(void)state;
	if (assay_stamp_client.ring)
		munmap(assay_stamp_client.ring, mapped);
	memset(&assay_stamp_client, 0, sizeof(assay_stamp_client));
	unsetenv(ASSAY_STAMP_VARIABLE);
	return 0;
}

static const struct reason *reason_of(const struct attempt *a, const char *code)
{
	for (size_t i = 0; i < a->n_reasons; i++)
		if (strcmp(a->reasons[i].code, code) == 0)
			return &a->reasons[i];
	return NULL;
}

static void stamps_become_events(void **state)
{
	(void)state;
	autoclean(stamps) struct stamps *s = ring_of(8);
	autoclean(attempt) struct attempt *a = attempt_new();
	open_client(s, 8);
	assay_stamp_name(1, "ready");
	assay_stamp_name(256, "done");
	uint64_t begun_ns = clock_raw_ns();
	assay_stamp(1);
	assay_stamp(256);
	assay_stamp(1);
	stamps_report(s, begun_ns, clock_raw_ns(), a);
	assert_int_equal(a->n_reasons, 0);
	assert_int_equal(a->n_events, 3);
	assert_string_equal(a->events[0].name, "ready");
	assert_string_equal(a->events[1].name, "done");
	assert_string_equal(a->events[2].name, "ready");
	assert_true(begun_ns <= a->events[0].t_ns && a->events[0].t_ns <= a->events[1].t_ns &&
		    a->events[1].t_ns <= a->events[2].t_ns);
	assert_true(assay_stamp_client.records[0].cpu < 100000);
	assert_int_equal(assay_stamp_client.ring->pid, getpid());
	assert_int_equal(strlen(assay_stamp_client.ring->boot_id), 36);
}

static void without_a_ring_nothing_happens(void **state)
{
	static const struct {
		const char *where;
		int result;
		const char *why;
	} cases[] = {
		{NULL, 0, "nobody asks"},
		{"", 0, "nobody asks"},
		{"fd:", -EINVAL, "no number"},
		{"fd:3x", -EINVAL, "no number"},
		{"fd:-1", -EINVAL, "no descriptor"},
		{"fd:99999999999999999999", -EINVAL, "no descriptor"},
		{"fd:999", -EBADF, "closed by the program"},
		{"/nowhere/ring", -ENOENT, "no such file"},
		{"/dev/null", -EINVAL, "no file with a size"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		if (cases[i].where)
			setenv(ASSAY_STAMP_VARIABLE, cases[i].where, 1);
		else
			unsetenv(ASSAY_STAMP_VARIABLE);
		int r = assay_stamp_open();
		if (r != cases[i].result)
			fail_msg("%s: '%s' gave %d", cases[i].why, cases[i].where, r);
		assay_stamp_name(1, "x");
		assay_stamp(1);
		assert_null(assay_stamp_client.ring);
	}
}

static void what_is_no_ring_is_not_written_to(void **state)
{
	static char bytes[32768], back[sizeof(bytes)];
	char where[32];
	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	autoclose int fd = memfd_create("other", MFD_CLOEXEC);
	assert_int_equal(write(fd, bytes, sizeof(bytes)), sizeof(bytes));
	snprintf(where, sizeof(where), "fd:%d", fd);
	setenv(ASSAY_STAMP_VARIABLE, where, 1);
	assert_int_equal(assay_stamp_open(), -EINVAL);
	assay_stamp(1);
	assert_int_equal(pread(fd, back, sizeof(back), 0), sizeof(back));
	assert_memory_equal(bytes, back, sizeof(back));
}

static void ids_outside_the_table_do_nothing(void **state)
{
	(void)state;
	autoclean(stamps) struct stamps *s = ring_of(2);
	open_client(s, 2);
	const uint32_t ids[] = {0, 257, UINT32_MAX};
	for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
		assay_stamp_name(ids[i], "bad");
		assay_stamp(ids[i]);
	}
	assert_int_equal(assay_stamp_client.ring->head, 0);
}

static void *write_many(void *arg)
{
	uint32_t id = *(const uint32_t *)arg;
	for (int i = 0; i < EACH; i++)
		assay_stamp(id);
	return NULL;
}

static void writers_at_once_lose_nothing(void **state)
{
	pthread_t threads[WRITERS];
	uint32_t ids[WRITERS];
	size_t seen[WRITERS] = {0};
	(void)state;
	autoclean(stamps) struct stamps *s = ring_of(4096);
	autoclean(attempt) struct attempt *a = attempt_new();
	open_client(s, 4096);
	uint64_t begun_ns = clock_raw_ns();
	for (uint32_t i = 0; i < WRITERS; i++) {
		char name[] = {(char)('a' + i), '\0'};
		ids[i] = i + 1;
		assay_stamp_name(ids[i], name);
	}
	for (size_t i = 0; i < WRITERS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_many, &ids[i]), 0);
	for (size_t i = 0; i < WRITERS; i++)
		pthread_join(threads[i], NULL);
	stamps_report(s, begun_ns, clock_raw_ns(), a);
	assert_int_equal(a->n_reasons, 0);
	assert_int_equal(a->n_events, WRITERS * EACH);
	for (size_t i = 0; i < a->n_events; i++) {
		seen[a->events[i].name[0] - 'a']++;
		assert_true(!i || a->events[i - 1].t_ns <= a->events[i].t_ns);
	}
	for (size_t i = 0; i < WRITERS; i++)
		assert_int_equal(seen[i], EACH);
}

static void the_oldest_are_lost_and_counted(void **state)
{
	(void)state;
	autoclean(stamps) struct stamps *s = ring_of(4);
	autoclean(attempt) struct attempt *a = attempt_new();
	open_client(s, 4);
	for (uint32_t i = 1; i <= 7; i++) {
		char name[] = {(char)('0' + i), '\0'};
		assay_stamp_name(i, name);
		assay_stamp(i);
	}
	stamps_report(s, 0, UINT64_MAX, a);
	assert_int_equal(a->n_events, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(a->events[i].name[0], '4' + i);
	assert_int_equal(a->n_reasons, 1);
	assert_string_equal(a->reasons[0].code, "stamps-lost");
	assert_int_equal(a->reasons[0].level, VERDICT_FLAGGED);
	assert_non_null(strstr(a->reasons[0].text, "the 3 before"));
}

/* A writer that died between taking its place and the end. */
static void torn_records_are_left_out(void **state)
{
	(void)state;
	autoclean(stamps) struct stamps *s = ring_of(4);
	autoclean(attempt) struct attempt *a = attempt_new();
	open_client(s, 4);
	assay_stamp_name(1, "a");
	assay_stamp(1);
	assay_stamp_client.ring->head++;
	assay_stamp(1);
	stamps_report(s, 0, UINT64_MAX, a);
	assert_int_equal(a->n_events, 2);
	assert_non_null(strstr(reason_of(a, "stamps-dropped")->text, "1 not written to the end"));
}

struct whole {
	struct assay_stamp_ring ring;
	struct assay_stamp_record records[4];
};

/* What a guest can scribble. Before: three good stamps "a" at 100, 200 and 300. */
#define SCRIBBLE(name, statement)         \
	static void name(struct whole *w) \
	{                                 \
		statement;                \
	}
SCRIBBLE(nothing, (void)w)
SCRIBBLE(magic, memset(w, 0xff, offsetof(struct assay_stamp_ring, head)))
SCRIBBLE(head_far, w->ring.head = UINT64_MAX)
SCRIBBLE(head_back, w->ring.head = 1)
SCRIBBLE(id_far, w->records[1].id = UINT32_MAX)
SCRIBBLE(id_nameless, w->records[1].id = 2)
SCRIBBLE(name_endless, memset(w->ring.names[0], 'a', ASSAY_STAMP_NAME_SIZE))
SCRIBBLE(name_control, strcpy(w->ring.names[0], "a\033[2J"))
SCRIBBLE(name_blank, strcpy(w->ring.names[0], "a b"))
SCRIBBLE(name_high, strcpy(w->ring.names[0], "\xff"))
SCRIBBLE(before, w->records[0].t_ns = 49)
SCRIBBLE(after, w->records[2].t_ns = UINT64_MAX)
SCRIBBLE(disorder, w->records[0].t_ns = 250)
SCRIBBLE(everything, memset(w, 0xff, sizeof(*w)))

static void a_hostile_ring_is_not_believed(void **state)
{
	static const struct {
		void (*scribble)(struct whole *w);
		size_t events;
		const char *code, *text; /* "": none */
		const char *why;
	} cases[] = {
		{nothing, 3, "", "", "all is well"},
		{magic, 3, "", "", "what the agent knows itself is not read"},
		{head_far, 3, "stamps-lost", "18446744073709551611 before", "head at the end"},
		{head_back, 1, "", "", "a head that went back"},
		{id_far, 2, "stamps-dropped", "1 with an id", "an id past the table"},
		{id_nameless, 2, "stamps-dropped", "1 with an id", "an id without a name"},
		{name_endless, 0, "stamps-dropped", "3 with an id", "a name without NUL"},
		{name_control, 0, "stamps-dropped", "3 with an id", "a terminal sequence"},
		{name_blank, 0, "stamps-dropped", "3 with an id", "a blank"},
		{name_high, 0, "stamps-dropped", "3 with an id", "no UTF-8"},
		{before, 2, "stamps-dropped", "1 at times", "before the attempt"},
		{after, 2, "stamps-dropped", "1 at times", "after the attempt"},
		{disorder, 3, "", "", "sorted by time"},
		{everything, 0, "stamps-dropped", "4 stamps", "all bits"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree struct whole *w = xcalloc(1, sizeof(*w));
		autoclean(attempt) struct attempt *a = attempt_new();
		print_message("%s\n", cases[i].why);
		w->ring.head = 3;
		strcpy(w->ring.names[0], "a");
		for (uint32_t j = 0; j < 3; j++)
			w->records[j] = (struct assay_stamp_record){100 * (j + 1), 1, 0};
		cases[i].scribble(w);
		stamps_read(w, sizeof(*w), 4, 50, 1000, a);
		assert_int_equal(a->n_events, cases[i].events);
		for (size_t j = 1; j < a->n_events; j++)
			assert_true(a->events[j - 1].t_ns <= a->events[j].t_ns);
		assert_int_equal(a->n_reasons > 0, cases[i].code[0] != '\0');
		if (cases[i].code[0])
			assert_non_null(strstr(reason_of(a, cases[i].code)->text, cases[i].text));
	}
}

static void a_ring_keeps_its_size(void **state)
{
	(void)state;
	autoclean(stamps) struct stamps *s = ring_of(4);
	autoclean(attempt) struct attempt *a = attempt_new();
	assert_int_equal(ftruncate(stamps_fd(s), 0), -1);
	assert_int_equal(ftruncate(stamps_fd(s), 1 << 20), -1);
	stamps_report(s, 0, UINT64_MAX, a);
	assert_int_equal(a->n_events + a->n_reasons, 0);
	static const uint32_t bad[] = {0, 3, STAMPS_MAX * 2, UINT32_MAX};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct host_root root = {-1, -1, -1, false};
		struct stamps *none = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(stamps_open(&root, bad[i], &none, &err), -EINVAL);
	}
}

/* In the programs below: one stamp before the exec, one by the next program, then a crash. */
static int guest(const char *what)
{
	if (assay_stamp_open() != 1)
		return 9;
	assay_stamp_name(1, "first");
	assay_stamp_name(2, "second");
	if (strcmp(what, "again") == 0) {
		assay_stamp(2);
		abort();
	}
	assay_stamp(1);
	execl("/proc/self/exe", "test_stamps", "--guest", "again", NULL);
	return 8;
}

static void it_outlives_exec_and_crash(void **state)
{
	int status;
	(void)state;
	autoclean(stamps) struct stamps *s = ring_of(16);
	autoclean(attempt) struct attempt *a = attempt_new();
	autoclose int fd = fcntl(stamps_fd(s), F_DUPFD, 10);
	char where[32];
	snprintf(where, sizeof(where), "fd:%d", fd);
	setenv(ASSAY_STAMP_VARIABLE, where, 1);
	pid_t pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "test_stamps", "--guest", "first", NULL);
		_exit(7);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (!WIFSIGNALED(status))
		fail_msg("the guest ended with %d", WEXITSTATUS(status));
	stamps_report(s, 0, UINT64_MAX, a);
	assert_int_equal(a->n_reasons, 0);
	assert_int_equal(a->n_events, 2);
	assert_string_equal(a->events[0].name, "first");
	assert_string_equal(a->events[1].name, "second");
}

#define TEST(f) cmocka_unit_test_teardown(f, close_client)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(stamps_become_events),
		TEST(without_a_ring_nothing_happens),
		TEST(what_is_no_ring_is_not_written_to),
		TEST(ids_outside_the_table_do_nothing),
		TEST(writers_at_once_lose_nothing),
		TEST(the_oldest_are_lost_and_counted),
		TEST(torn_records_are_left_out),
		TEST(a_hostile_ring_is_not_believed),
		TEST(a_ring_keeps_its_size),
		TEST(it_outlives_exec_and_crash),
	};
	if (argc > 2 && strcmp(argv[1], "--guest") == 0)
		return guest(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
