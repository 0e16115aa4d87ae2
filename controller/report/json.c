// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/report/json.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>

#include "controller/report/screen.h"
#include "proto/base/mem.h"
#include "proto/base/utf8.h"

json_t *json_text(const char *s)
{
	autofree char *copy = NULL;
	return s ? json_string(utf8_clean(s, &copy)) : json_null();
}

int json_print(json_t *root, FILE *out, struct err *err)
{
	int r = root ? json_dumpf(root, out, JSON_INDENT(2) | JSON_REAL_PRECISION(15)) : -1;
	json_decref(root);
	if (r < 0)
		return err_say(err, EIO, "the JSON could not be written");
	fputc('\n', out);
	return 0;
}

static json_t *number(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

static json_t *size(size_t n)
{
	return json_integer((json_int_t)n);
}

static json_t *strings(char *const *v)
{
	json_t *array = json_array();
	for (; v && *v; v++)
		json_array_append_new(array, json_text(*v));
	return array;
}

static json_t *runs_json(const struct run_counts *runs)
{
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "planned", size(runs->planned), "valid",
			 size(runs->valid), "flagged", size(runs->flagged), "invalid",
			 size(runs->invalid), "missing", size(runs->missing), "warmups",
			 size(runs->warmups));
}

static json_t *hosts_json(const struct report_model *model)
{
	json_t *array = json_array();
	for (size_t i = 0; i < model->n_cells; i++) {
		size_t j = 0;
		while (j < i && strcmp(model->cells[j]->host, model->cells[i]->host) != 0)
			j++;
		if (j == i && model->cells[i]->host[0])
			json_array_append_new(array, json_text(model->cells[i]->host));
	}
	return array;
}

static const char *baseline_value(const struct report_model *model)
{
	for (size_t b = 0; b < model->n_blocks; b++)
		if (model_baseline(model, b))
			return model_baseline(model, b)->value;
	return model->campaign->compare_baseline;
}

static json_t *campaign_json(const struct report_model *model)
{
	const struct store_campaign *c = model->campaign;
	char when[40];
	autofree char *seed = xasprintf("%" PRIu64, c->seed);
	json_t *compare = json_null();
	screen_time(c->created_ns, when, sizeof(when));
	if (c->compare_axis)
		compare = json_pack("{s:o, s:o}", "axis", json_text(c->compare_axis), "baseline",
				    json_text(baseline_value(model)));
	return json_pack("{s:o, s:o, s:s, s:s, s:I, s:s, s:o, s:o, s:o}", "id", json_text(c->id),
			 "name", json_text(c->name), "state", campaign_state_name(c->state),
			 "created", when, "created_ns", (json_int_t)c->created_ns, "seed", seed,
			 "hosts", hosts_json(model), "compare", compare, "runs",
			 runs_json(&model->totals));
}

static json_t *axes_json(const struct model_cell *cell)
{
	json_t *axes = json_loads(cell->axes, 0, NULL);
	if (json_is_object(axes))
		return axes;
	json_decref(axes);
	return json_text(cell->axes);
}

static json_t *cells_json(const struct report_model *model)
{
	json_t *array = json_array();
	for (size_t i = 0; i < model->n_cells; i++) {
		const struct model_cell *cell = model->cells[i];
		json_t *item = json_pack("{s:o, s:o, s:o, s:b, s:o}", "axes", axes_json(cell),
					 "host", json_text(cell->host[0] ? cell->host : NULL),
					 "block", size(cell->block), "baseline", cell->baseline,
					 "runs", runs_json(&cell->runs));
		json_array_append_new(array, item);
	}
	return array;
}

static json_t *comparison_json(const struct report_model *model, const struct model_cell *cell,
			       const struct model_value *value)
{
	const struct comparison *c = &value->comparison;
	if (!value->compared)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:s, s:o}", "baseline",
			 size(model_baseline(model, cell->block)->index), "ratio", number(c->ratio),
			 "low", number(c->low), "high", number(c->high), "method",
			 stats_method_name(c->method), "why", json_text(c->why));
}

