// SPDX-License-Identifier: GPL-3.0-or-later
/* What the tests of recipes share. */
#ifndef ASSAY_TESTS_RECIPE_HELP_H
#define ASSAY_TESTS_RECIPE_HELP_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "controller/recipe/recipe.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

#define HEAD  "assay: 1\nname: x\n"
#define GUEST "guests: {a: {driver: process, command: [t]}}\n"

#define autorecipe autoclean(recipe)

static inline void cleanup_matrix(struct matrix *m)
{
	matrix_done(m);
}
#define automatrix autoclean(matrix)

static inline void cleanup_host(struct host_info *h)
{
	host_info_done(h);
}
#define autohost autoclean(host)

static inline char **strv_of(const char *const *words)
{
	char **v = NULL;
	for (; *words; words++)
		strv_push(&v, *words);
	return v;
}
/* What --set takes; free it with autostrv. */
#define SETS(...) strv_of((const char *const[]){__VA_ARGS__, NULL})

/* All errors, one line each; owned by the caller. */
static inline char *said_take(struct recipe_errors *errors)
{
	autotext struct text said = {0};
	for (size_t i = 0; i < errors->n; i++)
		text_addf(&said, "%s: %s\n", errors->items[i].where, errors->items[i].text);
	recipe_errors_done(errors);
	return text_take(&said);
}

/* Stops the test where the recipe is not right. */
static inline struct recipe *parse_as(const char *name, const char *yaml,
				      const struct recipe_options *options)
{
	struct recipe *recipe = NULL;
	struct recipe_errors errors = {0};
	recipe_parse(name, yaml, strlen(yaml), options, &recipe, &errors);
	autofree char *said = said_take(&errors);
	assert_string_equal(said, "");
	assert_non_null(recipe);
	return recipe;
}

static inline struct recipe *parse(const char *yaml)
{
	return parse_as("r", yaml, NULL);
}

static inline void cells(const struct recipe *recipe, const struct host_info *host,
			 struct matrix *ret)
{
	struct recipe_errors errors = {0};
	recipe_matrix(recipe, host, NULL, ret, &errors);
	autofree char *said = said_take(&errors);
	assert_string_equal(said, "");
}

#endif
