// SPDX-License-Identifier: GPL-3.0-or-later
/* What one row of the table of keys cannot say: how keys depend on one another. */
#include <string.h>

#include "controller/recipe/check.h"
#include "controller/recipe/suggest.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

struct rules {
	const struct node *root;
	struct complaints *complaints;
};

static const struct node *section(const struct rules *r, const char *key)
{
	const struct node *node = node_get(r->root, key);
	return node && node->kind == NODE_MAP ? node : NULL;
}

static void no_such(const struct rules *r, const struct node *value, const struct node *map,
		    const char *where, const char *what, const char *also)
{
	complain(r->complaints, value->place, "%s: there is no %s '%.100s'%s", where, what,
		 value->text, suggest_key(value->text, map, also).text);
}

/* Exactly one of two keys. */
static void one_of(const struct rules *r, const struct node *map, const char *where, const char *a,
		   const char *b)
{
	const struct node *first = node_get(map, a), *second = node_get(map, b);
	if (!map || map->kind != NODE_MAP || !first != !second)
		return;
	complain(r->complaints,
		 second	    ? second->key_place
		 : map->key ? map->key_place
			    : map->place,
		 second ? "%s: has both '%s' and '%s', expected one of them"
			: "%s: has neither '%s' nor '%s', expected one of them",
		 where, a, b);
}

static void check_axis(const struct rules *r, const struct node *axis)
{
	const struct node *guests = section(r, "guests");
	if (axis->kind != NODE_LIST)
		return;
	for (size_t i = 0; i < axis->n; i++) {
		const struct node *value = axis->items[i];
		if (value->kind != NODE_SCALAR)
			continue;
		if (strcmp(axis->key, "guest") == 0 && guests && !node_get(guests, value->text))
			no_such(r, value, guests, "axes.guest", "guest", NULL);
		for (size_t j = 0; j < i; j++)
			if (axis->items[j]->kind == NODE_SCALAR &&
			    strcmp(axis->items[j]->text, value->text) == 0)
				complain(r->complaints, value->place,
					 "axes.%s: the value '%.100s' is there twice", axis->key,
					 value->text);
	}
}

static void check_axes(const struct rules *r)
{
	const struct node *axes = section(r, "axes"), *guests = section(r, "guests");
	const struct node *include = node_get(r->root, "include");
	for (size_t i = 0; axes && i < axes->n; i++)
		check_axis(r, axes->items[i]);
	for (size_t i = 0; include && i < include->n; i++) {
		const struct node *value = node_get(include->items[i], "guest");
		if (value && value->kind == NODE_SCALAR && guests && node_get(axes, "guest") &&
		    !node_get(guests, value->text))
			no_such(r, value, guests, "include", "guest", NULL);
	}
	if (guests && guests->n > 1 && !node_get(axes, "guest"))
		complain(r->complaints, guests->key_place,
			 "guests: there are %zu, and no axis says which is run; write "
			 "axes: {guest: [%s, %s%s]}",
			 guests->n, guests->items[0]->key, guests->items[1]->key,
			 guests->n > 2 ? ", ..." : "");
}

static void check_images(const struct rules *r)
{
	const struct node *images = section(r, "images");
	for (size_t i = 0; images && i < images->n; i++) {
		const struct node *image = images->items[i];
		const struct node *sha256 = node_get(image, "sha256");
		autofree char *where = xasprintf("images.%.100s", image->key);
		one_of(r, image, where, "build", "file");
		if (sha256 && !node_get(image, "file"))
			complain(r->complaints, sha256->key_place,
				 "%s.sha256: belongs beside 'file'; what is built has its hash in "
				 "the result",
				 where);
	}
}

static void check_guest(const struct rules *r, const struct node *guest)
{
	autofree char *where = xasprintf("guests.%.100s", guest->key);
	autofree char *disk_where = xasprintf("%s.disk", where);
	const struct node *driver = node_get(guest, "driver"), *disk = node_get(guest, "disk");
	const char *name = driver && driver->kind == NODE_SCALAR ? driver->text : "";
	if (guest->kind != NODE_MAP)
		return;
	if (strcmp(name, "process") == 0 && !node_get(guest, "command"))
		complain(r->complaints, guest->key_place,
			 "%s: the key 'command' is missing; expected program and arguments as a "
			 "list",
			 where);
	if (strcmp(name, "qemu") == 0 && !node_get(guest, "kernel") && !disk &&
	    !node_get(guest, "args"))
		complain(r->complaints, guest->key_place,
			 "%s: has nothing to boot; expected 'kernel' or 'disk' (or 'args' that "
			 "bring something)",
			 where);
	if (node_get(guest, "initrd") && !node_get(guest, "kernel"))
		complain(r->complaints, node_get(guest, "initrd")->key_place,
			 "%s.initrd: needs 'kernel' beside it", where);
	if (node_get(guest, "append") && !node_get(guest, "kernel"))
		complain(r->complaints, node_get(guest, "append")->key_place,
			 "%s.append: needs 'kernel' beside it", where);
	if (disk && disk->kind == NODE_MAP)
		one_of(r, disk, disk_where, "image", "file");
	for (size_t i = 0; disk && disk->kind == NODE_LIST && i < disk->n; i++)
		one_of(r, disk->items[i], disk_where, "image", "file");
}

