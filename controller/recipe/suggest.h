// SPDX-License-Identifier: GPL-3.0-or-later
/* suggest - what was probably meant, as the end of a sentence. */
#ifndef ASSAY_RECIPE_SUGGEST_H
#define ASSAY_RECIPE_SUGGEST_H

#include "controller/recipe/tree.h"

struct suggestion {
	char text[NAME_SIZE + 20]; /* "; did you mean 'kvm'?", or "" where nothing is near */
};

/* candidates: NULL-ended. */
struct suggestion suggest(const char *word, const char *const *candidates);
/* Among the keys of the map (NULL: none), and `also` where it is not NULL. */
struct suggestion suggest_key(const char *word, const struct node *map, const char *also);

#endif
