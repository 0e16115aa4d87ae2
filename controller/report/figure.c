// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/report/figure.h"

#include <math.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"

enum { NUMBER_SIZE = 48 };

void view_done(struct view *view)
{
	strv_free(view->notes);
	view->notes = NULL;
}

size_t view_note(struct view *view, const char *text)
{
	size_t n = strv_count(view->notes);
	for (size_t i = 0; i < n; i++)
		if (strcmp(view->notes[i], text) == 0)
			return i + 1;
	strv_push(&view->notes, text);
	return n + 1;
}

void figure_row_scale(const struct report_model *model, const struct model_row *row,
		      struct row_scale *ret)
{
	double largest = 0, smallest = (double)INFINITY;
	for (size_t i = 0; i < model->n_cells; i++) {
		double mean = row->values[i].n ? fabs(row->values[i].estimate.mean) : 0;
		largest = fmax(largest, mean);
		if (mean > 0)
			smallest = fmin(smallest, mean);
	}
	ret->shared = number_scale_shared(smallest, largest, row->unit, FIGURE_DIGITS, &ret->scale);
}

void figure_own_scale(const struct model_row *row, const struct estimate *estimate,
		      const struct row_scale *scale, struct scale *ret)
{
	if (estimate->mean == 0 || isnan(estimate->mean))
		*ret = scale->scale;
	else
		number_scale(estimate->mean, row->unit, FIGURE_DIGITS, ret);
}

char *figure_row_heading(const struct model_row *row, const struct row_scale *scale)
{
	autofree char *metric = figure_metric(row);
	const char *unit = scale->shared ? scale->scale.name : "";
	return xasprintf("%s%s%s", metric, unit[0] ? ", " : "", unit);
}

double figure_half(const struct estimate *estimate)
{
	return (estimate->high - estimate->low) / 2;
}

int figure_decimals(const struct estimate *estimate, const struct scale *scale)
{
	return number_decimals(estimate->mean / scale->factor,
			       figure_half(estimate) / scale->factor, FIGURE_DIGITS);
}

/* Adds "12<tab>.5": the parts before and from the decimal point. */
static void add_number(struct text *text, double value, int decimals)
{
	char number[NUMBER_SIZE];
	number_grouped(value, decimals, number, sizeof(number));
	size_t whole = strcspn(number, ".e");
	text_add_bytes(text, number, whole);
	text_addf(text, "\t%s", number + whole);
}

char *figure_number(double value, const struct scale *scale, int decimals)
{
	autotext struct text text = {0};
	if (isnan(value))
		return xstrdup("-");
	add_number(&text, value / scale->factor, decimals);
	return text_take(&text);
}

static char *interval(double low, double high, int decimals)
{
	char from[NUMBER_SIZE], to[NUMBER_SIZE];
	number_grouped(low, low == 0 ? 0 : decimals, from, sizeof(from));
	number_grouped(high, decimals, to, sizeof(to));
	return xasprintf("[%s, %s]", from, to);
}

char *figure_interval(const struct estimate *estimate, const struct scale *scale, int decimals)
{
	if (isnan(estimate->low) || isnan(estimate->high))
		return xstrdup("-");
	return interval(estimate->low / scale->factor, estimate->high / scale->factor, decimals);
}

char *figure_codes(const struct report_model *model, const struct model_cell *cell)
{
	autotext struct text text = {0};
	char **codes = NULL;
	for (size_t i = 0; i < model->n_attempts; i++) {
		const struct model_attempt *a = model->attempts[i];
		if (a->cell != cell || a->verdict != VERDICT_INVALID || a->run->warmup)
			continue;
		for (char **r = a->reasons; r && *r; r++) {
			autofree char *code = xstrndup(*r, strcspn(*r, ":"));
			if (model_has_name(codes, code))
				continue;
			strv_push(&codes, code);
			text_addf(&text, "%s%s", text.size ? ", " : "", code);
		}
	}
	strv_free(codes);
	return text_take(&text);
}

