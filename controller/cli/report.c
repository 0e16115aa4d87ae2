// SPDX-License-Identifier: GPL-3.0-or-later
/* assay report, assay list - what is in a database. */
#include "controller/report/report.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "controller/cli/cli.h"

static const char report_help[] =
	"Usage: assay report [CAMPAIGN] [OPTION]...\n"
	"\n"
	"Statistics and comparison of a campaign: its id or the beginning of it; without one, of\n"
	"the newest. Runs that are invalid are listed with their reasons and never averaged.\n"
	"\n"
	"  --db FILE           database [$ASSAY_DB, else ./assay.db]\n"
	"  --fail-if EXPR      exit status 1 if it holds: 'bench/wall > 1.05'\n"
	"  --json              as JSON\n"
	"\n"
	"Exit status: 0; 1 --fail-if holds; 2 usage, no such campaign; 4 the database could not "
	"be\n"
	"used.\n";

static const char list_help[] = "Usage: assay list [OPTION]...\n"
				"\n"
				"Every campaign of the database, newest first.\n"
				"\n"
				"  --db FILE           database [$ASSAY_DB, else ./assay.db]\n"
				"  --json              as JSON\n";

int cli_check_fail_if(const char *expression)
{
	struct err err = ERR_NONE;
	if (report_fail_if(expression, &err) < 0)
		return cli_fail(EXIT_USAGE, "--fail-if: %s", err.text);
	return -1;
}

static int report(const char *campaign, const struct cli_options *o)
{
	struct store *store = NULL;
	struct err err = ERR_NONE;
	bool failed = false;
	struct report_options options = {
		.campaign = campaign,
		.json = o->json,
		.color = cli_color(STDOUT_FILENO),
		.width = cli_terminal_width(STDOUT_FILENO),
		.fail_if = o->fail_if,
	};
	int status = o->fail_if ? cli_check_fail_if(o->fail_if) : -1;
	if (status < 0)
		status = cli_open_store(o, false, &store);
	if (status >= 0)
		return status;
	int r = report_campaign(store, &options, stdout, &failed, &err);
	store_close(store);
	if (r < 0 && cli_nobody_reads())
		r = 0;
	if (r == -ENOENT || r == -EINVAL || r == -ENOTUNIQ)
		return cli_fail(EXIT_USAGE, "%s", err.text);
	if (r < 0)
		return cli_fail(EXIT_UNREACHABLE, "%s", err.text);
	return failed ? EXIT_FAIL_IF : EXIT_DONE;
}

static int run_report(int argc, char **argv)
{
	struct cli_options o = {0};
	int status = cli_parse(&command_report, argc, argv, "dfj", &o);
	if (status < 0)
		status = optind + 1 < argc ? cli_fail(EXIT_USAGE, "report: one CAMPAIGN at most")
					   : report(optind < argc ? argv[optind] : NULL, &o);
	cli_options_done(&o);
	return status;
}

static int list(const struct cli_options *o)
{
	struct store *store = NULL;
	struct err err = ERR_NONE;
	int status = cli_open_store(o, false, &store);
	if (status >= 0)
		return status;
	int r = report_list(store, o->json, stdout, &err);
	store_close(store);
	return r < 0 && !cli_nobody_reads() ? cli_fail(EXIT_UNREACHABLE, "%s", err.text)
					    : EXIT_DONE;
}

static int run_list(int argc, char **argv)
{
	struct cli_options o = {0};
	int status = cli_parse(&command_list, argc, argv, "dj", &o);
	if (status < 0)
		status = optind < argc ? cli_fail(EXIT_USAGE, "list: takes no arguments")
				       : list(&o);
	cli_options_done(&o);
	return status;
}

const struct command command_report = {
	.name = "report",
	.summary = "statistics and comparison of a campaign",
	.help = report_help,
	.run = run_report,
};

const struct command command_list = {
	.name = "list",
	.summary = "the campaigns of a database",
	.help = list_help,
	.run = run_list,
};
