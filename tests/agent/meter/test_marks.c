// SPDX-License-Identifier: GPL-3.0-or-later
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "agent/meter/marks.h"
#include "proto/base/mem.h"

struct watched {
	struct console console;
	struct marks *marks;
};

static void on_line(void *arg, const struct console_line *line)
{
	struct watched *w = arg;
	if (marks_search(w->marks, line, w->console.bytes, w->console.lines))
		marks_settle(w->marks, w->console.bytes);
}

static void add_window(struct run_spec *spec, const char *from, const char *to)
{
	struct window_spec *w = ARRAY_PUSH(spec->windows, spec->n_windows);
	snprintf(w->name, sizeof(w->name), "w%zu", spec->n_windows);
	w->from = (struct mark_spec){from ? MARK_CONSOLE : MARK_START, xstrdup(from)};
	w->to = (struct mark_spec){to ? MARK_CONSOLE : MARK_EXIT, xstrdup(to)};
}

/* After how many bytes the marks of one window must be seen; 0: never. Two feeds, cut anywhere,
 * and the bytes one by one: the marks are the same. */
static const struct {
	const char *why;
	const char *from, *to; /* NULL: start, exit */
	const char *bytes;
	uint64_t from_bytes, to_bytes; /* when they are fed one by one */
} cases[] = {
	{"two lines", "START", "END", "START\nx\nEND\n", 5, 11},
	{"in one line", "START", "END", "START END", 5, 9},
	{"`to` before `from` does not count", "START", "END", "END START x END", 9, 15},
	{"`to` overlapping `from` does not count", "abc", "cd", "abcd cd", 3, 7},
	{"the same pattern: first and second", "tick", "tick", "tick\ntick\ntick\n", 4, 9},
	{"the same pattern twice in a line", "tick", "tick", "ticktick", 4, 8},
	{"first occurrence only", "S", "E", "S S E E", 1, 5},
	{"a number that may go on waits", "took \\d+", "x", "took 123 x", 9, 10},
	{"`$` waits for the line's end", "ready$", "x", "ready\nx", 6, 7},
	{"`^` is the line's start", "^go", "x", "let's go\ngo x", 11, 13},
	{"a lookahead waits for what comes", "log(?!in)", "x", "login\nlogs x", 10, 12},
	{"from the start of the guest", NULL, "ready", "x ready", 0, 7},
	{"case counts", "start", "END", "START\nEND\n", 0, 0},
	{"`to` never", "START", "END", "START\n", 5, 0},
	{"`to` is the exit", "START", NULL, "START\n", 5, 0},
	{"coloured", "login: ", "x", "\033[1mlog\033[0min: x", 15, 16},
};

static void open_case(size_t i, struct run_spec *spec, struct watched *w)
{
	struct err err = ERR_NONE;
	*w = (struct watched){0};
	add_window(spec, cases[i].from, cases[i].to);
	assert_int_equal(marks_open(spec, &w->marks, &err), 0);
	marks_reach(w->marks, AT_START, 0, 0);
	marks_settle(w->marks, 0);
}

static void check_case(size_t i, const struct watched *w, size_t cut)
{
	const struct mark_seen *from = marks_get(w->marks, AT_WINDOWS), *to = from;
	to = marks_get(w->marks, AT_WINDOWS + 1);
	if (from->seen != (!cases[i].from || cases[i].from_bytes) ||
	    to->seen != (cases[i].to_bytes > 0))
		fail_msg("%s, cut at %zu: from %d, to %d", cases[i].why, cut, from->seen, to->seen);
	if (cut == SIZE_MAX && (from->console_bytes != cases[i].from_bytes ||
				(to->seen && to->console_bytes != cases[i].to_bytes)))
		fail_msg("%s: from at %llu, to at %llu", cases[i].why,
			 (unsigned long long)from->console_bytes,
			 (unsigned long long)to->console_bytes);
}

static void finds_first_occurrences(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t size = strlen(cases[i].bytes);
		for (size_t cut = 0; cut <= size; cut++) {
			autoclean(run_spec) struct run_spec *spec = run_spec_new();
			struct watched w;
			open_case(i, spec, &w);
			console_feed(&w.console, cases[i].bytes, cut, on_line, &w);
			console_feed(&w.console, cases[i].bytes + cut, size - cut, on_line, &w);
			check_case(i, &w, cut);
			marks_close(w.marks);
		}
		autoclean(run_spec) struct run_spec *spec = run_spec_new();
		struct watched w;
		open_case(i, spec, &w);
		for (size_t at = 0; at < size; at++)
			console_feed(&w.console, cases[i].bytes + at, 1, on_line, &w);
		check_case(i, &w, SIZE_MAX);
		marks_close(w.marks);
	}
}

/* The window over a long line slides: its first byte is not the line's, and the text before it is
 * gone, but nothing that is short enough is missed or seen twice. */
