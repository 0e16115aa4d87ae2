// SPDX-License-Identifier: GPL-3.0-or-later
/* check - a tree against the table of keys, and what the table cannot say. */
#ifndef ASSAY_RECIPE_CHECK_H
#define ASSAY_RECIPE_CHECK_H

#include "controller/recipe/keys.h"
#include "controller/recipe/tree.h"

/* Every key is known and where it belongs, every value of its type and in its range; values with
 * references in them are only checked for those. Right values get node->whole or node->real. */
void check_written(struct node *root, struct complaints *complaints);

/* The same after references were resolved: what is there is the value. Values that wait for a host
 * are left alone. */
void check_resolved(struct node *root, struct complaints *complaints);

/* What keys say about one another: names that must exist, choices of one key out of two. */
void check_rules(const struct node *root, struct complaints *complaints);

/* The value at the dotted path of a checked tree, or the table's default; 0, -1 or NULL where there
 * is neither. */
uint64_t value_whole(const struct node *root, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
double value_real(const struct node *root, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
const char *value_text(const struct node *root, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
