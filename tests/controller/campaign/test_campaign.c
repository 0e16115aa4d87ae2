// SPDX-License-Identifier: GPL-3.0-or-later
/* A campaign with an agent that this test plays, over real sockets and into every store: whatever
 * happens on the way, each planned run has one accepted result, and was measured once. */
#include "controller/campaign/campaign.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "proto/base/file.h"
#include "tests/controller/campaign/fake_agent.h"

enum { CELLS = 2, ITERATIONS = 3, WARMUPS = 1, RUNS = CELLS * (ITERATIONS + WARMUPS) };

static const char recipe_text[] = "assay: 1\n"
				  "name: scripted\n"
				  "axes: {guest: [one, two]}\n"
				  "guests:\n"
				  "  one: {driver: process, command: [/bin/true]}\n"
				  "  two: {driver: process, command: [/bin/false]}\n"
				  "runs: {iterations: 3, warmup: 1, seed: 7, timeout: 20s}\n";

struct world {
	char folder[64];
	char *control, *bulk;
	struct key_pair controller, agent;
	struct store *store;
	struct recipe *recipe;
	struct fake_agent fake;
	struct campaign_outcome outcome;
	struct err err;
	size_t problems; /* that the preflight said */
	char notes[4000];
};

static void on_planned(void *arg, const char *id, size_t runs)
{
	(void)arg;
	assert_int_equal(strlen(id), ULID_SIZE - 1);
	assert_int_equal(runs, RUNS);
}

static void on_progress(void *arg, const struct campaign_progress *p)
{
	(void)arg;
	assert_int_equal(p->planned, RUNS);
	assert_true(p->done <= p->planned && p->invalid <= p->done);
}

static void on_note(void *arg, const char *sentence)
{
	struct world *w = arg;
	size_t used = strlen(w->notes);
	snprintf(w->notes + used, sizeof(w->notes) - used, "%s\n", sentence);
}

static const struct campaign_listener listener = {
	.planned = on_planned,
	.progress = on_progress,
	.note = on_note,
};

static struct recipe *parse(char *const *sets)
{
	struct recipe *recipe = NULL;
	struct recipe_errors errors = {0};
	struct recipe_options options = {.sets = sets, .runs = -1};
	if (recipe_parse("scripted.yaml", recipe_text, strlen(recipe_text), &options, &recipe,
			 &errors) < 0)
		fail_msg("%s", errors.n ? errors.items[0].text : "?");
	recipe_errors_done(&errors);
	return recipe;
}

static int set_up(void **state)
{
	const struct store_backend *backend = *state;
	struct world *w = xcalloc(1, sizeof(*w));
	struct err err = ERR_NONE;
	*state = w;
	STRCPY_FIXED(w->folder, "/tmp/assay-campaign-XXXXXX");
	if (!mkdtemp(w->folder))
		return -1;
	setenv("ASSAY_HOME", w->folder, 1);
	autofree char *keys = file_join(w->folder, "keys");
	autofree char *where = backend == &store_memory
				       ? xstrdup("memory:")
				       : xasprintf("%s%s/db", backend->scheme, w->folder);
	w->control = xasprintf("ipc://%s/control", w->folder);
	w->bulk = xasprintf("ipc://%s/bulk", w->folder);
	if (keys_load_or_make(keys, "controller", &w->controller, &err) < 0 ||
	    keys_load_or_make(keys, "agent", &w->agent, &err) < 0 ||
	    store_open(where, true, &w->store, &err) < 0)
		fail_msg("%s", err.text);
	w->recipe = parse(NULL);
	w->fake.control = w->control;
	w->fake.bulk = w->bulk;
	w->fake.keys = &w->agent;
	w->fake.controller_key = w->controller.public_key;
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	fake_done(&w->fake);
	store_close(w->store);
	recipe_free(w->recipe);
	file_remove_tree(w->folder, NULL);
	free(w->control);
	free(w->bulk);
	free(w);
	return 0;
}

