// SPDX-License-Identifier: GPL-3.0-or-later
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "agent/meter/console.h"
#include "proto/base/text.h"

/* All complete lines, each in brackets; the last unfinished text behind them. */
struct seen {
	struct text lines;
	char partial[CONSOLE_LINE_SIZE + 1];
	size_t found; /* how often "MARK" was in what was shown */
	uint64_t last_end;
};

static void on_line(void *arg, const struct console_line *line)
{
	struct seen *s = arg;
	if (line->complete) {
		text_add(&s->lines, "[");
		text_add_bytes(&s->lines, line->text, line->size);
		text_add(&s->lines, "]");
		s->partial[0] = '\0';
	} else {
		memcpy(s->partial, line->text, line->size);
		s->partial[line->size] = '\0';
	}
	/* each occurrence once, by its place in the text */
	for (size_t i = 0; i + 4 <= line->size; i++) {
		if (memcmp(line->text + i, "MARK", 4) == 0 && line->offset + i >= s->last_end) {
			s->found++;
			s->last_end = line->offset + i + 4;
		}
	}
}

#define ESC "\033"

static const struct {
	const char *why;
	const char *bytes;
	size_t size; /* 0: strlen */
	const char *lines;
	const char *partial;
	size_t marks;
} cases[] = {
	{"a plain line", "hello\n", 0, "[hello]", "", 0},
	{"DOS line ends are one", "a\r\nb\r\n", 0, "[a][b]", "", 0},
	{"a progress line is many lines", "10%\r20%\r", 0, "[10%][20%]", "", 0},
	{"an empty line between DOS lines stays", "a\r\n\r\nb\n", 0, "[a][][b]", "", 0},
	{"serial drivers that double the CR", "a\r\r\nb", 0, "[a][]", "b", 0},
	{"LF CR is two line ends", "a\n\rb\n", 0, "[a][][b]", "", 0},
	{"text before the marker", "[    0.1] x MARK y\n", 0, "[[    0.1] x MARK y]", "", 1},
	{"the marker without newline", "boot\nMARK", 0, "[boot]", "MARK", 1},
	{"twice in one line, once in the next", "MARK MARK\nMARK", 0, "[MARK MARK]", "MARK", 3},
	{"colours", ESC "[1;32mMA" ESC "[0mRK" ESC "[K\n", 0, "[MARK]", "", 1},
	{"window title, ended by BEL", ESC "]0;title\aMARK\n", 0, "[MARK]", "", 1},
	{"window title, ended by ST", ESC "]0;MARK" ESC "\\x\n", 0, "[x]", "", 0},
	{"character sets", ESC "(BMA" ESC ")0RK\n", 0, "[MARK]", "", 1},
	{"two-byte escapes", ESC "7MA" ESC "=RK" ESC "c\n", 0, "[MARK]", "", 1},
	{"an escape inside a string ends it", ESC "]0;t" ESC "[0mMARK\n", 0, "[MARK]", "", 1},
	{"ESC ESC is one escape", ESC ESC "[0mMARK\n", 0, "[MARK]", "", 1},
	{"a newline breaks a broken escape", ESC "[12\nMARK\n", 0, "[][MARK]", "", 1},
	{"CAN ends an escape and is no text", ESC "[12\x18MARK\n", 0, "[MARK]", "", 1},
	{"a CR with an escape before its LF", "a\r" ESC "[K\nb", 0, "[a]", "b", 0},
	{"NULs, as from a slow UART", "M\0A\0R\0K\0\n\0", 10, "[MARK]", "", 1},
	{"a NUL between CR and LF", "a\r\0\nb", 5, "[a]", "b", 0},
	{"NUL inside an escape", ESC "[\0001mMARK\n", 10, "[MARK]", "", 1},
	{"tabs and UTF-8 stay", "a\tM\303\244rz\n", 0, "[a\tM\303\244rz]", "", 0},
	{"nothing", "", 0, "", "", 0},
};

static void feed_cut(struct console *c, const char *bytes, size_t size, size_t cut,
		     struct seen *seen)
{
	console_feed(c, bytes, cut, on_line, seen);
	console_feed(c, bytes + cut, size - cut, on_line, seen);
}

