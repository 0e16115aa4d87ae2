// SPDX-License-Identifier: GPL-3.0-or-later
/* grid - a table of text whose numbers stand under each other by their decimal points.
 *
 * Columns have a pattern: NULL for text, which stands left; else one letter for each part of a
 * cell, L or R, the side to which the part is aligned. Parts are separated by tabs:
 *	pattern "RL"      cells "12\t.5"  "3\t.25"        ->   12.5
 *							       3.25
 * A cell without tabs in such a column ("-") stands right as it is. libsmartcols prints. */
#ifndef ASSAY_REPORT_GRID_H
#define ASSAY_REPORT_GRID_H

#include "controller/report/screen.h"
#include "proto/base/cleanup.h"

enum { GRID_COLUMNS = 16, GRID_PARTS = 12 };

enum grid_style { GRID_PLAIN, GRID_BOLD, GRID_DIM };

struct grid_cell {
	char *text; /* NULL: empty */
	enum grid_style style;
};

struct grid_row {
	char *span; /* instead of cells: text over the whole width, cleaned; NULL: none */
	struct grid_cell cells[GRID_COLUMNS];
};

struct grid {
	const struct screen *screen; /* borrowed */
	struct {
		char *header;
		const char *pattern; /* borrowed, constant */
	} columns[GRID_COLUMNS];
	size_t n_columns;
	struct grid_row *rows;
	size_t n_rows;
};

void grid_init(struct grid *grid, const struct screen *screen);
void grid_done(struct grid *grid);

static inline void cleanup_grid(struct grid *grid)
{
	grid_done(grid);
}
#define autogrid autoclean(grid)

/* Gives the column's number; those past GRID_COLUMNS are our bug. The header is cleaned. */
size_t grid_column(struct grid *grid, const char *header, const char *pattern);
void grid_row(struct grid *grid);
/* A row that is a heading for those below it. It does not widen the first column. */
void grid_span(struct grid *grid, const char *text);
/* In the last row. Text in columns without a pattern is cleaned; others hold our own numbers. */
void grid_set(struct grid *grid, size_t column, enum grid_style style, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Columns that it takes when printed, the margin included. Aligns the cells: set no more. */
size_t grid_width(struct grid *grid);
/* Two blanks of margin; a table that is too wide is cut in its first column. */
void grid_print(struct grid *grid);

#endif
