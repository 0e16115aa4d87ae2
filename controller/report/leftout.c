// SPDX-License-Identifier: GPL-3.0-or-later
/* leftout - below the tables: attempts that are invalid or flagged with every reason. Few are
 * listed one by one, many are grouped. */
#include "controller/report/terminal.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

enum { MOST_ONE_BY_ONE = 8 };

struct group { /* attempts of one cell with the same codes */
	const struct model_cell *cell;
	const struct model_attempt *first;
	char *codes;
	size_t n;
};

static char *codes_of(const struct model_attempt *attempt)
{
	autotext struct text text = {0};
	for (char **r = attempt->reasons; r && *r; r++)
		text_addf(&text, "%s%.*s", text.size ? ", " : "", (int)strcspn(*r, ":"), *r);
	return text_take(&text);
}

static char *reasons_of(const struct model_attempt *attempt)
{
	autotext struct text text = {0};
	for (char **r = attempt->reasons; r && *r; r++)
		text_addf(&text, "%s%s", text.size ? "; " : "", *r);
	if (!text.size)
		text_add(&text, "no reason was given");
	return text_take(&text);
}

static void add_place(const struct view *view, const struct model_attempt *a, struct text *text)
{
	autofree char *cell = figure_cell_in_text(view->model, a->cell);
	text_addf(text, "%s%s%s %u", cell, cell[0] ? ", " : "",
		  a->run->warmup ? "warm-up" : "iteration", a->run->iteration);
	if (a->run->last != a || a->attempt > 1)
		text_addf(text, ", attempt %u", a->attempt);
}

static void print_one(const struct view *view, const struct model_attempt *a)
{
	autotext struct text text = {0};
	autofree char *reasons = reasons_of(a);
	add_place(view, a, &text);
	text_addf(&text, ": %s", reasons);
	if (a->verdict == VERDICT_INVALID && a->run->used)
		text_addf(&text, " (attempt %u is %s)", a->run->used->attempt,
			  verdict_name(a->run->used->verdict));
	screen_wrap(view->screen, "  ", 6, text.data);
}

static void print_group(const struct view *view, const struct group *group)
{
	autofree char *cell = figure_cell_in_text(view->model, group->cell);
	autofree char *reasons = reasons_of(group->first);
	autotext struct text place = {0}, text = {0};
	if (group->n == 1) {
		print_one(view, group->first);
		return;
	}
	add_place(view, group->first, &place);
	text_addf(&text, "%s%s%zu attempts with %s; the first, %s: %s", cell, cell[0] ? ", " : "",
		  group->n, group->codes[0] ? group->codes : "no reason given",
		  place.data + (cell[0] ? strlen(cell) + 2 : 0), reasons);
	screen_wrap(view->screen, "  ", 6, text.data);
}

static void add_to_groups(struct group **groups, size_t *n, const struct model_attempt *a)
{
	autofree char *codes = codes_of(a);
	struct group *group = NULL;
	for (size_t i = 0; i < *n && !group; i++)
		if ((*groups)[i].cell == a->cell && strcmp((*groups)[i].codes, codes) == 0)
			group = &(*groups)[i];
	if (!group) {
		group = ARRAY_PUSH(*groups, *n);
		*group = (struct group){.cell = a->cell, .first = a, .codes = take(codes)};
	}
	group->n++;
}

/* Invalid ones all; flagged ones where they count: not where a later attempt took their place. */
static bool is_listed(const struct model_attempt *a, enum verdict verdict)
{
	return a->verdict == verdict &&
	       (verdict == VERDICT_INVALID || (a->run->used == a && !a->run->warmup));
}

void attempts_print(const struct view *view, enum verdict verdict)
{
	const struct report_model *model = view->model;
	autofree struct group *groups = NULL;
	size_t n = 0, n_groups = 0;
	for (size_t i = 0; i < model->n_attempts; i++)
		if (is_listed(model->attempts[i], verdict)) {
			add_to_groups(&groups, &n_groups, model->attempts[i]);
			n++;
		}
	if (n)
		screen_heading(view->screen, verdict == VERDICT_INVALID
						     ? "Invalid, in no number above"
						     : "Flagged, but counted");
	for (size_t i = 0; n <= MOST_ONE_BY_ONE && i < model->n_attempts; i++)
		if (is_listed(model->attempts[i], verdict))
			print_one(view, model->attempts[i]);
	for (size_t i = 0; i < n_groups; i++) {
		if (n > MOST_ONE_BY_ONE)
			print_group(view, &groups[i]);
		free(groups[i].codes);
	}
}
