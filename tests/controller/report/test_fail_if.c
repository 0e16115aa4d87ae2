// SPDX-License-Identifier: GPL-3.0-or-later
/* test_fail_if - the language of --fail-if and what it says of a campaign. */
#include "controller/report/fail_if.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

#include "controller/report/report.h"
#include "tests/controller/report/rows.h"

static const struct {
	const char *text;
	struct fail_if expected;
	const char *why;
} good[] = {
	{"bench/wall > 1.05", {"bench", "wall", "", FAIL_ABOVE, 1.05}, "as the header says"},
	{"bench/wall>=1", {"bench", "wall", "", FAIL_AT_LEAST, 1}, "blanks are not needed"},
	{"  whole/energy/package/net  <\t0.9 ",
	 {"whole", "energy/package/net", "", FAIL_BELOW, 0.9},
	 "the window is the first part; the metric keeps its slashes"},
	{"bench/wall of unikernel <= .5",
	 {"bench", "wall", "unikernel", FAIL_AT_MOST, 0.5},
	 "one value"},
	{"bench/wall of my guest, v2 > 2",
	 {"bench", "wall", "my guest, v2", FAIL_ABOVE, 2},
	 "values may have blanks"},
	{"bench/of > -1", {"bench", "of", "", FAIL_ABOVE, -1}, "a metric may be named of"},
};

static void test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		const struct fail_if *e = &good[i].expected;
		struct fail_if found;
		struct err err = ERR_NONE;
		if (fail_if_parse(good[i].text, &found, &err) < 0)
			fail_msg("%s: %s", good[i].why, err.text);
		assert_string_equal(found.window, e->window);
		assert_string_equal(found.metric, e->metric);
		assert_string_equal(found.value, e->value);
		assert_int_equal(found.op, e->op);
		assert_true(found.limit == e->limit);
		assert_int_equal(report_fail_if(good[i].text, &err), 0);
	}
}

#define LONG "a23456789b123456789c123456789d123456789e123456789f123456789g1234"

static const struct {
	const char *text, *place, *why;
} bad[] = {
	{"", "character 1: it is empty", "nothing"},
	{"   ", "character 4: it is empty", "blanks"},
	{"bench/wall", "character 11: there is no '>'", "no operator"},
	{"bench/wall = 1", "character 15: there is no '>'", "an operator that is none"},
	{"wall > 1", "character 1: there is no '/'", "no window"},
	{"/wall > 1", "character 1: the window has no name", "an empty window"},
	{"bench/ > 1", "character 7: the metric has no name", "an empty metric"},
	{"bench/wall >", "character 13: the number is missing", "no number"},
	{"bench/wall > x", "character 14: this is not a number", "not a number"},
	{"bench/wall > 1.05x", "character 14: this is not a number", "text after it"},
	{"bench/wall > nan", "character 14: this is not a number", "NaN is no limit"},
	{"bench/wall > inf", "character 14: this is not a number", "nor is infinity"},
	{"bench/wall => 1", "character 12: unexpected text", "the operator turned round"},
	{"bench/wall > > 1", "character 14: this is not a number", "two operators"},
	{"bench/wall for x > 1", "character 12: unexpected text", "a word that is not of"},
	{"bench/wall of > 1", "character 14: there is no value after", "of without a value"},
	{LONG "/wall > 1", "character 1: the name is too long", "a window of 64 characters"},
	{"bench/wall of " LONG " > 1", "character 15: the value is too long", "a long value"},
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct fail_if found = {.limit = 42};
		struct err err = ERR_NONE;
		if (fail_if_parse(bad[i].text, &found, &err) != -EINVAL)
			fail_msg("%s: taken", bad[i].why);
		if (!strstr(err.text, bad[i].place) || !strstr(err.text, "expected WINDOW/METRIC"))
			fail_msg("%s: '%s'", bad[i].why, err.text);
		assert_true(found.limit == 42);
	}
}

static struct report_model *model_of(const struct rows *rows)
{
	struct report_model *model = model_new(&rows->campaign);
	for (size_t i = 0; i < rows->n_runs; i++)
		model_add_run(model, &rows->runs[i]);
	for (size_t i = 0; i < rows->n_attempts; i++)
		model_add_attempt(model, &rows->attempts[i]);
	model_seal(model);
	for (size_t i = 0; i < rows->n_results; i++)
		assert_int_equal(model_add_result(model, &rows->results[i], NULL), 0);
	model_finish(model);
	return model;
}

