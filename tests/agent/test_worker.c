// SPDX-License-Identifier: GPL-3.0-or-later
/* The worker: jobs one at a time and in order, none lost and none twice, whatever is cancelled. */
#include <poll.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <time.h>

#include "agent/worker.h"
#include "tests/agent/run_bench.h"

enum { PATIENCE_MS = 20000 };

static atomic_int troubles, recoveries;

static void on_trouble(const struct err *err)
{
	if (err)
		troubles++;
	else
		recoveries++;
}

static struct worker *start(struct bench *b)
{
	struct worker *w = NULL;
	struct err err = ERR_NONE;
	struct run_env env = {
		.root = &b->root,
		.keeper = b->keeper,
		.spool = b->spool,
		.state_folder = b->folder,
		.hash_cache = b->hash_cache,
		.cancel_fd = -1,
	};
	troubles = recoveries = 0;
	if (worker_start(&env, on_trouble, &w, &err) < 0)
		fail_msg("%s", err.text);
	return w;
}

static void submit(struct worker *w, const char *command, unsigned n)
{
	worker_submit(w, &(struct worker_job){.spec = spec_of("fake", command, n)});
}

static void key_of(unsigned n, char ret[HASH_HEX_SIZE])
{
	hash_bytes(&n, sizeof(n), ret);
}

static struct worker_event next_event(struct worker *w)
{
	struct worker_event e = {0};
	struct pollfd p = {.fd = worker_event_fd(w), .events = POLLIN};
	while (!worker_next_event(w, &e))
		if (poll(&p, 1, PATIENCE_MS) <= 0)
			fail_msg("nothing came");
	return e;
}

/* Waits until run n has come to `state`; states of a run come in order. */
static void await(struct worker *w, unsigned n, enum run_state state)
{
	char key[HASH_HEX_SIZE];
	key_of(n, key);
	for (int last = -1;;) {
		struct worker_event e = next_event(w);
		if (strcmp(e.run_key, key) != 0)
			fail_msg("an event of another run: %s", run_state_name(e.state));
		assert_true((int)e.state > last);
		last = (int)e.state;
		if (e.state == state)
			return;
	}
}

