// SPDX-License-Identifier: GPL-3.0-or-later
/* What a right recipe says: its head, its defaults, what was set, and where keys stand. */
#include "tests/controller/recipe/recipe_help.h"

#include <errno.h>
#include <stdio.h>

static void test_defaults(void **state)
{
	(void)state;
	autorecipe struct recipe *r = parse(HEAD GUEST);
	const struct recipe_head *h = recipe_head(r);
	assert_string_equal(h->name, "x");
	assert_string_equal(h->path, "r");
	assert_string_equal(h->text, HEAD GUEST);
	assert_int_equal(h->iterations, 10);
	assert_int_equal(h->warmup, 1);
	assert_int_equal(h->order, ORDER_BLOCKS);
	assert_int_equal(h->seed, 0);
	assert_int_equal(h->retries, 2);
	assert_null(h->compare_axis);
	assert_null(h->compare_baseline);
	assert_null(h->hosts_expression);
	assert_int_equal(h->n_checks, 0);
	assert_int_equal(h->n_parses, 0);
	assert_null(h->axes[0]);
}

static void test_head(void **state)
{
	(void)state;
	autorecipe struct recipe *r = parse(
		HEAD GUEST "axes: {guest: [a], n: [1, 2]}\n"
			   "params: {n: 7, word: 'a.b'}\n"
			   "runs: {iterations: '{param.n}', warmup: 0, order: random, seed: "
			   "9223372036854775807, retries: 0}\n"
			   "compare: {axis: n, baseline: 2}\n"
			   "hosts: {each: energy.package and kvm}\n"
			   "windows: {bench: {from: start, to: exit}}\n"
			   "checks:\n"
			   "  same: {console: 'result ([0-9a-f]{64})'}\n"
			   "  word: {console: 'w {param.word}{2}', equals: '{param.n}'}\n"
			   "parse: {ops: {regex: 'ops: (\\d+)', metric: rate, unit: 1/s, window: "
			   "bench}}\n");
	const struct recipe_head *h = recipe_head(r);
	assert_int_equal(h->iterations, 7);
	assert_int_equal(h->warmup, 0);
	assert_int_equal(h->order, ORDER_RANDOM);
	assert_true(h->seed == INT64_MAX);
	assert_int_equal(h->retries, 0);
	assert_string_equal(h->compare_axis, "n");
	assert_string_equal(h->compare_baseline, "2");
	assert_string_equal(h->hosts_expression, "energy.package and kvm");
	assert_true(h->hosts_each);
	assert_int_equal(h->n_checks, 2);
	assert_string_equal(h->checks[0].name, "same");
	assert_string_equal(h->checks[0].pattern, "result ([0-9a-f]{64})");
	assert_null(h->checks[0].equals);
	assert_string_equal(h->checks[1].pattern, "w a\\.b{2}"); /* matched as it is */
	assert_string_equal(h->checks[1].equals, "7");
	assert_int_equal(h->n_parses, 1);
	assert_string_equal(h->parses[0].name, "ops");
	assert_string_equal(h->parses[0].parser, "regex");
	assert_string_equal(h->parses[0].metric, "rate");
	assert_string_equal(h->parses[0].pattern, "ops: (\\d+)");
	assert_string_equal(h->parses[0].unit, "1/s");
	assert_string_equal(h->parses[0].window, "bench");
	assert_string_equal(h->axes[0], "guest");
	assert_string_equal(h->axes[1], "n");
	assert_null(h->axes[2]);
}

static void test_parse_window_is_whole_unless_said(void **state)
{
	(void)state;
	autorecipe struct recipe *r = parse(HEAD GUEST
					    "parse: {p: {regex: '(x)', metric: m, unit: ms}}\n"
					    "hosts: {any: kvm}\n");
	assert_string_equal(recipe_head(r)->parses[0].window, "whole");
	assert_false(recipe_head(r)->hosts_each);
	assert_string_equal(recipe_head(r)->hosts_expression, "kvm");
}

