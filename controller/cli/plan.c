// SPDX-License-Identifier: GPL-3.0-or-later
/* assay plan - the matrix, the host, the order and the expected time; runs nothing. */
#include "controller/plan/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <libsmartcols/libsmartcols.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "controller/cli/cli.h"
#include "controller/cli/live.h"
#include "proto/base/mem.h"

static const char help[] =
	"Usage: assay plan RECIPE [OPTION]...\n"
	"\n"
	"The cells of the matrix, the order in which their runs would come on this host, and how\n"
	"long that takes, as far as the database knows such runs. Runs no guest.\n"
	"\n"
	"  --set KEY=VALUE     replaces a key of the recipe\n"
	"  --runs N            iterations of each cell\n"
	"  --db FILE           where earlier runs are looked up [$ASSAY_DB, else ./assay.db]\n"
	"  --images FOLDER     built images [$ASSAY_IMAGES, else build/images of the tree]\n"
	"  --seed N            shows the order for this seed [runs.seed, else a fresh one]\n"
	"  --json              as JSON\n"
	"  --root FOLDER       where sys/ and proc/ are read from [/]\n";

struct view {
	const struct recipe_head *head;
	struct host_info host;
	struct matrix matrix;
	struct plan plan;
	uint64_t *expected_ns; /* of one run of each cell; 0: not known */
};

static void look_up_times(struct view *v, const struct cli_options *o)
{
	struct store *store = NULL;
	v->expected_ns = xcalloc(v->matrix.n, sizeof(*v->expected_ns));
	if (access(o->db, R_OK) < 0 || store_open(o->db, false, &store, NULL) < 0)
		return;
	for (size_t i = 0; i < v->matrix.n; i++)
		store->backend->expected_ns(store, v->head->name, v->matrix.cells[i].axes,
					    &v->expected_ns[i], NULL);
	store_close(store);
}

static size_t runs_of_cell(const struct view *v, size_t cell)
{
	size_t n = 0;
	for (size_t i = 0; i < v->plan.n; i++)
		n += v->plan.runs[i].cell == cell;
	return n;
}

/* 0: some cell never ran. */
static uint64_t total_ns(const struct view *v)
{
	uint64_t sum_ns = 0;
	for (size_t i = 0; i < v->matrix.n; i++) {
		if (!v->expected_ns[i])
			return 0;
		sum_ns += v->expected_ns[i] * runs_of_cell(v, i);
	}
	return sum_ns;
}

static uint64_t limit_ns(const struct view *v)
{
	uint64_t sum_ns = 0;
	for (size_t i = 0; i < v->plan.n; i++)
		sum_ns += v->matrix.cells[v->plan.runs[i].cell].spec->timeout_ns;
	return sum_ns;
}

static void print_json(const struct view *v)
{
	json_t *cells = json_array(), *runs = json_array();
	for (size_t i = 0; i < v->matrix.n; i++) {
		json_t *axes = json_loads(v->matrix.cells[i].axes, 0, NULL);
		json_t *cell = json_pack("{s:s, s:o, s:s, s:I}", "label", v->matrix.cells[i].label,
					 "axes", axes ? axes : json_object(), "driver",
					 v->matrix.cells[i].spec->guest.driver, "runs",
					 (json_int_t)runs_of_cell(v, i));
		json_object_set_new(cell, "expected_ns",
				    v->expected_ns[i] ? json_integer((json_int_t)v->expected_ns[i])
						      : json_null());
		json_array_append_new(cells, cell);
	}
	for (size_t i = 0; i < v->plan.n; i++) {
		const struct planned_run *r = &v->plan.runs[i];
		json_array_append_new(runs, json_pack("{s:I, s:s, s:i, s:b, s:s}", "position",
						      (json_int_t)r->position, "cell",
						      v->matrix.cells[r->cell].label, "iteration",
						      (int)r->iteration, "warmup", r->warmup, "key",
						      r->key));
	}
	json_t *root = json_pack("{s:s, s:I, s:[s], s:o, s:o}", "name", v->head->name, "seed",
				 (json_int_t)v->plan.seed, "hosts", v->host.name, "cells", cells,
				 "order", runs);
	json_dumpf(root, stdout, JSON_INDENT(2) | JSON_PRESERVE_ORDER);
	putchar('\n');
	json_decref(root);
}

