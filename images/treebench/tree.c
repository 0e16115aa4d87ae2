// SPDX-License-Identifier: GPL-3.0-or-later
/* tree - directories in memory over the store, read and hashed as late as possible. */
#include "images/treebench/tree.h"

#include "images/treebench/bytes.h"
#include "images/treebench/pool.h"

#define FIRST_ENTRIES 8

_Static_assert(sizeof(struct tree_entry) == 64, "a tree_entry is meant to be one cache line");

static int name_compare(const struct tree_name *a, const struct tree_name *b)
{
	uint8_t shorter = a->len < b->len ? a->len : b->len;
	int order = bytes_compare(a->bytes, b->bytes, shorter);

	return order ? order : a->len - b->len;
}

static size_t entries_size(uint32_t capacity)
{
	return capacity * sizeof(struct tree_entry);
}

static struct tree *tree_with_room(struct store *s, uint32_t capacity)
{
	struct tree *t = pool_alloc(s->pool, sizeof(*t));
	struct tree_entry *entries = pool_alloc(s->pool, entries_size(capacity));

	if (!t || !entries) {
		pool_free(s->pool, t, sizeof(*t));
		pool_free(s->pool, entries, entries_size(capacity));
		return NULL;
	}
	t->changed = true;
	t->count = 0;
	t->capacity = capacity;
	t->entries = entries;
	return t;
}

struct tree *tree_new(struct store *s)
{
	return tree_with_room(s, FIRST_ENTRIES);
}

static void release_child(struct store *s, struct tree_entry *e)
{
	if (e->kind == OBJECT_NODE)
		tree_free(s, e->directory);
	else if (e->blob)
		pool_free(s->pool, e->blob, sizeof(*e->blob) + e->blob->len);
}

void tree_free(struct store *s, struct tree *t)
{
	if (!t)
		return;
	for (uint32_t i = 0; i < t->count; i++)
		release_child(s, &t->entries[i]);
	pool_free(s->pool, t->entries, entries_size(t->capacity));
	pool_free(s->pool, t, sizeof(*t));
}

enum store_error tree_load(struct store *s, const struct digest *d, struct tree **ret)
{
	const struct object *node = store_find(s, d, OBJECT_NODE);
	struct node_reader reader;
	struct node_entry e;
	struct tree *t;

	if (!node)
		return STORE_MISSING;
	node_read(&reader, node);
	t = tree_with_room(s, reader.left < FIRST_ENTRIES ? FIRST_ENTRIES : reader.left);
	if (!t)
		return STORE_NO_MEMORY;
	while (node_next(&reader, &e)) {
		struct tree_entry *entry = &t->entries[t->count++];

		entry->name.len = e.name_len;
		bytes_copy(entry->name.bytes, e.name, e.name_len);
		entry->kind = (uint8_t)e.kind;
		entry->directory = NULL;
		entry->digest = *e.digest;
	}
	if (reader.left) {
		tree_free(s, t);
		return STORE_MISSING;
	}
	t->changed = false;
	t->digest = *d;
	*ret = t;
	return STORE_OK;
}

