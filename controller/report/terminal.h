// SPDX-License-Identifier: GPL-3.0-or-later
/* terminal - a campaign's model as text for people: what it was, the comparison of each window,
 * every cell, and all that was left out with the reason. */
#ifndef ASSAY_REPORT_TERMINAL_H
#define ASSAY_REPORT_TERMINAL_H

#include "controller/report/figure.h"

void terminal_report(const struct report_model *model, const struct screen *screen);

/* For terminal's own files. Tables of one window. */
void comparison_print(struct view *view, const char *window);
void cells_print(struct view *view, const char *window, bool after_comparison);
/* What stands outside the tables: attempts that are not fit or doubtful, notes on values,
 * absent metrics. */
void attempts_print(const struct view *view, enum verdict verdict);
void notes_print(const struct view *view);
void absents_print(const struct view *view);

#endif
