// SPDX-License-Identifier: GPL-3.0-or-later
/* test_estimate - estimates of one group against numbers from elsewhere.
 *
 * Sources: quantiles of t from the tables of Abramowitz and Stegun, 26.10, and, to more digits,
 * from the incomplete beta function by a continued fraction (Python, not GSL). Data: Student's
 * sleep data (Biometrika 6, 1908) and Dobson's plant weights, both as R ships them; moments of
 * them in exact fractions. */
#include "controller/stats/stats.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_randist.h>
#include <gsl/gsl_rng.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/base/mem.h"

#define NONE	 ((double)NAN) /* clang minds that NAN is a float */
#define INFINITE ((double)INFINITY)

static void assert_close(const char *why, double found, double expected, double relative)
{
	if (isnan(expected) ? isnan(found)
			    : fabs(found - expected) <= relative * fmax(1e-300, fabs(expected)))
		return;
	fail_msg("%s: found %.17g, expected %.17g", why, found, expected);
}

static const struct {
	double confidence, df, t;
	const char *why;
} quantiles[] = {
	{0.95, 1, 12.7062047361747, "two runs: the widest interval there is"},
	{0.95, 2, 4.30265272974946, "three runs"},
	{0.95, 4, 2.77644510519779, "five runs"},
	{0.95, 9, 2.26215716279820, "ten runs"},
	{0.95, 29, 2.04522964213270, "thirty runs"},
	{0.95, 120, 1.97993040508244, "near the normal"},
	{0.95, 1e6, 1.95996635660010, "the normal, nearly"},
	{0.95, 2.5, 3.57465484200368, "Welch's degrees of freedom are not whole"},
	{0.95, 17.776473516178495, 2.10281724156980, "those of the sleep data"},
	{0.99, 9, 3.24983554159213, "another confidence"},
	{0.95, 0.5, NONE, "below 1 is not asked of GSL"},
	{0.95, 0, NONE, "0 is not asked of GSL"},
	{0.95, NONE, NONE, "NaN is not asked of GSL"},
	{0.95, INFINITE, NONE, "infinity is not asked of GSL"},
	{0, 9, NONE, "confidence 0"},
	{1, 9, NONE, "confidence 1 has no bound"},
	{NONE, 9, NONE, "confidence NaN"},
};

static void test_quantiles(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(quantiles); i++)
		assert_close(quantiles[i].why,
			     stats_t_quantile(quantiles[i].confidence, quantiles[i].df),
			     quantiles[i].t, 1e-9);
}

/* GSL's handler is the aborting one here: a quantile that does not converge ends this program. */
static void test_quantile_grid(void **state)
{
	(void)state;
	for (double df = 1; df < 1e9; df *= 1.37)
		for (double confidence = 0.5; confidence < 0.9999; confidence += 0.0499) {
			double t = stats_t_quantile(confidence, df);
			assert_close("the quantile's own probability", gsl_cdf_tdist_P(t, df),
				     0.5 + confidence / 2, 1e-9);
		}
}

#define SLEEP2 1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4
#define PLANTS 4.17, 5.58, 5.18, 6.11, 4.50, 4.61, 5.17, 4.53, 5.33, 5.14

static const struct {
	const char *why;
	double values[10];
	size_t n;
	struct estimate expected;
} estimates[] = {
	{"no value", {0}, 0, {0, NONE, NONE, NONE, NONE, NONE, NONE, NONE}},
	{"one value has no spread", {42}, 1, {1, 42, 42, NONE, 42, 42, NONE, NONE}},
	{"two values",
	 {1, 3},
	 2,
	 {2, 2, 2, 1.4142135623730951, 1, 3, -10.706204736174687, 14.706204736174687}},
	{"sleep data, second group",
	 {SLEEP2},
	 10,
	 {10, 2.33, 1.75, 2.0022487357968290, -0.1, 5.5, 0.89767753937670649, 3.7623224606232935}},
	{"plant weights, control",
	 {PLANTS},
	 10,
	 {10, 5.032, 5.155, 0.58309137839240567, 4.17, 6.11, 4.6148815556550389,
	  5.4491184443449615}},
	{"negative mean",
	 {-1, -2, -3, -4},
	 4,
	 {4, -2.5, -2.5, 1.2909944487358056, -4, -1, -4.5542602567605199, -0.44573974323948012}},
	{"equal values have a spread of exactly 0",
	 {0.1, 0.1, 0.1, 0.1, 0.1, 0.1, 0.1},
	 7,
	 {7, 0.1, 0.1, 0, 0.1, 0.1, 0.1, 0.1}},
	{"zeros", {0, 0, 0}, 3, {3, 0, 0, 0, 0, 0, 0, 0}},
	{"the middle one of an odd number, unsorted", {9, 1, 5}, 3, {3, 5, 5, 4, 1, 9, NONE, NONE}},
};

