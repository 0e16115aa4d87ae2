// SPDX-License-Identifier: GPL-3.0-or-later
/* Patterns come from recipes and run against what a guest prints: both are hostile, so matching
 * has limits, and one that gives up is counted. PCRE2_PARTIAL_HARD: in an unfinished line a match
 * that could still grow ("took \d+") waits for more. Source: pcre2api(3), pcre2partial(3). */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "agent/meter/marks.h"

#include <errno.h>
#include <pcre2.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/mem.h"

enum {
	MATCH_LIMIT = 200000, /* steps for one line: about a millisecond */
	DEPTH_LIMIT = 2000,
	HEAP_LIMIT_KIB = 4096,
	GIVE_UPS = 100, /* after these a pattern is searched no more: it would eat the run's time */
};

struct awaited {
	const struct mark_spec *spec; /* borrowed; NULL: one that every run has */
	pcre2_code *pattern;	      /* owned; NULL: not of the console */
	struct mark_seen seen;
	bool unsettled;
	uint64_t gave_up;
};

struct marks {
	size_t n;
	struct awaited *marks;
	uint64_t *after; /* for each window: where in the text its `to` may begin */
	uint64_t text_end;
	pcre2_match_context *context;
	pcre2_match_data *data;
};

static int compile(const struct window_spec *window, const char *end, pcre2_match_data *data,
		   struct awaited *mark, struct err *err)
{
	const char *pattern = mark->spec->pattern;
	PCRE2_UCHAR why[160];
	PCRE2_SIZE at;
	int code;
	if (mark->spec->kind != MARK_CONSOLE)
		return 0;
	if (!pattern || !pattern[0] || strlen(pattern) > PATTERN_SIZE)
		return err_say(err, EINVAL,
			       "window %s: the pattern of `%s` must have 1 to %d letters",
			       window->name, end, PATTERN_SIZE);
	mark->pattern = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
				      PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C,
				      &code, &at, NULL);
	if (!mark->pattern) {
		pcre2_get_error_message(code, why, sizeof(why));
		return err_say(err, EINVAL, "window %s: the pattern of `%s`, '%s', letter %zu: %s",
			       window->name, end, pattern, at + 1, (const char *)why);
	}
	/* Without the JIT it is slower and just as right. */
	pcre2_jit_compile(mark->pattern, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD);
	pcre2_match(mark->pattern, (PCRE2_SPTR) "", 0, 0, 0, data, NULL); /* its pages are in now */
	return 0;
}

static void set_limits(struct marks *m)
{
	m->context = pcre2_match_context_create(NULL);
	m->data = pcre2_match_data_create(1, NULL);
	if (!m->context || !m->data)
		abort(); /* out of memory, as xmalloc() */
	pcre2_set_match_limit(m->context, MATCH_LIMIT);
	pcre2_set_depth_limit(m->context, DEPTH_LIMIT);
	pcre2_set_heap_limit(m->context, HEAP_LIMIT_KIB);
}

int marks_open(const struct run_spec *spec, struct marks **ret, struct err *err)
{
	if (spec->n_windows > WINDOWS)
		return err_say(err, E2BIG, "%zu windows; at most %d fit", spec->n_windows, WINDOWS);
	autoclean(marks) struct marks *m = xcalloc(1, sizeof(*m));
	m->n = AT_WINDOWS + 2 * spec->n_windows;
	m->marks = xcalloc(m->n, sizeof(*m->marks));
	m->after = xcalloc(spec->n_windows, sizeof(*m->after));
	set_limits(m);
	for (size_t i = 0; i < spec->n_windows; i++) {
		struct awaited *from = &m->marks[AT_WINDOWS + 2 * i], *to = from + 1;
		from->spec = &spec->windows[i].from;
		to->spec = &spec->windows[i].to;
		if (compile(&spec->windows[i], "from", m->data, from, err) < 0 ||
		    compile(&spec->windows[i], "to", m->data, to, err) < 0)
			return err_code(err);
	}
	*ret = take(m);
	return 0;
}

void marks_close(struct marks *m)
{
	if (!m)
		return;
	for (size_t i = 0; i < m->n; i++)
		pcre2_code_free(m->marks[i].pattern);
	pcre2_match_context_free(m->context);
	pcre2_match_data_free(m->data);
	free(m->after);
	free(m->marks);
	free(m);
}

size_t marks_count(const struct marks *m)
{
	return m->n;
}

const struct mark_seen *marks_get(const struct marks *m, size_t mark)
{
	return &m->marks[mark].seen;
}

