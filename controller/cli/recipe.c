// SPDX-License-Identifier: GPL-3.0-or-later
/* assay recipe help - the key table, for people. */
#include "controller/recipe/recipe.h"

#include <stdio.h>
#include <string.h>

#include "controller/cli/cli.h"
#include "proto/base/mem.h"

static const char help[] =
	"Usage: assay recipe help [KEY]\n"
	"\n"
	"What a key of a recipe means, its type, range and default; without KEY the whole\n"
	"reference, as Markdown.\n";

static int run(int argc, char **argv)
{
	struct cli_options o = {0};
	struct err err = ERR_NONE;
	autofree char *text = NULL;
	int status = cli_parse(&command_recipe, argc, argv, "", &o);
	cli_options_done(&o);
	if (status >= 0)
		return status;
	int words = argc - optind;
	if (words < 1 || words > 2 || strcmp(argv[optind], "help") != 0)
		return cli_fail(EXIT_USAGE, "recipe: 'help' and at most one KEY; see assay recipe"
					    " --help");
	if (recipe_help(words == 2 ? argv[optind + 1] : NULL, &text, &err) < 0)
		return cli_fail(EXIT_USAGE, "%s", err.text);
	fputs(text, stdout);
	return EXIT_DONE;
}

const struct command command_recipe = {
	.name = "recipe",
	.summary = "help on the keys of recipes",
	.help = help,
	.run = run,
};
