// SPDX-License-Identifier: GPL-3.0-or-later
/* arrange - the model's rows in the order that people read: cells by block with the baseline
 * first, windows as they were named with the whole run last; then estimates and comparisons. */
#include <search.h>

#include "controller/report/model.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

#define WHOLE "whole"

/* "512M" before "1G", "90ms" before "1s", "2" before "10", "v2" before "v10". */
static int order_natural(const char *a, const char *b)
{
	uint64_t x, y;
	bool numbers = text_parse_bytes(a, &x, NULL) == 0 && text_parse_bytes(b, &y, NULL) == 0;
	if (!numbers)
		numbers = text_parse_duration(a, &x, NULL) == 0 &&
			  text_parse_duration(b, &y, NULL) == 0;
	if (numbers && x != y)
		return x < y ? -1 : 1;
	return strverscmp(a, b);
}

static bool is_compared(const struct report_model *model, const char *axis)
{
	return text_equal(model->campaign->compare_axis, axis);
}

/* By all that the block is made of: what cells share although the compared axis differs. */
static int order_blocks(const void *a, const void *b, void *arg)
{
	const struct model_cell *x = *(struct model_cell *const *)a;
	const struct model_cell *y = *(struct model_cell *const *)b;
	size_t i = 0, j = 0;
	for (;; i++, j++) {
		if (i < x->n_coords && is_compared(arg, x->coords[i].name))
			i++;
		if (j < y->n_coords && is_compared(arg, y->coords[j].name))
			j++;
		if (i == x->n_coords || j == y->n_coords)
			break;
		int order = strcmp(x->coords[i].name, y->coords[j].name);
		if (!order)
			order = order_natural(x->coords[i].value, y->coords[j].value);
		if (order)
			return order;
	}
	if (i < x->n_coords || j < y->n_coords)
		return i < x->n_coords ? 1 : -1;
	return order_natural(x->host, y->host);
}

static int order_cells(const void *a, const void *b, void *arg)
{
	const struct model_cell *x = *(struct model_cell *const *)a;
	const struct model_cell *y = *(struct model_cell *const *)b;
	int order = order_blocks(a, b, arg);
	if (!order)
		order = (int)y->baseline - (int)x->baseline;
	if (!order && x->value && y->value)
		order = order_natural(x->value, y->value);
	return order ? order : strcmp(x->axes, y->axes);
}

static int order_attempts(const void *a, const void *b)
{
	const struct model_attempt *x = *(struct model_attempt *const *)a;
	const struct model_attempt *y = *(struct model_attempt *const *)b;
	if (x->cell != y->cell)
		return x->cell->index < y->cell->index ? -1 : 1;
	if (x->run->warmup != y->run->warmup)
		return x->run->warmup ? -1 : 1;
	if (x->run->iteration != y->run->iteration)
		return x->run->iteration < y->run->iteration ? -1 : 1;
	return (x->attempt > y->attempt) - (x->attempt < y->attempt);
}

/* A run that was never tried has no host yet. It goes to the one cell with its axes or, where
 * none of them ran, to the campaign's one host; where there are several, to a cell without. */
static struct model_cell *cell_of_untried(struct report_model *model, const char *axes)
{
	struct model_cell *only = NULL;
	const char *host = NULL;
	bool several = false;
	size_t n = 0;
	for (size_t i = 0; i < model->n_cells; i++) {
		struct model_cell *cell = model->cells[i];
		if (!cell->host[0])
			continue;
		several |= host && strcmp(host, cell->host) != 0;
		host = cell->host;
		if (strcmp(cell->axes, axes) == 0) {
			only = cell;
			n++;
		}
	}
	if (n == 1)
		return only;
	return model_cell(model, axes, n == 0 && host && !several ? host : "");
}

/* Without a baseline in the campaign it is the axis' first value. */
static void mark_baselines(struct report_model *model)
{
	const char *baseline = model->campaign->compare_baseline;
	for (size_t i = 0; !model->campaign->compare_baseline && i < model->n_cells; i++) {
		const char *value = model->cells[i]->value;
		if (value && (!baseline || order_natural(value, baseline) < 0))
			baseline = value;
	}
	for (size_t i = 0; baseline && i < model->n_cells; i++)
		model->cells[i]->baseline = text_equal(model->cells[i]->value, baseline);
}

static void count(struct run_counts *counts, const struct model_run *run)
{
	if (run->warmup) {
		counts->warmups++;
		return;
	}
	counts->planned++;
	if (!run->last)
		counts->missing++;
	else if (!run->used)
		counts->invalid++;
	else if (run->used->verdict == VERDICT_FLAGGED)
		counts->flagged++;
	else
		counts->valid++;
}

static const char *coord(const struct model_cell *cell, const char *axis)
{
	for (size_t i = 0; i < cell->n_coords; i++)
		if (strcmp(cell->coords[i].name, axis) == 0)
			return cell->coords[i].value;
	return NULL;
}

static bool axis_varies(const struct report_model *model, const char *axis)
{
	for (size_t i = 1; i < model->n_cells; i++)
		if (!text_equal(coord(model->cells[0], axis), coord(model->cells[i], axis)))
			return true;
	return false;
}

