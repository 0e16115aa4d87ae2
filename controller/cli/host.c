// SPDX-License-Identifier: GPL-3.0-or-later
/* assay host - what this host is and can measure; assay version. */
#include <stdio.h>
#include <version.h>

#include "controller/cli/cli.h"
#include "controller/report/report.h"

static const char host_help[] =
	"Usage: assay host [OPTION]...\n"
	"\n"
	"What this host is and what it can measure; each missing thing with its reason and, where\n"
	"there is one, its remedy.\n"
	"\n"
	"  --json              as JSON\n"
	"  --root FOLDER       where sys/ and proc/ are read from [/]\n";

static int run_host(int argc, char **argv)
{
	struct cli_options o = {0};
	struct host_info host = {0};
	struct err err = ERR_NONE;
	int status = cli_parse(&command_host, argc, argv, "jR", &o);
	if (status < 0 && optind < argc)
		status = cli_fail(EXIT_USAGE, "host: takes no arguments");
	if (status < 0 && campaign_host(o.root, &host, &err) < 0)
		status = cli_fail(EXIT_UNREACHABLE, "%s", err.text);
	if (status < 0 && report_host(&host, o.json, stdout, &err) < 0)
		status = cli_fail(EXIT_UNREACHABLE, "%s", err.text);
	host_info_done(&host);
	cli_options_done(&o);
	return status < 0 ? EXIT_DONE : status;
}

static const char version_help[] = "Usage: assay version [OPTION]...\n"
				   "\n"
				   "The version, and the commit it was built from.\n"
				   "\n"
				   "  --json              as JSON\n";

static int run_version(int argc, char **argv)
{
	struct cli_options o = {0};
	int status = cli_parse(&command_version, argc, argv, "j", &o);
	if (status < 0 && optind < argc)
		status = cli_fail(EXIT_USAGE, "version: takes no arguments");
	if (status < 0 && o.json)
		printf("{\"version\": \"%s\", \"commit\": \"%s\"}\n", ASSAY_VERSION, ASSAY_COMMIT);
	else if (status < 0)
		printf("assay %s (%s)\n", ASSAY_VERSION, ASSAY_COMMIT);
	cli_options_done(&o);
	return status < 0 ? EXIT_DONE : status;
}

const struct command command_host = {
	.name = "host",
	.summary = "what this host is and can measure",
	.help = host_help,
	.run = run_host,
};

const struct command command_version = {
	.name = "version",
	.summary = "the version of this program",
	.help = version_help,
	.run = run_version,
};