/* In the rows: bench/wall 0.3706 [0.3668, 0.3743], energy 0.981 [0.931, 1.034], page-faults
 * 0.04; treebench/ops is absent in the unikernel. */
static const struct {
	const char *text;
	int code; /* of the judgement */
	size_t judged, unjudged, holding;
	const char *detail; /* part of it, or of the error */
	const char *why;
} judged[] = {
	{"bench/wall > 0.36", 0, 1, 0, 1, "unikernel / debian is 0.3706", "past it"},
	{"bench/wall > 0.37", 0, 1, 0, 0, "unikernel / debian", "inside the interval"},
	{"bench/wall > 0.38", 0, 1, 0, 0, "unikernel / debian", "below"},
	{"bench/wall < 0.38", 0, 1, 0, 1, "unikernel / debian", "past it"},
	{"bench/wall < 0.37", 0, 1, 0, 0, "unikernel / debian", "inside the interval"},
	{"bench/wall of unikernel < 0.38", 0, 1, 0, 1, "[0.3668, 0.3743]", "that value"},
	{"bench/energy/package > 0.9", 0, 1, 0, 1, "0.981", "of the host, where no guest has it"},
	{"bench/energy/package > 1", 0, 1, 0, 0, "0.981", "noise"},
	{"whole/rss/peak >= 0.1875", 0, 1, 0, 1, "0.1875", "equal, no spread"},
	{"whole/rss/peak > 0.1875", 0, 1, 0, 0, "0.1875", "equal, no spread"},
	{"whole/rss/peak <= 0.1875", 0, 1, 0, 1, "0.1875", "equal, no spread"},
	{"bench/treebench/ops > 0", 0, 0, 1, 0, "fewer than two", "no ratio: not judged"},
	{"boot/wall > 1", -ENOENT, 0, 0, 0, "no window 'boot'; it has bench, whole", "window"},
	{"bench/wal > 1", -ENOENT, 0, 0, 0, "no metric 'wal'; it has wall, cycles", "metric"},
	{"bench/wall of x > 1", -ENOENT, 0, 0, 0, "'x'; it has unikernel", "value"},
	{"bench/wall of debian > 1", -ENOENT, 0, 0, 0, "'debian'; it has unikernel",
	 "the baseline is compared with nothing"},
};

static void test_judged(void **state)
{
	(void)state;
	struct rows rows;
	rows_make(&rows);
	automodel struct report_model *model = model_of(&rows);
	for (size_t i = 0; i < ARRAY_SIZE(judged); i++) {
		struct fail_if condition;
		struct fail_result result;
		struct err err = ERR_NONE;
		assert_int_equal(fail_if_parse(judged[i].text, &condition, &err), 0);
		int code = fail_if_judge(&condition, model, &result, &err);
		const char *detail = code < 0 ? err.text : result.detail;
		if (code != judged[i].code || result.judged != judged[i].judged ||
		    result.unjudged != judged[i].unjudged || result.holding != judged[i].holding ||
		    !strstr(detail, judged[i].detail))
			fail_msg("%s (%s): code %d, judged %zu, unjudged %zu, holding %zu: %s",
				 judged[i].text, judged[i].why, code, result.judged,
				 result.unjudged, result.holding, detail);
	}
	rows_done(&rows);
}

static void test_nothing_to_judge(void **state)
{
	(void)state;
	struct rows rows;
	struct fail_if condition;
	struct fail_result result;
	struct err err = ERR_NONE;
	assert_int_equal(fail_if_parse("bench/wall > 1", &condition, &err), 0);
	rows_make(&rows);
	rows.n_attempts = rows.n_results = 0;
	automodel struct report_model *untried = model_of(&rows);
	assert_int_equal(fail_if_judge(&condition, untried, &result, &err), 0);
	assert_int_equal(result.holding + result.judged, 0);
	rows_done(&rows);
	rows_make(&rows);
	rows.campaign.compare_axis = NULL;
	automodel struct report_model *plain = model_of(&rows);
	assert_int_equal(fail_if_judge(&condition, plain, &result, &err), -EINVAL);
	assert_non_null(strstr(err.text, "compare"));
	rows_done(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_judged),
		cmocka_unit_test(test_nothing_to_judge),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