static json_t *value_json(const struct report_model *model, const struct model_cell *cell,
			  const struct model_value *value)
{
	const struct estimate *e = &value->estimate;
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "n",
			 size(value->n), "absent", size(value->absent), "mean", number(e->mean),
			 "median", number(e->median), "sd", number(e->sd), "min", number(e->min),
			 "max", number(e->max), "low", number(e->low), "high", number(e->high),
			 "running_share", number(value->n ? value->running_share : (double)NAN),
			 "comparison", comparison_json(model, cell, value));
}

static json_t *row_json(const struct report_model *model, const struct model_row *row)
{
	json_t *cells = json_array();
	for (size_t i = 0; i < model->n_cells; i++)
		json_array_append_new(cells, value_json(model, model->cells[i], &row->values[i]));
	return json_pack("{s:o, s:o, s:o, s:o}", "metric", json_text(row->metric), "scope",
			 json_text(row->scope), "unit", json_text(row->unit), "cells", cells);
}

static json_t *windows_json(const struct report_model *model)
{
	json_t *array = json_array();
	for (char **w = model->windows; w && *w; w++) {
		json_t *metrics = json_array();
		for (size_t i = 0; i < model->n_rows; i++)
			if (strcmp(model->rows[i]->window, *w) == 0)
				json_array_append_new(metrics, row_json(model, model->rows[i]));
		json_array_append_new(
			array, json_pack("{s:o, s:o}", "name", json_text(*w), "metrics", metrics));
	}
	return array;
}

static json_t *attempts_json(const struct report_model *model, enum verdict verdict)
{
	json_t *array = json_array();
	for (size_t i = 0; i < model->n_attempts; i++) {
		const struct model_attempt *a = model->attempts[i];
		if (a->verdict != verdict)
			continue;
		json_t *item = json_pack(
			"{s:o, s:I, s:I, s:b, s:o, s:b, s:o}", "cell", size(a->cell->index),
			"iteration", (json_int_t)a->run->iteration, "attempt",
			(json_int_t)a->attempt, "warmup", a->run->warmup, "run_key",
			json_text(a->run->key), "counted", a->run->used == a && !a->run->warmup,
			"reasons", strings(a->reasons));
		json_array_append_new(array, item);
	}
	return array;
}

static json_t *absents_json(const struct report_model *model)
{
	json_t *array = json_array();
	for (size_t i = 0; i < model->n_absents; i++) {
		const struct model_note *a = model->absents[i];
		json_t *cells = json_array();
		for (size_t c = 0; c < model->n_cells; c++)
			if (a->cells[c])
				json_array_append_new(cells, size(c));
		json_array_append_new(array,
				      json_pack("{s:o, s:o, s:o, s:o, s:o}", "metric",
						json_text(a->metric), "scope", json_text(a->scope),
						"windows", strings(a->windows), "cells", cells,
						"note", json_text(a->note)));
	}
	return array;
}

static json_t *fail_json(const char *expression, const struct fail_result *result)
{
	if (!expression)
		return json_null();
	return json_pack("{s:o, s:b, s:o, s:o, s:o}", "expression", json_text(expression), "holds",
			 result->holding > 0, "judged", size(result->judged), "unjudged",
			 size(result->unjudged), "detail", json_text(result->detail));
}

int json_report(const struct report_model *model, const char *expression,
		const struct fail_result *result, FILE *out, struct err *err)
{
	json_t *root = json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:o, s:o}", "format", 1,
				 "campaign", campaign_json(model), "cells", cells_json(model),
				 "windows", windows_json(model), "invalid",
				 attempts_json(model, VERDICT_INVALID), "flagged",
				 attempts_json(model, VERDICT_FLAGGED), "absent",
				 absents_json(model), "fail_if", fail_json(expression, result));
	return json_print(root, out, err);
}