static void long_lines_slide(void **state)
{
	enum { HALF = CONSOLE_LINE_SIZE / 2, SIZE = 5 * HALF };
	struct err err = ERR_NONE;
	struct watched w = {0};
	char line[SIZE];
	autoclean(run_spec) struct run_spec *spec = run_spec_new();
	(void)state;
	memset(line, 'x', SIZE);
	memcpy(line + HALF, "go", 2);
	memcpy(line + 2 * HALF - 2, "over", 4); /* across the edge */
	add_window(spec, "^go", "x");
	add_window(spec, "go", "go");
	add_window(spec, "over", "over");
	assert_int_equal(marks_open(spec, &w.marks, &err), 0);
	console_feed(&w.console, line, SIZE, on_line, &w);
	assert_false(marks_get(w.marks, AT_WINDOWS)->seen);
	assert_true(marks_get(w.marks, AT_WINDOWS + 2)->seen);
	assert_false(marks_get(w.marks, AT_WINDOWS + 3)->seen);
	assert_true(marks_get(w.marks, AT_WINDOWS + 4)->seen);
	assert_false(marks_get(w.marks, AT_WINDOWS + 5)->seen);
	marks_close(w.marks);
}

static void exit_ends_what_has_begun(void **state)
{
	struct err err = ERR_NONE;
	struct watched w = {0};
	autoclean(run_spec) struct run_spec *spec = run_spec_new();
	(void)state;
	add_window(spec, "A", NULL);
	add_window(spec, "B", NULL);
	add_window(spec, NULL, "A");
	assert_int_equal(marks_open(spec, &w.marks, &err), 0);
	assert_int_equal(marks_count(w.marks), AT_WINDOWS + 6);
	marks_reach(w.marks, AT_START, 0, 0);
	marks_settle(w.marks, 7);
	assert_int_equal(marks_open_windows(w.marks), 1);
	assert_false(marks_console_seen(w.marks));
	console_feed(&w.console, "A", 1, on_line, &w);
	assert_true(marks_console_seen(w.marks));
	assert_int_equal(marks_open_windows(w.marks), 1);
	assert_int_equal(marks_waiting_windows(w.marks), 2);
	marks_reach(w.marks, AT_EXIT, 1, 0);
	marks_settle(w.marks, 9);
	assert_true(marks_get(w.marks, AT_WINDOWS + 1)->seen);
	assert_int_equal(marks_get(w.marks, AT_WINDOWS + 1)->instant, 9);
	assert_int_equal(marks_get(w.marks, AT_START)->instant, 7);
	assert_int_equal(marks_get(w.marks, AT_WINDOWS)->instant, 1);
	assert_false(marks_get(w.marks, AT_WINDOWS + 3)->seen);
	assert_int_equal(marks_waiting_windows(w.marks), 1);
	marks_close(w.marks);
}

static const struct {
	const char *why;
	const char *pattern;
	const char *says;
} bad[] = {
	{"syntax", "took (\\d+", "missing closing parenthesis"},
	{"empty", "", "must have 1 to"},
	{"UTF mode would refuse binary consoles", "(*UTF)x", "using UTF is disabled"},
	{"a quantifier at the start", "*x", "letter"},
};

static void bad_patterns_are_refused_in_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_NONE;
		struct marks *marks = NULL;
		autoclean(run_spec) struct run_spec *spec = run_spec_new();
		add_window(spec, "fine", bad[i].pattern);
		if (marks_open(spec, &marks, &err) != -EINVAL || !strstr(err.text, bad[i].says) ||
		    !strstr(err.text, "window w1") || !strstr(err.text, "`to`"))
			fail_msg("%s: %d %s", bad[i].why, err.code, err.text);
	}
}

/* Exponential without limits: the run's own time is not for patterns. */
static void a_hostile_pattern_gives_up(void **state)
{
	struct err err = ERR_NONE;
	struct watched w = {0};
	char line[2000];
	autoclean(run_spec) struct run_spec *spec = run_spec_new();
	(void)state;
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	add_window(spec, "(a+)+[bc]", "x");
	add_window(spec, "aaa", "x");
	assert_int_equal(marks_open(spec, &w.marks, &err), 0);
	for (int i = 0; i < 1000; i++)
		console_feed(&w.console, line, sizeof(line), on_line, &w);
	assert_in_range(marks_gave_up(w.marks), 1, 100);
	assert_true(marks_get(w.marks, AT_WINDOWS + 2)->seen);
	marks_close(w.marks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_first_occurrences),
		cmocka_unit_test(long_lines_slide),
		cmocka_unit_test(exit_ends_what_has_begun),
		cmocka_unit_test(bad_patterns_are_refused_in_words),
		cmocka_unit_test(a_hostile_pattern_gives_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
