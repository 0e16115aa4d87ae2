// SPDX-License-Identifier: GPL-3.0-or-later
/* points - the axes' combinations: their product with the first axis slowest, less what `exclude`
 * takes away, and then the points of `include`. */
#ifndef ASSAY_RECIPE_POINTS_H
#define ASSAY_RECIPE_POINTS_H

#include "controller/recipe/tree.h"

enum { POINTS_MAX = 4096 };

struct points {
	struct node **items; /* maps of axis to value, in the recipe's order of axes; owned */
	size_t n;
};

/* 0, or -EINVAL with complaints. A recipe without axes has one point, an empty map. Where the axes
 * themselves are not in order (check_written says how), there are none and no further complaint. */
int points_make(const struct node *root, struct points *ret, struct complaints *complaints);
void points_done(struct points *points);

/* {"accel":"kvm","guest":"debian"}: keys sorted, numbers and truths as they were written. */
char *point_json(const struct node *point);
/* "debian, accel=kvm": the guest and, in the recipe's order, all other axes. */
char *point_label(const struct node *point, const char *guest);

#endif
