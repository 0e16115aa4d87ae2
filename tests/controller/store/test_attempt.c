// SPDX-License-Identifier: GPL-3.0-or-later
/* Attempts and their results, over every row of store_backends. */
#include "tests/controller/store/lab.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static struct store_run run_at(struct lab *lab, size_t i)
{
	struct store_run *runs = NULL, run;
	struct err *err = lab->err;
	size_t n = 0;
	ASSERT_OK(lab->b->runs(lab->store, CAMPAIGN, &runs, &n, lab->err));
	assert_int_equal(n, 6);
	run = runs[i];
	assert_int_equal(run.position, i);
	assert_string_equal(run.label, i % 2 ? "debian" : "unikernel");
	store_runs_free(runs, n);
	run.cell = run.label = NULL;
	return run;
}

static void what_never_began_is_taken_back(void **state)
{
	LAB;
	const struct store_stream one = {"agent-1", EPOCH, 1};
	autoclean(attempt) struct attempt *a = sample_attempt(CAMPAIGN, 2, 1);
	uint32_t number = 0;
	bool again;
	ASSERT_OK(b->lease(s, CAMPAIGN, a->run_key, "agent-1", &number, err));
	ASSERT_OK(b->run_state(s, CAMPAIGN, a->run_key, RUN_PENDING, err));
	assert_int_equal(run_at(lab, 2).attempts, 0);
	ASSERT_OK(b->lease(s, CAMPAIGN, a->run_key, "agent-1", &number, err));
	assert_int_equal(number, 1); /* the number was free again */
	ASSERT_OK(b->begun(s, &one, a, FINGERPRINT, &again, err));
	ASSERT_OK(b->run_state(s, CAMPAIGN, a->run_key, RUN_PENDING, err));
	assert_int_equal(run_at(lab, 2).attempts, 1); /* one that began stays */
	ASSERT_OK(b->lease(s, CAMPAIGN, a->run_key, "agent-1", &number, err));
	assert_int_equal(number, 2);
}

static void a_run_lives(void **state)
{
	LAB;
	const struct store_stream one = {"agent-1", EPOCH, 1};
	autoclean(attempt) struct attempt *a = sample_attempt(CAMPAIGN, 2, 1);
	uint32_t number = 0;
	bool again = true;
	struct store_run run = run_at(lab, 2);
	assert_int_equal(run.state, RUN_PENDING);
	assert_int_equal(run.iteration, 1);
	assert_false(run.warmup);
	assert_false(run.ended);
	assert_true(run_at(lab, 0).warmup);

	ASSERT_OK(b->lease(s, CAMPAIGN, a->run_key, "agent-1", &number, err));
	assert_int_equal(number, 1);
	run = run_at(lab, 2);
	assert_int_equal(run.state, RUN_LEASED);
	assert_int_equal(run.attempts, 1);

	ASSERT_OK(b->begun(s, &one, a, FINGERPRINT, &again, err));
	assert_false(again);
	assert_int_equal(run_at(lab, 2).state, RUN_LEASED);
	assert_false(run_at(lab, 2).ended);

	ASSERT_OK(sample_end(s, CAMPAIGN, 2, 1, 2, VERDICT_INVALID, "agent-lost", &again, err));
	assert_false(again);
	run = run_at(lab, 2);
	assert_int_equal(run.state, RUN_DONE);
	assert_true(run.ended && run.lost);
	assert_int_equal(run.verdict, VERDICT_INVALID);

	ASSERT_OK(b->run_state(s, CAMPAIGN, a->run_key, RUN_PENDING, err));
	assert_int_equal(run_at(lab, 2).state, RUN_PENDING);
	ASSERT_OK(b->lease(s, CAMPAIGN, a->run_key, "agent-1", &number, err));
	assert_int_equal(number, 2);
	assert_true(run_at(lab, 2).lost); /* of the last that ended */
	ASSERT_OK(sample_end(s, CAMPAIGN, 2, 2, 3, VERDICT_FLAGGED, "noisy", &again, err));
	run = run_at(lab, 2);
	assert_int_equal(run.state, RUN_DONE);
	assert_int_equal(run.verdict, VERDICT_FLAGGED);
	assert_false(run.lost);
}

static int count_results(const struct store_result *result, void *arg)
{
	(void)result;
	++*(size_t *)arg;
	return 0;
}

static size_t results_now(struct lab *lab)
{
	size_t n = 0;
	struct err *err = lab->err;
	ASSERT_OK(lab->b->results(lab->store, CAMPAIGN, count_results, &n, lab->err));
	return n;
}

