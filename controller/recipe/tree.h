// SPDX-License-Identifier: GPL-3.0-or-later
/* tree - a recipe as read: scalars, lists and maps that remember where each value and key stands.
 *
 * Types are not decided here: a scalar is its text, and whether it was quoted. Trees are bounded
 * when they are made (yaml.h), so walking them by recursion is safe. */
#ifndef ASSAY_RECIPE_TREE_H
#define ASSAY_RECIPE_TREE_H

#include "controller/recipe/complaint.h"

enum node_kind { NODE_SCALAR, NODE_LIST, NODE_MAP };

struct node {
	enum node_kind kind;
	struct place place;
	char *key; /* in a map: its key there; owned; NULL elsewhere */
	struct place key_place;
	char *text;	     /* NODE_SCALAR; owned */
	bool quoted;	     /* NODE_SCALAR: text, whatever it looks like */
	bool unknown;	     /* its value depends on a host that is not known yet */
	uint64_t whole;	     /* what check made of a count, size, duration, word or truth */
	double real;	     /* ... of a number */
	struct node **items; /* NODE_LIST, NODE_MAP: in the order written; owned */
	size_t n;
};

struct node *node_new(enum node_kind kind, struct place place);
void node_free(struct node *node); /* NULL is fine */
CLEANUP_DEFINE(node, struct node *, node_free)
#define autonode autoclean(node)

struct node *node_copy(const struct node *node);
/* Takes ownership of item; key (copied) and its place are for maps. */
void node_add(struct node *parent, const char *key, struct place key_place, struct node *item);
/* The map's value of that key; NULL: no such key, or not a map. */
struct node *node_get(const struct node *map, const char *key);
/* By dotted path: keys of maps, numbers from 0 in lists. NULL: nothing there. */
struct node *node_find(const struct node *root, const char *path);

/* A plain scalar that stands for nothing: "", ~ or null. */
bool node_is_null(const struct node *node);
/* "a list", "a map", "nothing", or the text in quotes, cut where long. */
void node_describe(const struct node *node, char *ret, size_t size);

/* Puts value at the dotted path: replaces what is there, makes missing maps on the way, appends
 * where the number is a list's length. Takes ownership of value, also on failure. */
int node_set(struct node *root, const char *path, struct node *value, struct err *err);

/* One segment of a dotted path: its length; *ret_rest is what follows the dot, NULL at the end. */
size_t path_segment(const char *path, const char **ret_rest);

#endif
