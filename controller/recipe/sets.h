// SPDX-License-Identifier: GPL-3.0-or-later
/* sets - values of the command line put into a recipe: --set KEY=VALUE and --runs N. */
#ifndef ASSAY_RECIPE_SETS_H
#define ASSAY_RECIPE_SETS_H

#include "controller/recipe/tree.h"

/* The tree gets the values; origins (a strv, appended to) are what their places borrow. */
void sets_apply(struct node *root, const struct recipe_options *options, char ***origins,
		struct complaints *complaints);

/* The recipe's text with the sets behind it as comments; what an earlier call put there is
 * replaced. Owned by the caller. */
char *sets_in_text(const char *yaml, size_t size, const struct recipe_options *options);

#endif
