// SPDX-License-Identifier: GPL-3.0-or-later
/* test_compare - ratios against numbers from elsewhere, and what must hold of any ratio.
 *
 * Sources: Student's sleep data and Dobson's plant weights as R ships them. The Welch interval
 * of the sleep data is what R prints for t.test(extra ~ group): df = 17.776, -3.3654832 to
 * 0.2054832. Fieller's: the quadratic solved in exact fractions, t from the incomplete beta
 * function (Python, not GSL). */
#include "controller/stats/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/mem.h"

#define NONE ((double)NAN) /* clang minds that NAN is a float */

typedef void compare_fn(const double *, size_t, const double *, size_t, double,
			struct comparison *);

static void assert_close(const char *why, double found, double expected, double relative)
{
	if (isnan(expected) ? isnan(found)
			    : fabs(found - expected) <= relative * fmax(1e-300, fabs(expected)))
		return;
	fail_msg("%s: found %.17g, expected %.17g", why, found, expected);
}

#define SLEEP1                                                       \
	{                                                            \
		0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0 \
	}
#define SLEEP2                                                    \
	{                                                         \
		1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4 \
	}
#define PLANTS                                                             \
	{                                                                  \
		4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14 \
	}
#define TREATED1                                                           \
	{                                                                  \
		4.81, 4.17, 4.41, 3.59, 5.87, 3.83, 6.03, 4.89, 4.32, 4.69 \
	}
#define TREATED2                                                           \
	{                                                                  \
		6.31, 5.12, 5.54, 5.50, 5.37, 5.29, 4.92, 6.15, 5.80, 5.26 \
	}

static const struct {
	const char *why;
	compare_fn *compare;
	double baseline[10];
	size_t n_baseline;
	double other[10];
	size_t n_other;
	enum ratio_method method;
	double ratio, low, high;
	const char *reason; /* part of it */
} cases[] = {
	{"sleep: the interval holds 0 and is wide", stats_compare, SLEEP2, 10, SLEEP1, 10,
	 RATIO_FIELLER, 0.3218884120171674, -0.22785812150482154, 1.226650623397217, NULL},
	{"sleep the other way: the baseline may be 0", stats_compare, SLEEP1, 10, SLEEP2, 10,
	 RATIO_NONE, NONE, NONE, NONE, "told from 0"},
	{"plants: no effect", stats_compare, PLANTS, 10, TREATED1, 10, RATIO_FIELLER,
	 0.9262718600953895, 0.8034066067818627, 1.0603995529845476, NULL},
	{"plants: an effect", stats_compare, PLANTS, 10, TREATED2, 10, RATIO_FIELLER,
	 1.0981717011128775, 1.0006119703002518, 1.209065088380393, NULL},
	{"groups of different size, few degrees of freedom", stats_compare, PLANTS, 3, TREATED2, 10,
	 RATIO_FIELLER, 1.1103817816476893, 0.8301658594035359, 1.6321372120049795, NULL},
	{"three against four",
	 stats_compare,
	 {100, 102, 98},
	 3,
	 {51, 49, 50, 52.5},
	 4,
	 RATIO_FIELLER,
	 0.50625,
	 0.48229665248647724,
	 0.5310970865613617,
	 NULL},
	{"no run at all", stats_compare, {0}, 0, {0}, 0, RATIO_NONE, NONE, NONE, NONE, "fewer"},
	{"one run in the baseline",
	 stats_compare,
	 {1},
	 1,
	 {1, 2},
	 2,
	 RATIO_NONE,
	 NONE,
	 NONE,
	 NONE,
	 "fewer"},
	{"one run in the other",
	 stats_compare,
	 {1, 2},
	 2,
	 {1},
	 1,
	 RATIO_NONE,
	 NONE,
	 NONE,
	 NONE,
	 "fewer"},
	{"no spread on both sides",
	 stats_compare,
	 {4, 4, 4},
	 3,
	 {2, 2},
	 2,
	 RATIO_FIELLER,
	 0.5,
	 0.5,
	 0.5,
	 NULL},
	{"a baseline of zeros",
	 stats_compare,
	 {0, 0, 0},
	 3,
	 {2, 3},
	 2,
	 RATIO_NONE,
	 NONE,
	 NONE,
	 NONE,
	 "told from 0"},
	{"zeros against a baseline",
	 stats_compare,
	 {2, 3, 2.5},
	 3,
	 {0, 0},
	 2,
	 RATIO_FIELLER,
	 0,
	 0,
	 0,
	 NULL},
	{"ratio past what a double holds",
	 stats_compare,
	 {1e-200, 1e-200},
	 2,
	 {1e200, 1e200},
	 2,
	 RATIO_NONE,
	 NONE,
	 NONE,
	 NONE,
	 "too large"},
	{"logs: no spread on both sides",
	 stats_compare_log,
	 {4, 4},
	 2,
	 {2, 2},
	 2,
	 RATIO_WELCH_LOG,
	 0.5,
	 0.5,
	 0.5,
	 NULL},
	{"logs: plants, no effect", stats_compare_log, PLANTS, 10, TREATED1, 10, RATIO_WELCH_LOG,
	 0.9201529163524648, 0.8033698576662317, 1.0539123187065211, NULL},
	{"logs: plants, an effect", stats_compare_log, PLANTS, 10, TREATED2, 10, RATIO_WELCH_LOG,
	 1.1016717048376605, 1.0031251184629597, 1.209899466080145, NULL},
	{"logs: a zero has none",
	 stats_compare_log,
	 {1, 0},
	 2,
	 {1, 2},
	 2,
	 RATIO_NONE,
	 NONE,
	 NONE,
	 NONE,
	 "positive"},
	{"logs: nor has a negative value",
	 stats_compare_log,
	 {1, 2},
	 2,
	 {1, -2},
	 2,
	 RATIO_NONE,
	 NONE,
	 NONE,
	 NONE,
	 "positive"},
	{"logs: one run",
	 stats_compare_log,
	 {1},
	 1,
	 {1, 2},
	 2,
	 RATIO_NONE,
	 NONE,
	 NONE,
	 NONE,
	 "fewer"},
	{"logs: two runs far apart",
	 stats_compare_log,
	 {1e-300, 1e300},
	 2,
	 {1e-300, 1e300},
	 2,
	 RATIO_NONE,
	 NONE,
	 NONE,
	 NONE,
	 "too large"},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct comparison c;
		cases[i].compare(cases[i].baseline, cases[i].n_baseline, cases[i].other,
				 cases[i].n_other, 0.95, &c);
		if (c.method != cases[i].method)
			fail_msg("%s: method '%s'", cases[i].why, stats_method_name(c.method));
		assert_close(cases[i].why, c.ratio, cases[i].ratio, 1e-13);
		assert_close(cases[i].why, c.low, cases[i].low, 1e-9);
		assert_close(cases[i].why, c.high, cases[i].high, 1e-9);
		if (!cases[i].reason != !c.why || (c.why && !strstr(c.why, cases[i].reason)))
			fail_msg("%s: why is '%s'", cases[i].why, c.why ? c.why : "(null)");
	}
}