static void test_sets(void **state)
{
	static const char yaml[] = HEAD GUEST "runs: {iterations: 3}\naxes: {guest: [a]}\n";
	autostrv char **sets = SETS("runs.iterations=5", "runs.retries=9", "compare.axis=guest",
				    "axes.n=[1, 2]", "axes.n.1=7", "axes.n.2=8",
				    "host.cpus.guest=2");
	struct recipe_options options = {.sets = sets, .runs = -1};
	(void)state;
	autorecipe struct recipe *r = parse_as("r", yaml, &options);
	automatrix struct matrix m = {0};
	cells(r, NULL, &m);
	assert_int_equal(recipe_head(r)->iterations, 5);
	assert_int_equal(recipe_head(r)->retries, 9);
	assert_string_equal(recipe_head(r)->compare_axis, "guest");
	assert_int_equal(m.n, 3);
	assert_string_equal(m.cells[1].axes, "{\"guest\":\"a\",\"n\":7}");
	assert_string_equal(m.cells[2].label, "a, n=8");
	assert_int_equal(m.cells[0].spec->place.guest_cores, 2);
	assert_string_equal(recipe_head(r)->text,
			    HEAD GUEST "runs: {iterations: 3}\naxes: {guest: [a]}\n"
				       "\n# --- set on the command line ---\n"
				       "# --set runs.iterations=5\n"
				       "# --set runs.retries=9\n"
				       "# --set compare.axis=guest\n"
				       "# --set axes.n=[1, 2]\n"
				       "# --set axes.n.1=7\n"
				       "# --set axes.n.2=8\n"
				       "# --set host.cpus.guest=2\n");
}

static void test_runs_replaces_iterations(void **state)
{
	autostrv char **sets = SETS("runs.iterations=5");
	struct recipe_options options = {.sets = sets, .runs = 2};
	(void)state;
	autorecipe struct recipe *r = parse_as("r", HEAD GUEST, &options);
	assert_int_equal(recipe_head(r)->iterations, 2);
}

/* A campaign stores the text and what was set; parsed again, both are as before. */
static void test_text_of_a_resumed_campaign(void **state)
{
	autostrv char **sets = SETS("runs.retries=9");
	struct recipe_options options = {.sets = sets, .runs = 2};
	(void)state;
	autorecipe struct recipe *first = parse_as("r", HEAD GUEST, &options);
	autorecipe struct recipe *again = parse_as("r", recipe_head(first)->text, &options);
	assert_string_equal(recipe_head(again)->text, recipe_head(first)->text);
	assert_int_equal(recipe_head(again)->retries, 9);
}

struct wrong_set {
	const char *why;
	const char *set;
	int64_t runs;
	const char *expected;
};

static const struct wrong_set wrong_sets[] = {
	{"no value", "runs.iterations", -1,
	 "--set runs.iterations: has no value; write --set KEY=VALUE\n"},
	{"an unknown key", "runs.iteratons=3", -1,
	 "--set runs.iteratons: unknown key 'iteratons' in runs; did you mean 'iterations'?\n"},
	{"a wrong value", "runs.iterations=ten", -1,
	 "--set runs.iterations: runs.iterations: found 'ten', expected a whole number from 1 to "
	 "1000000\n"},
	{"an empty value", "runs.iterations=", -1,
	 "--set runs.iterations: runs.iterations: found nothing, expected a whole number from 1 to "
	 "1000000\n"},
	{"not YAML", "axes.n=[1", -1,
	 "--set axes.n: not YAML: flow sequence without a closing bracket; it was opened at 1:1\n"},
	{"through a scalar", "name.x=1", -1, "--set name.x: there is 'x' before 'x', not a map\n"},
	{"past the end of a list", "guests.a.command.5=1", -1,
	 "--set guests.a.command.5: '5' is no place in a list of 1; they count from 0, and 1 "
	 "appends\n"},
	{"an empty part", "runs..x=1", -1, "--set runs..x: the key has an empty part\n"},
	{"no key", "=1", -1, "--set : the key has an empty part\n"},
	{"too deep", "a.b.c.d.e.f.g.h.i=1", -1,
	 "--set a.b.c.d.e.f.g.h.i: the key has more than 8 parts\n"},
	{"two lines", "description=a\nb", -1, "--set description: must be one line\n"},
	{"no runs", "runs.retries=1", 0,
	 "--runs: runs.iterations: found '0', expected a whole number from 1 to 1000000\n"},
};

static void test_wrong_sets(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(wrong_sets); i++) {
		autostrv char **sets = SETS(wrong_sets[i].set);
		struct recipe_options options = {.sets = sets, .runs = wrong_sets[i].runs};
		struct recipe_errors errors = {0};
		struct recipe *recipe = NULL;
		print_message("%s\n", wrong_sets[i].why);
		assert_int_equal(recipe_parse("r", HEAD GUEST, strlen(HEAD GUEST), &options,
					      &recipe, &errors),
				 -EINVAL);
		autofree char *said = said_take(&errors);
		assert_string_equal(said, wrong_sets[i].expected);
		assert_null(recipe);
	}
}

