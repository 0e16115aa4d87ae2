// SPDX-License-Identifier: GPL-3.0-or-later
/* bytes - copy, fill, compare and big-endian numbers, without a C library.
 *
 * treebench has its own so that the workload is the same instructions in a process, in Debian and
 * in the unikernel: a libc's memcpy() is chosen at run time by the CPU that it finds. The
 * fixed-size
 * __builtin_memcpy() below are single moves, not calls. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* The two ranges must not overlap. */
static inline void bytes_copy(void *to, const void *from, size_t len)
{
	uint8_t *t = to;
	const uint8_t *f = from;
	uint64_t word;

	for (; len >= sizeof(word); len -= sizeof(word)) {
		__builtin_memcpy(&word, f, sizeof(word));
		__builtin_memcpy(t, &word, sizeof(word));
		t += sizeof(word);
		f += sizeof(word);
	}
	while (len--)
		*t++ = *f++;
}

static inline void bytes_zero(void *to, size_t len)
{
	uint8_t *t = to;
	const uint64_t word = 0;

	for (; len >= sizeof(word); len -= sizeof(word)) {
		__builtin_memcpy(t, &word, sizeof(word));
		t += sizeof(word);
	}
	while (len--)
		*t++ = 0;
}

/* Order as memcmp(): negative, 0 or positive. */
static inline int bytes_compare(const void *a, const void *b, size_t len)
{
	const uint8_t *x = a;
	const uint8_t *y = b;

	for (size_t i = 0; i < len; i++)
		if (x[i] != y[i])
			return x[i] < y[i] ? -1 : 1;
	return 0;
}

static inline size_t bytes_length(const char *string)
{
	size_t len = 0;

	while (string[len])
		len++;
	return len;
}

static inline uint32_t bytes_get_be32(const uint8_t *p)
{
	uint32_t v;

	__builtin_memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static inline void bytes_put_be32(uint8_t *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	__builtin_memcpy(p, &v, sizeof(v));
}

static inline void bytes_put_be64(uint8_t *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	__builtin_memcpy(p, &v, sizeof(v));
}