static void what_comes_again_is_ignored(void **state)
{
	LAB;
	bool again = true;
	uint64_t sequence = 99;
	ASSERT_OK(b->sequence(s, "agent-1", EPOCH, &sequence, err));
	assert_true(sequence == 0);
	ASSERT_OK(sample_end(s, CAMPAIGN, 1, 1, 5, VERDICT_VALID, NULL, &again, err));
	assert_false(again);
	assert_int_equal(results_now(lab), 3);
	ASSERT_OK(b->sequence(s, "agent-1", EPOCH, &sequence, err));
	assert_true(sequence == 5);

	/* the same record, and another record with a sequence of the past */
	ASSERT_OK(sample_end(s, CAMPAIGN, 1, 1, 5, VERDICT_VALID, NULL, &again, err));
	assert_true(again);
	ASSERT_OK(sample_end(s, CAMPAIGN, 3, 1, 4, VERDICT_VALID, NULL, &again, err));
	assert_true(again);
	assert_int_equal(results_now(lab), 3);

	/* the same attempt out of another spool: not doubled, but that stream goes on */
	const struct store_stream other = {"agent-1", "01HZZZZZZZZZZZZZZZZZZZEPC2", 7};
	autoclean(attempt) struct attempt *a = sample_attempt(CAMPAIGN, 1, 1);
	again = false;
	ASSERT_OK(b->ended(s, &other, a, FINGERPRINT, &again, err));
	assert_true(again);
	assert_int_equal(results_now(lab), 3);
	ASSERT_OK(b->sequence(s, other.agent, other.epoch, &sequence, err));
	assert_true(sequence == 7);
	/* and it cannot begin any more */
	const struct store_stream next = {"agent-1", EPOCH, 6};
	again = false;
	ASSERT_OK(b->begun(s, &next, a, FINGERPRINT, &again, err));
	assert_true(again);
	assert_int_equal(run_at(lab, 1).state, RUN_DONE);
}

static void strangers_write_nothing(void **state)
{
	LAB;
	const struct store_stream one = {"agent-1", EPOCH, 1};
	bool again;
	uint32_t number;
	uint64_t sequence = 99;
	assert_int_equal(sample_end(s, OTHER, 1, 1, 1, VERDICT_VALID, NULL, &again, err), -ENOENT);
	assert_int_equal(sample_end(s, CAMPAIGN, 77, 1, 1, VERDICT_VALID, NULL, &again, err),
			 -ENOENT);
	assert_int_equal(sample_end(s, CAMPAIGN, 1, 0, 1, VERDICT_VALID, NULL, &again, err),
			 -EBADMSG);
	assert_int_equal(b->lease(s, CAMPAIGN, FINGERPRINT, "a", &number, err), -ENOENT);
	assert_int_equal(b->run_state(s, CAMPAIGN, FINGERPRINT, RUN_DONE, err), -ENOENT);
	ASSERT_OK(b->sequence(s, "agent-1", EPOCH, &sequence, err));
	assert_true(sequence == 0);
	ASSERT_OK(b->skip_record(s, &one, err)); /* the caller has had enough of it */
	ASSERT_OK(b->sequence(s, "agent-1", EPOCH, &sequence, err));
	assert_true(sequence == 1);
	ASSERT_OK(sample_end(s, CAMPAIGN, 1, 1, 1, VERDICT_VALID, NULL, &again, err));
	assert_true(again);
}

static int see_attempt_number(const struct store_result *result, void *arg)
{
	uint32_t *number = arg;
	if (*number && *number != result->attempt)
		return -EDOM; /* two attempts of one run */
	*number = result->attempt;
	return 0;
}

