// SPDX-License-Identifier: GPL-3.0-or-later
/* test_treebench - whole runs of the benchmark, and its parameters.
 *
 * The golden results were computed by tests/images/model.py, which shares no code with treebench.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "images/treebench/options.h"
#include "images/treebench/text.h"
#include "images/treebench/treebench.h"

#define MIB		((size_t)1 << 20)
#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))
#define GOLDEN_DEFAULTS "89c9e8e9b7751fae93cebd5b7ac70b09ec921a696e7f0763cf0ac0864c96dc8c"
#define GOLDEN_SMALL	"7752e40af5171b3bf091bf120bafc884ba32055d0744347e68a15ad6e50678e7"
#define GOLDEN_LEAST	"2ff5e7d7fd6a29263c0d50636f725e6205ab7e032806f2ecedb098c698dfbd13"

static void options_are_checked(void **state)
{
	static const struct {
		const char *line;
		const char *sentence; /* NULL: the line is good */
		const char *why;
	} cases[] = {
		{"", NULL, "nothing to say"},
		{" \t ncommits=20  depth=4\n", NULL, "any white space"},
		{"treebench.ncommits=20 treebench.fault=none", NULL, "the prefix"},
		{"display=0 gc=0 clear=0 markers=0", NULL, "all that can be switched off"},
		{"depth=256 depth=1", NULL, "the last one counts"},
		{"depth=0", "treebench: depth must be a number from 1 to 256, not '0'\n", "low"},
		{"depth=257", "treebench: depth must be a number from 1 to 256, not '257'\n",
		 "high"},
		{"clear=2", "treebench: clear must be a number from 0 to 1, not '2'\n", "a switch"},
		{"depth=", "treebench: depth must be a number from 1 to 256, not ''\n", "empty"},
		{"depth=-1", "treebench: depth must be a number from 1 to 256, not '-1'\n", "sign"},
		{"depth=4x", "treebench: depth must be a number from 1 to 256, not '4x'\n", "tail"},
		{"depth=18446744073709551617",
		 "treebench: depth must be a number from 1 to 256, not '18446744073709551617'\n",
		 "2^64 + 1 must not wrap to 1"},
		{"fault=odd",
		 "treebench: fault must be one of none hang crash null wrong spam silent, not "
		 "'odd'\n",
		 "an unknown fault"},
		{"ncommits", "treebench: unknown parameter 'ncommits'; the known ones are", "bare"},
		{"=1", "treebench: unknown parameter '=1'; the known ones are", "no key"},
		{"treebench.", "treebench: unknown parameter 'treebench.'; the", "only prefix"},
		{"treebench.x=1", "treebench: unknown parameter 'treebench.x=1'; the", "no such"},
		{"\033[2J=1", "treebench: unknown parameter '?[2J=1'; the known", "control codes"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *expected = cases[i].sentence;
		struct options o = options_default;
		struct text t = {.len = 0};
		int status = options_line(&o, cases[i].line, &t);

		if (status != (expected ? -1 : 0))
			fail_msg("%s: '%s' gave %d", cases[i].why, cases[i].line, status);
		if (expected && strncmp(t.bytes, expected, strlen(expected)) != 0)
			fail_msg("%s: %.*s", cases[i].why, (int)t.len, t.bytes);
		if (expected)
			assert_memory_equal(&o, &options_default, sizeof(o));
	}
}

static void options_are_set(void **state)
{
	struct options o = options_default;
	struct text t = {.len = 0};

	(void)state;
	assert_int_equal(options_line(&o, "ncommits=7 treebench.depth=3 gc=0 fault=spam", &t), 0);
	assert_int_equal(o.ncommits, 7);
	assert_int_equal(o.depth, 3);
	assert_int_equal(o.gc, 0);
	assert_int_equal(o.fault, FAULT_SPAM);
	assert_int_equal(o.tree_add, 150);
}

/* What a run printed. */
struct output {
	char bytes[16384];
	size_t len;
};

static void collect_output(void *ctx, const char *bytes, size_t len)
{
	struct output *o = ctx;

	assert_true(o->len + len < sizeof(o->bytes));
	memcpy(o->bytes + o->len, bytes, len);
	o->len += len;
	o->bytes[o->len] = '\0';
}

static int run(const char *line, size_t arena_len, struct output *ret)
{
	struct treebench_platform platform = {
		.arena = malloc(arena_len),
		.arena_len = arena_len,
		.write = collect_output,
		.ctx = ret,
	};
	int status;

	ret->len = 0;
	ret->bytes[0] = '\0';
	status = treebench_run_line(&platform, line);
	free(platform.arena);
	return status;
}

