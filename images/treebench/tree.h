// SPDX-License-Identifier: GPL-3.0-or-later
/* tree - directories in memory over the store, read and hashed as late as possible.
 *
 * An entry is known by its digest only until a path goes through it: then its directory is loaded
 * from the store. Changes stay in memory until tree_store() hashes and stores what has changed,
 * children before their parents. After STORE_NO_MEMORY a tree is good for tree_free() only. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/treebench/node.h"
#include "images/treebench/store.h"

struct tree_name {
	uint8_t len;
	char bytes[NODE_NAME_MAX];
};

struct tree_entry {
	struct tree_name name;
	uint8_t kind; /* enum object_kind: blob or node */
	union {
		struct tree *directory; /* owned; NULL until loaded */
		struct object *blob;	/* owned; NULL once stored */
	};
	struct digest digest; /* stale while there is an unstored blob or a changed directory */
};

struct tree {
	bool changed; /* since it was loaded or stored */
	uint32_t count;
	uint32_t capacity;
	struct tree_entry *entries; /* owned, in the order of names */
	struct digest digest;	    /* unless changed */
};

/* NULL without memory. */
struct tree *tree_new(struct store *s);

/* The directory with that digest. Its subdirectories follow when they are needed. */
enum store_error tree_load(struct store *s, const struct digest *d, struct tree **ret);

/* NULL is fine. Unstored changes are lost. */
void tree_free(struct store *s, struct tree *t);

/* Set the blob at dirs[0]/.../dirs[n - 1]/leaf. Directories that are missing are made, and a blob
 * in the place of a directory gives way, as in Irmin. */
enum store_error tree_add(struct store *s, struct tree *t, const struct tree_name *dirs, size_t n,
			  const struct tree_name *leaf, const void *content, uint32_t len);

/* Hash and store everything that changed; then t->digest is the digest of the tree. */
enum store_error tree_store(struct store *s, struct tree *t);

/* Read the blob at a path through the store and memory; NULL if there is none.
 * The object is borrowed until the store is collected or the tree is changed. */
const struct object *tree_find(struct store *s, struct tree *t, const struct tree_name *dirs,
			       size_t n, const struct tree_name *leaf);
