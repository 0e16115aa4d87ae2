// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/report/grid.h"

#include <assert.h>
#include <libsmartcols/libsmartcols.h>
#include <stdarg.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"

enum { MARGIN = 2, GAP = 2 };

void grid_init(struct grid *grid, const struct screen *screen)
{
	*grid = (struct grid){.screen = screen};
}

void grid_done(struct grid *grid)
{
	for (size_t c = 0; c < grid->n_columns; c++)
		free(grid->columns[c].header);
	for (size_t r = 0; r < grid->n_rows; r++) {
		free(grid->rows[r].span);
		for (size_t c = 0; c < grid->n_columns; c++)
			free(grid->rows[r].cells[c].text);
	}
	free(grid->rows);
	*grid = (struct grid){0};
}

size_t grid_column(struct grid *grid, const char *header, const char *pattern)
{
	assert(grid->n_columns < GRID_COLUMNS && (!pattern || strlen(pattern) <= GRID_PARTS));
	grid->columns[grid->n_columns].header = screen_clean(grid->screen, header);
	grid->columns[grid->n_columns].pattern = pattern;
	return grid->n_columns++;
}

void grid_row(struct grid *grid)
{
	(void)ARRAY_PUSH(grid->rows, grid->n_rows);
}

void grid_span(struct grid *grid, const char *text)
{
	ARRAY_PUSH(grid->rows, grid->n_rows)->span = screen_clean(grid->screen, text);
}

void grid_set(struct grid *grid, size_t column, enum grid_style style, const char *fmt, ...)
{
	struct grid_cell *cell = &grid->rows[grid->n_rows - 1].cells[column];
	char *text = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		abort(); /* out of memory ends the process, as in mem.h */
	free(cell->text);
	cell->style = style;
	cell->text = text;
	if (!grid->columns[column].pattern) {
		cell->text = screen_clean(grid->screen, text);
		free(text);
	}
}

/* Cuts text at its tabs, in place; gives how many parts there are. */
static size_t split(char *text, char *parts[GRID_PARTS])
{
	size_t n = 0;
	for (char *part = text; part && n < GRID_PARTS; n++)
		parts[n] = strsep(&part, "\t");
	return n;
}

static void widths_of(const struct grid *grid, size_t column, size_t widths[GRID_PARTS])
{
	memset(widths, 0, GRID_PARTS * sizeof(*widths));
	for (size_t r = 0; r < grid->n_rows; r++) {
		const char *text = grid->rows[r].cells[column].text;
		if (!text || !strchr(text, '\t'))
			continue;
		autofree char *copy = xstrdup(text);
		char *parts[GRID_PARTS];
		size_t n = split(copy, parts);
		for (size_t i = 0; i < n; i++) {
			size_t width = screen_columns(parts[i]);
			if (width > widths[i])
				widths[i] = width;
		}
	}
}

static char *aligned(const char *pattern, char *text, const size_t widths[GRID_PARTS])
{
	autotext struct text line = {0};
	char *parts[GRID_PARTS];
	size_t n = split(text, parts);
	for (size_t i = 0; i < strlen(pattern); i++) {
		const char *part = i < n ? parts[i] : "";
		int blanks = (int)(widths[i] - screen_columns(part));
		if (pattern[i] == 'R')
			text_addf(&line, "%*s%s", blanks, "", part);
		else
			text_addf(&line, "%s%*s", part, blanks, "");
	}
	return text_take(&line);
}

static void align(struct grid *grid)
{
	for (size_t c = 0; c < grid->n_columns; c++) {
		size_t widths[GRID_PARTS];
		if (!grid->columns[c].pattern)
			continue;
		widths_of(grid, c, widths);
		for (size_t r = 0; r < grid->n_rows; r++) {
			char **text = &grid->rows[r].cells[c].text;
			if (!*text || !strchr(*text, '\t'))
				continue;
			autofree char *parts = *text;
			*text = aligned(grid->columns[c].pattern, parts, widths);
		}
	}
}

size_t grid_width(struct grid *grid)
{
	size_t width = MARGIN;
	align(grid);
	for (size_t c = 0; c < grid->n_columns; c++) {
		size_t widest = screen_columns(grid->columns[c].header);
		for (size_t r = 0; r < grid->n_rows; r++) {
			const char *text = grid->rows[r].cells[c].text;
			size_t columns = text ? screen_columns(text) : 0;
			if (columns > widest)
				widest = columns;
		}
		width += widest + (c ? GAP : 0);
	}
	return width;
}

static void fill(const struct grid *grid, struct libscols_table *table)
{
	static const char *const styles[] = {
		[GRID_PLAIN] = NULL, [GRID_BOLD] = "bold", [GRID_DIM] = "halfbright"};
	for (size_t c = 0; c < grid->n_columns; c++) {
		struct libscols_column *column = scols_table_new_column(
			table, grid->columns[c].header, 0,
			grid->columns[c].pattern ? SCOLS_FL_RIGHT
			: c == 0		 ? SCOLS_FL_TRUNC
						 : 0);
		if (!column)
			abort();
		scols_cell_set_color(scols_column_get_header(column), "halfbright");
	}
	for (size_t r = 0; r < grid->n_rows; r++) {
		struct libscols_line *line = scols_table_new_line(table, NULL);
		for (size_t c = 0; c < grid->n_columns; c++) {
			const struct grid_cell *cell = &grid->rows[r].cells[c];
			if (!line || scols_line_set_data(line, c, cell->text ? cell->text : "") < 0)
				abort(); /* only memory can be missing */
			if (styles[cell->style])
				scols_cell_set_color(scols_line_get_cell(line, c),
						     styles[cell->style]);
		}
	}
}

static bool has_headers(const struct grid *grid)
{
	for (size_t c = 0; c < grid->n_columns; c++)
		if (grid->columns[c].header[0])
			return true;
	return false;
}

/* Lines with the margin in front and without the blanks that padding left at their ends: the
 * header where there is one, then one a row. */
static void print_lines(const struct grid *grid, char *text)
{
	FILE *out = grid->screen->out;
	size_t first = has_headers(grid);
	for (size_t i = 0; i < first + grid->n_rows && text; i++) {
		char *line = strsep(&text, "\n");
		if (i >= first && grid->rows[i - first].span)
			line = grid->rows[i - first].span;
		size_t size = strlen(line);
		while (size && line[size - 1] == ' ')
			size--;
		fprintf(out, "%*s%.*s\n", MARGIN, "", (int)size, line);
	}
}

void grid_print(struct grid *grid)
{
	const struct screen *screen = grid->screen;
	size_t width = grid_width(grid);
	autofree char *text = NULL;
	struct libscols_table *table = scols_new_table();
	if (!table)
		abort(); /* out of memory ends the process, as in mem.h */
	scols_table_set_column_separator(table, "  ");
	scols_table_enable_colors(table, screen->color);
	scols_table_enable_noheadings(table, !has_headers(grid));
	scols_table_set_termforce(table, SCOLS_TERMFORCE_NEVER);
	if (screen->width > MARGIN && width > (size_t)screen->width) {
		scols_table_set_termforce(table, SCOLS_TERMFORCE_ALWAYS);
		scols_table_set_termwidth(table, (size_t)screen->width - MARGIN);
	}
	fill(grid, table);
	if (scols_print_table_to_string(table, &text) == 0 && text)
		print_lines(grid, text);
	scols_unref_table(table);
}
