// SPDX-License-Identifier: GPL-3.0-or-later
/* parse - bytes that a workload printed to readings. No I/O; the raw bytes are kept elsewhere, so
 * meaning can be made again without running again. Bytes are hostile: bounds first. */
#ifndef ASSAY_PARSE_PARSE_H
#define ASSAY_PARSE_PARSE_H

#include "proto/measure/result.h"

struct parse_options {
	const char *metric;
	const char *pattern; /* PCRE2, one group, or none: then the whole match */
	const char *unit;
};

struct parse_state;

/* All are required. */
struct parser {
	const char *name; /* as recipes write it */
	int (*open)(const struct parse_options *options, struct parse_state **ret, struct err *err);
	/* Any split of the bytes gives the same readings. */
	void (*feed)(struct parse_state *state, const char *bytes, size_t size);
	/* Adds "<instance>/<metric>" readings of `window` to the attempt; what was not found is
	 * absent with a note. Frees the state. */
	void (*finish)(struct parse_state *state, const char *instance, const char *window,
		       struct attempt *attempt);
};

extern const struct parser parser_regex, parser_fake;
extern const struct parser *const parsers[];
int parsers_check(struct err *err);
int parser_find(const char *name, const struct parser **ret, struct err *err);

/* The text of the pattern's first group (or whole match) in the first line that has it, the bytes
 * cleaned as the console parser does (ANSI sequences and CR taken out); NULL where it is not
 * there. UTF-8, U+FFFD for what is not. Owned by the caller. */
char *parse_capture(const char *pattern, const char *bytes, size_t size);

#endif
