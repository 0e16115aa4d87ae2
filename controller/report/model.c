// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/report/model.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <search.h>
#include <stdint.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"

enum { LARGEST_TABLE = 4 << 20 }; /* metrics x cells: about 1 GiB of model_value */

static int by_cell(const void *a, const void *b)
{
	const struct model_cell *x = a, *y = b;
	int order = strcmp(x->axes, y->axes);
	return order ? order : strcmp(x->host, y->host);
}

static int by_key(const void *a, const void *b)
{
	const struct model_run *x = a, *y = b;
	return strcmp(x->key, y->key);
}

static int order_u32(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

/* Results name no run key: a cell, an iteration and a number say the same. */
static int by_try(const void *a, const void *b)
{
	const struct model_attempt *x = a, *y = b;
	int order = by_cell(x->cell, y->cell);
	if (!order)
		order = order_u32(x->run->iteration, y->run->iteration);
	if (!order)
		order = (int)x->run->warmup - (int)y->run->warmup;
	return order ? order : order_u32(x->attempt, y->attempt);
}

static int by_metric(const void *a, const void *b)
{
	const struct model_row *x = a, *y = b;
	int order = strcmp(x->window, y->window);
	if (!order)
		order = strcmp(x->metric, y->metric);
	if (!order)
		order = strcmp(x->scope, y->scope);
	return order ? order : strcmp(x->unit, y->unit);
}

static int by_note(const void *a, const void *b)
{
	const struct model_note *x = a, *y = b;
	int order = strcmp(x->metric, y->metric);
	if (!order)
		order = strcmp(x->scope, y->scope);
	return order ? order : strcmp(x->note, y->note);
}

static void *find(void *const *tree, const void *key, int (*order)(const void *, const void *))
{
	void **node = tfind(key, tree, order);
	return node ? *node : NULL;
}

static void insert(void **tree, const void *item, int (*order)(const void *, const void *))
{
	if (!tsearch(item, tree, order))
		abort(); /* out of memory ends the process, as in mem.h */
}

static void add_coord(struct model_cell *cell, const char *name, const json_t *value)
{
	struct axis_value *coord = ARRAY_PUSH(cell->coords, cell->n_coords);
	coord->name = xstrdup(name);
	if (json_is_string(value))
		coord->value = xstrdup(json_string_value(value));
	else
		coord->value = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_SORT_KEYS);
	if (!coord->value)
		coord->value = xstrdup("?");
}

static void parse_axes(struct model_cell *cell)
{
	const char *name;
	json_t *value, *axes = json_loads(cell->axes, 0, NULL);
	if (json_is_object(axes)) {
		json_object_foreach(axes, name, value)
			add_coord(cell, name, value);
	} else {
		struct axis_value *coord = ARRAY_PUSH(cell->coords, cell->n_coords);
		coord->name = xstrdup("axes");
		coord->value = xstrdup(cell->axes);
	}
	json_decref(axes);
}

static void find_value(const struct report_model *model, struct model_cell *cell)
{
	const char *axis = model->campaign->compare_axis;
	for (size_t i = 0; axis && i < cell->n_coords; i++)
		if (strcmp(cell->coords[i].name, axis) == 0)
			cell->value = cell->coords[i].value;
}

struct model_cell *model_cell(struct report_model *model, const char *axes, const char *host)
{
	const struct model_cell key = {
		.axes = (char *)(uintptr_t)(axes ? axes : "{}"),
		.host = (char *)(uintptr_t)(host ? host : ""),
	};
	struct model_cell *cell = find(&model->cell_tree, &key, by_cell);
	if (cell)
		return cell;
	cell = xcalloc(1, sizeof(*cell));
	cell->axes = xstrdup(key.axes);
	cell->host = xstrdup(key.host);
	parse_axes(cell);
	find_value(model, cell);
	*ARRAY_PUSH(model->cells, model->n_cells) = cell;
	insert(&model->cell_tree, cell, by_cell);
	return cell;
}