static int run(struct world *w, const char *resume)
{
	struct submission submission = {.path = w->folder, .runs = -1};
	struct recipe_errors errors = {0};
	struct campaign_options options = {
		.recipe = w->recipe,
		.submission = &submission,
		.store = w->store,
		.where = "unused",
		.resume = resume,
		.listener = &listener,
		.arg = w,
		.control = w->control,
		.bulk = w->bulk,
	};
	w->err = ERR_NONE;
	fake_start(&w->fake);
	int r = campaign_run(&options, &w->outcome, &errors, &w->err);
	fake_stop(&w->fake);
	w->problems = errors.n;
	recipe_errors_done(&errors);
	return r;
}

static void run_well(struct world *w, const char *resume)
{
	if (run(w, resume) < 0)
		fail_msg("%s", w->err.text);
}

static int count_attempt(const struct store_attempt *a, void *arg)
{
	assert_true(a->ended);
	++*(size_t *)arg;
	return 0;
}

static int count_wall(const struct store_result *r, void *arg)
{
	assert_string_equal(r->metric, "wall");
	assert_int_equal(r->verdict, VERDICT_VALID);
	++*(size_t *)arg;
	return 0;
}

/* Every run once: planned, measured, stored, accepted; and no attempt is left open. */
static void assert_complete(struct world *w, size_t attempts)
{
	const struct store_backend *b = w->store->backend;
	struct store_run *runs;
	struct store_campaign stored = {0};
	size_t n, n_attempts = 0, n_walls = 0;
	assert_int_equal(w->outcome.planned, RUNS);
	assert_int_equal(w->outcome.done, RUNS);
	assert_int_equal(w->outcome.invalid, 0);
	assert_int_equal(b->runs(w->store, w->outcome.id, &runs, &n, NULL), 0);
	assert_int_equal(n, RUNS);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(runs[i].state, RUN_DONE);
		assert_true(runs[i].ended);
		assert_int_equal(runs[i].verdict, VERDICT_VALID);
	}
	store_runs_free(runs, n);
	assert_int_equal(b->attempts(w->store, w->outcome.id, count_attempt, &n_attempts, NULL), 0);
	assert_int_equal(n_attempts, attempts);
	assert_int_equal(b->results(w->store, w->outcome.id, count_wall, &n_walls, NULL), 0);
	assert_int_equal(n_walls, RUNS);
	assert_int_equal(w->fake.n_measured, RUNS);
	for (size_t i = 0; i < RUNS; i++)
		assert_int_equal(w->fake.measured[i].times, 1);
	assert_int_equal(b->campaign(w->store, w->outcome.id, &stored, NULL), 0);
	assert_int_equal(stored.state, CAMPAIGN_DONE);
	store_campaign_done(&stored);
}

static const struct scenario {
	enum mishap mishap;
	size_t at;
	bool stutter;
	size_t attempts;
	const char *why;
} scenarios[] = {
	{NOTHING_HAPPENS, 0, false, RUNS, "a quiet day"},
	{NOTHING_HAPPENS, 0, true, RUNS, "messages are repeated: each counts once"},
	{DIES_ASKED, 0, false, RUNS, "nothing was planned yet: it is asked again"},
	{DIES_WITH_OFFERS, 0, false, RUNS, "what never began is no attempt"},
	{DIES_WITH_OFFERS, 4, false, RUNS, "the same in the middle"},
	{DIES_BEGUN, 3, false, RUNS + 1, "the attempt is lost, and says so; the run has another"},
	{DIES_BEGUN, RUNS - 1, false, RUNS + 1, "the same with the last run"},
	{DIES_ENDED, 2, false, RUNS, "the result is in the spool: nothing is measured again"},
	{DIES_ENDED, RUNS - 1, false, RUNS, "the same with the last run"},
	{DIES_UNACKNOWLEDGED, 2, false, RUNS, "the result comes twice"},
	{DIES_UNACKNOWLEDGED, 2, true, RUNS, "the result comes four times"},
	{LOSES_SPOOL, 1, false, RUNS + 1, "nobody knows of the attempt: the controller closes it"},
};

static void each_run_has_one_result(void **state)
{
	const struct store_backend *backend = *state;
	for (size_t i = 0; i < ARRAY_SIZE(scenarios); i++) {
		const struct scenario *s = &scenarios[i];
		void *world = (void *)(uintptr_t)backend;
		print_message("  %s\n", s->why);
		assert_int_equal(set_up(&world), 0);
		struct world *w = world;
		w->fake.mishap = s->mishap;
		w->fake.at = s->at;
		w->fake.stutter = s->stutter;
		run_well(w, NULL);
		assert_complete(w, s->attempts);
		tear_down(&world);
	}
}

