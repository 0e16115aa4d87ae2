// SPDX-License-Identifier: GPL-3.0-or-later
/* complaint - what is wrong with a recipe and where, collected so that all of it is said at once.
 *
 * Lines and columns count from 1; columns are characters, not bytes. A value that came from the
 * command line has that as its origin instead of a place in the file. */
#ifndef ASSAY_RECIPE_COMPLAINT_H
#define ASSAY_RECIPE_COMPLAINT_H

#include <stddef.h>
#include <stdint.h>

#include "controller/recipe/recipe.h"

struct place {
	uint32_t line;
	uint32_t column;
	const char *origin; /* NULL: the file; else "--set KEY"; borrowed from the recipe */
};

struct complaint {
	struct place place;
	char text[500];
};

struct complaints {
	struct complaint *items; /* owned */
	size_t n;
	size_t dropped; /* said no more: there were too many */
};

void complaints_done(struct complaints *complaints);
static inline void cleanup_complaints(struct complaints *complaints)
{
	complaints_done(complaints);
}
#define autocomplaints autoclean(complaints)

/* The same sentence at the same place is kept once. */
void complain(struct complaints *complaints, struct place place, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* In the order of the file, those of the command line last; path is what names the file. */
void complaints_report(struct complaints *complaints, const char *path, struct recipe_errors *ret);

void place_format(const char *path, struct place place, char *ret, size_t size);

#endif
