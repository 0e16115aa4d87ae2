// SPDX-License-Identifier: GPL-3.0-or-later
/* test_model - which values reach a number, in which order cells and windows stand, what is
 * compared with what. */
#include "controller/report/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>

#include "proto/base/text.h"
#include "tests/controller/report/rows.h"

static struct report_model *model_of(const struct rows *rows)
{
	struct err err = ERR_NONE;
	struct report_model *model = model_new(&rows->campaign);
	for (size_t i = 0; i < rows->n_runs; i++)
		model_add_run(model, &rows->runs[i]);
	for (size_t i = 0; i < rows->n_attempts; i++)
		model_add_attempt(model, &rows->attempts[i]);
	model_seal(model);
	for (size_t i = 0; i < rows->n_results; i++)
		assert_int_equal(model_add_result(model, &rows->results[i], &err), 0);
	model_finish(model);
	return model;
}

static const struct model_row *row_of(const struct report_model *model, const char *window,
				      const char *metric)
{
	for (size_t i = 0; i < model->n_rows; i++)
		if (strcmp(model->rows[i]->window, window) == 0 &&
		    strcmp(model->rows[i]->metric, metric) == 0)
			return model->rows[i];
	fail_msg("there is no %s/%s", window, metric);
	return NULL;
}

static void assert_counts(const struct run_counts *c, size_t planned, size_t valid, size_t flagged,
			  size_t invalid, size_t missing, size_t warmups)
{
	assert_int_equal(c->planned, planned);
	assert_int_equal(c->valid, valid);
	assert_int_equal(c->flagged, flagged);
	assert_int_equal(c->invalid, invalid);
	assert_int_equal(c->missing, missing);
	assert_int_equal(c->warmups, warmups);
}

static void test_counts(void **state)
{
	(void)state;
	struct rows rows;
	rows_make(&rows);
	automodel struct report_model *model = model_of(&rows);
	assert_int_equal(model->n_cells, 2);
	assert_int_equal(model->n_blocks, 1);
	assert_string_equal(model->cells[0]->value, "debian"); /* the baseline is first */
	assert_true(model->cells[0]->baseline);
	assert_counts(&model->cells[0]->runs, 10, 8, 0, 1, 1, 1);
	assert_counts(&model->cells[1]->runs, 10, 9, 1, 0, 0, 1);
	assert_counts(&model->totals, 20, 17, 1, 1, 1, 2);
	rows_done(&rows);
}

/* Warm-ups are 1e12 and invalid attempts 9e12 in the rows: one of them would be the maximum. */
static void test_warmups_and_invalid_stay_out(void **state)
{
	(void)state;
	struct rows rows;
	rows_make(&rows);
	automodel struct report_model *model = model_of(&rows);
	const struct model_row *wall = row_of(model, "bench", "wall");
	assert_int_equal(wall->values[0].n, 8);
	assert_int_equal(wall->values[1].n, 10); /* the flagged one counts */
	assert_true(wall->values[0].estimate.max < 0.13e9);
	assert_true(wall->values[1].estimate.max < 0.05e9);
	assert_false(wall->values[0].compared);
	assert_true(wall->values[1].compared);
	assert_true(fabs(wall->values[1].comparison.ratio - 0.3706) < 0.0001);
	rows_done(&rows);
}

static void test_order_of_rows(void **state)
{
	(void)state;
	static const char *const expected[] = {
		"bench wall",	       "bench cycles",	       "bench cache-misses",
		"bench branch-misses", "bench energy/package", "bench treebench/ops",
		"whole wall",	       "whole rss/peak",       "whole page-faults",
	};
	struct rows rows;
	rows_make(&rows);
	/* The whole run comes first in some stores, and is last all the same. */
	struct store_result first = rows.results[0];
	for (size_t i = 0; i < rows.n_results; i++)
		if (strcmp(rows.results[i].metric, "rss/peak") == 0) {
			rows.results[0] = rows.results[i];
			rows.results[i] = first;
			break;
		}
	automodel struct report_model *model = model_of(&rows);
	assert_string_equal(model->windows[0], "bench");
	assert_string_equal(model->windows[1], "whole");
	assert_null(model->windows[2]);
	assert_int_equal(model->n_rows, ARRAY_SIZE(expected));
	assert_string_equal(model->rows[0]->window, "bench");
	assert_string_equal(model->rows[6]->metric, "rss/peak"); /* as first seen */
	rows_done(&rows);
	rows_make(&rows);
	automodel struct report_model *plain = model_of(&rows);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		autofree char *name = xasprintf("%s %s", plain->rows[i]->window,
						plain->rows[i]->metric);
		assert_string_equal(name, expected[i]);
	}
	rows_done(&rows);
}

