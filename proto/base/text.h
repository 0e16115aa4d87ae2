// SPDX-License-Identifier: GPL-3.0-or-later
/* text - a growing string, quantities with units, and the nearest word. */
#ifndef ASSAY_BASE_TEXT_H
#define ASSAY_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/cleanup.h"
#include "proto/base/err.h"

/* {0} is an empty text. data is NULL until something was added, and ends in NUL after. */
struct text {
	char *data; /* owned */
	size_t size;
	size_t capacity;
};

void text_add(struct text *text, const char *s);
void text_add_bytes(struct text *text, const void *bytes, size_t size);
void text_addf(struct text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The string, owned by the caller from now on; never NULL. The text is empty again. */
char *text_take(struct text *text);
void text_done(struct text *text);

static inline void cleanup_text(struct text *text)
{
	text_done(text);
}
#define autotext autoclean(text)

/* Quantities as people write them. Errors are sentences that say what was found and what is
 * expected; *ret is untouched then. Without a unit: bytes and Hz as they are, durations are
 * refused (is 5 seconds or nanoseconds?).
 *	bytes     "512M" "1GiB" "4096"   powers of 1024: K M G T, also KiB, MiB ...
 *	duration  "100ms" "10m" "1.5s"   ns us ms s m h d
 *	frequency "2.4GHz" "800MHz"      Hz kHz MHz GHz */
int text_parse_bytes(const char *s, uint64_t *ret_bytes, struct err *err);
int text_parse_duration(const char *s, uint64_t *ret_ns, struct err *err);
int text_parse_frequency(const char *s, uint64_t *ret_hz, struct err *err);
/* A whole decimal number, nothing after it. */
int text_parse_u64(const char *s, uint64_t *ret, struct err *err);
/* A finite decimal number, in the C locale whatever the process's is. */
int text_parse_double(const char *s, double *ret, struct err *err);

/* The candidate that is the fewest edits away from word, or NULL where none is near enough to be
 * what was meant (more than a third of its letters wrong). candidates ends in NULL. */
const char *text_nearest(const char *word, const char *const *candidates);

bool text_starts(const char *s, const char *prefix);
bool text_equal(const char *a, const char *b); /* NULL equals NULL */

/* Lower-case hex of size bytes into ret, which has room for 2 * size + 1. */
void text_hex(const void *bytes, size_t size, char *ret);
int text_unhex(const char *hex, void *ret_bytes, size_t size, struct err *err);

#endif