char *figure_missing(struct view *view, const struct model_cell *cell)
{
	autotext struct text text = {0};
	if (cell->runs.valid + cell->runs.flagged > 0)
		return xstrdup("-"); /* the list of what was not measured says why */
	autofree char *label = figure_cell_in_text(view->model, cell);
	autofree char *codes = figure_codes(view->model, cell);
	text_addf(&text, "%s%sno run to average:", label, label[0] ? ": " : "");
	if (cell->runs.invalid)
		text_addf(&text, " %zu invalid%s%s%s", cell->runs.invalid, codes[0] ? " (" : "",
			  codes, codes[0] ? ")" : "");
	if (cell->runs.missing)
		text_addf(&text, "%s %zu missing", cell->runs.invalid ? "," : "",
			  cell->runs.missing);
	return xasprintf("- (%zu)", view_note(view, text.data));
}

char *figure_mean(struct view *view, const struct model_row *row, const struct model_cell *cell,
		  const struct model_value *value, const struct row_scale *row_scale)
{
	autotext struct text text = {0};
	const struct estimate *e = &value->estimate;
	struct scale scale = row_scale->scale;
	if (value->n == 0)
		return figure_missing(view, cell);
	if (!row_scale->shared)
		figure_own_scale(row, e, row_scale, &scale);
	int decimals = figure_decimals(e, &scale);
	double half = figure_half(e);
	add_number(&text, e->mean / scale.factor, decimals);
	text_add(&text, "\t");
	if (!isnan(half)) {
		char number[NUMBER_SIZE];
		number_grouped(half / scale.factor, decimals, number, sizeof(number));
		text_addf(&text, " %s %s", screen_plus_minus(view->screen), number);
		view->intervals = true;
	}
	text_add(&text, "\t");
	if (!row_scale->shared && scale.name[0]) {
		autofree char *unit = screen_clean(view->screen, scale.name);
		text_addf(&text, " %s", unit);
	}
	if (value->running_share < 1) {
		text_add(&text, "\t *");
		view->least_share = fmin(view->least_share, value->running_share);
	}
	return text_take(&text);
}

bool figure_differs(const struct model_value *value)
{
	return value->comparison.low > 1 || value->comparison.high < 1;
}

char *figure_ratio(struct view *view, const struct model_value *baseline,
		   const struct model_value *value)
{
	const struct comparison *c = &value->comparison;
	autotext struct text text = {0};
	if (baseline->n == 0 || value->n == 0)
		return xstrdup("-"); /* the missing mean says why */
	if (c->method == RATIO_NONE) {
		text_addf(&text, "no ratio: %s", c->why);
		return xasprintf("- (%zu)", view_note(view, text.data));
	}
	int decimals = number_decimals(c->ratio, (c->high - c->low) / 2, FIGURE_DIGITS);
	double low = model_ratio_low(baseline, value);
	autofree char *range = interval(low, c->high, decimals);
	add_number(&text, c->ratio, decimals);
	text_addf(&text, "%s\t %s", screen_times(view->screen), range);
	view->ratios = true;
	view->cut |= low > c->low;
	return text_take(&text);
}

char *figure_metric(const struct model_row *row)
{
	if (!row->scope[0] || strcmp(row->scope, "guest") == 0)
		return xstrdup(row->metric);
	return xasprintf("%s (%s)", row->metric, row->scope);
}

bool figure_row_shown(const struct model_row *row, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++)
		if (row->values[i].n)
			return true;
	return false;
}

/* Names or values of the axes that vary, then the host where there are several. */
static char *joined(const struct report_model *model, const struct model_cell *cell, bool names)
{
	autotext struct text text = {0};
	for (size_t i = 0; i < cell->n_coords; i++) {
		const struct axis_value *c = &cell->coords[i];
		if (c->varies)
			text_addf(&text, "%s%s", text.size ? ", " : "", names ? c->name : c->value);
	}
	if (model->n_hosts > 1)
		text_addf(&text, "%s%s", text.size ? ", " : "",
			  names		  ? "host"
			  : cell->host[0] ? cell->host
					  : "-");
	return text_take(&text);
}

char *figure_cell(const struct report_model *model, const struct model_cell *cell)
{
	return joined(model, cell, false);
}

char *figure_cell_header(const struct report_model *model)
{
	return model->n_cells ? joined(model, model->cells[0], true) : xstrdup("");
}

char *figure_cell_in_text(const struct report_model *model, const struct model_cell *cell)
{
	autofree char *names = figure_cell_header(model);
	return strchr(names, ',') ? model_cell_label(model, cell) : figure_cell(model, cell);
}
