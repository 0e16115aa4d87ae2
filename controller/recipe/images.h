// SPDX-License-Identifier: GPL-3.0-or-later
/* images - the files behind {image.NAME} and {image.NAME.PART}: found, hashed, and collected for
 * the guest that uses them. */
#ifndef ASSAY_RECIPE_IMAGES_H
#define ASSAY_RECIPE_IMAGES_H

#include "controller/recipe/tree.h"

struct image_set;

/* root: the recipe, params resolved; images: folder of built images, NULL: none; folder: what files
 * are relative to; cache_folder: NULL: nothing is kept. All borrowed, outlive the set. */
struct image_set *image_set_new(const struct node *root, const char *images, const char *folder,
				const char *cache_folder);
void image_set_free(struct image_set *set); /* NULL is fine */
CLEANUP_DEFINE(image_set, struct image_set *, image_set_free)
#define autoimage_set autoclean(image_set)

/* The hash of the image's part (NULL: its main file), and the file is put on the list of those
 * used. -EINVAL: said, at the image's own place or, where only the part is wrong, at `where`. */
int image_set_use(struct image_set *set, const char *name, const char *part, struct place where,
		  char ret_sha256[HASH_HEX_SIZE], struct complaints *complaints);

/* The images used since the last call, sorted by name, each once; owned by the caller. */
void image_set_take(struct image_set *set, struct image_ref **ret, size_t *ret_n);

#endif