static void one_attempt_stands_for_its_run(void **state)
{
	LAB;
	enum { V = VERDICT_VALID, F = VERDICT_FLAGGED, I = VERDICT_INVALID, NONE = -1 };
	static const struct {
		int verdicts[4];
		uint32_t expect;
		const char *why;
	} cases[] = {
		{{V, NONE, NONE, NONE}, 1, "the only one"},
		{{I, NONE, NONE, NONE}, 1, "an invalid one, if there is no other"},
		{{I, I, NONE, NONE}, 2, "of invalid ones the last"},
		{{I, V, NONE, NONE}, 2, "a valid one after an invalid one"},
		{{V, I, NONE, NONE}, 1, "a later invalid one does not take its place"},
		{{F, I, I, NONE}, 1, "flagged is usable"},
		{{V, F, I, NONE}, 2, "the last that is not invalid, be it flagged"},
		{{F, V, V, I}, 3, "the last usable of several"},
	};
	uint64_t sequence = 0;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char id[ULID_SIZE];
		uint32_t number = 0;
		bool again;
		snprintf(id, sizeof(id), "01J%023zu", i);
		ASSERT_OK(sample_create(s, id, 1, err));
		for (uint32_t k = 0; k < 4 && cases[i].verdicts[k] != NONE; k++) {
			enum verdict v = (enum verdict)cases[i].verdicts[k];
			ASSERT_OK(sample_end(s, id, 0, k + 1, ++sequence, v,
					     v == VERDICT_VALID ? NULL : "why", &again, err));
		}
		ASSERT_OK(b->results(s, id, see_attempt_number, &number, err));
		if (number != cases[i].expect)
			fail_msg("%s: attempt %u", cases[i].why, number);
	}
}

static void late_word_of_a_lost_agent(void **state)
{
	LAB;
	autoclean(attempt) struct attempt *lost = attempt_new();
	autoclean(attempt) struct attempt *a = sample_attempt(CAMPAIGN, 1, 1);
	const struct store_stream one = {"agent-1", EPOCH, 1};
	uint32_t number;
	bool again = true;
	STRCPY_FIXED(lost->campaign, CAMPAIGN);
	STRCPY_FIXED(lost->run_key, a->run_key);
	lost->attempt = 1;
	attempt_reason(lost, VERDICT_INVALID, "agent-lost", "silent for 5 m");
	ASSERT_OK(b->lease(s, CAMPAIGN, a->run_key, "agent-1", &number, err));
	ASSERT_OK(b->begun(s, &one, a, FINGERPRINT, &again, err));
	ASSERT_OK(b->ended(s, NULL, lost, NULL, &again, err));
	assert_false(again);
	assert_true(run_at(lab, 1).lost);
	again = false;
	ASSERT_OK(b->ended(s, NULL, lost, NULL, &again, err)); /* it may say so twice */
	assert_true(again);
	ASSERT_OK(b->lease(s, CAMPAIGN, a->run_key, "agent-2", &number, err));
	assert_int_equal(number, 2);

	/* The agent was only cut off, and its own record is the truth; the second try goes on. */
	ASSERT_OK(sample_end(s, CAMPAIGN, 1, 1, 2, VERDICT_VALID, NULL, &again, err));
	assert_false(again);
	assert_int_equal(run_at(lab, 1).state, RUN_LEASED);
	assert_int_equal(run_at(lab, 1).verdict, VERDICT_VALID);
	assert_false(run_at(lab, 1).lost);
	assert_int_equal(results_now(lab), 3);
}

struct seen_results {
	size_t n;
	struct err *err;
};

static int check_result(const struct store_result *r, void *arg)
{
	struct seen_results *seen = arg;
	assert_string_equal(r->campaign, CAMPAIGN);
	assert_string_equal(r->host, "epyc");
	assert_string_equal(r->axes, "{\"guest\":\"debian\"}");
	assert_int_equal(r->iteration, 1);
	assert_int_equal(r->attempt, 1);
	assert_false(r->warmup);
	assert_int_equal(r->verdict, VERDICT_FLAGGED);
	assert_string_equal(r->reasons,
			    "[\"noisy: because \\\"noisy\\\"\",\"odd: bad \xef\xbf\xbd byte\"]");
	switch (seen->n++) {
	case 0:
		assert_string_equal(r->window, "whole");
		assert_string_equal(r->metric, "wall");
		assert_string_equal(r->scope, "guest");
		assert_string_equal(r->unit, "ns");
		assert_string_equal(r->source, "clock");
		assert_true(r->present && r->value == 3001 && r->running_share == 1);
		break;
	case 1:
		assert_true(r->present && r->running_share == 0.5);
		break;
	case 2:
		assert_string_equal(r->metric, "energy/package");
		assert_false(r->present);
		assert_string_equal(r->note, "no RAPL on this machine");
		break;
	case 3:
	case 4:
		assert_false(r->present); /* NaN and infinity */
		assert_string_equal(r->note, "its value was not a finite number");
		break;
	default:
		fail_msg("%zu results", seen->n);
	}
	return 0;
}

