// SPDX-License-Identifier: GPL-3.0-or-later
/* number - how a value is written for people: which prefix of its unit, how many digits.
 *
 * Prefixes are those people use with the unit: us and ms, then s and min for ns; KiB for bytes;
 * k (from 1e5 on), M, G for counts and before units that only a parser knows, but not where those
 * seem to have a prefix already ("k MB/s").
 * The decimal point is a point in every locale. */
#ifndef ASSAY_REPORT_NUMBER_H
#define ASSAY_REPORT_NUMBER_H

#include <stdbool.h>
#include <stddef.h>

/* A unit with its prefix: value / factor is what stands before the name. */
struct scale {
	double factor;
	char name[24]; /* "ms", "MiB", "M"; "" for a plain count */
};

/* The scale in which value reads best when it is rounded to `digits`. 0 and what is not finite
 * get the unit itself. */
void number_scale(double value, const char *unit, int digits, struct scale *ret);

/* One scale for all numbers whose magnitudes are from smallest to largest (0 is none of them), so
 * that they can be compared at a glance. Counts go without a prefix where the smallest would be
 * below 1 k: "13 330" and "38". false: what is good for the largest leaves the smallest below
 * 0.01; each reads better in a scale of its own. */
bool number_scale_shared(double smallest, double largest, const char *unit, int digits,
			 struct scale *ret);

/* Decimals for value +- spread, both scaled: two significant digits of the spread; one where the
 * value would get more than `digits` with two; never more than six of the value. Without a spread
 * (0, NaN): `digits` of the value, without the zeros at its end where it is exact. */
int number_decimals(double value, double spread, int digits);

/* value with that many decimals; "-" for NaN, "inf"; e-notation where plain digits would be
 * longer than 15. */
void number_fixed(double value, int decimals, char *ret, size_t size);
/* The same with a blank before each three digits of the whole part: "13 330". */
void number_grouped(double value, int decimals, char *ret, size_t size);

#endif