static struct model_run *run_of(struct report_model *model, const char *key, const char *axes,
				uint32_t iteration, bool warmup)
{
	const struct model_run wanted = {.key = (char *)(uintptr_t)key};
	struct model_run *run = find(&model->run_tree, &wanted, by_key);
	if (run)
		return run;
	run = xcalloc(1, sizeof(*run));
	run->key = xstrdup(key);
	run->axes = xstrdup(axes ? axes : "{}");
	run->iteration = iteration;
	run->warmup = warmup;
	*ARRAY_PUSH(model->runs, model->n_runs) = run;
	insert(&model->run_tree, run, by_key);
	return run;
}

struct report_model *model_new(const struct store_campaign *campaign)
{
	struct report_model *model = xcalloc(1, sizeof(*model));
	model->campaign = campaign;
	return model;
}

void model_add_run(struct report_model *model, const struct store_run *run)
{
	run_of(model, run->key, run->cell, run->iteration, run->warmup);
}

static char **parse_reasons(const char *text)
{
	size_t i;
	json_t *item, *array = json_loads(text && *text ? text : "[]", 0, NULL);
	char **reasons = NULL;
	if (!json_is_array(array))
		strv_push(&reasons, "reasons: those in the database cannot be read");
	json_array_foreach(array, i, item) {
		if (json_is_string(item))
			strv_push(&reasons, json_string_value(item));
	}
	json_decref(array);
	return reasons;
}

void model_add_attempt(struct report_model *model, const struct store_attempt *row)
{
	if (!row->ended)
		return;
	struct model_run *run = run_of(model, row->run_key, row->axes, row->iteration, row->warmup);
	struct model_attempt *attempt = xcalloc(1, sizeof(*attempt));
	*attempt = (struct model_attempt){
		.run = run,
		.cell = model_cell(model, row->axes, row->host),
		.attempt = row->attempt,
		.verdict = row->verdict,
		.reasons = parse_reasons(row->reasons),
	};
	*ARRAY_PUSH(model->attempts, model->n_attempts) = attempt;
	insert(&model->attempt_tree, attempt, by_try);
	if (!run->last || run->last->attempt < attempt->attempt)
		run->last = attempt;
	if (attempt->verdict == VERDICT_INVALID)
		return;
	if (!run->used || run->used->attempt < attempt->attempt)
		run->used = attempt;
}

static struct model_row *row_of(struct report_model *model, const struct store_result *result)
{
	const struct model_row wanted = {
		.window = (char *)(uintptr_t)result->window,
		.metric = (char *)(uintptr_t)result->metric,
		.scope = (char *)(uintptr_t)result->scope,
		.unit = (char *)(uintptr_t)result->unit,
	};
	struct model_row *row = find(&model->row_tree, &wanted, by_metric);
	if (row || (model->n_rows + 1) * model->n_cells > LARGEST_TABLE)
		return row;
	row = xcalloc(1, sizeof(*row));
	*row = (struct model_row){
		.window = xstrdup(result->window),
		.metric = xstrdup(result->metric),
		.scope = xstrdup(result->scope),
		.unit = xstrdup(result->unit),
		.values = xcalloc(model->n_cells, sizeof(*row->values)),
	};
	for (size_t i = 0; i < model->n_cells; i++)
		row->values[i].running_share = 1;
	*ARRAY_PUSH(model->rows, model->n_rows) = row;
	insert(&model->row_tree, row, by_metric);
	return row;
}

bool model_has_name(char *const *names, const char *name)
{
	for (; names && *names; names++)
		if (strcmp(*names, name) == 0)
			return true;
	return false;
}

void model_push_once(char ***names, const char *name)
{
	if (!model_has_name(*names, name))
		strv_push(names, name);
}

static struct model_note *new_note(const struct model_note *wanted, size_t n_cells)
{
	struct model_note *note = xcalloc(1, sizeof(*note));
	note->metric = xstrdup(wanted->metric);
	note->scope = xstrdup(wanted->scope);
	note->note = xstrdup(wanted->note);
	note->cells = xcalloc(n_cells, sizeof(*note->cells));
	return note;
}

static void add_note(struct report_model *model, bool present, const struct model_row *row,
		     const char *text, size_t cell)
{
	void **tree = present ? &model->note_tree : &model->absent_tree;
	const struct model_note wanted = {
		.metric = row->metric,
		.scope = row->scope,
		.note = (char *)(uintptr_t)text,
	};
	struct model_note *note = find(tree, &wanted, by_note);
	if (!note) {
		note = new_note(&wanted, model->n_cells);
		if (present)
			*ARRAY_PUSH(model->notes, model->n_notes) = note;
		else
			*ARRAY_PUSH(model->absents, model->n_absents) = note;
		insert(tree, note, by_note);
	}
	note->cells[cell] = true;
	note->n++;
	model_push_once(&note->windows, row->window);
}