static void results_depend_on_the_work_only(void **state)
{
	static const struct {
		const char *line;
		const char *result;
		const char *why;
	} cases[] = {
		{"", GOLDEN_DEFAULTS, "defaults"},
		{"ncommits=20 depth=4 tree_add=10", GOLDEN_SMALL, "small"},
		{"ncommits=20 depth=4 tree_add=10", GOLDEN_SMALL, "once more"},
		{"ncommits=20 depth=4 tree_add=10 clear=0", GOLDEN_SMALL, "trees stay in memory"},
		{"ncommits=20 depth=4 tree_add=10 gc=0", GOLDEN_SMALL, "nothing is collected"},
		{"ncommits=20 depth=4 tree_add=10 gc=1 clear=0", GOLDEN_SMALL, "always collected"},
		{"ncommits=20 depth=4 tree_add=10 display=0", GOLDEN_SMALL, "no progress"},
		{"ncommits=20 depth=4 tree_add=10 markers=0", GOLDEN_SMALL, "no markers"},
		{"ncommits=1 depth=1 tree_add=1", GOLDEN_LEAST, "the least"},
	};
	struct output out;
	char expected[128];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(expected, sizeof(expected), "treebench: result %s\n", cases[i].result);
		assert_int_equal(run(cases[i].line, 64 * MIB, &out), TREEBENCH_DONE);
		if (!strstr(out.bytes, expected))
			fail_msg("%s: %s", cases[i].why, out.bytes);
	}
}

static void the_output_is_what_recipes_look_for(void **state)
{
	struct output out;

	(void)state;
	assert_int_equal(run("ncommits=20 depth=4 tree_add=10", MIB, &out), TREEBENCH_DONE);
	assert_string_equal(out.bytes, "BENCHMARK_START\n"
				       "[init done]\n"
				       "\rcommits:   10/20\rcommits:   20/20\n"
				       "[run done]\n"
				       "treebench: result " GOLDEN_SMALL "\n"
				       "BENCHMARK_END\n");
	assert_int_equal(run("ncommits=2 depth=4 tree_add=10 display=0 markers=0", MIB, &out),
			 TREEBENCH_DONE);
	assert_null(strstr(out.bytes, "BENCHMARK"));
	assert_null(strstr(out.bytes, "commits:"));
	assert_int_equal(strncmp(out.bytes, "[init done]\n[run done]\n", 23), 0);
}

static void faults_are_injected(void **state)
{
	struct output out;

	(void)state;
	assert_int_equal(run("ncommits=20 depth=4 tree_add=10 fault=wrong", MIB, &out),
			 TREEBENCH_DONE);
	assert_non_null(strstr(out.bytes, "treebench: result "));
	assert_null(strstr(out.bytes, GOLDEN_SMALL));
	assert_int_equal(run("ncommits=20 depth=4 tree_add=10 fault=silent", MIB, &out),
			 TREEBENCH_DONE);
	assert_string_equal(out.bytes, "");
}

static struct {
	enum treebench_stage stages[8];
	size_t n;
} reached;

static void on_stage(enum treebench_stage stage)
{
	assert_true(reached.n < COUNT(reached.stages));
	reached.stages[reached.n++] = stage;
}

static void drop(void *ctx, const char *bytes, size_t len)
{
	(void)ctx, (void)bytes, (void)len;
}

static void stages_are_told_in_order(void **state)
{
	struct treebench_platform platform = {
		.arena = malloc(MIB), .arena_len = MIB, .write = drop, .reached = on_stage};

	(void)state;
	reached.n = 0;
	assert_int_equal(
		treebench_run_line(&platform, "ncommits=5 depth=2 tree_add=3 fault=silent"),
		TREEBENCH_DONE);
	assert_int_equal(reached.n, TREEBENCH_STAGES);
	for (size_t i = 0; i < reached.n; i++)
		assert_int_equal(reached.stages[i], i);
	free(platform.arena);
}

static void any_arena_is_enough_or_said_to_be_too_small(void **state)
{
	const char *line = "ncommits=20 depth=4 tree_add=10 gc=5";
	const char *sentence = "treebench: out of memory: the arena of ";
	struct output out;
	int refused = 0, status;

	(void)state;
	for (size_t len = 1; len < 256 * 1024; len += 509) {
		status = run(line, len, &out);
		if (status == TREEBENCH_DONE)
			break;
		assert_int_equal(status, TREEBENCH_FAILED);
		assert_non_null(strstr(out.bytes, sentence));
		assert_null(strstr(out.bytes, "BENCHMARK_END"));
		refused++;
	}
	assert_int_equal(status, TREEBENCH_DONE);
	assert_true(refused > 20);
	assert_non_null(strstr(out.bytes, GOLDEN_SMALL));
}

static void memory_does_not_grow_with_the_number_of_commits(void **state)
{
	struct output out;

	(void)state;
	assert_int_equal(run("ncommits=5000 depth=4 tree_add=10 gc=50 display=0", MIB, &out),
			 TREEBENCH_DONE);
	assert_int_equal(run("ncommits=5000 depth=4 tree_add=10 gc=0 display=0", MIB, &out),
			 TREEBENCH_FAILED);
}

static void wrong_parameters_are_refused_in_words(void **state)
{
	struct output out;

	(void)state;
	assert_int_equal(run("depth=0", MIB, &out), TREEBENCH_USAGE);
	assert_string_equal(out.bytes,
			    "treebench: depth must be a number from 1 to 256, not '0'\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_are_checked),
		cmocka_unit_test(options_are_set),
		cmocka_unit_test(results_depend_on_the_work_only),
		cmocka_unit_test(the_output_is_what_recipes_look_for),
		cmocka_unit_test(faults_are_injected),
		cmocka_unit_test(stages_are_told_in_order),
		cmocka_unit_test(any_arena_is_enough_or_said_to_be_too_small),
		cmocka_unit_test(memory_does_not_grow_with_the_number_of_commits),
		cmocka_unit_test(wrong_parameters_are_refused_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