static void results_are_as_they_came(void **state)
{
	LAB;
	const struct store_stream one = {"agent-1", EPOCH, 1};
	struct seen_results seen = {.err = err};
	bool again;
	autoclean(attempt) struct attempt *a = sample_attempt(CAMPAIGN, 3, 1);
	attempt_reading(a, "whole", "nan", "guest", "x", "t", (double)NAN);
	attempt_reading(a, "whole", "inf", "guest", "x", "t", (double)INFINITY);
	attempt_reason(a, VERDICT_FLAGGED, "noisy", "because \"%s\"", "noisy");
	attempt_reason(a, VERDICT_FLAGGED, "odd", "bad \xff byte");
	ASSERT_OK(b->ended(s, &one, a, FINGERPRINT, &again, err));
	ASSERT_OK(b->results(s, CAMPAIGN, check_result, &seen, err));
	assert_int_equal(seen.n, 5);
}

static int stop_after_two(const struct store_result *result, void *arg)
{
	(void)result;
	return ++*(int *)arg == 2 ? -ECANCELED : 0;
}

static void a_walk_ends_where_it_is_told(void **state)
{
	LAB;
	bool again;
	int n = 0;
	ASSERT_OK(sample_end(s, CAMPAIGN, 3, 1, 1, VERDICT_VALID, NULL, &again, err));
	assert_int_equal(b->results(s, CAMPAIGN, stop_after_two, &n, err), -ECANCELED);
	assert_int_equal(n, 2);
	assert_int_equal(results_now(lab), 3); /* and the next one begins at the start */
	assert_int_equal(b->results(s, OTHER, stop_after_two, &n, err), 0);
}

struct seen_attempts {
	size_t n;
	uint32_t attempt[8];
	bool ended[8];
	enum verdict verdict[8];
	char label[8][NAME_SIZE];
	char reasons[8][200];
	uint64_t begun_ns[8];
};

static int see_attempt(const struct store_attempt *a, void *arg)
{
	struct seen_attempts *seen = arg;
	size_t n = seen->n++;
	assert_true(n < 8);
	seen->attempt[n] = a->attempt;
	seen->ended[n] = a->ended;
	seen->verdict[n] = a->verdict;
	seen->begun_ns[n] = a->begun_ns;
	STRCPY_FIXED(seen->label[n], a->label);
	STRCPY_FIXED(seen->reasons[n], a->reasons);
	return 0;
}

static void attempts_are_listed(void **state)
{
	LAB;
	struct seen_attempts seen = {0};
	uint32_t number;
	bool again;
	char key[HASH_HEX_SIZE];
	sample_key(2, key);
	ASSERT_OK(sample_end(s, CAMPAIGN, 1, 1, 1, VERDICT_INVALID, "timeout", &again, err));
	ASSERT_OK(sample_end(s, CAMPAIGN, 1, 2, 2, VERDICT_VALID, NULL, &again, err));
	ASSERT_OK(b->lease(s, CAMPAIGN, key, "agent-1", &number, err));
	ASSERT_OK(b->attempts(s, CAMPAIGN, see_attempt, &seen, err));
	assert_int_equal(seen.n, 3);
	assert_string_equal(seen.label[0], "debian");
	assert_int_equal(seen.verdict[0], VERDICT_INVALID);
	assert_string_equal(seen.reasons[0], "[\"timeout: because \\\"timeout\\\"\"]");
	assert_int_equal(seen.attempt[1], 2);
	assert_true(seen.ended[1]);
	assert_int_equal(seen.verdict[1], VERDICT_VALID);
	assert_string_equal(seen.reasons[1], "[]");
	assert_true(seen.begun_ns[1] == 1700000000000000001);
	assert_string_equal(seen.label[2], "unikernel");
	assert_false(seen.ended[2]);
	assert_true(seen.begun_ns[2] == 0);
}

int main(void)
{
	static const struct lab_case cases[] = {
		{"what_never_began_is_taken_back", what_never_began_is_taken_back},
		{"a_run_lives", a_run_lives},
		{"what_comes_again_is_ignored", what_comes_again_is_ignored},
		{"strangers_write_nothing", strangers_write_nothing},
		{"one_attempt_stands_for_its_run", one_attempt_stands_for_its_run},
		{"late_word_of_a_lost_agent", late_word_of_a_lost_agent},
		{"results_are_as_they_came", results_are_as_they_came},
		{"a_walk_ends_where_it_is_told", a_walk_ends_where_it_is_told},
		{"attempts_are_listed", attempts_are_listed},
	};
	return lab_run("attempt", cases, ARRAY_SIZE(cases));
}