static void await_idle(struct worker *w)
{
	for (int i = 0; i < PATIENCE_MS && worker_load(w); i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	assert_int_equal(worker_load(w), 0);
}

/* How run n ended, as the spool has it; counts its ends. */
static struct attempt *ended(struct bench *b, unsigned n, size_t *ret_count)
{
	struct attempt *found = NULL;
	struct msg_record r;
	char key[HASH_HEX_SIZE];
	key_of(n, key);
	*ret_count = 0;
	for (uint64_t at = 0; spool_next(b->spool, at, &r, NULL) == 0; at = r.sequence) {
		struct attempt *a = NULL;
		if (r.kind == RECORD_ENDED)
			assert_int_equal(record_decode_attempt(r.body, r.body_size, &a, NULL), 0);
		free(r.body);
		if (a && strcmp(a->run_key, key) == 0) {
			(*ret_count)++;
			attempt_free(found);
			found = take(a);
		}
		attempt_free(a);
	}
	return found;
}

static void assert_ended(struct bench *b, unsigned n, const char *code)
{
	size_t count;
	autoclean(attempt) struct attempt *a = ended(b, n, &count);
	assert_int_equal(count, 1);
	if (code[0])
		assert_non_null(reason_of(a, code));
	else
		assert_int_not_equal(attempt_verdict(a), VERDICT_INVALID);
}

static void jobs_come_in_order_and_once(void **state)
{
	enum { JOBS = 20 };
	autoclean(worker) struct worker *w = start(*state);
	for (unsigned i = 0; i < JOBS; i++)
		submit(w, i % 2 ? "print=x" : "exit=3", i);
	for (unsigned i = 0; i < JOBS; i++)
		await(w, i, RUN_SPOOLED);
	await_idle(w);
	for (unsigned i = 0; i < JOBS; i++)
		assert_ended(*state, i, i % 2 ? "" : "exit-status");
	assert_int_equal(troubles, 0);
}

/* One that runs ends as cancelled; the next one does not notice. */
static void cancelling_hits_only_its_run(void **state)
{
	autoclean(worker) struct worker *w = start(*state);
	char key[HASH_HEX_SIZE];
	submit(w, "hang", 1);
	submit(w, "print=x", 2);
	submit(w, "print=x", 3);
	await(w, 1, RUN_RUNNING);
	assert_int_equal(worker_load(w), 3);
	key_of(3, key);
	worker_cancel(w, key); /* waits: dropped */
	assert_int_equal(worker_load(w), 2);
	key_of(4, key);
	worker_cancel(w, key); /* nobody's */
	key_of(1, key);
	worker_cancel(w, key);
	worker_cancel(w, key); /* asked twice */
	await(w, 1, RUN_SPOOLED);
	worker_cancel(w, key); /* it is over */
	await(w, 2, RUN_SPOOLED);
	await_idle(w);
	size_t count;
	assert_ended(*state, 1, "cancelled");
	assert_ended(*state, 2, "");
	assert_null(ended(*state, 3, &count));
}

static void stopping_ends_what_runs(void **state)
{
	struct worker *w = start(*state);
	submit(w, "hang", 1);
	submit(w, "print=never", 2);
	await(w, 1, RUN_RUNNING);
	worker_stop(w);
	size_t count;
	assert_ended(*state, 1, "cancelled");
	assert_null(ended(*state, 2, &count));
	worker_stop(start(*state)); /* one that never had anything to do */
	worker_stop(NULL);
}

static void sql(struct bench *b, const char *text)
{
	sqlite3 *db;
	assert_int_equal(sqlite3_open(b->spool_path, &db), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	assert_int_equal(sqlite3_exec(db, text, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

/* A result that cannot be spooled waits in memory, is told of once, and is there in the end. */
static void a_result_waits_for_its_spool(void **state)
{
	autoclean(worker) struct worker *w = start(*state);
	submit(w, "print=x life_ms=200", 1);
	await(w, 1, RUN_RUNNING);
	sql(*state, "ALTER TABLE record RENAME TO away");
	await(w, 1, RUN_RESTORING);
	for (int i = 0; i < PATIENCE_MS && !troubles; i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	assert_int_equal(troubles, 1);
	assert_int_equal(recoveries, 0);
	for (int i = 0; i < PATIENCE_MS && !worker_is_stuck(w); i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	assert_true(worker_is_stuck(w));
	sql(*state, "ALTER TABLE away RENAME TO record");
	await(w, 1, RUN_SPOOLED);
	assert_int_equal(troubles, 1);
	assert_int_equal(recoveries, 1);
	assert_false(worker_is_stuck(w));
	assert_ended(*state, 1, "");
}

static void preflights_answer(void **state)
{
	autoclean(worker) struct worker *w = start(*state);
	struct worker_job job = {.preflight = true, .preflight_id = 7};
	job.spec = spec_of("fake", "jump", 1);
	worker_submit(w, &job);
	struct worker_event e = next_event(w);
	assert_int_equal(e.kind, WORKER_PREFLIGHT);
	assert_int_equal(e.reply.id, 7);
	assert_true(e.reply.n_problems > 0);
	assert_true(e.reply.problems[0].fatal);
	free(e.reply.problems);
	job.spec = spec_of("fake", "print=x", 1);
	job.preflight_id = 8;
	worker_submit(w, &job);
	worker_stop(take(w)); /* an answer that nobody collects is no leak */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(jobs_come_in_order_and_once), RUN_TEST(cancelling_hits_only_its_run),
		RUN_TEST(stopping_ends_what_runs),     RUN_TEST(a_result_waits_for_its_spool),
		RUN_TEST(preflights_answer),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