/* Where the name is, or where it would have to be inserted. */
static uint32_t position_of(const struct tree *t, const struct tree_name *name, bool *ret_found)
{
	uint32_t low = 0, high = t->count;

	*ret_found = false;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		int order = name_compare(&t->entries[middle].name, name);

		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool grow(struct store *s, struct tree *t)
{
	uint32_t capacity = 2 * t->capacity;
	struct tree_entry *entries = pool_alloc(s->pool, entries_size(capacity));

	if (!entries)
		return false;
	bytes_copy(entries, t->entries, entries_size(t->count));
	pool_free(s->pool, t->entries, entries_size(t->capacity));
	t->entries = entries;
	t->capacity = capacity;
	return true;
}

/* The entry of that name; a new one is a blob without content, to be filled in by the caller.
 * NULL without memory. */
static struct tree_entry *entry_for(struct store *s, struct tree *t, const struct tree_name *name)
{
	bool found;
	uint32_t at = position_of(t, name, &found);
	struct tree_entry *e;

	if (found)
		return &t->entries[at];
	if (t->count == t->capacity && !grow(s, t))
		return NULL;
	for (uint32_t i = t->count; i > at; i--)
		t->entries[i] = t->entries[i - 1];
	t->count++;
	e = &t->entries[at];
	e->name = *name;
	e->kind = OBJECT_BLOB;
	e->blob = NULL;
	return e;
}

/* The directory called name, loaded or made. */
static enum store_error enter(struct store *s, struct tree *t, const struct tree_name *name,
			      struct tree **ret)
{
	struct tree_entry *e = entry_for(s, t, name);
	enum store_error error = STORE_OK;
	struct tree *made;

	if (!e)
		return STORE_NO_MEMORY;
	if (e->kind == OBJECT_NODE) {
		if (!e->directory)
			error = tree_load(s, &e->digest, &e->directory);
		*ret = e->directory;
		return error;
	}
	made = tree_new(s);
	if (!made)
		return STORE_NO_MEMORY;
	release_child(s, e);
	e->kind = OBJECT_NODE;
	e->directory = made;
	*ret = made;
	return STORE_OK;
}

static enum store_error set_blob(struct store *s, struct tree *t, const struct tree_name *name,
				 const void *content, uint32_t len)
{
	struct object *blob = store_object(s, 1 + len);
	struct tree_entry *e = blob ? entry_for(s, t, name) : NULL;

	if (!e) {
		if (blob)
			pool_free(s->pool, blob, sizeof(*blob) + blob->len);
		return STORE_NO_MEMORY;
	}
	release_child(s, e);
	blob->bytes[0] = OBJECT_BLOB;
	bytes_copy(blob->bytes + 1, content, len);
	e->kind = OBJECT_BLOB;
	e->blob = blob;
	return STORE_OK;
}

enum store_error tree_add(struct store *s, struct tree *t, const struct tree_name *dirs, size_t n,
			  const struct tree_name *leaf, const void *content, uint32_t len)
{
	t->changed = true;
	for (size_t i = 0; i < n; i++) {
		enum store_error error = enter(s, t, &dirs[i], &t);

		if (error != STORE_OK)
			return error;
		t->changed = true;
	}
	return set_blob(s, t, leaf, content, len);
}

static enum store_error store_child(struct store *s, struct tree_entry *e)
{
	enum store_error error;

	if (e->kind == OBJECT_BLOB) {
		if (e->blob)
			store_put(s, e->blob, &e->digest);
		e->blob = NULL;
		return STORE_OK;
	}
	if (!e->directory || !e->directory->changed)
		return STORE_OK;
	error = tree_store(s, e->directory);
	e->digest = e->directory->digest;
	return error;
}

static uint32_t node_len(const struct tree *t)
{
	uint32_t len = NODE_HEADER_LEN;

	for (uint32_t i = 0; i < t->count; i++)
		len += node_entry_len(t->entries[i].name.len);
	return len;
}

static void write_node(uint8_t *at, const struct tree *t)
{
	at = node_write_header(at, t->count);
	for (uint32_t i = 0; i < t->count; i++) {
		const struct tree_entry *e = &t->entries[i];
		const struct node_entry entry = {
			.kind = e->kind,
			.name_len = e->name.len,
			.name = e->name.bytes,
			.digest = &e->digest,
		};

		at = node_write_entry(at, &entry);
	}
}

/* Recurses once for each level of directories. */
enum store_error tree_store(struct store *s, struct tree *t)
{
	enum store_error error;
	struct object *node;

	if (!t->changed)
		return STORE_OK;
	for (uint32_t i = 0; i < t->count; i++) {
		error = store_child(s, &t->entries[i]);
		if (error != STORE_OK)
			return error;
	}
	node = store_object(s, node_len(t));
	if (!node)
		return STORE_NO_MEMORY;
	write_node(node->bytes, t);
	store_put(s, node, &t->digest);
	t->changed = false;
	return STORE_OK;
}

const struct object *tree_find(struct store *s, struct tree *t, const struct tree_name *dirs,
			       size_t n, const struct tree_name *leaf)
{
	struct tree_entry *e;
	bool found;

	for (size_t i = 0; i <= n; i++) {
		uint32_t at = position_of(t, i < n ? &dirs[i] : leaf, &found);

		if (!found)
			return NULL;
		e = &t->entries[at];
		if (i == n)
			break;
		if (e->kind != OBJECT_NODE ||
		    (!e->directory && tree_load(s, &e->digest, &e->directory) != STORE_OK))
			return NULL;
		t = e->directory;
	}
	if (e->kind != OBJECT_BLOB)
		return NULL;
	return e->blob ? e->blob : store_find(s, &e->digest, OBJECT_BLOB);
}
