// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/report/terminal.h"

#include <inttypes.h>
#include <math.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"

enum { LABEL = 10 }; /* columns before a fact of the campaign */

static void print_fact(const struct screen *screen, const char *name, const char *text)
{
	autofree char *lead = xasprintf("  %-*s", LABEL - 2, name);
	screen_wrap(screen, lead, LABEL, text);
}

static void print_title(const struct screen *screen, const struct store_campaign *campaign)
{
	autofree char *name = screen_clean(screen, campaign->name);
	fprintf(screen->out, "%s%s%s  %s  %s\n", screen->color ? "\033[1m" : "", name,
		screen->color ? "\033[0m" : "", campaign->id, campaign_state_name(campaign->state));
}

static char *hosts_of(const struct report_model *model)
{
	autotext struct text text = {0};
	for (size_t i = 0; i < model->n_cells; i++) {
		size_t j = 0;
		while (j < i && strcmp(model->cells[j]->host, model->cells[i]->host) != 0)
			j++;
		if (j == i && model->cells[i]->host[0])
			text_addf(&text, "%s%s", text.size ? ", " : "", model->cells[i]->host);
	}
	return text_take(&text);
}

/* "guest: debian, unikernel; accel: kvm": every axis, also one that has a single value. */
static char *axes_of(const struct report_model *model)
{
	autotext struct text text = {0};
	const struct model_cell *first = model->n_cells ? model->cells[0] : NULL;
	for (size_t a = 0; first && a < first->n_coords; a++) {
		char **seen = NULL;
		text_addf(&text, "%s%s:", a ? "; " : "", first->coords[a].name);
		for (size_t i = 0; i < model->n_cells; i++) {
			const struct model_cell *cell = model->cells[i];
			if (a >= cell->n_coords || model_has_name(seen, cell->coords[a].value))
				continue;
			text_addf(&text, "%s %s", seen ? "," : "", cell->coords[a].value);
			strv_push(&seen, cell->coords[a].value);
		}
		strv_free(seen);
	}
	return text_take(&text);
}

static void add_count(struct text *text, size_t n, const char *what)
{
	if (n)
		text_addf(text, ", %zu %s", n, what);
}

static char *runs_of(const struct run_counts *runs, bool running)
{
	autotext struct text text = {0};
	text_addf(&text, "%zu planned", runs->planned);
	if (runs->valid == runs->planned && runs->planned)
		text_add(&text, ", all valid");
	else
		text_addf(&text, ", %zu valid", runs->valid);
	add_count(&text, runs->flagged, "flagged");
	add_count(&text, runs->invalid, "invalid");
	add_count(&text, runs->missing, running ? "to come" : "missing");
	if (runs->warmups)
		text_addf(&text, " (%zu warm-up%s not counted)", runs->warmups,
			  runs->warmups == 1 ? "" : "s");
	return text_take(&text);
}

static void print_head(const struct report_model *model, const struct screen *screen)
{
	char when[40];
	autofree char *seed = xasprintf("%" PRIu64, model->campaign->seed);
	autofree char *hosts = hosts_of(model), *axes = axes_of(model);
	autofree char *runs = runs_of(&model->totals, model->campaign->state == CAMPAIGN_RUNNING);
	screen_time(model->campaign->created_ns, when, sizeof(when));
	print_title(screen, model->campaign);
	print_fact(screen, "begun", when);
	print_fact(screen, "seed", seed);
	if (hosts[0])
		print_fact(screen, model->n_hosts > 1 ? "hosts" : "host", hosts);
	if (axes[0])
		print_fact(screen, "axes", axes);
	print_fact(screen, "runs", runs);
}

/* Explains what was shown since the last legend. */
static void print_legend(struct view *view)
{
	const struct screen *screen = view->screen;
	autotext struct text text = {0};
	size_t notes = strv_count(view->notes);
	if (!view->intervals && !view->ratios && view->least_share >= 1 && view->said == notes)
		return;
	fputc('\n', screen->out);
	if (view->intervals)
		text_addf(&text, "%s is half the 95 %% interval of the mean over runs",
			  screen_plus_minus(screen));
	if (view->ratios)
		text_addf(&text, "%s[ ] the 95 %% interval of the ratio (%s)",
			  text.size ? "; " : "", stats_method_name(RATIO_FIELLER));
	if (view->cut)
		text_add(&text, ", cut off at 0 where no value is negative but the mean cannot be "
				"told from 0");
	if (text.size)
		screen_wrap(screen, "  ", 2, text.data);
	for (; view->said < notes; view->said++) {
		autofree char *lead = xasprintf("  (%zu) ", view->said + 1);
		screen_wrap(screen, lead, 6, view->notes[view->said]);
	}
	if (view->least_share < 1) {
		autofree char *note = xasprintf(
			"scaled up: events took turns in the hardware, each counted "
			"for %.3g %% of the time or more",
			floor(view->least_share * 1000) / 10);
		screen_wrap(screen, "  *   ", 6, note);
	}
	view->intervals = view->ratios = view->cut = false;
	view->least_share = 1;
}

static bool is_compared(const struct report_model *model)
{
	for (size_t i = 0; i < model->n_rows; i++)
		for (size_t c = 0; c < model->n_cells; c++)
			if (model->rows[i]->values[c].compared)
				return true;
	return false;
}

static void print_nothing(const struct report_model *model, const struct screen *screen)
{
	fputc('\n', screen->out);
	if (model->totals.planned == model->totals.missing)
		screen_wrap(screen, "  ", 2, "no run has ended yet: nothing to show");
	else
		screen_wrap(screen, "  ", 2, "no run is fit to be averaged");
}

void terminal_report(const struct report_model *model, const struct screen *screen)
{
	struct view view = {.screen = screen, .model = model, .least_share = 1};
	bool compared = is_compared(model), any = false;
	print_head(model, screen);
	for (size_t i = 0; i < model->n_rows; i++)
		any |= model->rows[i]->n > 0;
	if (!any)
		print_nothing(model, screen);
	for (char **w = model->windows; compared && w && *w; w++)
		comparison_print(&view, *w);
	print_legend(&view);
	for (char **w = model->windows; w && *w; w++)
		cells_print(&view, *w, compared);
	print_legend(&view);
	notes_print(&view);
	absents_print(&view);
	attempts_print(&view, VERDICT_INVALID);
	attempts_print(&view, VERDICT_FLAGGED);
	view_done(&view);
}