static void test_welch_as_r_prints_it(void **state)
{
	(void)state;
	double baseline[] = SLEEP2, other[] = SLEEP1;
	struct comparison c;
	for (int i = 0; i < 10; i++) {
		baseline[i] = exp(baseline[i]);
		other[i] = exp(other[i]);
	}
	stats_compare_log(baseline, 10, other, 10, 0.95, &c);
	assert_close("difference of the logs", log(c.ratio), -1.58, 1e-12);
	assert_true(fabs(log(c.low) - -3.3654832) < 5e-8);
	assert_true(fabs(log(c.high) - 0.2054832) < 5e-8);
}

static void test_bad_confidence(void **state)
{
	(void)state;
	const double values[] = PLANTS, bad[] = {0, 1, -1, 2, NONE};
	struct comparison c;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		stats_compare(values, 10, values, 10, bad[i], &c);
		assert_int_equal(c.method, RATIO_NONE);
		assert_non_null(strstr(c.why, "confidence"));
		stats_compare_log(values, 10, values, 10, bad[i], &c);
		assert_int_equal(c.method, RATIO_NONE);
	}
}

/* The set of ratios that a test does not refuse is the same set when both sides swap. */
static void test_swapping_inverts(void **state)
{
	(void)state;
	const double a[] = PLANTS, b[] = TREATED2;
	compare_fn *const both[] = {stats_compare, stats_compare_log};
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		struct comparison ab, ba;
		both[i](a, 10, b, 10, 0.95, &ab);
		both[i](b, 10, a, 10, 0.95, &ba);
		assert_close("ratio", ba.ratio, 1 / ab.ratio, 1e-13);
		assert_close("low", ba.low, 1 / ab.high, 1e-9);
		assert_close("high", ba.high, 1 / ab.low, 1e-9);
	}
}

