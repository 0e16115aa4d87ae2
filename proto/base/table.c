// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/table.h"

#include <errno.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"

static const char *row_name(const void *row)
{
	return *(const char *const *)row;
}

int table_check(const char *room, const void *const *rows, const struct table_member *required,
		struct err *err)
{
	for (size_t i = 0; rows[i]; i++) {
		const char *name = row_name(rows[i]);
		if (!name || !*name)
			return err_say(err, EINVAL, "%s: row %zu has no name", room, i);
		for (size_t j = 0; j < i; j++)
			if (strcmp(name, row_name(rows[j])) == 0)
				return err_say(err, EEXIST, "%s: two rows are named %s", room,
					       name);
		for (const struct table_member *m = required; m->name; m++)
			if (!*(void *const *)((const char *)rows[i] + m->offset))
				return err_say(err, EINVAL, "%s: %s lacks %s", room, name, m->name);
	}
	return 0;
}

int table_find(const void *const *rows, const char *what, const char *name, const void **ret,
	       struct err *err)
{
	autotext struct text known = {0};
	autofree const char **names = NULL;
	size_t n = 0;
	for (size_t i = 0; rows[i]; i++) {
		if (strcmp(name, row_name(rows[i])) == 0) {
			*ret = rows[i];
			return 0;
		}
		text_addf(&known, "%s%s", i ? ", " : "", row_name(rows[i]));
		*ARRAY_PUSH(names, n) = row_name(rows[i]);
	}
	*ARRAY_PUSH(names, n) = NULL;
	const char *nearest = text_nearest(name, names);
	return err_say(err, ENOENT, "unknown %s '%s'%s%s%s; known are %s", what, name,
		       nearest ? ", did you mean '" : "", nearest ? nearest : "",
		       nearest ? "'?" : "", known.data ? known.data : "none");
}
