// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/recipe/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "controller/recipe/refs.h"
#include "controller/recipe/value.h"
#include "proto/base/mem.h"

enum { PATH_MAX_SIZE = 400 };

struct walk {
	const struct node *root;
	bool resolved;
	const char *driver; /* of the guest that the walk is in; NULL: none, or not known yet */
	struct complaints *complaints;
};

static void check_node(struct walk *w, struct node *node, const struct key *key, const char *path);

static void join(char ret[PATH_MAX_SIZE], const char *path, const char *name)
{
	snprintf(ret, PATH_MAX_SIZE, "%s%s%s", path, *path ? "." : "", name);
}

static void unknown_key(struct walk *w, const struct node *node, const struct key *parent,
			const char *path)
{
	autofree const char **known = key_children(parent, w->driver);
	const char *nearest = text_nearest(node->key, known);
	autotext struct text hint = {0};
	if (nearest) {
		text_addf(&hint, "did you mean '%s'?", nearest);
	} else {
		text_add(&hint, "known are ");
		for (size_t i = 0; known[i]; i++)
			text_addf(&hint, "%s%s", i ? ", " : "", known[i]);
	}
	complain(w->complaints, node->key_place, "unknown key '%.100s'%s%s; %s", node->key,
		 *path ? " in " : "", path, hint.data);
}

static void check_required(struct walk *w, const struct node *map, const struct key *parent,
			   const char *path)
{
	autofree const char **known = key_children(parent, w->driver);
	for (size_t i = 0; known[i]; i++) {
		const struct key *key = key_child(parent, known[i]);
		autotext struct text expected = {0};
		if (!key->required || node_get(map, known[i]))
			continue;
		key_expected(key, &expected);
		complain(w->complaints, map->key ? map->key_place : map->place,
			 "%s%sthe key '%s' is missing; expected %s", path, *path ? ": " : "",
			 known[i], expected.data);
	}
}

/* The driver of a guest, where it is written as a plain word. */
static const char *driver_of(const struct node *guest, bool resolved)
{
	const struct node *driver = node_get(guest, "driver");
	const struct key *key = key_row("guests.*.driver");
	if (!driver || driver->kind != NODE_SCALAR || driver->unknown ||
	    (!resolved && refs_in(driver, key)) || word_index(key->words, driver->text) < 0)
		return NULL;
	return driver->text;
}

static void check_map(struct walk *w, struct node *map, const struct key *key, const char *path)
{
	char child_path[PATH_MAX_SIZE];
	bool is_guest = key && strcmp(key->path, "guests.*") == 0;
	if (is_guest)
		w->driver = driver_of(map, w->resolved);
	for (size_t i = 0; i < map->n; i++) {
		struct node *item = map->items[i];
		const struct key *child = key_child(key, item->key);
		join(child_path, path, item->key);
		if (!child)
			unknown_key(w, item, key, path);
		else if (!key_fits_driver(child, w->driver))
			complain(w->complaints, item->key_place,
				 "%s: belongs to the driver %s, but this guest's is %s", child_path,
				 child->driver, w->driver);
		else
			check_node(w, item, child, child_path);
	}
	if (!w->resolved) /* then the tree may be a part of one */
		check_required(w, map, key, path);
	if (is_guest)
		w->driver = NULL;
}

