// SPDX-License-Identifier: GPL-3.0-or-later
/* The promise of the spool: what spool_end() returned from is there after any crash, in order,
 * without gaps, until it was acknowledged. */
#include "agent/spool.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "proto/base/file.h"
#include "proto/base/mem.h"

struct place {
	char folder[64];
	char *path;
};

static int set_up(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));
	STRCPY_FIXED(p->folder, "/tmp/assay-spool-XXXXXX");
	if (!mkdtemp(p->folder))
		return -1;
	p->path = xasprintf("%s/spool.db", p->folder);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	file_remove_tree(p->folder, NULL);
	free(p->path);
	free(p);
	return 0;
}

static struct spool *open_spool(const struct place *p)
{
	struct err err = ERR_NONE;
	struct spool *s = NULL;
	if (spool_open(p->path, &s, &err) < 0)
		fail_msg("%s", err.text);
	return s;
}

static struct attempt *make_attempt(unsigned n, size_t console_bytes)
{
	struct attempt *a = attempt_new();
	char key[16];
	snprintf(key, sizeof(key), "run-%u", n);
	hash_bytes(key, strlen(key), a->run_key);
	STRCPY_FIXED(a->campaign, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
	a->attempt = 1;
	if (console_bytes) {
		char *bytes = xmalloc(console_bytes);
		memset(bytes, 'a' + (char)(n % 26), console_bytes);
		attempt_artifact(a, "console", bytes, console_bytes);
	}
	return a;
}

static void put(struct spool *s, unsigned n, size_t console_bytes)
{
	struct err err = ERR_NONE;
	autoclean(attempt) struct attempt *a = make_attempt(n, console_bytes);
	if (spool_begin(s, a, &err) < 0 || spool_end(s, a, &err) < 0)
		fail_msg("%s", err.text);
}

/* Walks all records; sequences follow each other. Counts those of `kind`. */
static size_t count(struct spool *s, enum record_kind kind, uint64_t *ret_last)
{
	struct msg_record r;
	uint64_t at = 0;
	size_t n = 0;
	while (spool_next(s, at, &r, NULL) == 0) {
		if (at)
			assert_int_equal(r.sequence, at + 1);
		at = r.sequence;
		n += r.kind == kind;
		free(r.body);
	}
	*ret_last = at;
	return n;
}

static void records_come_back_in_order(void **state)
{
	autoclean(spool) struct spool *s = open_spool(*state);
	uint64_t last;
	put(s, 1, 0);
	put(s, 2, WIRE_BLOB_CHUNK_BYTES * 2 + 5);
	assert_int_equal(count(s, RECORD_BEGUN, &last), 2);
	assert_int_equal(count(s, RECORD_ENDED, &last), 2);
	assert_int_equal(count(s, RECORD_BLOB, &last), 3); /* two whole chunks and a rest */
	assert_int_equal(last, 7);
	assert_int_equal(spool_last(s), 7);
	assert_int_equal(spool_pending(s), 7);
}

static void chunks_make_the_bytes(void **state)
{
	autoclean(spool) struct spool *s = open_spool(*state);
	const size_t size = WIRE_BLOB_CHUNK_BYTES + 17;
	autoclean(attempt) struct attempt *a = make_attempt(3, size);
	struct msg_record r;
	uint64_t at = 0, seen = 0;
	assert_int_equal(spool_end(s, a, NULL), 0);
	while (spool_next(s, at, &r, NULL) == 0) {
		struct blob_chunk chunk;
		at = r.sequence;
		if (r.kind == RECORD_BLOB) {
			assert_int_equal(record_decode_blob(r.body, r.body_size, &chunk, NULL), 0);
			assert_string_equal(chunk.sha256, a->artifacts[0].sha256);
			assert_int_equal(chunk.offset_bytes, seen);
			assert_int_equal(chunk.total_bytes, size);
			assert_memory_equal(chunk.bytes, (char *)a->artifacts[0].bytes + seen,
					    chunk.size);
			seen += chunk.size;
			free(chunk.bytes);
		}
		free(r.body);
	}
	assert_int_equal(seen, size);
}

static void acknowledged_records_go(void **state)
{
	struct spool *s = open_spool(*state);
	uint64_t last;
	char epoch[ULID_SIZE];
	STRCPY_FIXED(epoch, spool_epoch(s));
	put(s, 1, 0);
	put(s, 2, 0);
	spool_acknowledge(s, 2);
	spool_acknowledge(s, 1);  /* an old one changes nothing */
	spool_acknowledge(s, 99); /* nor does one that was never given out */
	assert_int_equal(spool_pending(s), 2);
	put(s, 3, 0); /* the commit that deletes */
	spool_close(s);
	s = open_spool(*state);
	assert_string_equal(spool_epoch(s), epoch);
	assert_int_equal(count(s, RECORD_ENDED, &last), 2);
	assert_int_equal(last, 6);
	assert_int_equal(spool_pending(s), 4);
	/* Sequences are never given out twice, not even when all is acknowledged. */
	spool_acknowledge(s, 6);
	put(s, 4, 0);
	spool_acknowledge(s, 8);
	put(s, 5, 0);
	spool_acknowledge(s, 10);
	spool_close(s);
	s = open_spool(*state);
	assert_int_equal(spool_last(s), 10);
	put(s, 6, 0);
	assert_int_equal(spool_last(s), 12);
	/* What was acknowledged last is gone from the file too. */
	spool_acknowledge(s, 12);
	spool_close(s);
	s = open_spool(*state);
	assert_int_equal(spool_pending(s), 0);
	assert_int_equal(count(s, RECORD_ENDED, &last), 0);
	spool_close(s);
}

static void an_open_attempt_was_interrupted(void **state)
{
	struct spool *s = open_spool(*state);
	autoclean(attempt) struct attempt *a = make_attempt(1, 0), *back = NULL;
	struct msg_record r;
	size_t n;
	assert_int_equal(spool_begin(s, a, NULL), 0);
	spool_close(s);
	s = open_spool(*state);
	assert_int_equal(spool_end_interrupted(s, &n, NULL), 0);
	assert_int_equal(n, 1);
	assert_int_equal(spool_next(s, 1, &r, NULL), 0);
	assert_int_equal(r.kind, RECORD_ENDED);
	assert_int_equal(record_decode_attempt(r.body, r.body_size, &back, NULL), 0);
	assert_int_equal(attempt_verdict(back), VERDICT_INVALID);
	assert_string_equal(back->reasons[0].code, "agent-lost");
	assert_string_equal(back->run_key, a->run_key);
	free(r.body);
	assert_int_equal(spool_end_interrupted(s, &n, NULL), 0);
	assert_int_equal(n, 0); /* once */
	spool_close(s);
}

/* A child spools and tells each commit through a pipe; it is killed; all that it told is there. */
static void write_until_killed(const struct place *p, int fd)
{
	struct spool *s = open_spool(p);
	for (unsigned n = 0;; n++) {
		put(s, n, 1000);
		if (write(fd, &n, sizeof(n)) != sizeof(n))
			_exit(1);
	}
}

static void a_kill_loses_nothing(void **state)
{
	unsigned seed = (unsigned)time(NULL);
	unsigned told = 0;
	print_message("seed %u\n", seed);
	for (int round = 0; round < 8; round++) {
		int pipe_fds[2];
		unsigned n;
		assert_int_equal(pipe(pipe_fds), 0);
		pid_t child = fork();
		if (child == 0)
			write_until_killed(*state, pipe_fds[1]);
		close(pipe_fds[1]);
		nanosleep(
			&(struct timespec){.tv_nsec = 20000000 + (long)(rand_r(&seed) % 80000000)},
			NULL);
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		while (read(pipe_fds[0], &n, sizeof(n)) == sizeof(n))
			told++;
		close(pipe_fds[0]);
	}
	autoclean(spool) struct spool *s = open_spool(*state);
	uint64_t last;
	size_t ended = count(s, RECORD_ENDED, &last);
	assert_true(told > 0);
	assert_true(ended >= told);
	assert_true(ended <= told + 8); /* one a round may be committed and not yet told */
}

static void a_broken_spool_is_said(void **state)
{
	const struct place *p = *state;
	struct spool *s = NULL;
	struct err err = ERR_NONE;
	static const char rubbish[] = "this is a text and no database, long enough to be looked at "
				      "as a header of one hundred bytes or so; nothing is lost";
	assert_int_equal(file_write_atomic(p->path, rubbish, sizeof(rubbish), 0600, NULL), 0);
	assert_true(spool_open(p->path, &s, &err) < 0);
	assert_non_null(strstr(err.text, p->path));
	assert_null(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(records_come_back_in_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(chunks_make_the_bytes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(acknowledged_records_go, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_open_attempt_was_interrupted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_kill_loses_nothing, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_broken_spool_is_said, set_up, tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
