// SPDX-License-Identifier: GPL-3.0-or-later
/* estimate - mean, median, spread and the t interval of a mean, in the unit of the values.
 *
 * Values of counters reach 1e18 with a spread of a few units, where a sum of squares in double
 * keeps no digit of the spread. So values are taken relative to the first one, in long double,
 * and the variance in two passes with the correction of Chan, Golub and LeVeque (The American
 * Statistician 37, 1983). Equal values give a spread of exactly 0 that way.
 * Quantiles of Student's t: GSL. */
#include "controller/stats/stats.h"

#include <assert.h>
#include <gsl/gsl_cdf.h>
#include <gsl/gsl_sort.h>
#include <math.h>

#include "proto/base/cleanup.h"
#include "proto/base/mem.h"

double stats_t_quantile(double confidence, double df)
{
	if (!(confidence > 0 && confidence < 1) || !(df >= 1) || !isfinite(df))
		return (double)NAN;
	return gsl_cdf_tdist_Pinv(0.5 + confidence / 2, df);
}

void stats_moments(const double *values, size_t n, double *ret_mean, double *ret_sd)
{
	*ret_mean = *ret_sd = (double)NAN;
	if (n == 0)
		return;
	long double first = (long double)values[0], sum = 0, squares = 0, rest = 0;
	for (size_t i = 0; i < n; i++)
		sum += (long double)values[i] - first;
	long double shift = sum / n;
	*ret_mean = (double)(first + shift);
	if (n < 2)
		return;
	for (size_t i = 0; i < n; i++) {
		long double d = (long double)values[i] - first - shift;
		squares += d * d;
		rest += d;
	}
	long double variance = (squares - rest * rest / n) / (n - 1);
	*ret_sd = variance > 0 ? (double)sqrtl(variance) : 0;
}

static double median_of_sorted(const double *sorted, size_t n)
{
	double low = sorted[(n - 1) / 2], high = sorted[n / 2];
	return (double)(((long double)low + (long double)high) / 2);
}

void stats_estimate(const double *values, size_t n, double confidence, struct estimate *ret)
{
	*ret = (struct estimate){
		.n = n,
		.mean = (double)NAN,
		.median = (double)NAN,
		.sd = (double)NAN,
		.min = (double)NAN,
		.max = (double)NAN,
		.low = (double)NAN,
		.high = (double)NAN,
	};
	if (n == 0)
		return;
	autofree double *sorted = xmemdup(values, n * sizeof(*values));
	gsl_sort(sorted, 1, n);
	assert(isfinite(sorted[0]) && isfinite(sorted[n - 1]));
	ret->min = sorted[0];
	ret->max = sorted[n - 1];
	ret->median = median_of_sorted(sorted, n);
	stats_moments(values, n, &ret->mean, &ret->sd);
	if (n < 2)
		return;
	double half = stats_t_quantile(confidence, (double)(n - 1)) * ret->sd / sqrt((double)n);
	ret->low = ret->mean - half;
	ret->high = ret->mean + half;
}
