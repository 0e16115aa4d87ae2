// SPDX-License-Identifier: GPL-3.0-or-later
/* compare - the ratio of two groups of runs with its interval; no unit.
 *
 * Fieller: the ratios r for which mean(other) - r * mean(baseline) cannot be told from 0 by a t
 * test (Fieller, J. R. Stat. Soc. B 16, 1954; as Kalibera and Jones use it for benchmarks). The
 * groups may differ in variance; the degrees of freedom are Satterthwaite's, taken at the ratio
 * that was found (Tamhane and Logan, Statistics in Medicine 23, 2004).
 * Trap: where the baseline's mean is near 0 the interval is unbounded, and the ratio says
 * nothing. It is refused then, not printed as a large number. */
#include "controller/stats/stats.h"

#include <math.h>

#include "proto/base/cleanup.h"
#include "proto/base/mem.h"

static const char too_few[] = "fewer than two values on a side";
static const char about_zero[] = "the baseline's mean cannot be told from 0";
static const char not_positive[] = "not all values are positive";
static const char too_large[] = "the ratio is too large or too small for a number";
static const char bad_confidence[] = "the confidence asked for is not between 0 and 1";

/* One group: its mean and the standard error of that. */
struct group {
	size_t n;
	double mean;
	double error;
};

static struct group group_of(const double *values, size_t n)
{
	struct group g = {.n = n};
	double sd;
	stats_moments(values, n, &g.mean, &sd);
	g.error = sd / sqrt((double)n);
	return g;
}

static void none(struct comparison *ret, const char *why)
{
	*ret = (struct comparison){
		.method = RATIO_NONE,
		.ratio = (double)NAN,
		.low = (double)NAN,
		.high = (double)NAN,
		.why = why,
	};
}

/* What no method can compare. */
static bool refused(size_t n_baseline, size_t n_other, double confidence, struct comparison *ret)
{
	const char *why = n_baseline < 2 || n_other < 2 ? too_few : NULL;
	if (!why && isnan(stats_t_quantile(confidence, 1)))
		why = bad_confidence;
	if (why)
		none(ret, why);
	return why;
}

/* Degrees of freedom of a difference whose two sides have these standard errors, not both 0.
 * Relative to the larger one: squares of what is given could vanish or overflow. */
static double satterthwaite(double error_a, size_t n_a, double error_b, size_t n_b)
{
	double larger = fmax(error_a, error_b);
	double a = error_a / larger * (error_a / larger), b = error_b / larger * (error_b / larger);
	double df = (a + b) * (a + b) / (a * a / (double)(n_a - 1) + b * b / (double)(n_b - 1));
	return fmax(df, 1);
}

static void finish(struct comparison *ret, enum ratio_method method, double ratio, double low,
		   double high)
{
	if (!isfinite(ratio) || !isfinite(low) || !isfinite(high)) {
		none(ret, too_large);
		return;
	}
	*ret = (struct comparison){
		.method = method,
		.ratio = ratio,
		.low = fmin(low, ratio), /* rounding may not put the ratio outside */
		.high = fmax(high, ratio),
	};
}

/* Only then is the interval bounded. Both t's are asked: the baseline's own, and that of the
 * comparison. */
static bool away_from_zero(const struct group *baseline, double confidence, double t)
{
	double own = stats_t_quantile(confidence, (double)(baseline->n - 1));
	return fmax(own, t) * baseline->error < fabs(baseline->mean);
}

static void fieller(const struct group *baseline, const struct group *other, double confidence,
		    struct comparison *ret)
{
	double ratio = other->mean / baseline->mean;
	/* Relative to the baseline's mean: nothing overflows then that the ratio does not. */
	double error1 = ratio * baseline->error / baseline->mean;
	double error2 = other->error / fabs(baseline->mean);
	double df = (double)(baseline->n - 1);
	if (error1 != 0 || error2 != 0)
		df = satterthwaite(fabs(error1), baseline->n, error2, other->n);
	double t = stats_t_quantile(confidence, df);
	if (!away_from_zero(baseline, confidence, t)) {
		none(ret, about_zero);
		return;
	}
	double h1 = t * baseline->error / baseline->mean, rest = 1 - h1 * h1;
	double root = hypot(ratio * h1, sqrt(rest) * t * error2);
	finish(ret, RATIO_FIELLER, ratio, (ratio - root) / rest, (ratio + root) / rest);
}

void stats_compare(const double *baseline, size_t n_baseline, const double *other, size_t n_other,
		   double confidence, struct comparison *ret)
{
	if (refused(n_baseline, n_other, confidence, ret))
		return;
	struct group b = group_of(baseline, n_baseline), o = group_of(other, n_other);
	if (b.mean == 0)
		none(ret, about_zero);
	else
		fieller(&b, &o, confidence, ret);
}

/* Logarithms of n values, owned by the caller; NULL where one is not positive. */
static double *logarithms(const double *values, size_t n)
{
	autofree double *logs = xcalloc(n, sizeof(*logs));
	for (size_t i = 0; i < n; i++) {
		if (!(values[i] > 0))
			return NULL;
		logs[i] = log(values[i]);
	}
	return take(logs);
}

static void welch(const struct group *baseline, const struct group *other, double confidence,
		  struct comparison *ret)
{
	double difference = other->mean - baseline->mean;
	double error = hypot(baseline->error, other->error);
	double half = 0;
	if (error > 0)
		half = error *
		       stats_t_quantile(confidence, satterthwaite(baseline->error, baseline->n,
								  other->error, other->n));
	finish(ret, RATIO_WELCH_LOG, exp(difference), exp(difference - half),
	       exp(difference + half));
}

void stats_compare_log(const double *baseline, size_t n_baseline, const double *other,
		       size_t n_other, double confidence, struct comparison *ret)
{
	if (refused(n_baseline, n_other, confidence, ret))
		return;
	autofree double *b = logarithms(baseline, n_baseline);
	autofree double *o = logarithms(other, n_other);
	if (!b || !o) {
		none(ret, not_positive);
		return;
	}
	struct group gb = group_of(b, n_baseline), go = group_of(o, n_other);
	welch(&gb, &go, confidence, ret);
}

const char *stats_method_name(enum ratio_method method)
{
	switch (method) {
	case RATIO_FIELLER:
		return "Fieller";
	case RATIO_WELCH_LOG:
		return "Welch on logs";
	case RATIO_NONE:
		break;
	}
	return "none";
}