static void test_absent(void **state)
{
	(void)state;
	struct rows rows;
	rows_make(&rows);
	automodel struct report_model *model = model_of(&rows);
	const struct model_row *misses = row_of(model, "bench", "cache-misses");
	assert_int_equal(misses->n, 0);
	assert_int_equal(misses->values[0].absent, 8);
	assert_int_equal(misses->values[1].absent, 10);
	assert_true(isnan(misses->values[0].estimate.mean));
	assert_int_equal(model->n_absents, 3);
	assert_string_equal(model->absents[2]->metric, "treebench/ops");
	assert_false(model->absents[2]->cells[0]);
	assert_true(model->absents[2]->cells[1]);
	assert_string_equal(model->absents[2]->windows[0], "bench");
	assert_null(model->absents[2]->windows[1]);
	rows_done(&rows);
}

static void test_multiplexed(void **state)
{
	(void)state;
	struct rows rows;
	rows_make(&rows);
	automodel struct report_model *model = model_of(&rows);
	assert_true(fabs(row_of(model, "bench", "cycles")->values[0].running_share - 0.72) < 1e-9);
	assert_true(row_of(model, "bench", "wall")->values[0].running_share == 1);
	rows_done(&rows);
}

#define ONE "{}"

static void start(struct rows *rows)
{
	*rows = (struct rows){0};
	STRCPY_FIXED(rows->campaign.id, "01J8XM7ZK3V9Q0R1S2T3V4W5X6");
	rows->campaign.name = (char *)(uintptr_t) "small";
}

static void test_last_fit_attempt_counts(void **state)
{
	(void)state;
	static const struct {
		enum verdict verdicts[3];
		uint32_t order[3];
		double value; /* 0: none */
		const char *why;
	} cases[] = {
		{{VERDICT_VALID, VERDICT_VALID, VERDICT_VALID}, {1, 2, 3}, 3, "the last one"},
		{{VERDICT_VALID, VERDICT_VALID, VERDICT_VALID}, {3, 1, 2}, 3, "in any order"},
		{{VERDICT_VALID, VERDICT_FLAGGED, VERDICT_INVALID}, {1, 2, 3}, 2, "the fit one"},
		{{VERDICT_VALID, VERDICT_INVALID, VERDICT_INVALID}, {1, 2, 3}, 1, "the first"},
		{{VERDICT_INVALID, VERDICT_INVALID, VERDICT_INVALID}, {1, 2, 3}, 0, "none is"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct rows rows;
		start(&rows);
		const char *key = rows_run(&rows, ONE, 0, false);
		for (int a = 0; a < 3; a++) {
			uint32_t number = cases[i].order[a];
			rows_attempt(&rows, key, ONE, "h", 0, number, cases[i].verdicts[number - 1],
				     "[]");
			rows_result(&rows, "whole", "wall", "ns", number);
		}
		automodel struct report_model *model = model_of(&rows);
		if (cases[i].value == 0) {
			assert_int_equal(model->n_rows, 0);
			assert_int_equal(model->totals.invalid, 1);
		} else if (model->n_rows != 1 || model->rows[0]->values[0].n != 1 ||
			   model->rows[0]->values[0].values[0] != cases[i].value) {
			fail_msg("%s", cases[i].why);
		}
		rows_done(&rows);
	}
}

static void test_hostile_rows(void **state)
{
	(void)state;
	struct rows rows;
	struct store_result *r;
	start(&rows);
	const char *key = rows_run(&rows, "not json", 0, false);
	rows_attempt(&rows, key, "not json", NULL, 0, 1, VERDICT_FLAGGED, "not json");
	rows_result(&rows, "whole", "wall", "ns", 1);
	rows_result(&rows, "whole", "wall", "ns", 2); /* twice */
	rows_result(&rows, "whole", "huge", "ns", (double)INFINITY);
	r = rows_result(&rows, "whole", "late", "ns", 3);
	r->attempt = 2; /* ended after the attempts were read */
	r = rows_result(&rows, "whole", "shared", "ns", 3);
	r->running_share = 0;
	automodel struct report_model *model = model_of(&rows);
	assert_int_equal(model->n_rows, 3);
	assert_int_equal(row_of(model, "whole", "wall")->values[0].n, 1);
	assert_int_equal(row_of(model, "whole", "huge")->values[0].n, 0);
	assert_string_equal(model->absents[0]->note, "its value is not a finite number");
	assert_true(row_of(model, "whole", "shared")->values[0].running_share == 1);
	assert_non_null(model->attempts[0]->reasons[0]);
	assert_string_equal(model->cells[0]->coords[0].name, "axes");
	rows_done(&rows);
}

#define AXES(guest, memory) "{\"guest\":\"" guest "\",\"memory\":" memory "}"

static void add_cell(struct rows *rows, const char *axes, const char *host)
{
	for (uint32_t i = 0; i < 2; i++) {
		const char *key = rows_run(rows, axes, i, false);
		if (!host)
			continue;
		rows_attempt(rows, key, axes, host, i, 1, VERDICT_VALID, "[]");
		rows_result(rows, "whole", "wall", "ns", 100 + i);
	}
}

static void test_blocks(void **state)
{
	(void)state;
	struct rows rows;
	start(&rows);
	rows.campaign.compare_axis = (char *)(uintptr_t) "guest";
	rows.campaign.compare_baseline = (char *)(uintptr_t) "qemu";
	add_cell(&rows, AXES("firecracker", "\"1G\""), "b");
	add_cell(&rows, AXES("qemu", "\"1G\""), "b");
	add_cell(&rows, AXES("qemu", "\"512M\""), "a");
	add_cell(&rows, AXES("firecracker", "\"512M\""), "a");
	add_cell(&rows, AXES("qemu", "\"1G\""), "a");
	add_cell(&rows, AXES("firecracker", "\"1G\""), "a");
	static const char *const expected[] = {
		"0 guest=qemu memory=512M on a", "0 guest=firecracker memory=512M on a",
		"1 guest=qemu memory=1G on a",	 "1 guest=firecracker memory=1G on a",
		"2 guest=qemu memory=1G on b",	 "2 guest=firecracker memory=1G on b",
	};
	automodel struct report_model *model = model_of(&rows);
	assert_int_equal(model->n_cells, 6);
	assert_int_equal(model->n_blocks, 3);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		autofree char *label = model_cell_label(model, model->cells[i]);
		autofree char *line = xasprintf("%zu %s", model->cells[i]->block, label);
		assert_string_equal(line, expected[i]);
		assert_int_equal(model->rows[0]->values[i].compared, i % 2);
	}
	autofree char *block = model_block_label(model, 1);
	assert_string_equal(block, "memory=1G on a");
	rows_done(&rows);
}

