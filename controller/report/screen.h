// SPDX-License-Identifier: GPL-3.0-or-later
/* screen - where text for people goes: how wide it is, whether it knows colour and UTF-8.
 *
 * Names and reasons come from recipes, guests and hosts. Whatever could steer a terminal is
 * replaced before it is printed. */
#ifndef ASSAY_REPORT_SCREEN_H
#define ASSAY_REPORT_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct screen {
	FILE *out; /* borrowed */
	int width; /* columns; 0: as wide as the text is */
	bool color;
	bool utf8;
};

/* utf8 is what the locale's codeset says; the program calls setlocale(LC_CTYPE, ""). */
void screen_init(struct screen *screen, FILE *out, int width, bool color);

const char *screen_plus_minus(const struct screen *screen); /* "±" or "+-" */
const char *screen_times(const struct screen *screen);	    /* "×" or "x" */

/* s without control characters and what is not valid in the locale; owned by the caller. NULL
 * gives "". */
char *screen_clean(const struct screen *screen, const char *s);

/* Columns that clean text takes. */
size_t screen_columns(const char *clean);

/* Cleaned, broken at blanks; the first line starts with `lead` as it is, others are indented by
 * `rest` blanks. */
void screen_wrap(const struct screen *screen, const char *lead, int rest, const char *text);

/* Wall clock as "2026-08-29 12:34:56 UTC"; "-" for 0. */
void screen_time(uint64_t wall_ns, char *ret, size_t size);

/* An empty line, then the words in bold. */
void screen_heading(const struct screen *screen, const char *text);

#endif