static const struct model_attempt *attempt_of(const struct report_model *model,
					      const struct store_result *result)
{
	struct model_cell cell = {
		.axes = (char *)(uintptr_t)(result->axes ? result->axes : "{}"),
		.host = (char *)(uintptr_t)(result->host ? result->host : ""),
	};
	struct model_run run = {.iteration = result->iteration, .warmup = result->warmup};
	const struct model_attempt key = {.run = &run, .cell = &cell, .attempt = result->attempt};
	return find(&model->attempt_tree, &key, by_try);
}

int model_add_result(struct report_model *model, const struct store_result *result, struct err *err)
{
	const struct model_attempt *attempt = attempt_of(model, result);
	if (!attempt || attempt->run->warmup || attempt->run->used != attempt)
		return 0;
	struct model_row *row = row_of(model, result);
	if (!row)
		return err_say(err, E2BIG,
			       "the campaign has more than %d metrics times cells; ask the view "
			       "`results` of the database instead",
			       LARGEST_TABLE);
	struct model_value *value = &row->values[attempt->cell->index];
	if (value->latest == attempt)
		return 0; /* one value a run */
	value->latest = attempt;
	const char *note = result->note ? result->note : "";
	if (!result->present || !isfinite(result->value)) {
		value->absent++;
		add_note(model, false, row,
			 result->present ? "its value is not a finite number"
			 : note[0]	 ? note
					 : "no reason was given",
			 attempt->cell->index);
		return 0;
	}
	if (note[0])
		add_note(model, true, row, note, attempt->cell->index);
	*ARRAY_PUSH(value->values, value->n) = result->value;
	if (result->running_share > 0) /* 0: the source has no notion of it */
		value->running_share = fmin(value->running_share, result->running_share);
	row->n++;
	return 0;
}

static void cell_free(struct model_cell *cell)
{
	for (size_t i = 0; i < cell->n_coords; i++) {
		free(cell->coords[i].name);
		free(cell->coords[i].value);
	}
	free(cell->coords);
	free(cell->axes);
	free(cell->host);
	free(cell);
}

static void row_free(struct model_row *row, size_t n_cells)
{
	for (size_t i = 0; i < n_cells; i++)
		free(row->values[i].values);
	free(row->values);
	free(row->window);
	free(row->metric);
	free(row->scope);
	free(row->unit);
	free(row);
}

static void note_free(struct model_note *note)
{
	free(note->metric);
	free(note->scope);
	free(note->note);
	strv_free(note->windows);
	free(note->cells);
	free(note);
}

static void leave(void *item)
{
	(void)item; /* the arrays own the items, the trees only find them */
}

static void trees_free(struct report_model *model)
{
	tdestroy(model->cell_tree, leave);
	tdestroy(model->run_tree, leave);
	tdestroy(model->attempt_tree, leave);
	tdestroy(model->row_tree, leave);
	tdestroy(model->absent_tree, leave);
	tdestroy(model->note_tree, leave);
}

void model_free(struct report_model *model)
{
	if (!model)
		return;
	trees_free(model);
	for (size_t i = 0; i < model->n_rows; i++)
		row_free(model->rows[i], model->n_cells);
	for (size_t i = 0; i < model->n_absents; i++)
		note_free(model->absents[i]);
	for (size_t i = 0; i < model->n_notes; i++)
		note_free(model->notes[i]);
	for (size_t i = 0; i < model->n_attempts; i++) {
		strv_free(model->attempts[i]->reasons);
		free(model->attempts[i]);
	}
	for (size_t i = 0; i < model->n_runs; i++) {
		free(model->runs[i]->key);
		free(model->runs[i]->axes);
		free(model->runs[i]);
	}
	for (size_t i = 0; i < model->n_cells; i++)
		cell_free(model->cells[i]);
	free(model->rows);
	free(model->absents);
	free(model->notes);
	free(model->attempts);
	free(model->runs);
	free(model->cells);
	strv_free(model->windows);
	free(model);
}