static void a_cancelled_run_is_measured_on_resuming(void **state)
{
	struct world *w = *state;
	w->fake.mishap = CTRL_C;
	w->fake.at = 3;
	run_well(w, NULL);
	assert_true(w->outcome.interrupted);
	assert_int_equal(w->outcome.done, 3);
	char id[ULID_SIZE];
	STRCPY_FIXED(id, w->outcome.id);
	run_well(w, id);
	assert_false(w->outcome.interrupted);
	assert_complete(w, RUNS + 1);
}

/* The result was in the spool when the campaign ended: it is taken from there, not made again. */
static void a_result_that_nobody_heard_of_is_not_measured_again(void **state)
{
	struct world *w = *state;
	w->fake.mishap = CTRL_C_AND_LEAVES;
	w->fake.at = 3;
	run_well(w, NULL);
	assert_true(w->outcome.interrupted);
	assert_int_equal(w->outcome.done, 3);
	char id[ULID_SIZE];
	STRCPY_FIXED(id, w->outcome.id);
	run_well(w, id);
	assert_complete(w, RUNS);
}

static void a_run_that_is_always_lost_is_given_up(void **state)
{
	struct world *w = *state;
	w->fake.mishap = DIES_ALWAYS;
	run_well(w, NULL);
	assert_int_equal(w->outcome.done, RUNS);
	/* iteration 0 of each cell, as a warm-up and as a run */
	assert_int_equal(w->outcome.invalid, 2 * CELLS);
	assert_int_equal(w->fake.n_measured, RUNS - 2 * CELLS);
	assert_non_null(strstr(w->notes, "lost 3 times; given up"));
}

static void an_unreadable_result_is_measured_on_resuming(void **state)
{
	struct world *w = *state;
	w->fake.mishap = SENDS_GARBAGE;
	w->fake.at = 2;
	assert_int_equal(run(w, NULL), -EBADMSG);
	assert_non_null(strstr(w->err.text, "cannot be read"));
	char id[ULID_SIZE];
	STRCPY_FIXED(id, w->outcome.id);
	run_well(w, id);
	assert_complete(w, RUNS + 1);
}

static void what_the_host_cannot_do_is_said(void **state)
{
	struct world *w = *state;
	w->fake.objects = true;
	assert_int_equal(run(w, NULL), -EINVAL);
	assert_int_equal(w->problems, 1); /* once, not once a cell */
	assert_string_equal(w->outcome.id, "");
}

/* A store whose disk is full for as long as `full` says, at one function. */
static const struct store_backend *real;
static size_t full_after; /* calls that still succeed */

static int full_ended(struct store *s, const struct store_stream *stream, const struct attempt *a,
		      const char *host, bool *ret_again, struct err *err)
{
	if (!full_after)
		return err_say(err, ENOSPC, "the disk is full");
	full_after--;
	return real->ended(s, stream, a, host, ret_again, err);
}

static int full_lease(struct store *s, const char *campaign, const char *key, const char *agent,
		      uint32_t *ret, struct err *err)
{
	if (!full_after)
		return err_say(err, ENOSPC, "the disk is full");
	full_after--;
	return real->lease(s, campaign, key, agent, ret, err);
}

static int full_create(struct store *s, const struct store_campaign *c, struct store_run *runs,
		       size_t n, struct err *err)
{
	(void)s;
	(void)c;
	(void)runs;
	(void)n;
	return err_say(err, ENOSPC, "the disk is full");
}

static void a_plan_that_cannot_be_stored_ends_in_words(void **state)
{
	struct world *w = *state;
	struct store_backend full = *w->store->backend;
	real = w->store->backend;
	full.create = full_create;
	w->store->backend = &full;
	assert_int_equal(run(w, NULL), -ENOSPC);
	w->store->backend = real;
	assert_string_equal(w->outcome.id, "");
	assert_int_equal(w->fake.begins, 0);
}

