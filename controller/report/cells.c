// SPDX-License-Identifier: GPL-3.0-or-later
/* cells - the table of one window with everything about each cell: n, mean, median, spread,
 * extremes and the mean's interval, each line in the unit that suits it. On a narrow terminal it
 * first puts the metric on a line of its own and then leaves columns out, and says which. */
#include <math.h>

#include "controller/report/grid.h"
#include "controller/report/terminal.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

enum column {
	COLUMN_N,
	COLUMN_UNIT,
	COLUMN_MEAN,
	COLUMN_MEDIAN,
	COLUMN_SD,
	COLUMN_MIN,
	COLUMN_MAX,
	COLUMN_CI
};

static const struct {
	const char *header, *pattern;
} columns[] = {
	[COLUMN_N] = {"n", PATTERN_NUMBER},	  [COLUMN_UNIT] = {"unit", NULL},
	[COLUMN_MEAN] = {"mean", PATTERN_MARKED}, [COLUMN_MEDIAN] = {"median", PATTERN_NUMBER},
	[COLUMN_SD] = {"sd", PATTERN_NUMBER},	  [COLUMN_MIN] = {"min", PATTERN_NUMBER},
	[COLUMN_MAX] = {"max", PATTERN_NUMBER},	  [COLUMN_CI] = {"95 % interval", PATTERN_TEXT},
};

struct layout {
	bool stacked;	  /* metrics on lines of their own */
	bool tight;	  /* numbers do not stand by their decimal points */
	bool half;	  /* of the interval, instead of its ends */
	unsigned without; /* bits of enum column */
	const char *said; /* what is left out, for people */
};

/* In order of preference: nothing is left out before all else is tried. */
static const struct layout layouts[] = {
	{},
	{.stacked = true},
	{.stacked = true, .tight = true},
	{.stacked = true, .tight = true, .half = true},
	{true, true, true, 1u << COLUMN_MEDIAN, "median"},
	{true, true, true, 1u << COLUMN_MEDIAN | 1u << COLUMN_MIN | 1u << COLUMN_MAX,
	 "median, min, max"},
	{true, true, true,
	 1u << COLUMN_MEDIAN | 1u << COLUMN_SD | 1u << COLUMN_MIN | 1u << COLUMN_MAX,
	 "median, sd, min, max"},
};

/* "12<tab>.5" becomes "12.5<tab>": one part that stands right, and the place of the mark. */
static void tighten(char *figure)
{
	char *tab = strchr(figure, '\t');
	if (!tab)
		return;
	size_t rest = strlen(tab + 1);
	memmove(tab, tab + 1, rest);
	tab[rest] = '\t';
}

static char *spread_of(struct view *view, const struct layout *layout, const struct estimate *e,
		       const struct scale *scale, int decimals)
{
	if (!layout->half)
		return figure_interval(e, scale, decimals);
	view->intervals |= !isnan(figure_half(e));
	return figure_number(figure_half(e), scale, decimals);
}

/* One line: the numbers of one cell, from column `at` on. */
static void set_numbers(struct view *view, const struct layout *layout, struct grid *grid,
			size_t at, const struct model_cell *cell, const struct model_value *value,
			const struct scale *scale)
{
	const struct estimate *e = &value->estimate;
	int decimals = figure_decimals(e, scale);
	char *figures[] = {
		[COLUMN_N] = xasprintf("%zu\t", value->n),
		[COLUMN_UNIT] = xstrdup(value->n ? scale->name : ""),
		[COLUMN_MEAN] = value->n ? figure_number(e->mean, scale, decimals)
					 : figure_missing(view, cell),
		[COLUMN_MEDIAN] = figure_number(e->median, scale, decimals),
		[COLUMN_SD] = figure_number(e->sd, scale, decimals),
		[COLUMN_MIN] = figure_number(e->min, scale, decimals),
		[COLUMN_MAX] = figure_number(e->max, scale, decimals),
		[COLUMN_CI] = spread_of(view, layout, e, scale, decimals),
	};
	for (size_t i = 0; i < ARRAY_SIZE(figures); i++) {
		bool marked = i == COLUMN_MEAN && value->n && value->running_share < 1;
		if (layout->tight)
			tighten(figures[i]);
		if (!(layout->without & 1u << i))
			grid_set(grid, at++, GRID_PLAIN, "%s%s", figures[i], marked ? "\t *" : "");
		free(figures[i]);
	}
	if (value->n && value->running_share < view->least_share)
		view->least_share = value->running_share;
}

