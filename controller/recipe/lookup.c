// SPDX-License-Identifier: GPL-3.0-or-later
/* Values out of a checked tree. */
#include <stdarg.h>
#include <stdio.h>

#include "controller/recipe/check.h"
#include "controller/recipe/value.h"
#include "proto/base/mem.h"

enum { LOOKUP_MAX = 400 };

/* The default as a node, read by the same rules as a recipe's value. */
static struct node *fallback(const char *path)
{
	const struct key *key = key_match(path);
	if (!key || !key->fallback)
		return NULL;
	struct node *node = node_new(NODE_SCALAR, (struct place){0});
	node->text = xstrdup(key->fallback);
	node->quoted = true;
	value_read(node, key, key->type, NULL);
	return node;
}

/* What stands at the path or, in *ret_own, the default. */
__attribute__((format(printf, 3, 0))) static const struct node *at(const struct node *root,
								   struct node **ret_own,
								   const char *fmt, va_list ap)
{
	char path[LOOKUP_MAX];
	vsnprintf(path, sizeof(path), fmt, ap);
	const struct node *node = node_find(root, path);
	if (!node)
		node = *ret_own = fallback(path);
	return node && node->kind == NODE_SCALAR ? node : NULL;
}

uint64_t value_whole(const struct node *root, const char *fmt, ...)
{
	autonode struct node *own = NULL;
	va_list ap;
	va_start(ap, fmt);
	const struct node *node = at(root, &own, fmt, ap);
	va_end(ap);
	return node ? node->whole : 0;
}

double value_real(const struct node *root, const char *fmt, ...)
{
	autonode struct node *own = NULL;
	va_list ap;
	va_start(ap, fmt);
	const struct node *node = at(root, &own, fmt, ap);
	va_end(ap);
	return node ? node->real : -1;
}

const char *value_text(const struct node *root, const char *fmt, ...)
{
	char path[LOOKUP_MAX];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	const struct node *node = node_find(root, path);
	const struct key *key = node ? NULL : key_match(path);
	if (node)
		return node->kind == NODE_SCALAR ? node->text : NULL;
	return key ? key->fallback : NULL;
}
