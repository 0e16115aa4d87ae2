// SPDX-License-Identifier: GPL-3.0-or-later
/* assay run - a recipe from its file to its table, on this host. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "controller/cli/cli.h"
#include "controller/cli/consoles.h"
#include "controller/cli/live.h"
#include "controller/report/report.h"
#include "proto/base/mem.h"

static const char help[] =
	"Usage: assay run RECIPE [OPTION]...\n"
	"       assay run --resume CAMPAIGN [OPTION]...\n"
	"\n"
	"Runs the recipe on this host: starts an agent, measures every run of the plan, keeps\n"
	"everything in one database and prints what was found. Ctrl-C ends the running guest,\n"
	"keeps what was measured, and says how to go on.\n"
	"\n"
	"  --set KEY=VALUE     replaces a key of the recipe: runs.iterations=3, params.x=5\n"
	"  --runs N            iterations of each cell (runs.iterations)\n"
	"  --db FILE           database [$ASSAY_DB, else ./assay.db]\n"
	"  --images FOLDER     built images [$ASSAY_IMAGES, else build/images of the tree]\n"
	"  --resume CAMPAIGN   goes on with a campaign that was interrupted\n"
	"  --fail-if EXPR      exit status 1 if it holds: 'bench/wall > 1.05'\n"
	"  --json              the report as JSON on stdout\n"
	"  --quiet             no progress\n"
	"  --root FOLDER       where the agent reads sys/ and proc/ from, for tests [/]\n"
	"\n"
	"Exit status: 0 done; 1 --fail-if holds; 2 usage or recipe; 3 done, but runs are invalid\n"
	"or missing; 4 agent or database could not be used; 130 interrupted.\n";

struct job {
	struct cli_options options;
	struct submission submission;
	struct recipe *recipe;
	struct store *store;
	struct campaign_outcome outcome;
	char resume[ULID_SIZE];
};

static int load_fresh(struct job *j, const char *path)
{
	char *absolute = realpath(path, NULL);
	char *images = j->options.images ? realpath(j->options.images, NULL) : NULL;
	j->submission = (struct submission){
		.path = absolute ? absolute : xstrdup(path),
		.runs = j->options.runs,
		.images = images ? images : xstrdup(j->options.images),
	};
	for (char **s = j->options.sets; s && *s; s++)
		strv_push(&j->submission.sets, *s);
	int status = cli_load_recipe(path, &j->options, &j->recipe);
	return status >= 0 ? status : cli_open_store(&j->options, true, &j->store);
}

static int parse_stored(struct job *j, const struct store_campaign *stored)
{
	struct recipe_errors errors = {0};
	struct err err = ERR_NONE;
	if (submission_from_json(stored->options, &j->submission, &err) < 0)
		return cli_fail(EXIT_UNREACHABLE, "campaign %s: %s", stored->id, err.text);
	if (j->options
		    .images_named) { /* they were moved; run keys tell whether they are the same */
		free(j->submission.images);
		j->submission.images = xstrdup(j->options.images);
	}
	struct recipe_options options = {.sets = j->submission.sets,
					 .runs = j->submission.runs,
					 .images = j->submission.images};
	int r = recipe_parse(j->submission.path, stored->recipe, strlen(stored->recipe), &options,
			     &j->recipe, &errors);
	cli_print_errors(&errors);
	recipe_errors_done(&errors);
	return r < 0 ? EXIT_USAGE : -1;
}

static int load_stored(struct job *j)
{
	struct store_campaign stored = {0};
	struct err err = ERR_NONE;
	int status = cli_open_store(&j->options, false, &j->store);
	if (status >= 0)
		return status;
	if (j->store->backend->campaign(j->store, j->options.resume, &stored, &err) < 0)
		return cli_fail(EXIT_USAGE, "%s", err.text);
	STRCPY_FIXED(j->resume, stored.id);
	status = stored.state == CAMPAIGN_DONE
			 ? cli_fail(EXIT_USAGE, "campaign %s is done; nothing is left to run",
				    stored.id)
			 : parse_stored(j, &stored);
	store_campaign_done(&stored);
	return status;
}