static bool is_shown(const struct model_cell *cell)
{
	return cell->runs.planned > 0;
}

static size_t count_shown(const struct report_model *model)
{
	size_t n = 0;
	for (size_t i = 0; i < model->n_cells; i++)
		n += is_shown(model->cells[i]);
	return n;
}

static void add_row(struct view *view, const struct layout *layout, const struct model_row *row,
		    struct grid *grid, bool one_cell)
{
	autofree char *metric = figure_metric(row);
	struct row_scale row_scale;
	bool first = true;
	figure_row_scale(view->model, row, &row_scale);
	if (layout->stacked)
		grid_span(grid, metric);
	for (size_t i = 0; i < view->model->n_cells; i++) {
		const struct model_cell *cell = view->model->cells[i];
		if (!is_shown(cell))
			continue;
		autofree char *name = figure_cell(view->model, cell);
		struct scale scale;
		size_t at = 0;
		figure_own_scale(row, &row->values[i].estimate, &row_scale, &scale);
		grid_row(grid);
		if (layout->stacked) {
			grid_set(grid, at++, GRID_PLAIN, "  %s", name);
		} else {
			grid_set(grid, at++, GRID_PLAIN, "%s", first ? metric : "");
			if (!one_cell)
				grid_set(grid, at++, GRID_PLAIN, "%s", name);
		}
		set_numbers(view, layout, grid, at, cell, &row->values[i], &scale);
		first = false;
	}
}

static void add_columns(const struct view *view, const struct layout *layout, struct grid *grid,
			bool one_cell)
{
	autofree char *header = figure_cell_header(view->model);
	if (layout->stacked) {
		autofree char *indented = xasprintf("  %s", header);
		grid_column(grid, indented, NULL);
	} else {
		grid_column(grid, "metric", NULL);
		if (!one_cell)
			grid_column(grid, header, NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(columns); i++) {
		bool half = i == COLUMN_CI && layout->half;
		if (layout->without & 1u << i)
			continue;
		grid_column(grid, half ? screen_plus_minus(view->screen) : columns[i].header,
			    half ? PATTERN_NUMBER : columns[i].pattern);
	}
}

static void build(struct view *view, const char *window, const struct layout *layout,
		  struct grid *grid)
{
	const struct report_model *model = view->model;
	bool one_cell = count_shown(model) == 1;
	grid_init(grid, view->screen);
	add_columns(view, layout, grid, one_cell);
	for (size_t i = 0; i < model->n_rows; i++)
		if (strcmp(model->rows[i]->window, window) == 0 && model->rows[i]->n)
			add_row(view, layout, model->rows[i], grid, one_cell);
}

static void say_left_out(const struct screen *screen, const char *said)
{
	autofree char *text = xasprintf("(left out at this width: %s)", said);
	screen_wrap(screen, "  ", 2, text);
}

void cells_print(struct view *view, const char *window, bool after_comparison)
{
	size_t width = (size_t)view->screen->width;
	bool intervals = view->intervals;
	for (size_t i = 0; i < ARRAY_SIZE(layouts); i++) {
		autogrid struct grid grid;
		view->intervals = intervals; /* what was too wide was not shown */
		build(view, window, &layouts[i], &grid);
		if (grid.n_rows == 0)
			return;
		if (i + 1 < ARRAY_SIZE(layouts) && width && grid_width(&grid) > width)
			continue;
		autofree char *heading = xasprintf("%s%s", window,
						   after_comparison ? ", every cell" : "");
		screen_heading(view->screen, heading);
		grid_print(&grid);
		if (layouts[i].said)
			say_left_out(view->screen, layouts[i].said);
		return;
	}
}
