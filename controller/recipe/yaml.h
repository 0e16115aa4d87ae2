// SPDX-License-Identifier: GPL-3.0-or-later
/* yaml - text to a tree. One document; duplicate keys are errors; aliases are copies, bounded. */
#ifndef ASSAY_RECIPE_YAML_H
#define ASSAY_RECIPE_YAML_H

#include "controller/recipe/tree.h"

enum {
	YAML_BYTES_MAX = 1 << 20, /* of a file: the longest recipe seen has 20 KiB */
	YAML_DEPTH_MAX = 24,	  /* the key table is 5 deep */
	YAML_NODES_MAX = 8192,	  /* aliases counted as often as they are used */
	YAML_ANCHORS_MAX = 128,
	YAML_COPIED_BYTES_MAX = 4 << 20, /* of text in the tree: aliases can multiply it */
};

/* origin: NULL for a file, else what its complaints name. 0 and *ret (NULL where there is nothing
 * but comments), or -EINVAL and at least one complaint. A key that is there twice is a complaint,
 * and the tree is made all the same, so that the rest of it can be checked too. */
int yaml_parse(const char *bytes, size_t size, const char *origin, struct node **ret,
	       struct complaints *complaints);

#endif