static bool is_word(const struct node *node, const char *word)
{
	return node && node->kind == NODE_SCALAR && strcmp(node->text, word) == 0;
}

static void check_window(const struct rules *r, const struct node *window)
{
	const struct node *from = node_get(window, "from"), *to = node_get(window, "to");
	if (strcmp(window->key, "whole") == 0)
		complain(r->complaints, window->key_place,
			 "windows.whole: the name is taken; that window is always there, from exec "
			 "to exit");
	if (is_word(from, "exit"))
		complain(r->complaints, from->place,
			 "windows.%.100s.from: nothing begins at the exit", window->key);
	if (is_word(to, "start") || (is_word(to, "resume") && !is_word(from, "start")))
		complain(r->complaints, to->place,
			 "windows.%.100s.to: the window would end before it begins", window->key);
}

static void check_measure(const struct rules *r)
{
	static const char *const lists[] = {"counters", "energy"};
	const struct node *measure = section(r, "measure");
	for (size_t l = 0; l < ARRAY_SIZE(lists); l++) {
		const struct node *list = node_get(measure, lists[l]);
		for (size_t i = 1; list && list->kind == NODE_LIST && i < list->n; i++)
			for (size_t j = 0; j < i; j++)
				if (list->items[i]->kind == NODE_SCALAR &&
				    is_word(list->items[j], list->items[i]->text))
					complain(r->complaints, list->items[i]->place,
						 "measure.%s: '%.100s' is there twice", lists[l],
						 list->items[i]->text);
	}
}

/* Among the axis' values, or those that include adds to it. */
static bool has_value(const struct rules *r, const struct node *axis, const char *text)
{
	const struct node *include = node_get(r->root, "include");
	for (size_t i = 0; i < axis->n; i++)
		if (is_word(axis->items[i], text))
			return true;
	for (size_t i = 0; include && i < include->n; i++)
		if (is_word(node_get(include->items[i], axis->key), text))
			return true;
	return false;
}

static void check_compare(const struct rules *r)
{
	const struct node *compare = section(r, "compare"), *axes = section(r, "axes");
	const struct node *name = node_get(compare, "axis");
	const struct node *baseline = node_get(compare, "baseline");
	if (!name || name->kind != NODE_SCALAR)
		return;
	const struct node *axis = node_get(axes, name->text);
	if (!axis) {
		no_such(r, name, axes, "compare.axis", "axis", NULL);
		return;
	}
	if (!baseline || baseline->kind != NODE_SCALAR || axis->kind != NODE_LIST ||
	    has_value(r, axis, baseline->text))
		return;
	autofree const char **values = xcalloc(axis->n + 1, sizeof(*values));
	size_t n = 0;
	for (size_t i = 0; i < axis->n; i++)
		if (axis->items[i]->kind == NODE_SCALAR)
			values[n++] = axis->items[i]->text;
	complain(r->complaints, baseline->place,
		 "compare.baseline: '%.100s' is no value of the axis '%s'%s", baseline->text,
		 name->text, suggest(baseline->text, values).text);
}

static void check_parse(const struct rules *r, const struct node *rule)
{
	const struct node *windows = section(r, "windows"), *window = node_get(rule, "window");
	const struct node *metric = node_get(rule, "metric");
	if (window && window->kind == NODE_SCALAR && !is_word(window, "whole") &&
	    !node_get(windows, window->text)) {
		autofree char *where = xasprintf("parse.%.100s.window", rule->key);
		no_such(r, window, windows, where, "window", "whole");
	}
	if (metric && metric->kind == NODE_SCALAR &&
	    strlen(rule->key) + 1 + strlen(metric->text) >= NAME_SIZE)
		complain(r->complaints, metric->place,
			 "parse.%.100s.metric: '%s/%.100s' has more than %d characters", rule->key,
			 rule->key, metric->text, NAME_SIZE - 1);
}

static void for_each(const struct rules *r, const char *key,
		     void (*check)(const struct rules *r, const struct node *item))
{
	const struct node *map = section(r, key);
	for (size_t i = 0; map && i < map->n; i++)
		check(r, map->items[i]);
}

void check_rules(const struct node *root, struct complaints *complaints)
{
	struct rules r = {.root = root, .complaints = complaints};
	check_axes(&r);
	check_images(&r);
	for_each(&r, "guests", check_guest);
	for_each(&r, "windows", check_window);
	check_measure(&r);
	check_compare(&r);
	for_each(&r, "parse", check_parse);
	const struct node *hosts = section(&r, "hosts");
	if (hosts)
		one_of(&r, hosts, "hosts", "each", "any");
}
