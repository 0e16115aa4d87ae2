// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/parse/parse.h"

#include <limits.h>

#include "controller/parse/lines.h"
#include "controller/parse/pattern.h"
#include "proto/base/mem.h"
#include "proto/base/table.h"
#include "proto/base/utf8.h"

const struct parser *const parsers[] = {&parser_regex, &parser_fake, NULL};

int parsers_check(struct err *err)
{
	static const struct table_member required[] = {
		TABLE_MEMBER(struct parser, open),
		TABLE_MEMBER(struct parser, feed),
		TABLE_MEMBER(struct parser, finish),
		{NULL, 0},
	};
	return table_check("parse", (const void *const *)parsers, required, err);
}

int parser_find(const char *name, const struct parser **ret, struct err *err)
{
	const void *row;
	int r = table_find((const void *const *)parsers, "parser", name, &row, err);
	if (r < 0)
		return r;
	*ret = row;
	return 0;
}

struct capture {
	struct pattern *pattern;
	char *found; /* owned */
};

static bool capture_from(void *arg, const char *text, size_t size, bool cut)
{
	struct capture *c = arg;
	const char *found;
	size_t n;
	(void)cut;
	if (pattern_find(c->pattern, text, size, &found, &n) <= 0)
		return true;
	c->found = xstrndup(found, n);
	return false;
}

char *parse_capture(const char *pattern, const char *bytes, size_t size)
{
	autoclean(pattern) struct pattern *compiled = NULL;
	autofree char *clean = NULL;
	if (pattern_open(pattern, UINT_MAX, &compiled, NULL) < 0)
		return NULL;
	struct capture capture = {.pattern = compiled};
	struct lines lines = {.show = capture_from, .arg = &capture};
	lines_feed(&lines, bytes, size);
	lines_end(&lines);
	lines_done(&lines);
	autofree char *found = capture.found;
	if (!found || utf8_clean(found, &clean) == found)
		return take(found);
	return take(clean);
}
