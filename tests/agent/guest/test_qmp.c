// SPDX-License-Identifier: GPL-3.0-or-later
/* The QMP client against a scripted peer: all that a stream may do to it. */
#include "agent/guest/qmp.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "agent/guest/deadline.h"
#include "proto/base/clock.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

#define GREETING                                                                           \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, " \
	"\"package\": \"Debian 1:7.2\"}, \"capabilities\": [\"oob\"]}}\r\n"
#define READY "{\"return\": {}, \"id\": 1}\r\n"

enum { PATIENCE_NS = 150000000, LONG_NS = 10000000000 };

/* What the peer says before and after it has read a line; pieces are sent a moment apart. */
struct peer {
	int fd;
	const char *const *pieces; /* NULL-ended; "<" reads a line, ">" closes at once */
};

static void read_line(int fd)
{
	char byte = 0;
	while (byte != '\n' && read(fd, &byte, 1) == 1)
		;
}

static void *run_peer(void *arg)
{
	struct peer *p = arg;
	for (const char *const *piece = p->pieces; *piece; piece++) {
		if (strcmp(*piece, "<") == 0) {
			read_line(p->fd);
			continue;
		}
		if (strcmp(*piece, ">") == 0) {
			close(p->fd);
			return NULL;
		}
		send(p->fd, *piece, strlen(*piece), MSG_NOSIGNAL);
		deadline_pause(2 * NSEC_PER_MSEC);
	}
	char byte;
	while (read(p->fd, &byte, 1) == 1) /* stays, silent, until the client is gone */
		;
	close(p->fd);
	return NULL;
}

struct seen {
	char events[200];
};

static void note_event(void *arg, const char *event, const json_t *data)
{
	struct seen *s = arg;
	const char *reason = json_string_value(json_object_get(data, "reason"));
	size_t used = strlen(s->events);
	snprintf(s->events + used, sizeof(s->events) - used, "%s%s%s%s", used ? " " : "", event,
		 reason ? ":" : "", reason ? reason : "");
}

