// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/recipe/points.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "controller/recipe/suggest.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

void points_done(struct points *points)
{
	for (size_t i = 0; i < points->n; i++)
		node_free(points->items[i]);
	free(points->items);
	*points = (struct points){0};
}

/* Axes that can be multiplied: lists, not empty, of scalars. */
static bool axes_in_order(const struct node *axes)
{
	if (!axes)
		return true;
	if (axes->kind != NODE_MAP)
		return false;
	for (size_t i = 0; i < axes->n; i++) {
		const struct node *axis = axes->items[i];
		if (axis->kind != NODE_LIST || !axis->n)
			return false;
		for (size_t j = 0; j < axis->n; j++)
			if (axis->items[j]->kind != NODE_SCALAR)
				return false;
	}
	return true;
}

static void add_value(struct node *point, const char *axis, const struct node *value)
{
	node_add(point, axis, value->place, node_copy(value));
}

static int multiply(const struct node *axes, struct points *ret, struct complaints *complaints)
{
	size_t n = 1;
	for (size_t i = 0; axes && i < axes->n; i++) {
		n *= axes->items[i]->n;
		if (n <= POINTS_MAX)
			continue;
		complain(complaints, axes->items[i]->key_place,
			 "axes: with '%s' there are more than %d combinations", axes->items[i]->key,
			 POINTS_MAX);
		return -EINVAL;
	}
	for (size_t i = 0; i < n; i++) {
		struct place place = axes ? axes->place : (struct place){0};
		struct node *point = *ARRAY_PUSH(ret->items, ret->n) = node_new(NODE_MAP, place);
		size_t stride = n;
		for (size_t a = 0; axes && a < axes->n; a++) {
			const struct node *axis = axes->items[a];
			stride /= axis->n;
			add_value(point, axis->key, axis->items[i / stride % axis->n]);
		}
	}
	return 0;
}

/* The values of a point that include or exclude writes: each of an axis that there is. */
static bool values_in_order(const struct node *map, const struct node *axes, const char *what,
			    struct complaints *complaints)
{
	bool ok = map->kind == NODE_MAP;
	for (size_t i = 0; ok && i < map->n; i++) {
		const struct node *value = map->items[i];
		if (value->kind != NODE_SCALAR)
			return false; /* said by check_written */
		if (node_get(axes, value->key))
			continue;
		complain(complaints, value->key_place, "%s: there is no axis '%.100s'%s", what,
			 value->key, suggest_key(value->key, axes, NULL).text);
		ok = false;
	}
	return ok;
}

/* All that `part` says is true of the point. */
static bool matches(const struct node *point, const struct node *part)
{
	for (size_t i = 0; i < part->n; i++) {
		const struct node *value = node_get(point, part->items[i]->key);
		if (!value || strcmp(value->text, part->items[i]->text) != 0)
			return false;
	}
	return true;
}

static int exclude(struct points *points, const struct node *part, struct complaints *complaints)
{
	size_t kept = 0;
	if (!part->n) {
		complain(complaints, part->place,
			 "exclude: this entry is empty and would exclude everything");
		return -EINVAL;
	}
	for (size_t i = 0; i < points->n; i++) {
		if (matches(points->items[i], part))
			node_free(points->items[i]);
		else
			points->items[kept++] = points->items[i];
	}
	bool nothing = kept == points->n;
	points->n = kept;
	if (!nothing)
		return 0;
	complain(complaints, part->place,
		 "exclude: no cell has these values, or an earlier entry excludes them");
	return -EINVAL;
}

