// SPDX-License-Identifier: GPL-3.0-or-later
/* cli - the commands of `assay`, one file a command, and what they share. */
#ifndef ASSAY_CLI_CLI_H
#define ASSAY_CLI_CLI_H

#include <getopt.h>
#include <stdbool.h>

#include "controller/campaign/campaign.h"

/* Fixed for scripts: add, never change. */
enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAIL_IF = 1,     /* a comparison failed its --fail-if */
	EXIT_USAGE = 2,	      /* usage, recipe or configuration */
	EXIT_INCOMPLETE = 3,  /* done, but runs are invalid or missing */
	EXIT_UNREACHABLE = 4, /* controller, agent or store could not be reached or used */
	EXIT_INTERRUPTED = 130,
};

struct command {
	const char *name;
	const char *summary;		   /* one line of `assay --help` */
	const char *help;		   /* all of `assay COMMAND --help` */
	int (*run)(int argc, char **argv); /* argv[0] is the command's name; gives an exit status */
};

extern const struct command command_run, command_plan, command_check, command_report, command_list,
	command_host, command_recipe, command_version;
/* NULL-ended, in the order of `assay --help`. */
extern const struct command *const commands[];

/* "assay: sentence" to stderr; gives status back, so that it can be the return expression. */
int cli_fail(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Options that several commands take. Strings are borrowed from argv or the environment. */
struct cli_options {
	char **sets;	    /* --set, NULL-ended; the array is owned */
	int64_t runs;	    /* --runs; -1 */
	const char *db;	    /* --db, $ASSAY_DB, ./assay.db */
	const char *images; /* --images, $ASSAY_IMAGES, build/images of the tree; NULL: none */
	char *images_owned;
	bool images_named; /* by --images */
	const char *resume, *fail_if, *campaign, *root;
	uint64_t seed;
	bool json, quiet;
};
void cli_options_done(struct cli_options *options);

/* Parses the options of `accepted` (letters of the table in options.c); the rest of argv are words.
 * -1: go on; else the exit status (--help, or a mistake that was explained). */
int cli_parse(const struct command *command, int argc, char **argv, const char *accepted,
	      struct cli_options *ret);

/* Loads a recipe, or says everything that is wrong with it (status EXIT_USAGE). */
int cli_load_recipe(const char *path, const struct cli_options *options, struct recipe **ret);
void cli_print_errors(const struct recipe_errors *errors);

/* Opens the store or says why not (EXIT_UNREACHABLE). */
int cli_open_store(const struct cli_options *options, bool create, struct store **ret);

/* A --fail-if that cannot be read is refused before anything runs. -1: fine. */
int cli_check_fail_if(const char *expression);

/* Whoever read stdout went away (| head): nothing failed. */
bool cli_nobody_reads(void);

/* Columns of stdout's terminal; 0: it is none. color: a terminal, and NO_COLOR is not set. */
int cli_terminal_width(int fd);
bool cli_color(int fd);

#endif
