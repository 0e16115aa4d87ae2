// SPDX-License-Identifier: GPL-3.0-or-later
/* figure - the model's numbers as cells of a grid: parts between tabs, one pattern a kind.
 *
 * All strings are owned by the caller. What has no number is "-". */
#ifndef ASSAY_REPORT_FIGURE_H
#define ASSAY_REPORT_FIGURE_H

#include "controller/report/model.h"
#include "controller/report/number.h"
#include "controller/report/screen.h"

#define FIGURE_DIGITS 4

#define PATTERN_MEAN   "RLLLL" /* 123.4 +- 1.2 ms * */
#define PATTERN_RATIO  "RLL"   /* 0.370x [0.361, 0.379] */
#define PATTERN_NUMBER "RL"    /* 123.4 */
#define PATTERN_MARKED "RLL"   /* 123.4 * */
#define PATTERN_TEXT   "R"     /* [122.2, 124.6] */

/* What the tables of one report share. */
struct view {
	const struct screen *screen;	  /* borrowed */
	const struct report_model *model; /* borrowed */
	char **notes;			  /* footnotes in the order of their numbers; owned */
	size_t said;			  /* notes printed so far */
	double least_share;		  /* of multiplexed readings shown; 1: none was */
	bool intervals, ratios, cut;	  /* shown since the last legend */
};
void view_done(struct view *view);

/* The footnote's number, from 1; equal ones share it. */
size_t view_note(struct view *view, const char *text);

/* One unit for a row, so that its means can be compared at a glance; or, where they are too far
 * apart for that, each in its own. */
struct row_scale {
	struct scale scale; /* of all, or of the largest */
	bool shared;
};
void figure_row_scale(const struct report_model *model, const struct model_row *row,
		      struct row_scale *ret);
/* Of one line: that of its mean, or the row's where this is 0. */
void figure_own_scale(const struct model_row *row, const struct estimate *estimate,
		      const struct row_scale *scale, struct scale *ret);
/* "wall, s": the metric and the unit, where all share one. Owned by the caller. */
char *figure_row_heading(const struct model_row *row, const struct row_scale *scale);
/* Half the interval of the mean; NaN where there is none. */
double figure_half(const struct estimate *estimate);
/* Decimals for all numbers of one cell of the model. */
int figure_decimals(const struct estimate *estimate, const struct scale *scale);

char *figure_number(double value, const struct scale *scale, int decimals);
char *figure_interval(const struct estimate *estimate, const struct scale *scale, int decimals);
/* Both mark what they show in the view; a missing number gets a footnote that says why. The
 * mean's unit is with it where the row has none. */
char *figure_mean(struct view *view, const struct model_row *row, const struct model_cell *cell,
		  const struct model_value *value, const struct row_scale *scale);
char *figure_ratio(struct view *view, const struct model_value *baseline,
		   const struct model_value *value);
/* Whether the ratio's interval leaves 1 out. */
bool figure_differs(const struct model_value *value);

/* "-", with a footnote where the cell has no run that may be averaged. */
char *figure_missing(struct view *view, const struct model_cell *cell);

/* "wall", "energy/package (host)": the scope where it is not the guest. */
char *figure_metric(const struct model_row *row);

/* Codes of the reasons of the cell's runs that are not fit, each once: "timeout, no-mark". */
char *figure_codes(const struct report_model *model, const struct model_cell *cell);

/* A row that has values in the cells [from, to). */
bool figure_row_shown(const struct model_row *row, size_t from, size_t to);

/* How tables name a cell, "qemu, 512M", under the header "guest, memory"; and how sentences do,
 * "guest=qemu memory=512M". */
char *figure_cell(const struct report_model *model, const struct model_cell *cell);
char *figure_cell_header(const struct report_model *model);
char *figure_cell_in_text(const struct report_model *model, const struct model_cell *cell);

#endif