static const struct {
	const char *why;
	const char *pieces[12];
	int open_code;	    /* of qmp_open */
	int code;	    /* of query-kvm, where it was opened */
	const char *says;   /* in the error */
	const char *events; /* all that came */
} cases[] = {
	{"as it should be",
	 {GREETING, "<", READY, "<", "{\"return\": {\"enabled\": true}, \"id\": 2}\r\n"},
	 0,
	 0,
	 NULL,
	 ""},
	{"lines in pieces",
	 {"{\"QMP\": {\"version\": {\"qemu\": {\"mic", "ro\": 1, \"minor\": 2, \"major\": 8}}}}",
	  "\r\n", "<", "{\"return\"", ": {}, \"id\": 1}\n", "<", "{\"return\": {\"enabled\": true",
	  "}, \"id\": 2", "}\r\n"},
	 0,
	 0,
	 NULL,
	 ""},
	{"two lines in one piece",
	 {GREETING "{\"event\": \"POWERDOWN\"}\r\n", "<", READY "{\"event\": \"RTC_CHANGE\"}\n",
	  "<",
	  "{\"event\": \"A\"}\n{\"return\": {\"enabled\": true}, \"id\": 2}\n{\"event\": \"B\"}\n"},
	 0,
	 0,
	 NULL,
	 "POWERDOWN RTC_CHANGE A B"},
	{"events in between, with data",
	 {GREETING, "<", READY, "<",
	  "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\": \"guest-reset\"}}\n",
	  "{\"return\": {\"enabled\": true}, \"id\": 2}\n"},
	 0,
	 0,
	 NULL,
	 "SHUTDOWN:guest-reset"},
	{"a reply that we no longer wait for",
	 {GREETING, "<", READY, "<", "{\"return\": {\"enabled\": false}, \"id\": 1}\n",
	  "{\"return\": {\"enabled\": true}, \"id\": 2}\n"},
	 0,
	 0,
	 NULL,
	 ""},
	{"a refusal",
	 {GREETING, "<", READY, "<",
	  "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"The command is unknown\"}, "
	  "\"id\": 2}\n"},
	 0,
	 -EREMOTEIO,
	 "refused query-kvm: The command is unknown",
	 ""},
	{"a refused negotiation",
	 {GREETING, "<", "{\"error\": {\"class\": \"X\", \"desc\": \"no\"}, \"id\": 1}\n"},
	 -EREMOTEIO,
	 0,
	 "refused qmp_capabilities: no",
	 ""},
	{"garbage for a greeting", {"SSH-2.0-OpenSSH_9.2\r\n"}, -EPROTO, 0, "'SSH-2.0-OpenSSH", ""},
	{"JSON, but no greeting", {"{\"hello\": 1}\n"}, -EPROTO, 0, "did not greet", ""},
	{"JSON, but no object", {"[1, 2]\n"}, -EPROTO, 0, "'[1, 2]'", ""},
	{"an empty line", {"\n"}, -EPROTO, 0, "no JSON object", ""},
	{"a version that is no number",
	 {"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": \"x\", \"minor\": 2, \"major\": 7}}}}\n"},
	 -EPROTO,
	 0,
	 "did not greet",
	 ""},
	{"garbage for a reply",
	 {GREETING, "<", READY, "<", "{\"return\": }\n"},
	 0,
	 -EPROTO,
	 "'{\"return\": }",
	 ""},
	{"a reply that says nothing",
	 {GREETING, "<", READY, "<", "{\"id\": 2}\n"},
	 0,
	 -EPROTO,
	 "neither return nor error",
	 ""},
	{"an error without a sentence",
	 {GREETING, "<", READY, "<", "{\"error\": 5, \"id\": 2}\n"},
	 0,
	 -EPROTO,
	 "neither return nor error",
	 ""},
	{"control bytes",
	 {GREETING, "<", READY, "<", "\x01\x02\xff\n"},
	 0,
	 -EPROTO,
	 "but '...'",
	 ""},
	{"gone before the greeting", {">"}, -ECONNRESET, 0, "closed", ""},
	{"gone in the middle of a line", {"{\"QMP\":", ">"}, -ECONNRESET, 0, "closed", ""},
	{"gone instead of an answer",
	 {GREETING, "<", READY, "<", ">"},
	 0,
	 -ECONNRESET,
	 "closed",
	 ""},
	{"silence at first", {NULL}, -ETIMEDOUT, 0, "wait for QEMU", ""},
	{"silence after the greeting", {GREETING}, -ETIMEDOUT, 0, "qmp_capabilities", ""},
	{"silence for an answer",
	 {GREETING, "<", READY, "<", "{\"event\": \"A\"}\n"},
	 0,
	 -ETIMEDOUT,
	 "query-kvm",
	 "A"},
	{"half a line, then silence",
	 {GREETING, "<", READY, "<", "{\"return\": {"},
	 0,
	 -ETIMEDOUT,
	 "query-kvm",
	 ""},
};

struct session {
	int pair[2];
	struct peer peer;
	pthread_t thread;
};

static void session_begin(struct session *s, const char *const *pieces)
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s->pair), 0);
	s->peer = (struct peer){s->pair[1], pieces};
	assert_int_equal(pthread_create(&s->thread, NULL, run_peer, &s->peer), 0);
}

static struct guest_wait wait_for(uint64_t ns)
{
	return (struct guest_wait){.deadline_ns = clock_monotonic_ns() + ns, .cancel_fd = -1};
}

static void expect_error(const struct err *err, const char *why, const char *says)
{
	if (!strstr(err->text, says))
		fail_msg("%s: '%s' does not say '%s'", why, err->text, says);
}

static void test_streams(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct session s;
		struct seen seen = {0};
		struct err err = ERR_NONE;
		struct qmp *q = NULL;
		json_t *value = NULL;
		print_message("   %s\n", cases[i].why);
		session_begin(&s, cases[i].pieces);
		bool silent = cases[i].open_code == -ETIMEDOUT || cases[i].code == -ETIMEDOUT;
		struct guest_wait wait = wait_for(silent ? PATIENCE_NS : LONG_NS);
		int r = qmp_open(s.pair[0], note_event, &seen, &wait, &q, &err);
		assert_int_equal(r, cases[i].open_code);
		if (r == 0) {
			r = qmp_command(q, "query-kvm", &wait, &value, &err);
			assert_int_equal(r, cases[i].code);
		}
		if (r < 0)
			expect_error(&err, cases[i].why, cases[i].says);
		else
			assert_true(json_is_true(json_object_get(value, "enabled")));
		json_decref(value);
		if (q)
			qmp_drain(q, clock_monotonic_ns() + 20 * NSEC_PER_MSEC);
		assert_string_equal(seen.events, cases[i].events);
		qmp_close(q);
		pthread_join(s.thread, NULL);
	}
}

