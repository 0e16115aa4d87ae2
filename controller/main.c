// SPDX-License-Identifier: GPL-3.0-or-later
/* assay - the controller and its command line: finds the command. */
#include <gsl/gsl_errno.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "controller/cli/cli.h"
#include "controller/parse/parse.h"
#include "controller/store/store.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

static void print_help(FILE *out)
{
	fputs("Usage: assay COMMAND [ARGUMENT]...\n\n"
	      "A testbed for performance experiments on guests: unikernels, VMs, processes.\n\n",
	      out);
	for (size_t i = 0; commands[i]; i++)
		fprintf(out, "  %-9s %s\n", commands[i]->name, commands[i]->summary);
	fputs("\nassay COMMAND --help tells more. Exit status: 0 done; 1 a comparison failed its\n"
	      "--fail-if; 2 usage, recipe or configuration; 3 done, but runs are invalid or "
	      "missing;\n"
	      "4 controller, agent or store could not be reached or used; 130 interrupted.\n",
	      out);
}

static int unknown(const char *word)
{
	const char *names[32];
	size_t n = 0;
	for (; commands[n] && n < ARRAY_SIZE(names) - 1; n++)
		names[n] = commands[n]->name;
	names[n] = NULL;
	const char *nearest = text_nearest(word, names);
	return cli_fail(EXIT_USAGE, "unknown command '%s'%s%s; see assay --help", word,
			nearest ? ", did you mean " : "", nearest ? nearest : "");
}

static int dispatch(int argc, char **argv)
{
	if (argc < 2) {
		print_help(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		print_help(stdout);
		return EXIT_DONE;
	}
	const char *word = strcmp(argv[1], "--version") == 0 ? "version" : argv[1];
	for (size_t i = 0; commands[i]; i++)
		if (strcmp(word, commands[i]->name) == 0)
			return commands[i]->run(argc - 1, argv + 1);
	return unknown(word);
}

/* Numbers in files are C locale; only messages and the terminal's character set are the user's. */
int main(int argc, char **argv)
{
	struct err err = ERR_NONE;
	setlocale(LC_CTYPE, "");
	signal(SIGPIPE, SIG_IGN);
	gsl_set_error_handler_off(); /* GSL would abort; callers check instead */
	log_init("assay", getenv("ASSAY_LOG") && strcmp(getenv("ASSAY_LOG"), "debug") == 0
				  ? LOG_DEBUG
				  : LOG_WARN);
	if (store_backends_check(&err) < 0 || parsers_check(&err) < 0)
		return cli_fail(EXIT_UNREACHABLE, "%s", err.text);
	int status = dispatch(argc, argv);
	if ((fflush(stdout) != 0 || ferror(stdout)) && !cli_nobody_reads())
		return cli_fail(status ? status : EXIT_UNREACHABLE, "could not write to stdout");
	return status;
}
