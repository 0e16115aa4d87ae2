// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/report/fail_if.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>

#include "controller/report/number.h"
#include "controller/report/report.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

#define EXPECTED "expected WINDOW/METRIC [of VALUE] > NUMBER, as in 'bench/wall > 1.05'"

static int refuse(const char *expression, const char *at, const char *what, struct err *err)
{
	return err_say(err, EINVAL, "fail-if '%.80s': character %zu: %s; " EXPECTED, expression,
		       (size_t)(at - expression) + 1, what);
}

static const char *skip_blanks(const char *s)
{
	while (isspace((unsigned char)*s))
		s++;
	return s;
}

static const char *end_of_text(const char *from, const char *to)
{
	while (to > from && isspace((unsigned char)to[-1]))
		to--;
	return to;
}

static bool copy(char ret[NAME_SIZE], const char *from, const char *to)
{
	if (to - from >= NAME_SIZE)
		return false;
	memcpy(ret, from, (size_t)(to - from));
	ret[to - from] = '\0';
	return true;
}

/* "WINDOW/METRIC [of VALUE]" between from and to. */
static int parse_place(const char *expression, const char *from, const char *to,
		       struct fail_if *ret, struct err *err)
{
	const char *end = from;
	while (end < to && !isspace((unsigned char)*end))
		end++;
	const char *slash = memchr(from, '/', (size_t)(end - from));
	if (!slash)
		return refuse(expression, from, "there is no '/' after the window", err);
	if (slash == from)
		return refuse(expression, from, "the window has no name", err);
	if (slash + 1 == end)
		return refuse(expression, end, "the metric has no name", err);
	if (!copy(ret->window, from, slash) || !copy(ret->metric, slash + 1, end))
		return refuse(expression, from, "the name is too long", err);
	const char *rest = skip_blanks(end);
	if (rest >= to)
		return 0;
	if (strncmp(rest, "of", 2) != 0 || !isspace((unsigned char)rest[2]))
		return refuse(expression, rest, "unexpected text after the metric", err);
	const char *value = skip_blanks(rest + 2);
	if (value >= to)
		return refuse(expression, to, "there is no value after 'of'", err);
	if (!copy(ret->value, value, to))
		return refuse(expression, value, "the value is too long", err);
	return 0;
}

int fail_if_parse(const char *expression, struct fail_if *ret, struct err *err)
{
	struct fail_if found = {0};
	const char *from = skip_blanks(expression);
	const char *op = from + strcspn(from, "<>");
	if (!*from)
		return refuse(expression, from, "it is empty", err);
	if (!*op)
		return refuse(expression, op, "there is no '>' or '<'", err);
	int r = parse_place(expression, from, end_of_text(from, op), &found, err);
	if (r < 0)
		return r;
	bool equal = op[1] == '=';
	found.op = *op == '>' ? (equal ? FAIL_AT_LEAST : FAIL_ABOVE)
			      : (equal ? FAIL_AT_MOST : FAIL_BELOW);
	const char *number = skip_blanks(op + 1 + equal);
	autofree char *digits = xstrndup(
		number, (size_t)(end_of_text(number, number + strlen(number)) - number));
	if (text_parse_double(digits, &found.limit, NULL) < 0)
		return refuse(expression, number,
			      *number ? "this is not a number" : "the number is missing", err);
	*ret = found;
	return 0;
}

int report_fail_if(const char *expression, struct err *err)
{
	struct fail_if condition;
	return fail_if_parse(expression, &condition, err);
}

static bool holds(const struct fail_if *condition, const struct comparison *c)
{
	switch (condition->op) {
	case FAIL_ABOVE:
		return c->low > condition->limit;
	case FAIL_AT_LEAST:
		return c->low >= condition->limit;
	case FAIL_BELOW:
		return c->high < condition->limit;
	case FAIL_AT_MOST:
		return c->high <= condition->limit;
	}
	return false;
}

