// SPDX-License-Identifier: GPL-3.0-or-later
/* fail_if - a condition on a comparison, for builds that are to fail on a regression.
 *
 *	WINDOW/METRIC [of VALUE] OP NUMBER        OP: > >= < <=
 *	bench/wall > 1.05
 *	whole/energy/package of unikernel <= 0.9
 *
 * The window ends at the first slash; the metric may have slashes of its own. What is compared
 * with NUMBER is the ratio to the baseline. The condition holds where the ratio's whole interval
 * lies past NUMBER, so that noise does not fail a build. `of` picks one value of the compared
 * axis; without it one that holds is enough. Readings of the guest are meant; other scopes where
 * the guest has none. */
#ifndef ASSAY_REPORT_FAIL_IF_H
#define ASSAY_REPORT_FAIL_IF_H

#include "controller/report/model.h"

enum fail_op { FAIL_ABOVE, FAIL_AT_LEAST, FAIL_BELOW, FAIL_AT_MOST };

struct fail_if {
	char window[NAME_SIZE];
	char metric[NAME_SIZE];
	char value[NAME_SIZE]; /* "": any */
	enum fail_op op;
	double limit;
};

/* -EINVAL: one sentence that names the character where it went wrong, from 1. */
int fail_if_parse(const char *expression, struct fail_if *ret, struct err *err);

struct fail_result {
	size_t judged;	  /* ratios with an interval */
	size_t unjudged;  /* ratios without one */
	size_t holding;	  /* of those judged */
	char detail[400]; /* the first that holds; else the first judged; else why none was */
};

/* -EINVAL: nothing is compared; -ENOENT: no such window, metric or value, with those there are. */
int fail_if_judge(const struct fail_if *condition, const struct report_model *model,
		  struct fail_result *ret, struct err *err);

#endif
