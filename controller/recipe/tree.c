// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/recipe/tree.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"

struct node *node_new(enum node_kind kind, struct place place)
{
	struct node *n = xcalloc(1, sizeof(*n));
	n->kind = kind;
	n->place = place;
	return n;
}

void node_free(struct node *node)
{
	if (!node)
		return;
	for (size_t i = 0; i < node->n; i++)
		node_free(node->items[i]);
	free(node->items);
	free(node->key);
	free(node->text);
	free(node);
}

struct node *node_copy(const struct node *node)
{
	struct node *copy = node_new(node->kind, node->place);
	copy->quoted = node->quoted;
	copy->unknown = node->unknown;
	copy->whole = node->whole;
	copy->real = node->real;
	copy->text = xstrdup(node->text);
	for (size_t i = 0; i < node->n; i++)
		node_add(copy, node->items[i]->key, node->items[i]->key_place,
			 node_copy(node->items[i]));
	return copy;
}

void node_add(struct node *parent, const char *key, struct place key_place, struct node *item)
{
	free(item->key);
	item->key = xstrdup(key);
	item->key_place = key_place;
	*ARRAY_PUSH(parent->items, parent->n) = item;
}

static struct node *get_bytes(const struct node *map, const char *key, size_t size)
{
	if (!map || map->kind != NODE_MAP)
		return NULL;
	for (size_t i = 0; i < map->n; i++)
		if (strlen(map->items[i]->key) == size &&
		    memcmp(map->items[i]->key, key, size) == 0)
			return map->items[i];
	return NULL;
}

struct node *node_get(const struct node *map, const char *key)
{
	return get_bytes(map, key, strlen(key));
}

size_t path_segment(const char *path, const char **ret_rest)
{
	size_t size = strcspn(path, ".");
	*ret_rest = path[size] ? path + size + 1 : NULL;
	return size;
}

/* The list's index that the segment says: false where it is no number. May be past the end. */
static bool list_index(const char *segment, size_t size, size_t *ret)
{
	size_t index = 0;
	if (!size || size > 6)
		return false;
	for (size_t i = 0; i < size; i++) {
		if (segment[i] < '0' || segment[i] > '9')
			return false;
		index = index * 10 + (size_t)(segment[i] - '0');
	}
	*ret = index;
	return true;
}

static struct node *child(const struct node *parent, const char *segment, size_t size)
{
	size_t index;
	if (parent->kind == NODE_MAP)
		return get_bytes(parent, segment, size);
	if (parent->kind == NODE_LIST && list_index(segment, size, &index) && index < parent->n)
		return parent->items[index];
	return NULL;
}

struct node *node_find(const struct node *root, const char *path)
{
	const struct node *node = root;
	struct node *found = NULL;
	while (path && node) {
		const char *rest;
		size_t size = path_segment(path, &rest);
		node = found = child(node, path, size);
		path = rest;
	}
	return found;
}

bool node_is_null(const struct node *node)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
	if (node->kind != NODE_SCALAR || node->quoted)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(nulls); i++)
		if (strcmp(node->text, nulls[i]) == 0)
			return true;
	return false;
}

void node_describe(const struct node *node, char *ret, size_t size)
{
	if (node->kind == NODE_LIST)
		mem_strcpy(ret, size, "a list");
	else if (node->kind == NODE_MAP)
		mem_strcpy(ret, size, "a map");
	else if (node_is_null(node))
		mem_strcpy(ret, size, "nothing");
	else if (strlen(node->text) > 60)
		snprintf(ret, size, "'%.60s...'", node->text);
	else
		snprintf(ret, size, "'%s'", node->text);
}

/* Where the item of that name is or, after this, is to be; -ENOENT: make it. */
static int place_in(struct node *parent, const char *segment, size_t size, size_t *ret,
		    struct err *err)
{
	char what[80];
	if (parent->kind == NODE_SCALAR) {
		node_describe(parent, what, sizeof(what));
		return err_say(err, EINVAL, "there is %s before '%.*s', not a map", what, (int)size,
			       segment);
	}
	if (parent->kind == NODE_MAP) {
		for (*ret = 0; *ret < parent->n; ++*ret)
			if (strlen(parent->items[*ret]->key) == size &&
			    memcmp(parent->items[*ret]->key, segment, size) == 0)
				return 0;
		return -ENOENT;
	}
	if (!list_index(segment, size, ret) || *ret > parent->n)
		return err_say(err, EINVAL,
			       "'%.*s' is no place in a list of %zu; they count from 0, and %zu "
			       "appends",
			       (int)size, segment, parent->n, parent->n);
	return *ret < parent->n ? 0 : -ENOENT;
}

static void replace(struct node *parent, size_t index, struct node *value)
{
	struct node *old = parent->items[index];
	value->key = take(old->key);
	value->key_place = old->key_place;
	node_free(old);
	parent->items[index] = value;
}

static void append(struct node *parent, const char *segment, size_t size, struct node *item)
{
	autofree char *key = parent->kind == NODE_MAP ? xstrndup(segment, size) : NULL;
	node_add(parent, key, item->place, item);
}

int node_set(struct node *root, const char *path, struct node *value, struct err *err)
{
	autonode struct node *owned = value;
	struct node *parent = root;
	for (;;) {
		const char *rest;
		size_t index = 0, size = path_segment(path, &rest);
		if (!size)
			return err_say(err, EINVAL, "the key has an empty part");
		int r = place_in(parent, path, size, &index, err);
		if (r < 0 && r != -ENOENT)
			return r;
		bool is_there = r == 0 && !(rest && node_is_null(parent->items[index]));
		if (!rest && r == 0)
			replace(parent, index, take(owned));
		else if (!rest)
			append(parent, path, size, take(owned));
		else if (!is_there && r == 0)
			replace(parent, index, node_new(NODE_MAP, value->place));
		else if (!is_there)
			append(parent, path, size, node_new(NODE_MAP, value->place));
		if (!rest)
			return 0;
		parent = parent->items[index];
		path = rest;
	}
}
