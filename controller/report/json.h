// SPDX-License-Identifier: GPL-3.0-or-later
/* json - a campaign's model as one JSON object. Members may be added; none is renamed or leaves.
 *
 *	format       1
 *	campaign     {id, name, state, created (text, UTC), created_ns, seed (a string: 64 bits),
 *	             hosts [..], compare {axis, baseline} or null,
 *	             runs {planned, valid, flagged, invalid, missing, warmups}}
 *	cells[]      {axes {..}, host (null: nothing ran), block, baseline (true/false), runs {..}}
 *	windows[]    {name, metrics[]}; metrics: {metric, scope, unit, cells[]}; one entry for each
 *	             of the cells above, in their order: {n, absent, mean, median, sd, min, max,
 *	             low, high (the mean's 95 % interval), running_share, comparison}; comparison:
 *	             null or {baseline (index of a cell), ratio, low, high, method, why}
 *	invalid[], flagged[]
 *	             {cell (index), iteration, attempt, warmup, run_key, counted, reasons [..]}
 *	absent[]     {metric, scope, windows [..], cells [index..], note}
 *	fail_if      null or {expression, holds, judged, unjudged, detail}
 *
 * Values are in `unit`, never scaled. A number that does not exist (a spread of one run) is
 * null. */
#ifndef ASSAY_REPORT_JSON_H
#define ASSAY_REPORT_JSON_H

#include <jansson.h>
#include <stdio.h>

#include "controller/report/fail_if.h"

/* expression and result: NULL where no condition was given. */
int json_report(const struct report_model *model, const char *expression,
		const struct fail_result *result, FILE *out, struct err *err);

/* For the room: a string that is valid UTF-8 whatever s holds; null for NULL. */
json_t *json_text(const char *s);
/* Dumps with a newline at the end, releases root. NULL: out of memory while it was made. */
int json_print(json_t *root, FILE *out, struct err *err);

#endif
