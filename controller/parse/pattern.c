// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/parse/pattern.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <errno.h>
#include <pcre2.h>
#include <string.h>

#include "proto/base/mem.h"

enum {
	PATTERN_LIMIT = 4096, /* characters */
	/* A sensible pattern takes a few steps a byte; 10^6 take some 10 ms. Lines that need more
	 * than the first measure get the second, but not many: a guest must not be able to keep
	 * the controller busy with lines that are each just below a limit. */
	STEPS_PER_BYTE = 32,
	STEPS_PER_LINE = 1000,
	HARD_LINE_STEPS = 1000000,
	HARD_LINES = 8,
	DEPTH_LIMIT = 10000,
	HEAP_LIMIT_KIB = 20000,
};

struct pattern {
	pcre2_code *code;
	pcre2_match_context *context;
	pcre2_match_data *data;
	uint32_t groups;
	unsigned n_hard; /* lines that had HARD_LINE_STEPS */
};

void pattern_close(struct pattern *p)
{
	if (!p)
		return;
	pcre2_match_data_free(p->data);
	pcre2_match_context_free(p->context);
	pcre2_code_free(p->code);
	free(p);
}

static int compile(struct pattern *p, const char *text, struct err *err)
{
	PCRE2_UCHAR why[160];
	PCRE2_SIZE at;
	int code;
	if (!text || !*text || strlen(text) > PATTERN_LIMIT)
		return err_say(err, EINVAL, "a pattern must have 1 to %d characters",
			       PATTERN_LIMIT);
	p->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
				PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C, &code,
				&at, NULL);
	if (p->code)
		return 0;
	pcre2_get_error_message(code, why, sizeof(why));
	return err_say(err, EINVAL, "pattern '%.200s', character %zu: %s", text, at + 1,
		       (const char *)why);
}

int pattern_open(const char *text, unsigned max_groups, struct pattern **ret, struct err *err)
{
	autoclean(pattern) struct pattern *p = xcalloc(1, sizeof(*p));
	int r = compile(p, text, err);
	if (r < 0)
		return r;
	pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &p->groups);
	if (p->groups > max_groups)
		return err_say(err, EINVAL,
			       "pattern '%.200s' has %u groups where %u may be; write (?:...) for "
			       "those that are not the value",
			       text, p->groups, max_groups);
	p->context = pcre2_match_context_create(NULL);
	p->data = pcre2_match_data_create_from_pattern(p->code, NULL);
	if (!p->context || !p->data)
		abort(); /* out of memory, as xmalloc() */
	pcre2_set_depth_limit(p->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(p->context, HEAP_LIMIT_KIB);
	*ret = take(p);
	return 0;
}

static int match(struct pattern *p, const char *line, size_t size, size_t steps)
{
	pcre2_set_match_limit(p->context, (uint32_t)steps);
	return pcre2_match(p->code, (PCRE2_SPTR)line, size, 0, 0, p->data, p->context);
}

int pattern_find(struct pattern *p, const char *line, size_t size, const char **ret,
		 size_t *ret_size)
{
	size_t steps = STEPS_PER_LINE + STEPS_PER_BYTE * size;
	int n = match(p, line, size, steps);
	if (n == PCRE2_ERROR_MATCHLIMIT && p->n_hard < HARD_LINES) {
		p->n_hard++;
		n = match(p, line, size, HARD_LINE_STEPS);
	}
	if (n == PCRE2_ERROR_NOMATCH)
		return 0;
	if (n < 0)
		return -E2BIG;
	const PCRE2_SIZE *range = pcre2_get_ovector_pointer(p->data) + (p->groups ? 2 : 0);
	/* A group that had no part in the match is not there; \K can put the end before the start.
	 */
	if ((p->groups && n < 2) || range[0] == PCRE2_UNSET || range[1] < range[0])
		return 0;
	*ret = line + range[0];
	*ret_size = range[1] - range[0];
	return 1;
}