static void test_estimates(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(estimates); i++) {
		const struct estimate *e = &estimates[i].expected;
		struct estimate found;
		stats_estimate(estimates[i].values, estimates[i].n, 0.95, &found);
		assert_int_equal(found.n, e->n);
		assert_close(estimates[i].why, found.mean, e->mean, 1e-14);
		assert_close(estimates[i].why, found.median, e->median, 1e-14);
		assert_close(estimates[i].why, found.sd, e->sd, 1e-14);
		assert_close(estimates[i].why, found.min, e->min, 0);
		assert_close(estimates[i].why, found.max, e->max, 0);
		if (i + 1 == ARRAY_SIZE(estimates)) /* is about the median only */
			continue;
		assert_close(estimates[i].why, found.low, e->low, 1e-9);
		assert_close(estimates[i].why, found.high, e->high, 1e-9);
	}
}

/* 128 is the distance of doubles at 1e18: sqrt(sum of (0,1,2,3,4 minus 2)^2 / 4) * 128. */
static void test_small_spread_of_large_values(void **state)
{
	(void)state;
	double values[5];
	struct estimate e;
	for (int i = 0; i < 5; i++)
		values[i] = 1e18 + 128.0 * i;
	stats_estimate(values, 5, 0.95, &e);
	assert_close("spread at 1e18", e.sd, 202.3857702507763, 1e-14);
	assert_close("mean at 1e18", e.mean, 1e18 + 256, 0);
	for (int i = 0; i < 5; i++)
		values[i] = 1 + i * 0x1p-52;
	stats_estimate(values, 5, 0.95, &e);
	assert_close("spread of the last bit", e.sd, 1.5811388300841898 * 0x1p-52, 1e-12);
}

static void test_largest_values(void **state)
{
	(void)state;
	const double values[] = {1e308, 1.5e308, 1.2e308};
	struct estimate e;
	stats_estimate(values, 3, 0.95, &e);
	assert_close("the sum overflows a double, the mean does not", e.mean,
		     1.2333333333333333e308, 1e-14);
	assert_close("nor does the spread", e.sd, 2.5166114784235832e307, 1e-13);
}

static void test_values_stay(void **state)
{
	(void)state;
	double values[] = {3, 1, 2};
	struct estimate e;
	stats_estimate(values, 3, 0.95, &e);
	assert_true(values[0] == 3 && values[1] == 1 && values[2] == 2);
}

static void test_scaling(void **state)
{
	(void)state;
	const double values[] = {PLANTS};
	double scaled[10];
	struct estimate a, b;
	for (int i = 0; i < 10; i++)
		scaled[i] = 100 - 1024 * values[i];
	stats_estimate(values, 10, 0.95, &a);
	stats_estimate(scaled, 10, 0.95, &b);
	assert_close("mean", b.mean, 100 - 1024 * a.mean, 1e-13);
	assert_close("median", b.median, 100 - 1024 * a.median, 1e-13);
	assert_close("sd", b.sd, 1024 * a.sd, 1e-13);
	assert_close("a negative factor swaps the bounds", b.low, 100 - 1024 * a.high, 1e-12);
	assert_close("and the extremes", b.max, 100 - 1024 * a.min, 1e-13);
}

/* The interval of ten runs of a normal quantity must hold the true mean in 95 % of the cases. The
 * short band is four standard errors wide (sqrt(0.95 * 0.05 / 2000) = 0.5 %). */
static void test_coverage(void **state)
{
	(void)state;
	const char *text = getenv("ASSAY_TEST_SEED");
	unsigned long seed = text ? strtoul(text, NULL, 10) : 20;
	bool longer = getenv("ASSAY_TEST_LONG") != NULL;
	size_t simulations = longer ? 200000 : 2000, held = 0;
	gsl_rng *rng = gsl_rng_alloc(gsl_rng_mt19937);
	print_message("seed %lu\n", seed);
	gsl_rng_set(rng, seed);
	for (size_t i = 0; i < simulations; i++) {
		double values[10];
		struct estimate e;
		for (int j = 0; j < 10; j++)
			values[j] = 100 + gsl_ran_gaussian_ziggurat(rng, 7);
		stats_estimate(values, 10, 0.95, &e);
		held += e.low <= 100 && 100 <= e.high;
	}
	gsl_rng_free(rng);
	double covered = (double)held / (double)simulations;
	print_message("covered %.4f of %zu\n", covered, simulations);
	assert_true(fabs(covered - 0.95) < (longer ? 0.003 : 0.02));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_quantile_grid),
		cmocka_unit_test(test_estimates),
		cmocka_unit_test(test_small_spread_of_large_values),
		cmocka_unit_test(test_largest_values),
		cmocka_unit_test(test_values_stay),
		cmocka_unit_test(test_scaling),
		cmocka_unit_test(test_coverage),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