static void same_lines_wherever_it_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t size = cases[i].size ? cases[i].size : strlen(cases[i].bytes);
		for (size_t cut = 0; cut <= size; cut++) {
			struct console c = {0};
			struct seen seen = {0};
			feed_cut(&c, cases[i].bytes, size, cut, &seen);
			const char *lines = seen.lines.data ? seen.lines.data : "";
			if (strcmp(lines, cases[i].lines) != 0 ||
			    strcmp(seen.partial, cases[i].partial) != 0 ||
			    seen.found != cases[i].marks || c.bytes != size)
				fail_msg("%s, cut at %zu: %s and '%s', %zu marks", cases[i].why,
					 cut, lines, seen.partial, seen.found);
			text_done(&seen.lines);
		}
	}
}

static void counts_lines_and_bytes_as_they_pass(void **state)
{
	struct console c = {0};
	struct seen seen = {0};
	(void)state;
	console_feed(&c, "one\ntwo\r\nthr", 12, on_line, &seen);
	assert_int_equal(c.lines, 2);
	assert_int_equal(c.bytes, 12);
	console_end(&c, on_line, &seen);
	assert_int_equal(c.lines, 3);
	assert_string_equal(seen.lines.data, "[one][two][thr]");
	console_end(&c, on_line, &seen);
	assert_int_equal(c.lines, 3); /* nothing is left */
	text_done(&seen.lines);
}

/* A string that is opened and never closed hides no more than its limit. */
static void rubbish_does_not_swallow_the_console(void **state)
{
	struct console c = {0};
	struct seen seen = {0};
	(void)state;
	console_feed(&c, ESC "]", 2, on_line, &seen);
	for (int i = 0; i < 2000; i++)
		console_feed(&c, "z", 1, on_line, &seen);
	console_feed(&c, "MARK", 4, on_line, &seen);
	assert_int_equal(seen.found, 1);
	text_done(&seen.lines);
}

static void marks_of_a_ten_megabyte_line_are_found(void **state)
{
	enum { SIZE = 10 << 20, MARKS = 997 };
	static struct console c;
	struct seen seen = {0};
	(void)state;
	char *bytes = malloc(SIZE);
	memset(bytes, 'x', SIZE);
	for (size_t i = 0; i < MARKS; i++)
		memcpy(bytes + i * (SIZE / MARKS), "MARK", 4);
	unsigned seed = (unsigned)time(NULL);
	print_message("seed %u\n", seed);
	for (size_t at = 0; at < SIZE;) {
		size_t n = (size_t)rand_r(&seed) % 60000 + 1;
		n = n > SIZE - at ? SIZE - at : n;
		console_feed(&c, bytes + at, n, on_line, &seen);
		at += n;
	}
	assert_int_equal(seen.found, MARKS);
	assert_int_equal(c.lines, 0);
	assert_int_equal(c.bytes, SIZE);
	free(bytes);
	text_done(&seen.lines);
}

/* Random bytes: bounded memory, all bytes counted, and the marker behind them is found. */
static void binary_rubbish(void **state)
{
	(void)state;
	unsigned seed = (unsigned)time(NULL);
	print_message("seed %u\n", seed);
	for (int round = 0; round < 200; round++) {
		static struct console c;
		struct seen seen = {0};
		unsigned char bytes[4096];
		c = (struct console){0};
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (unsigned char)rand_r(&seed);
		console_feed(&c, bytes, sizeof(bytes), on_line, &seen);
		size_t before = seen.found;
		console_feed(&c, "\nMARK\n", 6, on_line, &seen);
		assert_int_equal(seen.found, before + 1);
		assert_int_equal(c.bytes, sizeof(bytes) + 6);
		text_done(&seen.lines);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_lines_wherever_it_is_cut),
		cmocka_unit_test(counts_lines_and_bytes_as_they_pass),
		cmocka_unit_test(rubbish_does_not_swallow_the_console),
		cmocka_unit_test(marks_of_a_ten_megabyte_line_are_found),
		cmocka_unit_test(binary_rubbish),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
