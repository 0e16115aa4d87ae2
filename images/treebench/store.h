// SPDX-License-Identifier: GPL-3.0-or-later
/* store - objects in memory, found by the SHA-256 of their bytes; one branch.
 *
 * The first byte of an object is its kind. What follows, all numbers big-endian:
 *   blob    the content
 *   node    u32 entries; for each, in the order of names: u8 kind, u8 length of name, name, digest
 *   commit  digest of the tree, u8 parents (0 or 1), their digests, u64 date,
 *           u8 length, author, u8 length, message
 * The head is the newest commit of the branch. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "images/treebench/sha256.h"

struct pool;

enum store_error {
	STORE_OK,
	STORE_NO_MEMORY, /* the arena is exhausted */
	STORE_MISSING,	 /* an object is not there, or not of the kind that was expected */
};

enum object_kind { OBJECT_BLOB = 'b', OBJECT_NODE = 'n', OBJECT_COMMIT = 'c' };

struct object {
	struct object *next; /* in its bucket */
	struct digest digest;
	uint32_t len;
	bool marked; /* reachable: set and cleared by store_collect() */
	uint8_t bytes[];
};

struct store {
	struct pool *pool;	 /* borrowed, outlives the store */
	struct object **buckets; /* owned */
	uint32_t bucket_count;	 /* a power of two */
	uint32_t object_count;
	bool has_head;
	struct digest head; /* of a commit, when has_head */
};

enum store_error store_init(struct store *s, struct pool *pool);

/* An object of len bytes to be filled in and given to store_put(); NULL without memory. */
struct object *store_object(struct store *s, uint32_t len);

/* Hash the object and keep it, or release it when the store has it already. Takes it over. */
void store_put(struct store *s, struct object *o, struct digest *ret);

/* NULL when the store has no such object, or it is of another kind. */
struct object *store_find(const struct store *s, const struct digest *d, enum object_kind kind);

/* Put a commit of the tree whose parent is the head, and make it the head. */
enum store_error store_commit(struct store *s, const struct digest *tree, const char *author,
			      const char *message);

/* The tree of the head. */
enum store_error store_head_tree(const struct store *s, struct digest *ret);

/* Release all that the head's own tree does not need. The parents of the head are released too:
 * only their digest stays, inside the head. So memory is bounded by what is put between two calls,
 * however long the history becomes. */
enum store_error store_collect(struct store *s);
