// SPDX-License-Identifier: GPL-3.0-or-later
/* assay check - everything that is wrong with a recipe, in one go; runs nothing. */
#include <stdio.h>

#include "controller/cli/cli.h"

static const char help[] =
	"Usage: assay check RECIPE [OPTION]...\n"
	"\n"
	"Reads the recipe and prints every mistake with file, line and column. Images must be\n"
	"built; whether this host can run it, `assay run` finds out before its first run.\n"
	"\n"
	"  --set KEY=VALUE     replaces a key of the recipe\n"
	"  --runs N            iterations of each cell\n"
	"  --images FOLDER     built images [$ASSAY_IMAGES, else build/images of the tree]\n"
	"\n"
	"Exit status: 0 nothing is wrong; 2 something is.\n";

static int check(const char *path, const struct cli_options *options)
{
	struct recipe *recipe = NULL;
	struct matrix matrix = {0};
	struct recipe_errors errors = {0};
	int status = cli_load_recipe(path, options, &recipe);
	if (status >= 0)
		return status;
	int r = recipe_matrix(recipe, NULL, NULL, &matrix, &errors);
	cli_print_errors(&errors);
	if (r == 0) {
		const struct recipe_head *head = recipe_head(recipe);
		printf("%s: %zu cell%s, %u iteration%s and %u warm-up%s each\n", path, matrix.n,
		       matrix.n == 1 ? "" : "s", head->iterations, head->iterations == 1 ? "" : "s",
		       head->warmup, head->warmup == 1 ? "" : "s");
	}
	recipe_errors_done(&errors);
	matrix_done(&matrix);
	recipe_free(recipe);
	return r < 0 ? EXIT_USAGE : EXIT_DONE;
}

static int run(int argc, char **argv)
{
	struct cli_options options = {0};
	int status = cli_parse(&command_check, argc, argv, "sni", &options);
	if (status < 0)
		status = optind + 1 == argc ? check(argv[optind], &options)
					    : cli_fail(EXIT_USAGE,
						       "check: one RECIPE; see assay check --help");
	cli_options_done(&options);
	return status;
}

const struct command command_check = {
	.name = "check",
	.summary = "say everything that is wrong with a recipe",
	.help = help,
	.run = run,
};
