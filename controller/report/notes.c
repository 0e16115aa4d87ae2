// SPDX-License-Identifier: GPL-3.0-or-later
/* notes - below the tables: what is to be known about values, and metrics that runs did not have.
 *
 * Each is said once: notes that differ in their numbers only are one with ranges ("mean of 2..24
 * samples"), metrics with the same note at the same places share a line. */
#include <ctype.h>
#include <string.h>

#include "controller/report/terminal.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

enum { RANGES = 8 }; /* numbers in a note that may differ */

#define NUMBER \
	'\x1a' /* in a shape; no note of ours holds one, and one that does only reads oddly */

struct number { /* as written; borrowed from a note */
	const char *text;
	size_t size;
};

struct merged {
	struct model_note note; /* metric and scope borrowed, the rest owned */
	char *shape;		/* the note with NUMBER for each number */
	struct number least[RANGES], most[RANGES];
	char *where;
	bool done;
};

struct list {
	struct merged *all;
	size_t n;
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

/* Length of the number that stands at text[at] on its own, 0 where there is none: not the digits
 * of a name, a path or an address. */
static size_t number_at(const char *text, size_t at)
{
	size_t n = strspn(text + at, "0123456789");
	if (!n || (at && (is_word(text[at - 1]) || strchr(".:/-#", text[at - 1]))))
		return 0;
	size_t decimals = text[at + n] == '.' ? strspn(text + at + n + 1, "0123456789") : 0;
	n += decimals ? decimals + 1 : 0;
	return is_word(text[at + n]) || (text[at + n] && strchr(":/-", text[at + n])) ? 0 : n;
}

/* Gives the shape, owned by the caller, and the numbers in it. */
static char *shape_of(const char *note, struct number numbers[RANGES])
{
	autotext struct text shape = {0};
	size_t n = 0;
	for (size_t i = 0, size; note[i]; i += size ? size : 1) {
		size = n < RANGES ? number_at(note, i) : 0;
		if (size)
			numbers[n++] = (struct number){note + i, size};
		text_add_bytes(&shape, size ? &(const char){NUMBER} : note + i, 1);
	}
	return text_take(&shape);
}

/* Both without a sign; strtod() would mind the locale. */
static int order_numbers(struct number a, struct number b)
{
	size_t whole_a = strspn(a.text, "0123456789"), whole_b = strspn(b.text, "0123456789");
	if (whole_a != whole_b)
		return whole_a < whole_b ? -1 : 1;
	int order = memcmp(a.text, b.text, a.size < b.size ? a.size : b.size);
	return order ? order : (a.size > b.size) - (a.size < b.size);
}

static bool is_same_note(const struct merged *m, const struct model_note *note, const char *shape)
{
	return strcmp(m->note.metric, note->metric) == 0 &&
	       strcmp(m->note.scope, note->scope) == 0 && strcmp(m->shape, shape) == 0;
}

static struct merged *merged_of(struct list *list, const struct report_model *model,
				const struct model_note *note)
{
	struct number numbers[RANGES] = {0};
	autofree char *shape = shape_of(note->note, numbers);
	struct merged *m = NULL;
	for (size_t i = 0; i < list->n && !m; i++)
		m = is_same_note(&list->all[i], note, shape) ? &list->all[i] : NULL;
	if (!m) {
		m = ARRAY_PUSH(list->all, list->n);
		m->note.metric = note->metric;
		m->note.scope = note->scope;
		m->note.cells = xcalloc(model->n_cells, sizeof(*m->note.cells));
		m->shape = take(shape);
		memcpy(m->least, numbers, sizeof(numbers));
		memcpy(m->most, numbers, sizeof(numbers));
	}
	for (size_t i = 0; i < RANGES && numbers[i].text && m->least[i].text; i++) {
		if (order_numbers(numbers[i], m->least[i]) < 0)
			m->least[i] = numbers[i];
		if (order_numbers(numbers[i], m->most[i]) > 0)
			m->most[i] = numbers[i];
	}
	return m;
}

/* The shape with its numbers again. */
static char *text_of(const struct merged *m)
{
	autotext struct text text = {0};
	size_t n = 0;
	for (const char *s = m->shape; *s; s++) {
		bool number = *s == NUMBER && n < RANGES && m->least[n].text;
		if (!number) {
			text_add_bytes(&text, s, 1);
			continue;
		}
		text_add_bytes(&text, m->least[n].text, m->least[n].size);
		if (order_numbers(m->least[n], m->most[n]) != 0) {
			text_add(&text, "..");
			text_add_bytes(&text, m->most[n].text, m->most[n].size);
		}
		n++;
	}
	return text_take(&text);
}

/* Cells as a list, nothing where it is all that have runs. */
static void add_cells(const struct report_model *model, const struct model_note *note,
		      struct text *text)
{
	size_t noted = 0, shown = 0;
	for (size_t i = 0; i < model->n_cells; i++) {
		noted += note->cells[i];
		shown += model->cells[i]->runs.planned > 0;
	}
	for (size_t i = 0; noted != shown && i < model->n_cells; i++) {
		if (!note->cells[i])
			continue;
		autofree char *cell = figure_cell_in_text(model, model->cells[i]);
		text_addf(text, "%s%s", text->size ? ", " : "", cell);
	}
}

static bool is_about(const struct model_note *note, const struct model_row *row)
{
	return strcmp(row->metric, note->metric) == 0 && strcmp(row->scope, note->scope) == 0;
}

/* Whether some runs of one of these cells had the metric and others had not. */
static bool is_partly_absent(const struct report_model *model, const struct model_note *note)
{
	for (size_t i = 0; i < model->n_rows; i++)
		for (size_t c = 0; c < model->n_cells; c++) {
			const struct model_value *value = &model->rows[i]->values[c];
			if (is_about(note, model->rows[i]) && note->cells[c] && value->absent &&
			    value->n)
				return true;
		}
	return false;
}

/* Whether it is on fewer values than there are at its places. */
static bool is_on_some(const struct report_model *model, const struct model_note *note)
{
	size_t n = 0;
	for (size_t i = 0; i < model->n_rows; i++)
		for (size_t c = 0; c < model->n_cells; c++)
			if (is_about(note, model->rows[i]) && note->cells[c] &&
			    model_has_name(note->windows, model->rows[i]->window))
				n += model->rows[i]->values[c].n;
	return note->n < n;
}

/* " (debian; in bench; in some runs)": all that narrows it down; "" where it is so everywhere. */
static char *where_of(const struct report_model *model, const struct model_note *note, bool absent)
{
	autotext struct text text = {0};
	add_cells(model, note, &text);
	if (strv_count(note->windows) != strv_count(model->windows)) {
		text_add(&text, text.size ? "; in" : "in");
		bool first = true;
		for (char **w = model->windows; w && *w; w++) {
			if (!model_has_name(note->windows, *w))
				continue;
			text_addf(&text, "%s %s", first ? "" : ",", *w);
			first = false;
		}
	}
	if (absent ? is_partly_absent(model, note) : is_on_some(model, note))
		text_addf(&text, "%sin some runs", text.size ? "; " : "");
	return text.size ? xasprintf(" (%s)", text.data) : xstrdup("");
}

static void add_metric(const struct model_note *note, struct text *text)
{
	bool guest = !note->scope[0] || strcmp(note->scope, "guest") == 0;
	text_addf(text, "%s%s", text->size ? ", " : "", note->metric);
	if (!guest)
		text_addf(text, " (%s)", note->scope);
}

static void gather(struct list *list, const struct report_model *model,
		   struct model_note *const *notes, size_t n, bool absent)
{
	for (size_t i = 0; i < n; i++) {
		struct merged *m = merged_of(list, model, notes[i]);
		for (size_t c = 0; c < model->n_cells; c++)
			m->note.cells[c] |= notes[i]->cells[c];
		m->note.n += notes[i]->n;
		for (char **w = notes[i]->windows; w && *w; w++)
			model_push_once(&m->note.windows, *w);
	}
	for (size_t i = 0; i < list->n; i++) {
		list->all[i].note.note = text_of(&list->all[i]);
		list->all[i].where = where_of(model, &list->all[i].note, absent);
	}
}

static void list_done(struct list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		struct merged *m = &list->all[i];
		strv_free(m->note.windows);
		free(m->note.cells);
		free(m->note.note);
		free(m->shape);
		free(m->where);
	}
	free(list->all);
}

/* One line for all metrics with the note of all[from] at its places. */
static void print_line(const struct view *view, struct list *list, size_t from)
{
	const struct merged *first = &list->all[from];
	autotext struct text text = {0};
	for (size_t i = from; i < list->n; i++) {
		struct merged *m = &list->all[i];
		if (m->done || strcmp(first->where, m->where) != 0 ||
		    strcmp(first->note.note, m->note.note) != 0)
			continue;
		add_metric(&m->note, &text);
		m->done = true;
	}
	text_addf(&text, "%s: %s", first->where, first->note.note);
	screen_wrap(view->screen, "  ", 6, text.data);
}

static void print(const struct view *view, const char *heading, struct model_note *const *notes,
		  size_t n, bool absent)
{
	struct list list = {0};
	gather(&list, view->model, notes, n, absent);
	if (list.n)
		screen_heading(view->screen, heading);
	for (size_t i = 0; i < list.n; i++)
		if (!list.all[i].done)
			print_line(view, &list, i);
	list_done(&list);
}

void notes_print(const struct view *view)
{
	print(view, "Notes", view->model->notes, view->model->n_notes, false);
}

void absents_print(const struct view *view)
{
	print(view, "Not measured", view->model->absents, view->model->n_absents, true);
}
