// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz_recipe - a recipe and one value of --set, the bytes apart at the first line "---set".
 * Whatever they are, there is a recipe with its cells or a list of errors, one line each. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "controller/plan/plan.h"
#include "controller/recipe/recipe.h"
#include "proto/base/mem.h"

#define SEPARATOR "\n---set\n"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* libfyaml 0.7.12 loses a buffer where a long quoted text with '' in it is not closed. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libfyaml";
}

static void require(int holds)
{
	if (!holds)
		abort();
}

static void check_errors(struct recipe_errors *errors)
{
	for (size_t i = 0; i < errors->n; i++) {
		require(errors->items[i].text[0]);
		require(!strpbrk(errors->items[i].where, "\n\t\r\033"));
		require(!strpbrk(errors->items[i].text, "\n\t\r\033"));
	}
	recipe_errors_done(errors);
}

static void try_runs(const struct recipe *recipe, const struct matrix *matrix)
{
	char key[HASH_HEX_SIZE];
	require(recipe_head(recipe)->iterations > 0);
	for (size_t i = 0; i < matrix->n && i < 8; i++) {
		autoclean(run_spec) struct run_spec *spec = NULL;
		require(recipe_run_spec(&matrix->cells[i], 3, false, &spec, NULL) == 0);
		plan_run_key(spec, "host", 3, false, key);
	}
}

static void try_matrix(const struct recipe *recipe)
{
	struct host_info host = {.name = "h"};
	struct recipe_errors errors = {0};
	struct matrix matrix = {0};
	host_fact(&host, "kernel", "6.1");
	host_capability(&host, "kvm", true, "", NULL);
	recipe_hosts_match(recipe, &host, NULL);
	int r = recipe_matrix(recipe, &host, NULL, &matrix, &errors);
	require((r == 0) == (errors.n == 0));
	require((r == 0) == (matrix.n > 0));
	if (r == 0)
		try_runs(recipe, &matrix);
	check_errors(&errors);
	matrix_done(&matrix);
	host_info_done(&host);
}

/* Where the separator begins; NULL: nowhere. */
static const char *find_separator(const char *text, size_t size)
{
	return memmem(text, size, SEPARATOR, strlen(SEPARATOR));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *split = find_separator(text, size);
	size_t yaml_size = split ? (size_t)(split - text) : size;
	size_t skip = yaml_size + strlen(SEPARATOR);
	autofree char *set = split ? xstrndup(text + skip, size - skip) : NULL;
	char *sets[] = {set, NULL};
	struct recipe_options options = {.sets = sets, .runs = -1, .images = "/nowhere"};
	struct recipe_errors errors = {0};
	struct recipe *recipe = NULL;
	int r = recipe_parse("r.yaml", text, yaml_size, &options, &recipe, &errors);
	require((r == 0) == (errors.n == 0));
	require((r == 0) == (recipe != NULL));
	if (recipe)
		try_matrix(recipe);
	check_errors(&errors);
	recipe_free(recipe);
	return 0;
}
