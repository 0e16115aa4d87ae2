// SPDX-License-Identifier: GPL-3.0-or-later
/* ulid - identifiers that sort by time: 48 bits of milliseconds, 80 of chance, Crockford base 32.
 * Source: the ULID specification (github.com/ulid/spec). */
#ifndef ASSAY_BASE_ULID_H
#define ASSAY_BASE_ULID_H

#include <stdbool.h>

enum { ULID_SIZE = 27 }; /* 26 characters and NUL */

/* Ids made by one process within the same millisecond still sort in the order they were made. */
void ulid_make(char ret[ULID_SIZE]);
bool ulid_valid(const char *s);

#endif