static void test_values_of_axes(void **state)
{
	(void)state;
	struct rows rows;
	start(&rows);
	rows.campaign.compare_axis = (char *)(uintptr_t) "memory"; /* no baseline: the first */
	add_cell(&rows, AXES("a", "10"), "h");
	add_cell(&rows, AXES("a", "9"), "h");
	add_cell(&rows, AXES("a", "true"), "h");
	automodel struct report_model *model = model_of(&rows);
	assert_string_equal(model->cells[0]->value, "9");
	assert_string_equal(model->cells[1]->value, "10");
	assert_string_equal(model->cells[2]->value, "true");
	assert_true(model->cells[0]->baseline);
	rows_done(&rows);
}

/* Runs that were never tried know no host: they count where their cell is. */
static void test_untried(void **state)
{
	(void)state;
	struct rows rows;
	start(&rows);
	add_cell(&rows, AXES("a", "1"), "h");
	rows_run(&rows, AXES("a", "1"), 2, false);
	add_cell(&rows, AXES("b", "1"), NULL);
	automodel struct report_model *model = model_of(&rows);
	assert_int_equal(model->n_cells, 2);
	assert_string_equal(model->cells[1]->host, "h"); /* there is no other */
	assert_counts(&model->cells[0]->runs, 3, 2, 0, 0, 1, 0);
	assert_counts(&model->cells[1]->runs, 2, 0, 0, 0, 2, 0);
	rows_done(&rows);
}

static void test_empty(void **state)
{
	(void)state;
	struct rows rows;
	start(&rows);
	automodel struct report_model *model = model_of(&rows);
	assert_int_equal(model->n_cells, 0);
	assert_int_equal(model->n_rows, 0);
	assert_counts(&model->totals, 0, 0, 0, 0, 0, 0);
	model_free(NULL);
	rows_done(&rows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_warmups_and_invalid_stay_out),
		cmocka_unit_test(test_order_of_rows),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_multiplexed),
		cmocka_unit_test(test_last_fit_attempt_counts),
		cmocka_unit_test(test_hostile_rows),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_values_of_axes),
		cmocka_unit_test(test_untried),
		cmocka_unit_test(test_empty),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
