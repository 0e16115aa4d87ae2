// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/recipe/complaint.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"

enum { COMPLAINTS_MAX = 100 }; /* nobody reads more; a broken matrix could make thousands */

void complaints_done(struct complaints *complaints)
{
	free(complaints->items);
	*complaints = (struct complaints){0};
}

/* One line for a terminal, whatever bytes the recipe put into it. */
static void one_line(char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
}

static bool same_place(struct place a, struct place b)
{
	return a.line == b.line && a.column == b.column && text_equal(a.origin, b.origin);
}

void complain(struct complaints *complaints, struct place place, const char *fmt, ...)
{
	struct complaint c = {.place = place};
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(c.text, sizeof(c.text), fmt, ap);
	va_end(ap);
	one_line(c.text);
	for (size_t i = 0; i < complaints->n; i++)
		if (same_place(complaints->items[i].place, place) &&
		    strcmp(complaints->items[i].text, c.text) == 0)
			return;
	if (complaints->n == COMPLAINTS_MAX) {
		complaints->dropped++;
		return;
	}
	*ARRAY_PUSH(complaints->items, complaints->n) = c;
}

static int by_place(const void *a, const void *b)
{
	const struct complaint *x = a, *y = b;
	if (!x->place.origin != !y->place.origin)
		return x->place.origin ? 1 : -1;
	if (x->place.line != y->place.line)
		return x->place.line < y->place.line ? -1 : 1;
	if (x->place.column != y->place.column)
		return x->place.column < y->place.column ? -1 : 1;
	int order = x->place.origin ? strcmp(x->place.origin, y->place.origin) : 0;
	return order ? order : strcmp(x->text, y->text);
}

void place_format(const char *path, struct place place, char *ret, size_t size)
{
	if (place.origin)
		snprintf(ret, size, "%s", place.origin);
	else if (place.line)
		snprintf(ret, size, "%s:%u:%u", path, place.line, place.column);
	else
		snprintf(ret, size, "%s", path);
	one_line(ret);
}

void complaints_report(struct complaints *complaints, const char *path, struct recipe_errors *ret)
{
	if (complaints->n)
		qsort(complaints->items, complaints->n, sizeof(*complaints->items), by_place);
	for (size_t i = 0; i < complaints->n; i++) {
		struct recipe_error *e = ARRAY_PUSH(ret->items, ret->n);
		place_format(path, complaints->items[i].place, e->where, sizeof(e->where));
		STRCPY_FIXED(e->text, complaints->items[i].text);
	}
	if (complaints->dropped) {
		struct recipe_error *e = ARRAY_PUSH(ret->items, ret->n);
		STRCPY_FIXED(e->where, path);
		snprintf(e->text, sizeof(e->text), "%zu further errors are not shown",
			 complaints->dropped);
	}
}

void recipe_errors_done(struct recipe_errors *errors)
{
	free(errors->items);
	*errors = (struct recipe_errors){0};
}
