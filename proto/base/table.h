// SPDX-License-Identifier: GPL-3.0-or-later
/* table - back-end tables: explicit, NULL-ended arrays of const structs, in order of preference.
 *
 * A row is a const struct whose first member is `const char *name`; the rest are functions and
 * facts. The room lists which members are required; table_check() proves it at start. */
#ifndef ASSAY_BASE_TABLE_H
#define ASSAY_BASE_TABLE_H

#include <stddef.h>

#include "proto/base/err.h"

struct table_member {
	const char *name;
	size_t offset;
};

#define TABLE_MEMBER(type, member)              \
	{                                       \
#member, offsetof(type, member) \
	}

/* Names are there and unique, and no required member is NULL. required ends in {NULL}. */
int table_check(const char *room, const void *const *rows, const struct table_member *required,
		struct err *err);

/* The row of that name; else -ENOENT: "unknown <what> 'x'; known are a, b" and the nearest. */
int table_find(const void *const *rows, const char *what, const char *name, const void **ret,
	       struct err *err);

#endif
