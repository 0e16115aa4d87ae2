// SPDX-License-Identifier: GPL-3.0-or-later
/* pattern - a PCRE2 pattern over one line of bytes that nobody vouches for: no UTF mode, no
 * callouts, and a limit on the steps that a line may take, the same on every machine (no JIT, which
 * counts otherwise). Private to parse/. Source: pcre2api(3), pcre2_match_context(3). */
#ifndef ASSAY_PARSE_PATTERN_H
#define ASSAY_PARSE_PATTERN_H

#include <stddef.h>

#include "proto/base/cleanup.h"
#include "proto/base/err.h"

struct pattern;

/* -EINVAL: it is none, or has more than max_groups groups. */
int pattern_open(const char *text, unsigned max_groups, struct pattern **ret, struct err *err);
void pattern_close(struct pattern *pattern); /* NULL is fine */
CLEANUP_DEFINE(pattern, struct pattern *, pattern_close)

/* 1 and the first group's text (the whole match where the pattern has no group), borrowed from
 * line; 0: it is not there; -E2BIG: given up. size is bounded by the caller (LINE_LIMIT_BYTES). */
int pattern_find(struct pattern *pattern, const char *line, size_t size, const char **ret,
		 size_t *ret_size);

#endif
