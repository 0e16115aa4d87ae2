// SPDX-License-Identifier: GPL-3.0-or-later
/* stats - estimates and comparisons. Pure: arrays in, numbers out, no I/O and no big structs.
 *
 * The unit of independence is the run: one value a run. A mean's interval is Student's t over
 * runs; a comparison is a ratio of means with its own interval. Fewer than two values have no
 * spread: such numbers are NaN and `n` says why. */
#ifndef ASSAY_STATS_STATS_H
#define ASSAY_STATS_STATS_H

#include <stdbool.h>
#include <stddef.h>

struct estimate {
	size_t n;
	double mean, median, sd, min, max;
	double low, high; /* 95 % t interval of the mean over runs; NaN where n < 2 */
};

/* values: n finite numbers, not changed. confidence: 0.95. */
void stats_estimate(const double *values, size_t n, double confidence, struct estimate *ret);

/* The mean, and the standard deviation with n - 1 (NaN where n < 2; exactly 0 where all values are
 * equal). */
void stats_moments(const double *values, size_t n, double *ret_mean, double *ret_sd);

/* How many standard errors the two-sided interval of a mean reaches to each side. df >= 1, whole
 * or not; NaN where there is no such quantile. */
double stats_t_quantile(double confidence, double df);

enum ratio_method {
	RATIO_NONE,	 /* no ratio: fewer than two values on a side, or a mean of about 0 */
	RATIO_FIELLER,	 /* ratio of means, independent samples */
	RATIO_WELCH_LOG, /* ratio of geometric means: Welch's t on logarithms */
};

struct comparison {
	enum ratio_method method;
	double ratio;	  /* other / baseline */
	double low, high; /* its 95 % interval; NaN where it is unbounded or unknown */
	const char *why;  /* RATIO_NONE or no interval: the reason, a constant string */
};

/* Ratio of means other/baseline. Fieller's interval where the baseline's mean is away from 0 by
 * more than its own interval; else none. Zero spread on both sides gives a degenerate interval. */
void stats_compare(const double *baseline, size_t n_baseline, const double *other, size_t n_other,
		   double confidence, struct comparison *ret);
/* All values must be positive; else RATIO_NONE. */
void stats_compare_log(const double *baseline, size_t n_baseline, const double *other,
		       size_t n_other, double confidence, struct comparison *ret);

/* Name of the method for people: "Fieller", "Welch on logs". */
const char *stats_method_name(enum ratio_method method);

#endif
