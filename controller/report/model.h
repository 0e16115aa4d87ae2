// SPDX-License-Identifier: GPL-3.0-or-later
/* model - a campaign's rows as what a report shows: cells x windows x metrics, each with its
 * estimate, and comparisons inside blocks. Pure: rows in, numbers out, no store and no printing.
 *
 * One value a run: that of its last attempt that is not invalid. Warm-ups and invalid attempts
 * never reach a number; they are counted and listed. A cell is a point of the matrix on one host,
 * since values of different machines are never pooled. A block holds the cells that differ in
 * the compared axis only.
 *
 * Order of calls: runs, attempts, seal, results, finish. A result of an attempt that was not
 * added is left out: it came after the attempts were read. */
#ifndef ASSAY_REPORT_MODEL_H
#define ASSAY_REPORT_MODEL_H

#include "controller/stats/stats.h"
#include "controller/store/store.h"

#define MODEL_CONFIDENCE 0.95

struct axis_value {
	char *name;
	char *value; /* what is not a string, as JSON */
	bool varies; /* over the cells of this campaign */
};

struct run_counts { /* planned = valid + flagged + invalid + missing; warm-ups are none of them */
	size_t planned;
	size_t valid, flagged, invalid; /* by the attempt that counts, or all were invalid */
	size_t missing;			/* no attempt has ended */
	size_t warmups;
};

struct model_cell {
	char *axes; /* JSON as stored */
	char *host; /* "" where nothing ran yet */
	struct axis_value *coords;
	size_t n_coords;
	const char *value; /* of the compared axis, borrowed from coords; NULL: has none */
	bool baseline;
	size_t index; /* in model->cells */
	size_t block; /* from 0 */
	struct run_counts runs;
};

struct model_run {
	char *key;
	char *axes;
	uint32_t iteration;
	bool warmup;
	struct model_cell *cell;
	struct model_attempt *used; /* NULL: none is fit */
	struct model_attempt *last; /* NULL: none has ended */
};

struct model_attempt {
	struct model_run *run;
	struct model_cell *cell;
	uint32_t attempt;
	enum verdict verdict;
	char **reasons; /* "code: text", NULL-ended; NULL: none */
};

struct model_value { /* one metric in one window of one cell */
	size_t n;
	double *values;	      /* one a run */
	size_t absent;	      /* runs without it */
	double running_share; /* the least of its values; 1 where n is 0 */
	struct estimate estimate;
	bool compared; /* comparison is set: there is a baseline and this is another */
	struct comparison comparison;
	const struct model_attempt *latest; /* whose value came last */
};

struct model_row {
	char *window, *metric, *scope, *unit;
	size_t n;		    /* values in all cells */
	struct model_value *values; /* one a cell */
};

/* A metric that runs did not have, and why; or what is to be known about one that they had. */
struct model_note {
	char *metric, *scope, *note;
	char **windows;
	bool *cells; /* one a cell */
	size_t n;    /* readings that have it */
};

struct report_model {
	const struct store_campaign *campaign; /* borrowed, outlives the model */
	struct model_cell **cells;	       /* by block, baseline first */
	size_t n_cells, n_blocks;
	size_t n_hosts; /* that have run something */
	struct model_run **runs;
	size_t n_runs;
	struct model_attempt **attempts; /* by cell, iteration, attempt */
	size_t n_attempts;
	struct model_row **rows; /* by window, then as first seen */
	size_t n_rows;
	struct model_note **absents; /* as first seen */
	size_t n_absents;
	struct model_note **notes; /* on values that are there, as first seen */
	size_t n_notes;
	char **windows; /* as first seen, "whole" last */
	struct run_counts totals;
	void *cell_tree, *run_tree, *attempt_tree, *row_tree, *absent_tree, *note_tree;
};

struct report_model *model_new(const struct store_campaign *campaign);
void model_free(struct report_model *model); /* NULL is fine */
CLEANUP_DEFINE(model, struct report_model *, model_free)
#define automodel autoclean(model)

void model_add_run(struct report_model *model, const struct store_run *run);
void model_add_attempt(struct report_model *model, const struct store_attempt *attempt);
void model_seal(struct report_model *model);
/* -E2BIG: more metrics times cells than a report can hold. */
int model_add_result(struct report_model *model, const struct store_result *result,
		     struct err *err);
void model_finish(struct report_model *model);

bool model_has_name(char *const *names, const char *name);
/* Unless it is there already. */
void model_push_once(char ***names, const char *name);

/* For model's own files. */
struct model_cell *model_cell(struct report_model *model, const char *axes, const char *host);

/* The cell's name for people, owned by the caller: its axes that vary in this campaign, its host
 * where there are several. "" where nothing varies. */
char *model_cell_label(const struct report_model *model, const struct model_cell *cell);
/* The same without the compared axis. */
char *model_block_label(const struct report_model *model, size_t block);
/* Where the ratio's interval begins for people. Values that are never negative have no negative
 * ratio: an interval that reaches below 0, since the other's mean cannot be told from 0, loses
 * nothing of its confidence when it is cut off there. */
double model_ratio_low(const struct model_value *baseline, const struct model_value *value);
/* NULL where the block has none. */
const struct model_cell *model_baseline(const struct report_model *model, size_t block);

#endif
