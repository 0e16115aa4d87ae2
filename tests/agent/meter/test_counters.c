// SPDX-License-Identifier: GPL-3.0-or-later
/* What becomes of the values: the arithmetic of a window, groups, refusals, flags. The counters
 * are the fake source's, so every number is known. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/meter/counters.h"
#include "tests/agent/meter/tree.h"

#define MS 1000000ull

static const struct {
	const char *why;
	struct counter_value from, to;
	enum count_state state;
	double value, share;
} windows[] = {
	{"all the time", {100, 1 * MS, 1 * MS, 0}, {350, 3 * MS, 3 * MS, 0}, COUNT_EXACT, 250, 1},
	{"half the time", {0, 0, 0, 0}, {100, 10 * MS, 5 * MS, 0}, COUNT_SCALED, 200, 0.5},
	{"the shares of the window, not of the whole run",
	 {1000, 100 * MS, 10 * MS, 0},
	 {1100, 120 * MS, 30 * MS, 0},
	 COUNT_EXACT,
	 100,
	 1},
	{"and the other way round",
	 {1000, 100 * MS, 100 * MS, 0},
	 {1100, 120 * MS, 105 * MS, 0},
	 COUNT_SCALED,
	 400,
	 0.25},
	{"never on the PMU is not 0",
	 {5, 10 * MS, 1 * MS, 0},
	 {5, 20 * MS, 1 * MS, 0},
	 COUNT_NOT_COUNTED,
	 0,
	 0},
	{"nothing ran is 0",
	 {5, 10 * MS, 10 * MS, 0},
	 {5, 10 * MS, 10 * MS, 0},
	 COUNT_NOT_RUNNING,
	 0,
	 1},
	{"2 us less in a short window is equal",
	 {0, 0, 0, 0},
	 {7, 100000, 98000, 0},
	 COUNT_EXACT,
	 7,
	 1},
	{"3 us less is not", {0, 0, 0, 0}, {970, 100000, 97000, 0}, COUNT_SCALED, 1000, 0.97},
	{"1e-4 less in a long window is equal",
	 {0, 0, 0, 0},
	 {7, 10000 * MS, 9999 * MS, 0},
	 COUNT_EXACT,
	 7,
	 1},
	{"values past 2^53 keep their difference",
	 {1ull << 60, 0, 0, 0},
	 {(1ull << 60) + 3, 1 * MS, 1 * MS, 0},
	 COUNT_EXACT,
	 3,
	 1},
	{"a failed read at the start", {0, 0, 0, EIO}, {5, 1, 1, 0}, COUNT_BROKEN, 0, 0},
	{"a failed read at the end", {5, 1, 1, 0}, {0, 0, 0, ECHILD}, COUNT_BROKEN, 0, 0},
	{"a value that went back", {9, 1, 1, 0}, {5, 2, 2, 0}, COUNT_BROKEN, 0, 0},
	{"a time that went back", {5, 2, 2, 0}, {9, 1, 1, 0}, COUNT_BROKEN, 0, 0},
};

static void windows_are_differences(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
		struct count c;
		count_between(&windows[i].from, &windows[i].to, &c);
		if (c.state != windows[i].state || fabs(c.value - windows[i].value) > 1e-9 ||
		    (c.state != COUNT_BROKEN && fabs(c.share - windows[i].share) > 1e-9) ||
		    (c.state == COUNT_BROKEN) != (c.error != 0))
			fail_msg("%s: state %d value %g share %g error %d", windows[i].why, c.state,
				 c.value, c.share, c.error);
	}
}

/* ---- whole sets of counters ---- */

struct set {
	struct tree tree;
	struct counters *counters;
	struct counter_value *from, *to;
	struct attempt *attempt;
};

static void add_fake_pmu(struct tree *t, const char *pmu, const char *type)
{
	static const char *const formats[][2] = {
		{"n", "config:0-63"}, {"share", "config1:0-7"}, {"refuse", "config2:0-7"}};
	char path[100];
	snprintf(path, sizeof(path), TREE_PMU "%s/type", pmu);
	tree_write(t, path, "%s", type);
	for (size_t i = 0; i < ARRAY_SIZE(formats); i++) {
		snprintf(path, sizeof(path), TREE_PMU "%s/format/%s", pmu, formats[i][0]);
		tree_write(t, path, "%s", formats[i][1]);
	}
}