/* What names of cells need. */
static void find_varying(struct report_model *model)
{
	for (size_t i = 0; i < model->n_cells; i++) {
		struct model_cell *cell = model->cells[i];
		size_t j = 0;
		while (strcmp(model->cells[j]->host, cell->host) != 0)
			j++;
		model->n_hosts += j == i && cell->host[0];
		for (size_t c = 0; c < cell->n_coords; c++)
			cell->coords[c].varies = axis_varies(model, cell->coords[c].name);
	}
}

void model_seal(struct report_model *model)
{
	for (size_t i = 0; i < model->n_runs; i++) {
		struct model_run *run = model->runs[i];
		run->cell = run->used ? run->used->cell : run->last ? run->last->cell : NULL;
		if (!run->cell)
			run->cell = cell_of_untried(model, run->axes);
		count(&run->cell->runs, run);
		count(&model->totals, run);
	}
	find_varying(model);
	mark_baselines(model);
	if (model->n_cells)
		qsort_r(model->cells, model->n_cells, sizeof(struct model_cell *), order_cells,
			model);
	for (size_t i = 0; i < model->n_cells; i++) {
		struct model_cell *cell = model->cells[i];
		cell->index = i;
		cell->block = i == 0 ? 0 : model->cells[i - 1]->block;
		/* Without a comparison all cells stand together. */
		if (i && model->campaign->compare_axis &&
		    order_blocks(&model->cells[i - 1], &model->cells[i], model))
			cell->block++;
		model->n_blocks = cell->block + 1;
	}
	if (model->n_attempts)
		qsort(model->attempts, model->n_attempts, sizeof(struct model_attempt *),
		      order_attempts);
}

static void list_windows(struct report_model *model)
{
	bool whole = false;
	for (size_t i = 0; i < model->n_rows; i++) {
		const char *window = model->rows[i]->window;
		if (strcmp(window, WHOLE) != 0)
			model_push_once(&model->windows, window);
		else
			whole = true;
	}
	if (whole)
		strv_push(&model->windows, WHOLE);
}

/* Stable: inside a window the rows stay in the order in which they were first seen. */
static void sort_rows(struct report_model *model)
{
	struct model_row **sorted = NULL;
	size_t n = 0;
	for (char **w = model->windows; w && *w; w++)
		for (size_t i = 0; i < model->n_rows; i++)
			if (strcmp(model->rows[i]->window, *w) == 0)
				*ARRAY_PUSH(sorted, n) = model->rows[i];
	free(model->rows);
	model->rows = sorted;
}

static void compare_row(const struct report_model *model, struct model_row *row)
{
	for (size_t i = 0; i < model->n_cells; i++) {
		const struct model_cell *cell = model->cells[i];
		const struct model_cell *baseline = model_baseline(model, cell->block);
		struct model_value *value = &row->values[i];
		if (!baseline || baseline == cell || !cell->value)
			continue;
		const struct model_value *base = &row->values[baseline->index];
		stats_compare(base->values, base->n, value->values, value->n, MODEL_CONFIDENCE,
			      &value->comparison);
		value->compared = true;
	}
}

void model_finish(struct report_model *model)
{
	list_windows(model);
	sort_rows(model);
	for (size_t i = 0; i < model->n_rows; i++) {
		struct model_row *row = model->rows[i];
		for (size_t c = 0; c < model->n_cells; c++)
			stats_estimate(row->values[c].values, row->values[c].n, MODEL_CONFIDENCE,
				       &row->values[c].estimate);
		compare_row(model, row);
	}
}

static bool is_never_negative(const struct model_value *value)
{
	return value->n > 0 && value->estimate.min >= 0;
}

double model_ratio_low(const struct model_value *baseline, const struct model_value *value)
{
	double low = value->comparison.low;
	return low < 0 && is_never_negative(baseline) && is_never_negative(value) ? 0 : low;
}

const struct model_cell *model_baseline(const struct report_model *model, size_t block)
{
	for (size_t i = 0; i < model->n_cells; i++)
		if (model->cells[i]->block == block && model->cells[i]->baseline)
			return model->cells[i];
	return NULL;
}

static char *label(const struct report_model *model, const struct model_cell *cell,
		   bool with_compared)
{
	autotext struct text text = {0};
	for (size_t i = 0; i < cell->n_coords; i++) {
		const struct axis_value *c = &cell->coords[i];
		bool compared = is_compared(model, c->name);
		if (!c->varies || (compared && !with_compared))
			continue;
		text_addf(&text, "%s%s=%s", text.size ? " " : "", c->name, c->value);
	}
	if (model->n_hosts > 1)
		text_addf(&text, "%son %s", text.size ? " " : "",
			  cell->host[0] ? cell->host : "no host yet");
	return text_take(&text);
}

char *model_cell_label(const struct report_model *model, const struct model_cell *cell)
{
	return label(model, cell, true);
}

char *model_block_label(const struct report_model *model, size_t block)
{
	for (size_t i = 0; i < model->n_cells; i++)
		if (model->cells[i]->block == block)
			return label(model, model->cells[i], false);
	return xstrdup("");
}