static void test_errors_of_the_file_come_first(void **state)
{
	autostrv char **sets = SETS("bbb=1");
	struct recipe_options options = {.sets = sets, .runs = -1};
	static const char yaml[] = HEAD GUEST "zzz: 1\n";
	struct recipe_errors errors = {0};
	struct recipe *recipe = NULL;
	(void)state;
	recipe_parse("r", yaml, strlen(yaml), &options, &recipe, &errors);
	assert_int_equal(errors.n, 2);
	assert_string_equal(errors.items[0].where, "r:4:1");
	assert_string_equal(errors.items[1].where, "--set bbb");
	recipe_errors_done(&errors);
}

static void test_where(void **state)
{
	static const struct {
		const char *key;
		const char *where;
	} cases[] = {
		{"measure.counters.1", "r:5:22"},
		{"measure.counters", "r:5:3"},
		{"measure", "r:4:1"},
		{"measure.energy.3", "r:4:1"},
		{"name", "r:2:7"},
		{"nothing", "r:1:1"},
		{"guests.a.command.0", "r:3:41"},
		{"", "r:1:1"},
	};
	char where[100];
	(void)state;
	autorecipe struct recipe *r = parse(HEAD GUEST
					    "measure:\n  counters: [cycles, instructions]\n");
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].key);
		recipe_where(r, cases[i].key, where, sizeof(where));
		assert_string_equal(where, cases[i].where);
	}
}

static void test_quoted_numbers_and_units(void **state)
{
	(void)state;
	autorecipe struct recipe *r = parse(HEAD GUEST "runs: {iterations: '12', timeout: 1.5s, "
						       "output_limit: 1MiB}\n");
	automatrix struct matrix m = {0};
	cells(r, NULL, &m);
	assert_int_equal(recipe_head(r)->iterations, 12);
	assert_true(m.cells[0].spec->timeout_ns == 1500000000);
	assert_int_equal(m.cells[0].spec->output_limit_bytes, 1 << 20);
}

static void test_anchors_are_copies(void **state)
{
	(void)state;
	autorecipe struct recipe *r = parse(
		HEAD "axes: {guest: [a, b]}\n"
		     "guests:\n  a: &vm {driver: qemu, kernel: /k, memory: 64M}\n  b: *vm\n");
	automatrix struct matrix m = {0};
	cells(r, NULL, &m);
	assert_int_equal(m.cells[1].spec->guest.memory_bytes, 64 << 20);
	assert_string_equal(m.cells[1].spec->guest.name, "b");
}

static void test_hosts_match(void **state)
{
	struct err err;
	autohost struct host_info host = {.name = "amd1"};
	(void)state;
	host_capability(&host, "kvm", false, "there is no /dev/kvm", "modprobe kvm");
	autorecipe struct recipe *any = parse(HEAD GUEST);
	autorecipe struct recipe *kvm = parse(HEAD GUEST "hosts: {each: kvm}\n");
	assert_int_equal(recipe_hosts_match(any, &host, &err), 0);
	assert_int_equal(recipe_hosts_match(kvm, &host, &err), -ENOENT);
	assert_string_equal(err.text,
			    "host amd1 is not one that the recipe asks for: it lacks kvm: "
			    "there is no /dev/kvm; modprobe kvm");
	host.capabilities[0].present = true;
	assert_int_equal(recipe_hosts_match(kvm, &host, &err), 0);
}

/* What is shipped is right, and seed 0's recipe has the cells that its page promises. */
static void test_shipped_recipes(void **state)
{
	static const struct {
		const char *path;
		size_t axes;
	} cases[] = {
		{ASSAY_SOURCE_DIR "/recipes/process.yaml", 0},
		{ASSAY_SOURCE_DIR "/recipes/unikernel-vs-debian.yaml", 1},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autorecipe struct recipe *r = NULL;
		struct recipe_errors errors = {0};
		recipe_load(cases[i].path, NULL, &r, &errors);
		autofree char *said = said_take(&errors);
		assert_string_equal(said, "");
		size_t axes = 0;
		while (recipe_head(r)->axes[axes])
			axes++;
		assert_int_equal(axes, cases[i].axes);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_head),
		cmocka_unit_test(test_parse_window_is_whole_unless_said),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_runs_replaces_iterations),
		cmocka_unit_test(test_text_of_a_resumed_campaign),
		cmocka_unit_test(test_wrong_sets),
		cmocka_unit_test(test_errors_of_the_file_come_first),
		cmocka_unit_test(test_where),
		cmocka_unit_test(test_quoted_numbers_and_units),
		cmocka_unit_test(test_anchors_are_copies),
		cmocka_unit_test(test_hosts_match),
		cmocka_unit_test(test_shipped_recipes),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