static void a_full_disk_loses_no_result(void **state)
{
	struct world *w = *state;
	real = w->store->backend;
	struct store_backend full = *real;
	full.ended = full_ended;
	w->store->backend = &full;
	full_after = 2;
	int r = run(w, NULL);
	w->store->backend = real;
	assert_int_equal(r, -ENOSPC);
	assert_int_equal(w->outcome.done, 2);
	char id[ULID_SIZE];
	STRCPY_FIXED(id, w->outcome.id);
	run_well(w, id);
	assert_complete(w, RUNS);
}

static void a_full_disk_gives_out_no_run(void **state)
{
	struct world *w = *state;
	real = w->store->backend;
	struct store_backend full = *real;
	full.lease = full_lease;
	w->store->backend = &full;
	full_after = 4;
	int r = run(w, NULL);
	w->store->backend = real;
	assert_int_equal(r, -ENOSPC);
	char id[ULID_SIZE];
	STRCPY_FIXED(id, w->outcome.id);
	run_well(w, id);
	for (size_t i = 0; i < RUNS; i++)
		assert_int_equal(w->fake.measured[i].times, 1);
	assert_int_equal(w->outcome.done, RUNS);
}

static int full_run_state(struct store *s, const char *campaign, const char *key,
			  enum store_run_state state, struct err *err)
{
	(void)s;
	(void)campaign;
	(void)key;
	(void)state;
	return err_say(err, ENOSPC, "the disk is full");
}

/* The end of a lost attempt is stored, and then the controller cannot even say that the run is to
 * be tried again: resuming opens it again. */
static void a_lost_run_that_looks_done_is_opened_again(void **state)
{
	struct world *w = *state;
	struct store_run *runs;
	size_t n, looks_done = 0;
	real = w->store->backend;
	struct store_backend full = *real;
	full.run_state = full_run_state;
	w->store->backend = &full;
	w->fake.mishap = DIES_BEGUN;
	w->fake.at = 3;
	int r = run(w, NULL);
	w->store->backend = real;
	assert_int_equal(r, -ENOSPC);
	char id[ULID_SIZE];
	STRCPY_FIXED(id, w->outcome.id);
	assert_int_equal(real->runs(w->store, id, &runs, &n, NULL), 0);
	for (size_t i = 0; i < n; i++)
		looks_done += runs[i].state == RUN_DONE && runs[i].lost;
	store_runs_free(runs, n);
	assert_int_equal(looks_done, 1);
	run_well(w, id);
	assert_complete(w, RUNS + 1);
}

static void a_campaign_whose_runs_changed_is_not_resumed(void **state)
{
	struct world *w = *state;
	w->fake.mishap = CTRL_C;
	w->fake.at = 3;
	run_well(w, NULL);
	char id[ULID_SIZE];
	STRCPY_FIXED(id, w->outcome.id);
	char set[] = "guests.one.command=[/bin/echo]";
	char *sets[] = {set, NULL};
	recipe_free(w->recipe);
	w->recipe = parse(sets);
	assert_int_equal(run(w, id), -ESTALE);
	assert_non_null(strstr(w->err.text, "cannot go on"));
	assert_string_equal(w->outcome.id, "");
	recipe_free(w->recipe);
	w->recipe = parse(NULL);
	run_well(w, id); /* and nothing was spoiled */
	assert_complete(w, RUNS + 1);
}

static int run_on(const struct store_backend *backend)
{
	void *b = (void *)(uintptr_t)backend;
#define CASE(name) cmocka_unit_test_prestate_setup_teardown(name, set_up, tear_down, b)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(each_run_has_one_result, b),
		CASE(a_cancelled_run_is_measured_on_resuming),
		CASE(a_result_that_nobody_heard_of_is_not_measured_again),
		CASE(a_run_that_is_always_lost_is_given_up),
		CASE(an_unreadable_result_is_measured_on_resuming),
		CASE(what_the_host_cannot_do_is_said),
		CASE(a_plan_that_cannot_be_stored_ends_in_words),
		CASE(a_full_disk_loses_no_result),
		CASE(a_full_disk_gives_out_no_run),
		CASE(a_lost_run_that_looks_done_is_opened_again),
		CASE(a_campaign_whose_runs_changed_is_not_resumed),
	};
	print_message("into %s\n", backend->name);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(void)
{
	int failed = 0;
	for (size_t i = 0; store_backends[i]; i++)
		failed += run_on(store_backends[i]);
	return failed;
}