static void test_version(void **state)
{
	static const char *const pieces[] = {GREETING, "<", READY, NULL};
	struct session s;
	struct err err = ERR_NONE;
	struct qmp *q = NULL;
	struct guest_wait wait = wait_for(LONG_NS);
	(void)state;
	session_begin(&s, pieces);
	assert_int_equal(qmp_open(s.pair[0], NULL, NULL, &wait, &q, &err), 0);
	assert_string_equal(qmp_version(q), "7.2.22 (Debian 1:7.2)");
	qmp_close(q);
	pthread_join(s.thread, NULL);
}

/* A line without an end is given up at its bound, not at the end of memory. */
static void test_a_line_has_a_bound(void **state)
{
	autofree char *line = xmalloc(QMP_LINE_BYTES + 2);
	struct session s;
	struct err err = ERR_NONE;
	struct qmp *q = NULL;
	struct guest_wait wait = wait_for(LONG_NS);
	(void)state;
	memset(line, ' ', QMP_LINE_BYTES + 1);
	line[QMP_LINE_BYTES + 1] = '\0';
	const char *const pieces[] = {GREETING, "<", READY, "<", line, NULL};
	session_begin(&s, pieces);
	assert_int_equal(qmp_open(s.pair[0], NULL, NULL, &wait, &q, &err), 0);
	assert_int_equal(qmp_command(q, "query-kvm", &wait, NULL, &err), -EMSGSIZE);
	expect_error(&err, "too long", "256 KiB");
	assert_int_equal(qmp_command(q, "quit", &wait, NULL, &err), -EMSGSIZE); /* and stays so */
	qmp_close(q);
	pthread_join(s.thread, NULL);
}

/* The longest line that is still one. */
static void test_a_long_line_is_read(void **state)
{
	autofree char *line = xmalloc(QMP_LINE_BYTES + 1);
	struct session s;
	struct err err = ERR_NONE;
	struct qmp *q = NULL;
	struct guest_wait wait = wait_for(LONG_NS);
	(void)state;
	static const char reply[] = "{\"return\": {}, \"id\": 2}";
	memset(line, ' ', QMP_LINE_BYTES);
	memcpy(line, reply, strlen(reply));
	line[QMP_LINE_BYTES - 1] = '\n';
	line[QMP_LINE_BYTES] = '\0';
	const char *const pieces[] = {GREETING, "<", READY, "<", line, NULL};
	session_begin(&s, pieces);
	assert_int_equal(qmp_open(s.pair[0], NULL, NULL, &wait, &q, &err), 0);
	assert_int_equal(qmp_command(q, "query-kvm", &wait, NULL, &err), 0);
	qmp_close(q);
	pthread_join(s.thread, NULL);
}

static void test_cancel(void **state)
{
	static const char *const pieces[] = {GREETING, "<", READY, NULL};
	struct session s;
	int cancel[2];
	struct err err = ERR_NONE;
	struct qmp *q = NULL;
	(void)state;
	assert_int_equal(pipe2(cancel, O_CLOEXEC), 0);
	session_begin(&s, pieces);
	struct guest_wait wait = wait_for(LONG_NS);
	wait.cancel_fd = cancel[0];
	assert_int_equal(qmp_open(s.pair[0], NULL, NULL, &wait, &q, &err), 0);
	assert_int_equal(write(cancel[1], "x", 1), 1);
	assert_int_equal(qmp_command(q, "query-kvm", &wait, NULL, &err), -ECANCELED);
	qmp_close(q);
	pthread_join(s.thread, NULL);
	close(cancel[0]);
	close(cancel[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_version),
		cmocka_unit_test(test_a_line_has_a_bound),
		cmocka_unit_test(test_a_long_line_is_read),
		cmocka_unit_test(test_cancel),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
