// SPDX-License-Identifier: GPL-3.0-or-later
/* mem - allocation that ends the process when memory is gone, and growing arrays.
 *
 * Sizes that come from outside (files, wire, guests) are bounded by the caller before they get
 * here. */
#ifndef ASSAY_BASE_MEM_H
#define ASSAY_BASE_MEM_H

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

void *xmalloc(size_t size);
void *xcalloc(size_t count, size_t size);
void *xreallocarray(void *p, size_t count, size_t size);
char *xstrdup(const char *s); /* NULL gives NULL */
char *xstrndup(const char *s, size_t size);
void *xmemdup(const void *p, size_t size);
char *xasprintf(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ARRAY_PUSH(array, n): room for one more at array[n], doubling; gives a pointer to it, zeroed.
 * The capacity is implied by n: it grows at powers of two. */
#define ARRAY_PUSH(array, n)                                                        \
	({                                                                          \
		if (((n) & ((n)-1)) == 0)                                           \
			(array) = xreallocarray((array), (n) ? 2 * (size_t)(n) : 1, \
						sizeof(*(array)));                  \
		memset(&(array)[n], 0, sizeof(*(array)));                           \
		&(array)[(n)++];                                                    \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Copies text into a fixed array, cut at its size; the result always ends in NUL. */
#define STRCPY_FIXED(dst, src) mem_strcpy((dst), sizeof(dst), (src))
void mem_strcpy(char *dst, size_t size, const char *src);

#endif