static bool variable_ok(const char *name)
{
	static const char rest[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
	return *name && !strchr("0123456789", *name) && strspn(name, rest) == strlen(name);
}

static void check_count(struct walk *w, const struct node *node, const struct key *key,
			const char *path)
{
	if ((key->least || key->most) && (node->n < key->least || node->n > key->most))
		complain(w->complaints, node->place, "%s: has %zu entries, expected %llu to %llu",
			 path, node->n, (unsigned long long)key->least,
			 (unsigned long long)key->most);
}

/* A map whose names the recipe chooses. */
static void check_names(struct walk *w, struct node *map, const struct key *key, const char *path)
{
	char child_path[PATH_MAX_SIZE];
	check_count(w, map, key, path);
	for (size_t i = 0; i < map->n; i++) {
		struct node *item = map->items[i];
		bool variable = key->type == KEY_VARIABLES;
		join(child_path, path, item->key);
		if (variable ? variable_ok(item->key) : name_ok(item->key))
			check_node(w, item, key_child(key, item->key), child_path);
		else
			complain(w->complaints, item->key_place,
				 "%s: '%.100s' is no name; expected %s", path, item->key,
				 variable ? "letters, digits and _, as for any environment variable"
					  : "at most 63 letters, digits, _ and -");
	}
}

static void check_scalar(struct walk *w, struct node *node, const struct key *key,
			 enum key_type type, const char *path)
{
	struct err err;
	if (node->unknown)
		return;
	if (!w->resolved && node->kind == NODE_SCALAR) {
		refs_check(w->root, node, key, path, w->complaints);
		if (refs_in(node, key))
			return;
	}
	if (value_read(node, key, type, &err) < 0)
		complain(w->complaints, node->place, "%s: %s", path, err.text);
}

static void check_list(struct walk *w, struct node *list, const struct key *key, const char *path)
{
	char item_path[PATH_MAX_SIZE], index[24];
	check_count(w, list, key, path);
	for (size_t i = 0; i < list->n; i++) {
		snprintf(index, sizeof(index), "%zu", i);
		join(item_path, path, index);
		check_scalar(w, list->items[i], key, key->item, item_path);
	}
}

/* Maps in a list are described by the rows below the list's: their keys, or names (include). */
static void check_maps(struct walk *w, struct node *list, const struct key *key, const char *path)
{
	struct key item = *key;
	char item_path[PATH_MAX_SIZE], index[24];
	check_count(w, list, key, path);
	item.type = KEY_MAP;
	item.least = item.most = 0;
	for (size_t i = 0; i < list->n; i++) {
		snprintf(index, sizeof(index), "%zu", i);
		join(item_path, path, index);
		check_node(w, list->items[i], &item, item_path);
	}
}

static enum node_kind kind_of(enum key_type type)
{
	switch (type) {
	case KEY_MAP:
	case KEY_NAMES:
	case KEY_VARIABLES:
		return NODE_MAP;
	case KEY_LIST:
	case KEY_MAPS:
		return NODE_LIST;
	default:
		return NODE_SCALAR;
	}
}

static void wrong_kind(struct walk *w, const struct node *node, const struct key *key,
		       const char *path)
{
	autotext struct text expected = {0};
	char found[80];
	key_expected(key, &expected);
	node_describe(node, found, sizeof(found));
	complain(w->complaints, node->place, "%s: found %s, expected %s", path, found,
		 expected.data);
}

static void check_node(struct walk *w, struct node *node, const struct key *key, const char *path)
{
	bool may_be_map = key->type == KEY_MARK || key->type == KEY_MAP_OR_MAPS;
	bool may_be_list = key->type == KEY_MAP_OR_MAPS;
	if (may_be_map && node->kind == NODE_MAP)
		check_map(w, node, key, path);
	else if (may_be_list && node->kind == NODE_LIST)
		check_maps(w, node, key, path);
	else if (may_be_list || node->kind != kind_of(key->type))
		wrong_kind(w, node, key, path);
	else if (key->type == KEY_MAP)
		check_map(w, node, key, path);
	else if (key->type == KEY_NAMES || key->type == KEY_VARIABLES)
		check_names(w, node, key, path);
	else if (key->type == KEY_LIST)
		check_list(w, node, key, path);
	else if (key->type == KEY_MAPS)
		check_maps(w, node, key, path);
	else
		check_scalar(w, node, key, key->type, path);
}

static void check(struct node *root, bool resolved, struct complaints *complaints)
{
	struct walk w = {.root = root, .resolved = resolved, .complaints = complaints};
	check_map(&w, root, NULL, "");
}

void check_written(struct node *root, struct complaints *complaints)
{
	check(root, false, complaints);
}

void check_resolved(struct node *root, struct complaints *complaints)
{
	check(root, true, complaints);
}
