// SPDX-License-Identifier: GPL-3.0-or-later
/* pool - memory from one arena that the platform hands in.
 *
 * Freed memory is kept in a list for its size class and only serves that class again. The classes
 * are four to each power of two, so at most a fifth of a block is lost, and a benchmark that
 * repeats its sizes stops growing. The caller remembers the sizes. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define POOL_CLASSES 160 /* four for each power of two up to 2^44 bytes */

struct pool_free {
	struct pool_free *next;
};

struct pool {
	uint8_t *next; /* the arena from here to end was never given out; borrowed */
	uint8_t *end;
	size_t used_bytes; /* given out and not returned, rounded up to classes */
	struct pool_free *free[POOL_CLASSES];
};

void pool_init(struct pool *p, void *arena, size_t len);

/* Aligned to 16 bytes, contents undefined; NULL when the arena is exhausted. */
void *pool_alloc(struct pool *p, size_t size);

/* size as it was asked for. NULL is fine. */
void pool_free(struct pool *p, void *block, size_t size);
