// SPDX-License-Identifier: GPL-3.0-or-later
/* Kills a writer at any moment, again and again on one database: what it had said was committed is
 * there, whole and once; what was under way is there whole or not at all; and it can go on.
 *
 * SIGKILL shows that records are atomic. That they survive a power cut is synchronous = FULL, which
 * no test on one machine can show. */
#include "tests/controller/store/sample.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "controller/store/sqlite.h"

enum {
	ROUNDS = 30,
	LONGEST_US = 60000, /* from a writer's first commit to its end */
	RUNS = 20000,	    /* more than all rounds can end */
};

/* Records 3 i + 1, + 2, + 3 are: run i begins, its console, its end. */
static int write_record(struct store *s, uint64_t sequence, bool *again, struct err *err)
{
	const struct store_stream stream = {"agent-1", EPOCH, sequence};
	size_t i = (size_t)((sequence - 1) / 3);
	autoclean(attempt) struct attempt *a = sample_attempt(CAMPAIGN, i, 1);
	autofree char *console = xasprintf("this is run %zu\n", i);
	size_t size = strlen(console);
	attempt_artifact(a, "console", xstrdup(console), size);
	free(take(a->artifacts[0].bytes));
	if ((sequence - 1) % 3 == 0)
		return s->backend->begun(s, &stream, a, FINGERPRINT, again, err);
	if ((sequence - 1) % 3 == 1)
		return s->backend->blob_chunk(s, &stream, a->artifacts[0].sha256, size, 0, console,
					      size, again, err);
	return s->backend->ended(s, &stream, a, FINGERPRINT, again, err);
}

/* As an agent does after its controller came back: once more what may be known, then on. */
static void write_until_killed(const char *path, int said_fd)
{
	struct err err = ERR_NONE;
	struct store *s = NULL;
	uint64_t last = 0;
	bool again = false;
	if (store_open(path, false, &s, &err) < 0 ||
	    s->backend->sequence(s, "agent-1", EPOCH, &last, &err) < 0)
		_exit(2);
	if (last && (write_record(s, last, &again, &err) < 0 || !again))
		_exit(3);
	for (uint64_t next = last + 1;; next++) {
		if (write_record(s, next, &again, &err) < 0 || again)
			_exit(4);
		if (write(said_fd, &next, sizeof(next)) != sizeof(next))
			_exit(5);
	}
}

/* The last sequence that the writer said was committed. */
static uint64_t run_writer(const char *path, unsigned *seed)
{
	int said[2], status;
	uint64_t last = 0, next;
	assert_int_equal(pipe(said), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		close(said[0]);
		write_until_killed(path, said[1]);
	}
	close(said[1]);
	if (read(said[0], &last, sizeof(last)) == sizeof(last))
		usleep((useconds_t)((unsigned)rand_r(seed) % LONGEST_US));
	kill(child, SIGKILL);
	while (read(said[0], &next, sizeof(next)) == sizeof(next))
		last = next;
	close(said[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		fail_msg("the writer ended by itself: 0x%x", status);
	return last;
}

static int64_t count(struct store *s, const char *sql)
{
	sqlite3_stmt *row = NULL;
	sqlite3 *db = ((struct sqlite_store *)s)->db;
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &row, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(row), SQLITE_ROW);
	int64_t n = sqlite3_column_int64(row, 0);
	sqlite3_finalize(row);
	return n;
}

static uint64_t check(const char *path, uint64_t said)
{
	struct err space = ERR_NONE, *err = &space;
	autoclean(store) struct store *s = NULL;
	uint64_t last = 0;
	ASSERT_OK(store_open(path, false, &s, err));
	ASSERT_OK(s->backend->sequence(s, "agent-1", EPOCH, &last, err));
	assert_in_range(last, said, said + 1); /* one may have been killed before it could say so */
	int64_t begun = (int64_t)(last + 2) / 3, blobs = (int64_t)(last + 1) / 3,
		ended = (int64_t)last / 3;
	assert_int_equal(count(s, "SELECT count(*) FROM attempt"), begun);
	assert_int_equal(count(s, "SELECT count(*) FROM blob"), blobs);
	assert_int_equal(count(s, "SELECT count(*) FROM blob_part"), 0);
	assert_int_equal(count(s, "SELECT count(*) FROM attempt WHERE state = 'ended'"), ended);
	assert_int_equal(count(s, "SELECT count(*) FROM run WHERE state = 'done'"), ended);
	assert_int_equal(count(s, "SELECT count(*) FROM reading"), 3 * ended);
	assert_int_equal(count(s, "SELECT count(*) FROM results"), 2 * ended);
	assert_int_equal(count(s, "SELECT count(DISTINCT run_key) FROM results"), ended);
	assert_int_equal(count(s, "SELECT count(*) FROM artifacts WHERE missing"), 0);
	assert_int_equal(count(s, "SELECT count(*) FROM fact WHERE attempt_id IS NOT NULL"), begun);
	assert_int_equal(count(s, "SELECT count(*) FROM pragma_integrity_check"
				  " WHERE integrity_check = 'ok'"),
			 1);
	assert_int_equal(count(s, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	return last;
}

static void killed_writers_lose_nothing(void **state)
{
	struct err space = ERR_NONE, *err = &space;
	autofolder char *folder = sample_folder();
	autofree char *path = file_join(folder, "db");
	struct store *s = NULL;
	unsigned seed = (unsigned)time(NULL);
	uint64_t last = 0;
	(void)state;
	print_message("seed %u\n", seed);
	ASSERT_OK(store_open(path, true, &s, err));
	ASSERT_OK(sample_create(s, CAMPAIGN, RUNS, err));
	store_close(s);
	for (int i = 0; i < ROUNDS; i++) {
		uint64_t said = run_writer(path, &seed);
		assert_true(said > last);
		last = check(path, said);
	}
	print_message("%d writers killed, %llu records kept\n", ROUNDS, (unsigned long long)last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(killed_writers_lose_nothing)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
