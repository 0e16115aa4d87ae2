// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/recipe/suggest.h"

#include <stdio.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"

struct suggestion suggest(const char *word, const char *const *candidates)
{
	struct suggestion s = {""};
	const char *nearest = text_nearest(word, candidates);
	if (nearest)
		snprintf(s.text, sizeof(s.text), "; did you mean '%.*s'?", NAME_SIZE - 1, nearest);
	return s;
}

struct suggestion suggest_key(const char *word, const struct node *map, const char *also)
{
	size_t n = map && map->kind == NODE_MAP ? map->n : 0;
	autofree const char **names = xcalloc(n + 2, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = map->items[i]->key;
	names[n] = also;
	return suggest(word, names);
}