/* Two snapshots; the fake grows by `n` from one read to the next. */
static void open_set(struct set *s, char *const *names)
{
	struct err err = ERR_NONE;
	*s = (struct set){.attempt = attempt_new()};
	tree_open(&s->tree);
	add_fake_pmu(&s->tree, "fake", "90");
	tree_write(&s->tree, TREE_PMU "fake/events/scaled", "n=1000");
	tree_write(&s->tree, TREE_PMU "fake/events/scaled.scale", "0.5");
	tree_write(&s->tree, TREE_PMU "fake/events/scaled.unit", "MiB");
	tree_write(&s->tree, TREE_PMU "fake/events/level", "n=10");
	tree_write(&s->tree, TREE_PMU "fake/events/level.snapshot", "1");
	add_fake_pmu(&s->tree, "fakecpu", "91");
	tree_write(&s->tree, TREE_PMU "fakecpu/cpus", "0-3");
	add_fake_pmu(&s->tree, "fakebox_0", "92");
	tree_write(&s->tree, TREE_PMU "fakebox_0/cpumask", "0,4");
	add_fake_pmu(&s->tree, "fakebox_1", "93");
	tree_write(&s->tree, TREE_PMU "fakebox_1/cpumask", "0,4");
	if (counters_open(&counter_fake, &s->tree.root, names, &s->counters, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(counters_slots(s->counters), 0);
	counters_attach(s->counters, 1);
	size_t n = counters_slots(s->counters);
	s->from = xcalloc(n, sizeof(*s->from));
	s->to = xcalloc(n, sizeof(*s->to));
	counters_read(s->counters, s->from);
	counters_read(s->counters, s->to);
	counters_report(s->counters, "bench", s->from, s->to, s->attempt);
	counters_report_flags(s->counters, s->attempt);
}

static void close_set(struct set *s)
{
	counters_close(s->counters);
	free(s->from);
	free(s->to);
	attempt_free(s->attempt);
	tree_close(&s->tree);
}

#define NAMES(...)                        \
	(char *[])                        \
	{                                 \
		__VA_ARGS__, (char *)NULL \
	}
#define NAME(s) ((char[]){s})

static void each_event_gives_one_row(void **state)
{
	struct set s;
	(void)state;
	open_set(&s, NAMES(NAME("fake/n=5/"), NAME("fake/n=7,share=50/"), NAME("fake/scaled/"),
			   NAME("fake/level/"), NAME("fake/n=1,share=255/"), NAME("gone/x/")));
	const struct reading *r = s.attempt->readings;
	assert_int_equal(s.attempt->n_readings, 6);
	assert_true(r[0].present && r[0].value == 5 && r[0].running_share == 1);
	assert_string_equal(r[0].metric, "fake/n=5/");
	assert_string_equal(r[0].window, "bench");
	assert_string_equal(r[0].scope, "guest");
	assert_true(r[1].present && r[1].value == 14 && r[1].running_share == 0.5);
	assert_non_null(strstr(r[1].note, "50 % of the time"));
	assert_true(r[2].present && r[2].value == 500);
	assert_string_equal(r[2].unit, "MiB");
	assert_true(r[3].present && r[3].value == 10); /* its level at the end, not the growth */
	assert_false(r[4].present);
	assert_non_null(strstr(r[4].note, "never had a free counter"));
	assert_false(r[5].present);
	assert_non_null(strstr(r[5].note, "no PMU gone"));
	assert_int_equal(attempt_verdict(s.attempt), VERDICT_VALID);
	close_set(&s);
}

/* Five events, a group holds four: the fifth leads a second one, nothing is lost. */
static void a_full_group_is_split(void **state)
{
	struct set s;
	(void)state;
	open_set(&s, NAMES(NAME("fake/n=1/"), NAME("fake/n=2/"), NAME("fake/n=3/"),
			   NAME("fake/n=4/"), NAME("fake/n=5/"), NAME("fake/n=6/")));
	for (size_t i = 0; i < 6; i++)
		assert_true(s.attempt->readings[i].value == (double)(i + 1));
	assert_string_equal(s.attempt->facts[0].name, "counters.groups");
	assert_string_equal(s.attempt->facts[0].value, "2");
	close_set(&s);
}

/* Two instances with two packages each: four counters, one number, of the host. */
static void machine_wide_instances_are_summed(void **state)
{
	struct set s;
	(void)state;
	open_set(&s, NAMES(NAME("fakebox/n=3/"), NAME("fakebox_1/n=4,share=50/")));
	assert_int_equal(counters_slots(s.counters), 6);
	assert_true(s.attempt->readings[0].value == 12);
	assert_string_equal(s.attempt->readings[0].scope, "host");
	assert_true(s.attempt->readings[1].value == 16); /* 2 packages, each 4 in half the time */
	assert_true(s.attempt->readings[1].running_share == 0.5);
	/* no time passed: of a guest that would be a true 0, a machine's counter does not count */
	counters_report(s.counters, "stuck", s.from, s.from, s.attempt);
	assert_false(s.attempt->readings[2].present);
	close_set(&s);
}

static void refusals_are_absent_with_a_remedy(void **state)
{
	struct set s;
	(void)state;
	open_set(&s, NAMES(NAME("fake/n=1,refuse=24/"), NAME("fakebox/n=1,refuse=13/"),
			   NAME("fake/n=1,refuse=2/"), NAME("fake/n=9/")));
	const struct reading *r = s.attempt->readings;
	assert_false(r[0].present || r[1].present || r[2].present);
	assert_non_null(strstr(r[0].note, "LimitNOFILE")); /* EMFILE */
	assert_non_null(strstr(r[1].note, "perf_event_paranoid is 2"));
	assert_non_null(strstr(r[1].note, "counts the whole machine"));
	assert_non_null(strstr(r[2].note, "virtual machine")); /* ENOENT, and no core PMU there */
	assert_true(r[3].present && r[3].value == 9);
	close_set(&s);
}

/* perf_event_paranoid 2: without the kernel's part, and said so. */
static void falls_back_to_user_space(void **state)
{
	struct set s;
	(void)state;
	open_set(&s, NAMES(NAME("fakecpu/n=6,refuse=13/"), NAME("fake/n=1/")));
	assert_true(s.attempt->readings[0].present && s.attempt->readings[0].value == 6);
	assert_non_null(strstr(s.attempt->readings[0].note, "user space only"));
	assert_false(s.attempt->readings[1].note[0]); /* its PMU takes no such bit */
	assert_int_equal(s.attempt->n_reasons, 1);
	assert_string_equal(s.attempt->reasons[0].code, "counters-user-only");
	assert_int_equal(attempt_verdict(s.attempt), VERDICT_FLAGGED);
	close_set(&s);
}

/* What happens in the kernel only would be a silent 0; a clock loses nothing. */
static void user_space_alone_leaves_no_false_zero(void **state)
{
	struct set s;
	(void)state;
	open_set(&s, NAMES(NAME("fakecpu/n=6,refuse=13/"), NAME("context-switches"),
			   NAME("task-clock")));
	assert_false(s.attempt->readings[1].present);
	assert_non_null(strstr(s.attempt->readings[1].note, "not allowed"));
	assert_true(s.attempt->readings[2].present);
	assert_false(s.attempt->readings[2].note[0]);
	close_set(&s);
}

static void little_counted_is_flagged_once(void **state)
{
	struct set s;
	(void)state;
	open_set(&s, NAMES(NAME("fake/n=6,share=20/"), NAME("fake/n=6,share=10/")));
	assert_int_equal(s.attempt->n_reasons, 1);
	assert_string_equal(s.attempt->reasons[0].code, "counters-multiplexed");
	assert_true(fabs(s.attempt->readings[1].value - 60) < 1e-9);
	close_set(&s);
}

static void reports_what_was_not_seen(void **state)
{
	struct set s;
	(void)state;
	open_set(&s, NAMES(NAME("fake/n=6/"), NAME("gone/x/")));
	counters_report_absent(s.counters, "boot", "never came", s.attempt);
	assert_int_equal(s.attempt->n_readings, 4);
	assert_string_equal(s.attempt->readings[2].note, "never came");
	assert_string_equal(s.attempt->readings[2].window, "boot");
	assert_non_null(strstr(s.attempt->readings[3].note, "no PMU gone"));
	close_set(&s);
}

/* On a hybrid CPU the times of both kinds add up: running less than enabled is no multiplexing. */
static void alternatives_are_not_scaled(void **state)
{
	struct set s;
	(void)state;
	s = (struct set){.attempt = attempt_new()};
	tree_open(&s.tree);
	add_fake_pmu(&s.tree, "cpu_core", "4");
	tree_write(&s.tree, TREE_PMU "cpu_core/cpus", "0-3");
	add_fake_pmu(&s.tree, "cpu_atom", "10");
	tree_write(&s.tree, TREE_PMU "cpu_atom/cpus", "4-5");
	/* bus-cycles is config 6: the fake grows by 6 + (type << 32) on each kind */
	assert_int_equal(counters_open(&counter_fake, &s.tree.root, NAMES(NAME("bus-cycles")),
				       &s.counters, NULL),
			 0);
	counters_attach(s.counters, 1);
	assert_int_equal(counters_slots(s.counters), 2);
	struct counter_value from[2] = {{100, 50 * MS, 20 * MS, 0}, {7, 50 * MS, 30 * MS, 0}};
	struct counter_value to[2] = {{160, 60 * MS, 24 * MS, 0}, {47, 60 * MS, 36 * MS, 0}};
	counters_report(s.counters, "w", from, to, s.attempt);
	assert_true(s.attempt->readings[0].value == 100);
	assert_true(s.attempt->readings[0].running_share == 1);
	assert_non_null(strstr(s.attempt->readings[0].note, "2 kinds of cores"));
	to[1].running_ns = 31 * MS; /* in 5 of 10 ms neither counted: that is multiplexing */
	counters_report(s.counters, "w", from, to, s.attempt);
	assert_true(s.attempt->readings[1].value == 200);
	assert_true(s.attempt->readings[1].running_share == 0.5);
	close_set(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(windows_are_differences),
		cmocka_unit_test(each_event_gives_one_row),
		cmocka_unit_test(a_full_group_is_split),
		cmocka_unit_test(machine_wide_instances_are_summed),
		cmocka_unit_test(refusals_are_absent_with_a_remedy),
		cmocka_unit_test(falls_back_to_user_space),
		cmocka_unit_test(user_space_alone_leaves_no_false_zero),
		cmocka_unit_test(little_counted_is_flagged_once),
		cmocka_unit_test(reports_what_was_not_seen),
		cmocka_unit_test(alternatives_are_not_scaled),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