static void describe(const struct report_model *model, const struct model_cell *cell,
		     const struct model_row *row, struct fail_result *ret)
{
	const struct model_value *value = &row->values[cell->index];
	const struct model_cell *base = model_baseline(model, cell->block);
	const struct comparison *c = &value->comparison;
	autofree char *block = model_block_label(model, cell->block);
	const char *open = block[0] ? " (" : "", *close = block[0] ? ")" : "";
	const char *baseline = base->value;
	if (c->method == RATIO_NONE) {
		snprintf(ret->detail, sizeof(ret->detail), "%.60s / %.60s%s%.120s%s: %s",
			 cell->value, baseline, open, block, close, c->why);
		return;
	}
	char ratio[48], low[48], high[48];
	int decimals = number_decimals(c->ratio, (c->high - c->low) / 2, 4);
	number_fixed(c->ratio, decimals, ratio, sizeof(ratio));
	double from = model_ratio_low(&row->values[base->index], value);
	number_fixed(from, from == 0 ? 0 : decimals, low, sizeof(low));
	number_fixed(c->high, decimals, high, sizeof(high));
	snprintf(ret->detail, sizeof(ret->detail), "%.60s / %.60s%s%.120s%s is %s [%s, %s]",
		 cell->value, baseline, open, block, close, ratio, low, high);
}

static void judge_row(const struct fail_if *condition, const struct report_model *model,
		      const struct model_row *row, struct fail_result *ret)
{
	for (size_t i = 0; i < model->n_cells; i++) {
		const struct model_cell *cell = model->cells[i];
		const struct model_value *value = &row->values[i];
		if (!value->compared ||
		    (condition->value[0] && strcmp(condition->value, cell->value) != 0))
			continue;
		bool judged = value->comparison.method != RATIO_NONE;
		bool held = judged && holds(condition, &value->comparison);
		if ((held && !ret->holding) || (judged && !ret->judged) ||
		    (!judged && !ret->judged && !ret->unjudged))
			describe(model, cell, row, ret);
		ret->judged += judged;
		ret->unjudged += !judged;
		ret->holding += held;
	}
}

static bool is_meant(const struct fail_if *condition, const struct model_row *row)
{
	return strcmp(row->window, condition->window) == 0 &&
	       strcmp(row->metric, condition->metric) == 0;
}

/* "'x' is unknown; known are a, b", each once. */
static int unknown(const char *what, const char *name, char *const *known, struct err *err)
{
	autotext struct text text = {0};
	for (char *const *k = known; k && *k; k++)
		text_addf(&text, "%s%s", text.size ? ", " : "", *k);
	return err_say(err, ENOENT, "fail-if: the campaign has no %s '%s'; it has %.300s", what,
		       name, text.size ? text.data : "none");
}

static int check_names(const struct fail_if *condition, const struct report_model *model,
		       struct err *err)
{
	autostrv char **metrics = NULL, **values = NULL;
	bool window = false, metric = false, value = !condition->value[0];
	for (size_t i = 0; i < model->n_rows; i++) {
		const struct model_row *row = model->rows[i];
		if (strcmp(row->window, condition->window) != 0)
			continue;
		window = true;
		metric |= is_meant(condition, row);
		model_push_once(&metrics, row->metric);
	}
	for (size_t i = 0; i < model->n_cells; i++) {
		const struct model_cell *cell = model->cells[i];
		if (!cell->value || cell->baseline)
			continue;
		value |= strcmp(cell->value, condition->value) == 0;
		model_push_once(&values, cell->value);
	}
	if (!window)
		return unknown("window", condition->window, model->windows, err);
	if (!metric)
		return unknown("metric", condition->metric, metrics, err);
	if (!value)
		return unknown("compared value", condition->value, values, err);
	return 0;
}

int fail_if_judge(const struct fail_if *condition, const struct report_model *model,
		  struct fail_result *ret, struct err *err)
{
	*ret = (struct fail_result){0};
	if (!model->campaign->compare_axis)
		return err_say(err, EINVAL,
			       "fail-if needs a comparison, and the recipe has no 'compare'");
	STRCPY_FIXED(ret->detail, "no run is fit to be compared");
	bool any = false, guest = false;
	for (size_t i = 0; i < model->n_rows; i++)
		any |= model->rows[i]->n > 0;
	if (!any)
		return 0; /* nothing ran: the names cannot be known */
	int r = check_names(condition, model, err);
	for (size_t i = 0; r == 0 && i < model->n_rows; i++)
		guest |= is_meant(condition, model->rows[i]) &&
			 strcmp(model->rows[i]->scope, "guest") == 0;
	for (size_t i = 0; r == 0 && i < model->n_rows; i++)
		if (is_meant(condition, model->rows[i]) &&
		    (!guest || strcmp(model->rows[i]->scope, "guest") == 0))
			judge_row(condition, model, model->rows[i], ret);
	return r;
}
