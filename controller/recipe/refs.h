// SPDX-License-Identifier: GPL-3.0-or-later
/* refs - references in braces: {axis.NAME}, {param.NAME}, {host.FACT}, {image.NAME},
 * {image.NAME.PART}, {run.iteration}.
 *
 * In ordinary values every brace must be one, and {{ is a literal brace. In patterns braces are
 * quantifiers as well, so only what begins with {axis. and so on is a reference there, and what it
 * stands for is matched literally. What was put in is not looked at again. */
#ifndef ASSAY_RECIPE_REFS_H
#define ASSAY_RECIPE_REFS_H

#include "controller/recipe/keys.h"
#include "controller/recipe/tree.h"

#define REF_RUN_ITERATION "{run.iteration}" /* stays in a spec until its run is made */

/* What a cell's values are resolved against; all borrowed. */
struct scope {
	const struct node *root;      /* the recipe */
	const struct node *point;     /* map of axis to value; NULL: not known yet */
	const struct host_info *host; /* NULL: not known yet */
	struct image_set *images;     /* where used images are collected; NULL: not known yet */
	size_t spent_bytes;	      /* by all cells so far, bounded */
};

bool refs_in(const struct node *scalar, const struct key *key);

/* As written: every reference names something that there is, where it may stand. what: the key's
 * path, for complaints. */
void refs_check(const struct node *root, const struct node *scalar, const struct key *key,
		const char *what, struct complaints *complaints);

/* A copy of the scalar with its references resolved; marked unknown where that must wait. Owned by
 * the caller. On failure it complains, and the copy is unknown. */
struct node *refs_expand(struct scope *scope, const struct node *scalar, const struct key *key,
			 const char *what, struct complaints *complaints);

/* The text with {run.iteration} replaced; owned by the caller; NULL gives NULL. */
char *refs_iteration(const char *text, uint32_t iteration);

#endif