static int include(struct points *points, const struct node *map, const struct node *axes,
		   struct complaints *complaints)
{
	autonode struct node *point = node_new(NODE_MAP, map->place);
	for (size_t a = 0; axes && a < axes->n; a++) {
		const struct node *value = node_get(map, axes->items[a]->key);
		if (!value) {
			complain(complaints, map->place,
				 "include: this entry has no value for the axis '%s'",
				 axes->items[a]->key);
			return -EINVAL;
		}
		add_value(point, axes->items[a]->key, value);
	}
	for (size_t i = 0; i < points->n; i++) {
		if (!matches(points->items[i], point))
			continue;
		complain(complaints, map->place, "include: this cell is already there");
		return -EINVAL;
	}
	if (points->n == POINTS_MAX) {
		complain(complaints, map->place, "include: there are more than %d cells",
			 POINTS_MAX);
		return -EINVAL;
	}
	*ARRAY_PUSH(points->items, points->n) = take(point);
	return 0;
}

int points_make(const struct node *root, struct points *ret, struct complaints *complaints)
{
	const struct node *axes = node_get(root, "axes");
	const struct node *out = node_get(root, "exclude"), *in = node_get(root, "include");
	struct points points = {0};
	int r = axes_in_order(axes) ? multiply(axes, &points, complaints) : -EINVAL;
	for (size_t i = 0; r == 0 && out && i < out->n; i++)
		if (!values_in_order(out->items[i], axes, "exclude", complaints) ||
		    exclude(&points, out->items[i], complaints) < 0)
			r = -EINVAL;
	for (size_t i = 0; r == 0 && in && i < in->n; i++)
		if (!values_in_order(in->items[i], axes, "include", complaints) ||
		    include(&points, in->items[i], axes, complaints) < 0)
			r = -EINVAL;
	if (r == 0 && !points.n) {
		complain(complaints, out->key_place, "exclude: no cell is left");
		r = -EINVAL;
	}
	if (r == 0)
		*ret = points;
	else
		points_done(&points);
	return r;
}

/* A number as JSON has them, so that it can be written as the recipe has it. */
static bool is_json_number(const char *s)
{
	static const char digits[] = "0123456789";
	const char *begin = s;
	s += *s == '-';
	size_t whole = strspn(s, digits);
	if (!whole || (whole > 1 && *s == '0'))
		return false;
	s += whole;
	if (*s == '.') {
		size_t fraction = strspn(++s, digits);
		if (!fraction)
			return false;
		s += fraction;
	}
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		if (!*s || strspn(s, digits) > 2) /* past 1e99 readers differ */
			return false;
		s += strspn(s, digits);
	}
	return !*s && s - begin <= 17;
}

static void add_json_value(struct text *to, const struct node *value)
{
	bool plain = !value->quoted &&
		     (is_json_number(value->text) || strcmp(value->text, "true") == 0 ||
		      strcmp(value->text, "false") == 0);
	json_t *string = plain ? NULL : json_string(value->text);
	char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
	text_add(to, plain ? value->text : quoted ? quoted : "null");
	free(quoted);
	json_decref(string);
}

static int by_key(const void *a, const void *b)
{
	const struct node *const *x = a, *const *y = b;
	return strcmp((*x)->key, (*y)->key);
}

char *point_json(const struct node *point)
{
	autotext struct text json = {0};
	const struct node **sorted = xcalloc(point->n + 1, sizeof(struct node *));
	for (size_t i = 0; i < point->n; i++)
		sorted[i] = point->items[i];
	qsort(sorted, point->n, sizeof(struct node *), by_key);
	text_add(&json, "{");
	for (size_t i = 0; i < point->n; i++) {
		text_addf(&json, "%s\"%s\":", i ? "," : "", sorted[i]->key);
		add_json_value(&json, sorted[i]);
	}
	text_add(&json, "}");
	free(sorted);
	return text_take(&json);
}

char *point_label(const struct node *point, const char *guest)
{
	autotext struct text label = {0};
	text_add(&label, guest);
	for (size_t i = 0; i < point->n; i++)
		if (strcmp(point->items[i]->key, "guest") != 0)
			text_addf(&label, ", %s=%s", point->items[i]->key, point->items[i]->text);
	return text_take(&label);
}