static int carry_out(struct job *j, struct live *live)
{
	struct recipe_errors errors = {0};
	struct err err = ERR_NONE;
	struct campaign_options options = {
		.recipe = j->recipe,
		.submission = &j->submission,
		.store = j->store,
		.where = j->options.db,
		.resume = j->options.resume ? j->resume : NULL,
		.root = j->options.root,
		.listener = &live_listener,
		.arg = live,
	};
	int r = campaign_run(&options, &j->outcome, &errors, &err);
	live_clear(live);
	cli_print_errors(&errors);
	bool complained = errors.n > 0;
	recipe_errors_done(&errors);
	if (r == 0)
		return -1;
	if (complained)
		return EXIT_USAGE;
	int status = r == -EINVAL || r == -ESTALE ? EXIT_USAGE : EXIT_UNREACHABLE;
	cli_fail(status, "%s", err.text);
	if (j->outcome.id[0])
		cli_fail(status,
			 "what was measured is kept; go on with: assay run --resume %s --db %s",
			 j->outcome.id, j->options.db);
	return status;
}

static int report(struct job *j, bool *ret_failed)
{
	struct err err = ERR_NONE;
	struct report_options options = {
		.campaign = j->outcome.id,
		.json = j->options.json,
		.color = cli_color(STDOUT_FILENO),
		.width = cli_terminal_width(STDOUT_FILENO),
		.fail_if = j->options.fail_if,
	};
	if (report_campaign(j->store, &options, stdout, ret_failed, &err) < 0 &&
	    !cli_nobody_reads())
		return cli_fail(err.code == EINVAL ? EXIT_USAGE : EXIT_UNREACHABLE, "%s", err.text);
	return -1;
}

static void say_where(struct job *j)
{
	autofree char *folder = NULL;
	struct err err = ERR_NONE;
	FILE *out = j->options.json ? stderr : stdout;
	if (consoles_write(j->store, j->options.db, j->outcome.id, &folder, &err) < 0)
		cli_fail(0, "the consoles are in the database only: %s", err.text);
	fprintf(out, "database  %s\n", j->options.db);
	if (folder)
		fprintf(out, "consoles  %s\n", folder);
}

static int finish(struct job *j)
{
	bool failed = false;
	int status = report(j, &failed);
	if (status >= 0)
		return status;
	say_where(j);
	if (j->outcome.interrupted) {
		if (j->outcome.done < j->outcome.planned)
			cli_fail(0, "interrupted; go on with: assay run --resume %s --db %s",
				 j->outcome.id, j->options.db);
		return EXIT_INTERRUPTED;
	}
	if (failed)
		return EXIT_FAIL_IF;
	return j->outcome.invalid || j->outcome.done < j->outcome.planned ? EXIT_INCOMPLETE
									  : EXIT_DONE;
}

static int run_job(struct job *j, int argc, char **argv)
{
	struct live live;
	if (optind + 1 < argc || (optind == argc) != (j->options.resume != NULL))
		return cli_fail(EXIT_USAGE, "run: one RECIPE, or --resume CAMPAIGN; see assay run"
					    " --help");
	if (j->options.resume && (j->options.sets || j->options.runs >= 0))
		return cli_fail(EXIT_USAGE, "run: a campaign that is resumed keeps the settings it"
					    " was submitted with; leave out --set and --runs");
	int status = j->options.fail_if ? cli_check_fail_if(j->options.fail_if) : -1;
	if (status < 0)
		status = j->options.resume ? load_stored(j) : load_fresh(j, argv[optind]);
	if (status >= 0)
		return status;
	live_init(&live, j->options.quiet);
	status = carry_out(j, &live);
	if (status >= 0)
		return status;
	return j->outcome.id[0] ? finish(j) : EXIT_INTERRUPTED;
}

static int run(int argc, char **argv)
{
	struct job j = {0};
	int status = cli_parse(&command_run, argc, argv, "sndirfjqR", &j.options);
	if (status < 0)
		status = run_job(&j, argc, argv);
	recipe_free(j.recipe);
	store_close(j.store);
	submission_done(&j.submission);
	cli_options_done(&j.options);
	return status;
}

const struct command command_run = {
	.name = "run",
	.summary = "run a recipe on this host and print what was found",
	.help = help,
	.run = run,
};
