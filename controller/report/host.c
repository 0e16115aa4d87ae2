// SPDX-License-Identifier: GPL-3.0-or-later
/* host - what `assay host` prints: the facts of a machine, what it can measure, and for what it
 * cannot the reason and the remedy. */
#include <string.h>

#include "controller/report/grid.h"
#include "controller/report/json.h"
#include "controller/report/report.h"
#include "proto/base/mem.h"

enum { READABLE = 100 }; /* columns for sentences */

static int print_json(const struct host_info *host, FILE *out, struct err *err)
{
	json_t *facts = json_object(), *capabilities = json_array();
	for (size_t i = 0; i < host->n_facts; i++)
		json_object_set_new(facts, host->facts[i].name, json_text(host->facts[i].value));
	for (size_t i = 0; i < host->n_capabilities; i++) {
		const struct capability *c = &host->capabilities[i];
		json_array_append_new(capabilities,
				      json_pack("{s:o, s:b, s:o, s:o}", "name", json_text(c->name),
						"present", c->present, "detail",
						json_text(c->detail), "remedy",
						json_text(c->remedy)));
	}
	return json_print(json_pack("{s:o, s:o, s:o, s:o}", "name", json_text(host->name),
				    "fingerprint", json_text(host->fingerprint), "facts", facts,
				    "capabilities", capabilities),
			  out, err);
}

/* Not a table: a kernel's command line is longer than any terminal, and a table would take the
 * width that it wants from the names. */
static void print_facts(const struct screen *screen, const struct host_info *host)
{
	size_t widest = 0;
	for (size_t i = 0; i < host->n_facts; i++)
		if (strlen(host->facts[i].name) > widest)
			widest = strlen(host->facts[i].name);
	if (host->n_facts)
		fputc('\n', screen->out);
	for (size_t i = 0; i < host->n_facts; i++) {
		autofree char *name = screen_clean(screen, host->facts[i].name);
		autofree char *value = screen_clean(screen, host->facts[i].value);
		fprintf(screen->out, "  %-*s  %s\n", (int)widest, name, value);
	}
}

static void print_capabilities(const struct screen *screen, const struct host_info *host,
			       bool present)
{
	bool any = false;
	for (size_t i = 0; i < host->n_capabilities; i++) {
		const struct capability *c = &host->capabilities[i];
		if (c->present != present)
			continue;
		if (!any)
			screen_heading(screen, present ? "can measure" : "cannot measure");
		any = true;
		autofree char *text = xasprintf("%s%s%s", c->name, c->detail[0] ? ": " : "",
						c->detail);
		screen_wrap(screen, "  ", 6, text);
		if (!present && c->remedy[0])
			screen_wrap(screen, "      remedy: ", 14, c->remedy);
	}
}

int report_host(const struct host_info *host, bool json, FILE *out, struct err *err)
{
	struct screen screen;
	if (json)
		return print_json(host, out, err);
	screen_init(&screen, out, READABLE, false);
	autofree char *name = screen_clean(&screen, host->name);
	fprintf(out, "%s  %.16s\n", name, host->fingerprint);
	print_facts(&screen, host);
	print_capabilities(&screen, host, true);
	print_capabilities(&screen, host, false);
	return 0;
}
