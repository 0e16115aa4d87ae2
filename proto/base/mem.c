// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/mem.h"

#include <stdarg.h>
#include <stdio.h>

static void *must(void *p)
{
	if (p)
		return p;
	fputs("assay: out of memory\n", stderr);
	abort();
}

void *xmalloc(size_t size)
{
	return must(malloc(size ? size : 1));
}

void *xcalloc(size_t count, size_t size)
{
	return must(calloc(count ? count : 1, size ? size : 1));
}

void *xreallocarray(void *p, size_t count, size_t size)
{
	return must(reallocarray(p, count ? count : 1, size ? size : 1));
}

char *xstrdup(const char *s)
{
	return s ? must(strdup(s)) : NULL;
}

char *xstrndup(const char *s, size_t size)
{
	return must(strndup(s, size));
}

void *xmemdup(const void *p, size_t size)
{
	void *copy = xmalloc(size);
	if (size)
		memcpy(copy, p, size);
	return copy;
}

char *xasprintf(const char *fmt, ...)
{
	char *s = NULL;
	va_list ap;
	va_start(ap, fmt);
	int n = vasprintf(&s, fmt, ap);
	va_end(ap);
	return must(n < 0 ? NULL : s);
}

void mem_strcpy(char *dst, size_t size, const char *src)
{
	size_t n = strnlen(src ? src : "", size - 1);
	if (n)
		memcpy(dst, src, n);
	dst[n] = '\0';
}
