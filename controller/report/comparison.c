// SPDX-License-Identifier: GPL-3.0-or-later
/* comparison - the table of one window: a row a metric, the baseline's mean, then each other
 * value's mean and its ratio to the baseline. Where that is too wide, or there are more than two
 * others, a metric gets a line of its own and below it a line for each value. */
#include <math.h>

#include "controller/report/grid.h"
#include "controller/report/terminal.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

enum { MOST_SIDE_BY_SIDE = 2 }; /* others: each takes about 35 columns */

struct block { /* cells [from, to) of the model, one of them the baseline */
	size_t from, to;
	const struct model_cell *baseline;
	bool bare; /* means without their intervals: the table of cells has them */
};

static bool is_other(const struct block *block, const struct model_cell *cell)
{
	return cell != block->baseline && cell->value && cell->runs.planned > 0;
}

static size_t count_others(const struct view *view, const struct block *block)
{
	size_t n = 0;
	for (size_t i = block->from; i < block->to; i++)
		n += is_other(block, view->model->cells[i]);
	return n;
}

static void set_ratio(struct view *view, struct grid *grid, size_t column,
		      const struct block *block, const struct model_row *row, size_t cell)
{
	const struct model_value *value = &row->values[cell];
	autofree char *ratio = figure_ratio(view, &row->values[block->baseline->index], value);
	enum grid_style style = value->comparison.method == RATIO_NONE ? GRID_PLAIN
				: figure_differs(value)		       ? GRID_BOLD
								       : GRID_DIM;
	grid_set(grid, column, style, "%s", ratio);
}

static void set_mean(struct view *view, struct grid *grid, size_t column, const struct block *block,
		     size_t cell, const struct model_row *row, const struct row_scale *scale)
{
	struct model_value value = row->values[cell];
	if (block->bare)
		value.estimate.low = value.estimate.high = (double)NAN;
	autofree char *mean = figure_mean(view, row, view->model->cells[cell], &value, scale);
	grid_set(grid, column, GRID_PLAIN, "%s", mean);
}

static void wide_columns(const struct view *view, const struct block *block, struct grid *grid)
{
	grid_column(grid, "metric", NULL);
	grid_column(grid, "", NULL);
	grid_column(grid, block->baseline->value, PATTERN_MEAN);
	for (size_t i = block->from; i < block->to; i++) {
		const struct model_cell *cell = view->model->cells[i];
		if (!is_other(block, cell))
			continue;
		autofree char *ratio = xasprintf("%s / %s", cell->value, block->baseline->value);
		grid_column(grid, cell->value, PATTERN_MEAN);
		grid_column(grid, ratio, PATTERN_RATIO);
	}
}

static void wide_row(struct view *view, const struct block *block, const struct model_row *row,
		     struct grid *grid)
{
	autofree char *metric = figure_metric(row);
	struct row_scale scale;
	size_t column = 3;
	figure_row_scale(view->model, row, &scale);
	grid_row(grid);
	grid_set(grid, 0, GRID_PLAIN, "%s", metric);
	grid_set(grid, 1, GRID_PLAIN, "%s", scale.shared ? scale.scale.name : "");
	set_mean(view, grid, 2, block, block->baseline->index, row, &scale);
	for (size_t i = block->from; i < block->to; i++) {
		if (!is_other(block, view->model->cells[i]))
			continue;
		set_mean(view, grid, column++, block, i, row, &scale);
		set_ratio(view, grid, column++, block, row, i);
	}
}

static void narrow_columns(const struct view *view, const struct block *block, struct grid *grid)
{
	autofree char *ratio = xasprintf("ratio to %s", block->baseline->value);
	autofree char *header = xasprintf("  %s", view->model->campaign->compare_axis);
	grid_column(grid, header, NULL);
	grid_column(grid, "mean", PATTERN_MEAN);
	grid_column(grid, ratio, PATTERN_RATIO);
}

static void narrow_row(struct view *view, const struct block *block, const struct model_row *row,
		       struct grid *grid)
{
	struct row_scale scale;
	figure_row_scale(view->model, row, &scale);
	autofree char *heading = figure_row_heading(row, &scale);
	grid_span(grid, heading);
	for (size_t i = block->from; i < block->to; i++) {
		const struct model_cell *cell = view->model->cells[i];
		if (cell != block->baseline && !is_other(block, cell))
			continue;
		grid_row(grid);
		grid_set(grid, 0, GRID_PLAIN, "  %s", cell->value);
		set_mean(view, grid, 1, block, i, row, &scale);
		if (cell != block->baseline)
			set_ratio(view, grid, 2, block, row, i);
	}
}

typedef void columns_fn(const struct view *, const struct block *, struct grid *);
typedef void row_fn(struct view *, const struct block *, const struct model_row *, struct grid *);

/* Prints unless it is too wide and may refuse. */
static bool layout(struct view *view, const char *window, const struct block *block,
		   columns_fn *columns, row_fn *add, bool may_refuse)
{
	autogrid struct grid grid;
	size_t width = (size_t)view->screen->width;
	bool intervals = view->intervals, cut = view->cut;
	grid_init(&grid, view->screen);
	columns(view, block, &grid);
	for (size_t i = 0; i < view->model->n_rows; i++) {
		const struct model_row *row = view->model->rows[i];
		if (strcmp(row->window, window) == 0 &&
		    figure_row_shown(row, block->from, block->to))
			add(view, block, row, &grid);
	}
	if (may_refuse && width && grid_width(&grid) > width) {
		view->intervals = intervals; /* nothing of this was shown */
		view->cut = cut;
		return false;
	}
	grid_print(&grid);
	return true;
}

static bool has_rows(const struct view *view, const char *window, const struct block *block)
{
	for (size_t i = 0; i < view->model->n_rows; i++)
		if (strcmp(view->model->rows[i]->window, window) == 0 &&
		    figure_row_shown(view->model->rows[i], block->from, block->to))
			return true;
	return false;
}

static void print_block(struct view *view, const char *window, const struct block *block,
			size_t number)
{
	autofree char *label = model_block_label(view->model, number);
	autofree char *heading = xasprintf("%s%s%s", window, label[0] ? "   " : "", label);
	if (!has_rows(view, window, block))
		return;
	if (!block->baseline) {
		screen_heading(view->screen, heading);
		screen_wrap(view->screen, "  ", 2,
			    "no cell of this group has the baseline's value: nothing to compare "
			    "with");
		return;
	}
	size_t others = count_others(view, block);
	if (others == 0)
		return;
	screen_heading(view->screen, heading);
	if (others <= MOST_SIDE_BY_SIDE &&
	    layout(view, window, block, wide_columns, wide_row, true))
		return;
	if (layout(view, window, block, narrow_columns, narrow_row, true))
		return;
	struct block bare = *block;
	bare.bare = true;
	layout(view, window, &bare, narrow_columns, narrow_row, false);
}

void comparison_print(struct view *view, const char *window)
{
	const struct report_model *model = view->model;
	struct block block = {0};
	for (size_t number = 0; number < model->n_blocks; number++) {
		block.from = block.to;
		while (block.to < model->n_cells && model->cells[block.to]->block == number)
			block.to++;
		block.baseline = model_baseline(model, number);
		print_block(view, window, &block, number);
	}
}