static void test_units_do_not_matter(void **state)
{
	(void)state;
	static const double factors[] = {1e-9, 1e18, -1, 1e150, 1e-150};
	const double a[] = PLANTS, b[] = TREATED1;
	struct comparison before, after;
	stats_compare(a, 10, b, 10, 0.95, &before);
	for (size_t i = 0; i < ARRAY_SIZE(factors); i++) {
		double x[10], y[10];
		for (int j = 0; j < 10; j++) {
			x[j] = a[j] * factors[i];
			y[j] = b[j] * factors[i];
		}
		stats_compare(x, 10, y, 10, 0.95, &after);
		assert_close("ratio", after.ratio, before.ratio, 1e-12);
		assert_close("low", after.low, before.low, 1e-9);
		assert_close("high", after.high, before.high, 1e-9);
		for (int j = 0; j < 10; j++)
			y[j] = -b[j] * factors[i];
		stats_compare(x, 10, y, 10, 0.95, &after);
		assert_close("a sign turns the interval over", after.low, -before.high, 1e-9);
	}
}

static void test_interval_holds_the_ratio(void **state)
{
	(void)state;
	double a[4], b[4];
	struct comparison c;
	for (int spread = -60; spread <= 0; spread++) {
		for (int i = 0; i < 4; i++) {
			a[i] = 3 + i * ldexp(0.1, spread);
			b[i] = 7 - i * i * ldexp(0.1, spread);
		}
		stats_compare(a, 4, b, 4, 0.95, &c);
		assert_int_equal(c.method, RATIO_FIELLER);
		assert_true(c.low <= c.ratio && c.ratio <= c.high);
		stats_compare_log(a, 4, b, 4, 0.95, &c);
		assert_true(c.low <= c.ratio && c.ratio <= c.high);
	}
}

static double coverage(gsl_rng *rng, bool logs, size_t simulations)
{
	size_t held = 0;
	for (size_t i = 0; i < simulations; i++) {
		double a[10], b[8];
		struct comparison c;
		for (int j = 0; j < 10; j++)
			a[j] = logs ? gsl_ran_lognormal(rng, 1, 0.5)
				    : 100 + gsl_ran_gaussian_ziggurat(rng, 12);
		for (int j = 0; j < 8; j++)
			b[j] = logs ? gsl_ran_lognormal(rng, 1 + M_LN2, 0.3)
				    : 200 + gsl_ran_gaussian_ziggurat(rng, 40);
		(logs ? stats_compare_log : stats_compare)(a, 10, b, 8, 0.95, &c);
		held += c.low <= 2 && 2 <= c.high;
	}
	return (double)held / (double)simulations;
}

/* The true ratio is 2, the groups differ in size and spread. Satterthwaite's degrees of freedom
 * are an approximation: the long band is wider than chance alone would have it. */
static void test_coverage(void **state)
{
	(void)state;
	const char *text = getenv("ASSAY_TEST_SEED");
	unsigned long seed = text ? strtoul(text, NULL, 10) : 20;
	bool longer = getenv("ASSAY_TEST_LONG") != NULL;
	size_t simulations = longer ? 200000 : 2000;
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	print_message("seed %lu\n", seed);
	gsl_rng_set(rng, seed);
	double means = coverage(rng, false, simulations), logs = coverage(rng, true, simulations);
	gsl_rng_free(rng);
	print_message("covered: Fieller %.4f, Welch on logs %.4f of %zu\n", means, logs,
		      simulations);
	assert_true(fabs(means - 0.95) < (longer ? 0.004 : 0.02));
	assert_true(fabs(logs - 0.95) < (longer ? 0.004 : 0.02));
}

static void test_names(void **state)
{
	(void)state;
	assert_string_equal(stats_method_name(RATIO_FIELLER), "Fieller");
	assert_string_equal(stats_method_name(RATIO_WELCH_LOG), "Welch on logs");
	assert_string_equal(stats_method_name(RATIO_NONE), "none");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_welch_as_r_prints_it),
		cmocka_unit_test(test_bad_confidence),
		cmocka_unit_test(test_swapping_inverts),
		cmocka_unit_test(test_units_do_not_matter),
		cmocka_unit_test(test_interval_holds_the_ratio),
		cmocka_unit_test(test_coverage),
		cmocka_unit_test(test_names),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