static void print_cells(const struct view *v)
{
	struct libscols_table *table = scols_new_table();
	scols_table_new_column(table, "cell", 0, 0);
	scols_table_new_column(table, "driver", 0, 0);
	scols_table_new_column(table, "runs", 0, SCOLS_FL_RIGHT);
	scols_table_new_column(table, "each", 0, SCOLS_FL_RIGHT);
	for (size_t i = 0; i < v->matrix.n; i++) {
		char runs[24], each[40] = "not known yet";
		struct libscols_line *line = scols_table_new_line(table, NULL);
		snprintf(runs, sizeof(runs), "%zu", runs_of_cell(v, i));
		if (v->expected_ns[i])
			live_duration(v->expected_ns[i], each, sizeof(each));
		scols_line_set_data(line, 0, v->matrix.cells[i].label);
		scols_line_set_data(line, 1, v->matrix.cells[i].spec->guest.driver);
		scols_line_set_data(line, 2, runs);
		scols_line_set_data(line, 3, each);
	}
	scols_print_table(table);
	scols_unref_table(table);
}

/* Blocks on lines of their own; long plans are cut in the middle of nowhere, so say how many. */
static void print_order(const struct view *v)
{
	enum { LINES_SHOWN = 12 };
	size_t lines = 0;
	puts("\norder");
	for (size_t i = 0; i < v->plan.n;) {
		const struct planned_run *first = &v->plan.runs[i];
		if (lines++ == LINES_SHOWN) {
			printf("  ... and %zu runs more (--json shows all)\n", v->plan.n - i);
			return;
		}
		printf("  %-8s %3u:", first->warmup ? "warm-up" : "block", first->iteration);
		const char *separator = " ";
		for (size_t shown = 0; i < v->plan.n && shown < v->matrix.n; i++, shown++) {
			if (v->plan.runs[i].warmup != first->warmup)
				break;
			printf("%s%s", separator, v->matrix.cells[v->plan.runs[i].cell].label);
			separator = " | ";
		}
		putchar('\n');
	}
}

static void print_text(const struct view *v)
{
	char expected[40], limit[40];
	live_duration(limit_ns(v), limit, sizeof(limit));
	live_duration(total_ns(v), expected, sizeof(expected));
	printf("%s: %zu runs on %s, seed %" PRIu64 "\n\n", v->head->name, v->plan.n, v->host.name,
	       v->plan.seed);
	print_cells(v);
	print_order(v);
	if (total_ns(v))
		printf("\nexpected  about %s (never more than %s)\n", expected, limit);
	else
		printf("\nexpected  not known before each cell ran once (never more than %s)\n",
		       limit);
}

static int show(struct view *v, const struct recipe *recipe, const struct cli_options *o)
{
	struct recipe_errors errors = {0};
	struct err err = ERR_NONE;
	if (campaign_host(o->root, &v->host, &err) < 0)
		return cli_fail(EXIT_UNREACHABLE, "%s", err.text);
	if (recipe_hosts_match(recipe, &v->host, &err) < 0)
		return cli_fail(EXIT_USAGE, "%s", err.text);
	int r = campaign_plan(recipe, &v->host, o->seed, &v->matrix, &v->plan, &errors, &err);
	cli_print_errors(&errors);
	bool explained = errors.n > 0;
	recipe_errors_done(&errors);
	if (r < 0)
		return explained ? EXIT_USAGE : cli_fail(EXIT_USAGE, "%s", err.text);
	look_up_times(v, o);
	if (o->json)
		print_json(v);
	else
		print_text(v);
	return EXIT_DONE;
}

static int plan(const char *path, const struct cli_options *o)
{
	struct recipe *recipe = NULL;
	int status = cli_load_recipe(path, o, &recipe);
	if (status >= 0)
		return status;
	struct view v = {.head = recipe_head(recipe)};
	status = show(&v, recipe, o);
	free(v.expected_ns);
	plan_done(&v.plan);
	matrix_done(&v.matrix);
	host_info_done(&v.host);
	recipe_free(recipe);
	return status;
}

static int run(int argc, char **argv)
{
	struct cli_options o = {0};
	int status = cli_parse(&command_plan, argc, argv, "sndiSjR", &o);
	if (status < 0)
		status = optind + 1 == argc
				 ? plan(argv[optind], &o)
				 : cli_fail(EXIT_USAGE, "plan: one RECIPE; see assay plan --help");
	cli_options_done(&o);
	return status;
}

const struct command command_plan = {
	.name = "plan",
	.summary = "show what a recipe would run, where and in which order",
	.help = help,
	.run = run,
};
