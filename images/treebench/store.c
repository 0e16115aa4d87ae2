// SPDX-License-Identifier: GPL-3.0-or-later
/* store - objects in memory, found by the SHA-256 of their bytes. */
#include "images/treebench/store.h"

#include "images/treebench/bytes.h"
#include "images/treebench/node.h"
#include "images/treebench/pool.h"

#define FIRST_BUCKETS 1024

/* Positions in a commit. */
#define COMMIT_TREE   1
#define COMMIT_PARENT (COMMIT_TREE + sizeof(struct digest))

static size_t object_size(uint32_t len)
{
	return sizeof(struct object) + len;
}

static struct object **buckets_new(struct pool *pool, uint32_t count)
{
	struct object **buckets = pool_alloc(pool, count * sizeof(struct object *));

	if (buckets)
		bytes_zero(buckets, count * sizeof(struct object *));
	return buckets;
}

/* A digest is as good as random, so its first bytes choose the bucket. */
static struct object **bucket_of(const struct store *s, const struct digest *d)
{
	return &s->buckets[bytes_get_be32(d->bytes) & (s->bucket_count - 1)];
}

enum store_error store_init(struct store *s, struct pool *pool)
{
	s->pool = pool;
	s->object_count = 0;
	s->has_head = false;
	s->bucket_count = FIRST_BUCKETS;
	s->buckets = buckets_new(pool, s->bucket_count);
	return s->buckets ? STORE_OK : STORE_NO_MEMORY;
}

/* Without memory for twice the buckets, the chains just become longer. */
static void grow(struct store *s)
{
	struct object **old = s->buckets;
	uint32_t old_count = s->bucket_count;
	struct object **new = buckets_new(s->pool, 2 * old_count);

	if (!new)
		return;
	s->buckets = new;
	s->bucket_count = 2 * old_count;
	for (uint32_t i = 0; i < old_count; i++) {
		for (struct object *o = old[i], *next; o; o = next) {
			struct object **bucket = bucket_of(s, &o->digest);

			next = o->next;
			o->next = *bucket;
			*bucket = o;
		}
	}
	pool_free(s->pool, old, old_count * sizeof(struct object *));
}

struct object *store_object(struct store *s, uint32_t len)
{
	struct object *o = pool_alloc(s->pool, object_size(len));

	if (o) {
		o->len = len;
		o->marked = false;
	}
	return o;
}

static struct object *find(const struct store *s, const struct digest *d)
{
	for (struct object *o = *bucket_of(s, d); o; o = o->next)
		if (digest_equal(&o->digest, d))
			return o;
	return NULL;
}

void store_put(struct store *s, struct object *o, struct digest *ret)
{
	struct object **bucket;

	sha256_of(o->bytes, o->len, &o->digest);
	*ret = o->digest;
	if (find(s, &o->digest)) {
		pool_free(s->pool, o, object_size(o->len));
		return;
	}
	if (s->object_count >= s->bucket_count)
		grow(s);
	bucket = bucket_of(s, &o->digest);
	o->next = *bucket;
	*bucket = o;
	s->object_count++;
}

struct object *store_find(const struct store *s, const struct digest *d, enum object_kind kind)
{
	struct object *o = find(s, d);

	return o && o->len > 0 && o->bytes[0] == kind ? o : NULL;
}

static uint8_t *write_string(uint8_t *at, const char *string, uint8_t len)
{
	*at++ = len;
	bytes_copy(at, string, len);
	return at + len;
}

static uint8_t length_up_to_255(const char *string)
{
	size_t len = bytes_length(string);

	return (uint8_t)(len < 255 ? len : 255);
}

enum store_error store_commit(struct store *s, const struct digest *tree, const char *author,
			      const char *message)
{
	uint8_t author_len = length_up_to_255(author);
	uint8_t message_len = length_up_to_255(message);
	size_t parents_len = s->has_head ? sizeof(s->head) : 0;
	size_t len = COMMIT_PARENT + 1 + parents_len + 8 + 1 + author_len + 1 + message_len;
	struct object *o = store_object(s, (uint32_t)len);
	uint8_t *at;

	if (!o)
		return STORE_NO_MEMORY;
	o->bytes[0] = OBJECT_COMMIT;
	bytes_copy(o->bytes + COMMIT_TREE, tree, sizeof(*tree));
	o->bytes[COMMIT_PARENT] = s->has_head;
	at = o->bytes + COMMIT_PARENT + 1;
	bytes_copy(at, &s->head, parents_len);
	at += parents_len;
	bytes_put_be64(at, 0); /* the date: results must not depend on when they were made */
	at = write_string(at + 8, author, author_len);
	write_string(at, message, message_len);
	store_put(s, o, &s->head);
	s->has_head = true;
	return STORE_OK;
}

static struct object *head_commit(const struct store *s)
{
	return s->has_head ? store_find(s, &s->head, OBJECT_COMMIT) : NULL;
}

enum store_error store_head_tree(const struct store *s, struct digest *ret)
{
	const struct object *commit = head_commit(s);

	if (!commit)
		return STORE_MISSING;
	bytes_copy(ret, commit->bytes + COMMIT_TREE, sizeof(*ret));
	return STORE_OK;
}

/* Recurses once for each level of directories. */
static enum store_error mark(struct store *s, const struct digest *d, enum object_kind kind)
{
	struct object *o = store_find(s, d, kind);
	enum store_error error = STORE_OK;
	struct node_reader reader;
	struct node_entry e;

	if (!o)
		return STORE_MISSING;
	if (o->marked)
		return STORE_OK;
	o->marked = true;
	if (kind != OBJECT_NODE)
		return STORE_OK;
	node_read(&reader, o);
	while (error == STORE_OK && node_next(&reader, &e))
		error = mark(s, e.digest, e.kind);
	return error;
}

static void sweep(struct store *s)
{
	for (uint32_t i = 0; i < s->bucket_count; i++) {
		struct object **link = &s->buckets[i];

		while (*link) {
			struct object *o = *link;

			if (o->marked) {
				o->marked = false;
				link = &o->next;
				continue;
			}
			*link = o->next;
			pool_free(s->pool, o, object_size(o->len));
			s->object_count--;
		}
	}
}

enum store_error store_collect(struct store *s)
{
	struct object *commit = head_commit(s);
	struct digest tree;
	enum store_error error = store_head_tree(s, &tree);

	if (error == STORE_OK)
		error = mark(s, &tree, OBJECT_NODE);
	if (error != STORE_OK)
		return error; /* a tree with holes: better keep everything */
	commit->marked = true;
	sweep(s);
	return STORE_OK;
}