static void see(struct awaited *mark, uint64_t console_bytes, uint64_t console_lines)
{
	mark->seen.seen = true;
	mark->seen.console_bytes = console_bytes;
	mark->seen.console_lines = console_lines;
	mark->unsettled = true;
}

/* Where the match from *offset on ends, in the text of the console. */
static bool match(struct marks *m, struct awaited *mark, const struct console_line *line,
		  uint64_t *offset)
{
	size_t skip = *offset > line->offset ? (size_t)(*offset - line->offset) : 0;
	uint32_t options = (line->complete ? 0 : PCRE2_PARTIAL_HARD) |
			   (line->begins ? 0 : PCRE2_NOTBOL);
	if (skip > line->size || mark->gave_up >= GIVE_UPS)
		return false;
	int r = pcre2_match(mark->pattern, (PCRE2_SPTR)line->text, line->size, skip, options,
			    m->data, m->context);
	if (r < 0) {
		mark->gave_up += r != PCRE2_ERROR_NOMATCH && r != PCRE2_ERROR_PARTIAL;
		return false;
	}
	const PCRE2_SIZE *range = pcre2_get_ovector_pointer(m->data);
	size_t end = range[1] > range[0] ? range[1] : range[0] + 1;
	*offset = line->offset + end; /* an empty match uses up a byte: the next one is another */
	return true;
}

/* Whether the mark is one of the console that is still waited for. */
static bool waits(const struct awaited *mark)
{
	return !mark->seen.seen && mark->pattern;
}

bool marks_search(struct marks *m, const struct console_line *line, uint64_t console_bytes,
		  uint64_t console_lines)
{
	bool found = false;
	m->text_end = line->offset + line->size;
	for (size_t i = AT_WINDOWS; i < m->n; i += 2) {
		struct awaited *from = &m->marks[i], *to = from + 1;
		uint64_t *after = &m->after[(i - AT_WINDOWS) / 2];
		if (waits(from) && match(m, from, line, after)) {
			see(from, console_bytes, console_lines);
			found = true;
		}
		if (from->seen.seen && waits(to) && match(m, to, line, after)) {
			see(to, console_bytes, console_lines);
			found = true;
		}
	}
	return found;
}

static size_t mark_of_kind(enum mark_kind kind)
{
	switch (kind) {
	case MARK_START:
		return AT_START;
	case MARK_RESUME:
		return AT_RESUME;
	case MARK_EXIT:
		return AT_EXIT;
	case MARK_CONSOLE:
	case MARK_KINDS:
		break;
	}
	return AT_END; /* no window has an end of this kind */
}

void marks_reach(struct marks *m, size_t mark, uint64_t console_bytes, uint64_t console_lines)
{
	if (!m->marks[mark].seen.seen)
		see(&m->marks[mark], console_bytes, console_lines);
	for (size_t i = AT_WINDOWS; i < m->n; i += 2) {
		struct awaited *from = &m->marks[i], *to = from + 1;
		if (from->seen.seen && !to->seen.seen && mark != AT_END &&
		    mark_of_kind(to->spec->kind) == mark)
			see(to, console_bytes, console_lines);
		if (!from->seen.seen && mark != AT_END && mark_of_kind(from->spec->kind) == mark) {
			see(from, console_bytes, console_lines);
			m->after[(i - AT_WINDOWS) / 2] = m->text_end;
		}
	}
}

void marks_settle(struct marks *m, size_t instant)
{
	for (size_t i = 0; i < m->n; i++) {
		if (m->marks[i].unsettled)
			m->marks[i].seen.instant = instant;
		m->marks[i].unsettled = false;
	}
}

bool marks_console_seen(const struct marks *m)
{
	for (size_t i = AT_WINDOWS; i < m->n; i++)
		if (m->marks[i].seen.seen && m->marks[i].pattern)
			return true;
	return false;
}

size_t marks_open_windows(const struct marks *m)
{
	size_t n = 0;
	for (size_t i = AT_WINDOWS; i < m->n; i += 2)
		n += m->marks[i].seen.seen && !m->marks[i + 1].seen.seen;
	return n;
}

size_t marks_waiting_windows(const struct marks *m)
{
	size_t n = 0;
	for (size_t i = AT_WINDOWS; i < m->n; i += 2)
		n += !m->marks[i + 1].seen.seen;
	return n;
}

uint64_t marks_gave_up(const struct marks *m)
{
	uint64_t n = 0;
	for (size_t i = AT_WINDOWS; i < m->n; i++)
		n += m->marks[i].gave_up;
	return n;
}
