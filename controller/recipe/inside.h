// SPDX-License-Identifier: GPL-3.0-or-later
/* inside - what the files of this room know of a recipe. */
#ifndef ASSAY_RECIPE_INSIDE_H
#define ASSAY_RECIPE_INSIDE_H

#include "controller/recipe/points.h"
#include "controller/recipe/refs.h"
#include "controller/recipe/tree.h"

struct recipe {
	char *path;	    /* as the user wrote it; owned */
	char *folder;	    /* what files of images are relative to; owned */
	char *images;	    /* folder of built images; owned; NULL: none */
	char *text;	    /* owned */
	char **origins;	    /* "--set KEY" ...: places borrow them; owned */
	struct node *root;  /* as written, with what was set; owned */
	struct node *fixed; /* what is the same for all cells, params resolved; owned */
	struct points points;
	struct recipe_head head;
	struct check_rule *checks; /* owned */
	struct parse_rule *parses; /* owned */
	const char **axes;	   /* names borrowed from root; owned */
};

/* The parts of the recipe that are the same for all cells, with params resolved. */
struct node *cell_fixed(const struct recipe *recipe, struct complaints *complaints);

/* Resolves and checks every cell without a host or images: what can be wrong is found at once. */
void cell_try_all(const struct recipe *recipe, struct complaints *complaints);

/* Fills recipe->head from recipe->fixed. */
void head_fill(struct recipe *recipe);

#endif
