// SPDX-License-Identifier: GPL-3.0-or-later
/* Parsers: the contract over every row (any split gives the same readings), then what regex makes
 * of bytes, and what is captured for checks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include <errno.h>
#include <locale.h>
#include <string.h>
#include <time.h>

#include "controller/parse/lines.h"
#include "controller/parse/parse.h"
#include "proto/base/mem.h"

static struct attempt *parse(const struct parser *parser, const char *pattern, const char *bytes,
			     size_t size, unsigned *seed)
{
	const struct parse_options options = {"rate", pattern, "ops/s"};
	struct parse_state *state = NULL;
	struct err err = ERR_NONE;
	struct attempt *a = attempt_new();
	if (parser->open(&options, &state, &err) < 0)
		fail_msg("%s: %s", pattern, err.text);
	for (size_t at = 0, n; at < size; at += n) {
		n = seed ? 1 + (size_t)rand_r(seed) % 7 : size;
		n = n > size - at ? size - at : n;
		autofree char *alone = xmemdup(bytes + at, n); /* ASan sees a read past it */
		parser->feed(state, alone, n);
	}
	parser->finish(state, "bench", "whole", a);
	return a;
}

static void assert_same(const struct attempt *a, const struct attempt *b, const char *why)
{
	assert_int_equal(a->n_readings, b->n_readings);
	for (size_t i = 0; i < a->n_readings; i++) {
		const struct reading *x = &a->readings[i], *y = &b->readings[i];
		if (strcmp(x->metric, y->metric) != 0 || x->present != y->present ||
		    x->value != y->value || strcmp(x->note, y->note) != 0)
			fail_msg("%s: %s %g '%s' or %s %g '%s'", why, x->metric, x->value, x->note,
				 y->metric, y->value, y->note);
	}
}

/* Bytes that are likely to mean something to a console. */
static void babble(char *bytes, size_t size, unsigned *seed)
{
	static const char *const words[] = {
		"\033[31m", "\033]0;title\007", "\033(B", "\r", "\n", "\r\n", "rate: ",
		"42",	    "-1.5e3",		"\033",	  "\0", "x",  "\t",   "\x9b",
		"\033P",    "\033\\",
	};
	for (size_t at = 0; at < size;) {
		size_t w = (size_t)rand_r(seed) % ARRAY_SIZE(words);
		size_t n = words[w][0] ? strlen(words[w]) : 1;
		n = n > size - at ? size - at : n;
		memcpy(bytes + at, words[w], n);
		at += n;
	}
}

static void splits_make_no_difference(void **state)
{
	unsigned seed = (unsigned)time(NULL);
	(void)state;
	print_message("seed %u\n", seed);
	for (int round = 0; round < 200; round++) {
		char bytes[400];
		babble(bytes, sizeof(bytes), &seed);
		for (const struct parser *const *p = parsers; *p; p++) {
			autoclean(attempt) struct attempt *whole = parse(*p, "rate: *(\\S*)", bytes,
									 sizeof(bytes), NULL);
			autoclean(attempt) struct attempt *split = parse(*p, "rate: *(\\S*)", bytes,
									 sizeof(bytes), &seed);
			assert_true(whole->n_readings > 0);
			assert_same(whole, split, (*p)->name);
		}
	}
}

static void rows_are_complete(void **state)
{
	struct err err = ERR_NONE;
	const struct parser *row = NULL;
	(void)state;
	if (parsers_check(&err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(parser_find("regex", &row, &err), 0);
	assert_ptr_equal(row, &parser_regex);
	assert_int_equal(parser_find("regexp", &row, &err), -ENOENT);
	assert_non_null(strstr(err.text, "did you mean 'regex'"));
}

#define S(s) s, sizeof(s) - 1

static void numbers_are_read(void **state)
{
	static const struct {
		const char *pattern, *bytes;
		size_t size;
		double value;
		const char *note; /* NULL: there is a number; else a part of why not */
		const char *why;
	} cases[] = {
		{"rate: (.*)", S("rate: 42\n"), 42, NULL, "plain"},
		{"rate: (.*)", S("rate: 42"), 42, NULL, "no newline at the end"},
		{"rate: (.*)", S("a\r\nrate: 42\r\nb"), 42, NULL, "CR LF"},
		{"rate: (.*)", S("rate: 1\rrate: 2\r"), 1, NULL, "a lone CR ends a line"},
		{"rate: (.*)", S("[  5.1] bash: rate: 42\n"), 42, NULL, "anywhere in a line"},
		{"^rate: (.*)$", S("x\nrate: 42\ny\n"), 42, NULL, "anchors are of the line"},
		{"rate: (.*)", S("\033[1mrate:\033[0m 4\033[31m2\033[m\n"), 42, NULL, "colours"},
		{"rate: (.*)", S("\033]0;rate: 7\007rate: 42\n"), 42, NULL, "a window's title"},
		{"rate: (.*)", S("\033(Brate: 42\n"), 42, NULL, "a character set"},
		{"rate: (.*)", S("\033]0;never closed\nrate: 42\n"), 42, NULL,
		 "a string ends with its line at the latest"},
		{"rate: (.*)", S("ra\0te: 42\n"), 42, NULL, "NULs are dropped"},
		{"\\d+", S("in 17 s\n"), 17, NULL, "no group: the whole match"},
		{"rate:(.*)ops", S("rate:   42 \t ops\n"), 42, NULL, "blanks around it"},
		{"rate: (.*)", S("rate: -1.5e3\n"), -1500, NULL, "sign and exponent"},
		{"rate: (.*)", S("rate: +7\n"), 7, NULL, "a plus"},
		{"rate: (.*)", S("rate: 0\n"), 0, NULL, "zero is a number"},
		{"rate: (.*)", S("start\n"), 0, "no line matched 'rate: (.*)'", "not there"},
		{"rate: (.*)", S(""), 0, "no line matched", "nothing printed"},
		{"rate: (.*)", S("rate: n/a\nrate: 5\n"), 0, "'n/a', which is not a number",
		 "the first match decides"},
		{"rate: (.*)", S("rate: 1,234\n"), 0, "not a number", "no thousands"},
		{"rate: (.*)", S("rate: nan\n"), 0, "not a number", "NaN is none"},
		{"rate: (.*)", S("rate: inf\n"), 0, "not a number", "nor is infinity"},
		{"rate: (.*)", S("rate: 1e999\n"), 0, "not a number", "nor what becomes it"},
		{"rate: (.*)", S("rate: 0x10\n"), 0, "not a number", "nor hex"},
		{"rate: (.*)", S("rate: +-7\n"), 0, "not a number", "two signs"},
		{"rate: (.*)", S("rate: \n"), 0, "'', which is not a number", "empty"},
		{"rate: (.*)", S("rate: a\tb\n"), 0, "'a?b'", "notes do not move the cursor"},
		{"rate: (.*)",
		 S("rate: 1111111111111111111111111111111111111111111111111111111111111111\n"), 0,
		 "too long", "64 digits"},
		{"rate: (\\d+)|fail", S("fail\nrate: 42\n"), 42, NULL,
		 "a group without a part in the match is no match"},
		{"rate: \\K\\d+", S("rate: 42\n"), 42, NULL, "a match that begins later"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autoclean(attempt) struct attempt *a = parse(&parser_regex, cases[i].pattern,
							     cases[i].bytes, cases[i].size, NULL);
		const struct reading *r = a->readings;
		assert_int_equal(a->n_readings, 1);
		assert_string_equal(r->metric, "bench/rate");
		assert_string_equal(r->unit, "ops/s");
		assert_string_equal(r->window, "whole");
		assert_string_equal(r->source, "regex");
		if (r->present != !cases[i].note || (r->present && r->value != cases[i].value) ||
		    (cases[i].note && !strstr(r->note, cases[i].note)))
			fail_msg("%s: %d %g '%s'", cases[i].why, r->present, r->value, r->note);
	}
}

static void several_matches_are_said(void **state)
{
	(void)state;
	autoclean(attempt) struct attempt *a = parse(&parser_regex, "rate: (.*)",
						     S("rate: 1\nrate: 2\nrate: 3\n"), NULL);
	assert_true(a->readings[0].present && a->readings[0].value == 1);
	assert_string_equal(a->readings[0].note, "several lines match; this is the first");
}

/* Numbers are read in the C locale, whatever the process's is. */
static void locales_do_not_matter(void **state)
{
	(void)state;
	if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8")) {
		print_message("skipped: no locale with a decimal comma here\n");
		skip();
	}
	autoclean(attempt) struct attempt *a = parse(&parser_regex, "rate: (.*)", S("rate: 1.5\n"),
						     NULL);
	setlocale(LC_NUMERIC, "C");
	assert_true(a->readings[0].present && a->readings[0].value == 1.5);
}

static void options_are_checked(void **state)
{
	static char long_text[5000];
	static const struct {
		struct parse_options options;
		const char *says;
	} cases[] = {
		{{"rate", "rate: (", "x"}, "character 8"},
		{{"rate", "", "x"}, "1 to 4096 characters"},
		{{"rate", NULL, "x"}, "1 to 4096 characters"},
		{{"rate", long_text, "x"}, "1 to 4096 characters"},
		{{"rate", "(a)(b)", "x"}, "has 2 groups"},
		{{"rate", "(*UTF)x", "x"}, "pattern '(*UTF)x'"},
		{{"", "x", "x"}, "a metric must have"},
		{{NULL, "x", "x"}, "a metric must have"},
		{{long_text, "x", "x"}, "a metric must have"},
		{{"rate", "x", "furlongs per fortnight"}, "unit 'furlongs per fortnight'"},
	};
	(void)state;
	memset(long_text, 'a', sizeof(long_text) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct parse_state *parser = NULL;
		struct err err = ERR_NONE;
		if (parser_regex.open(&cases[i].options, &parser, &err) != -EINVAL ||
		    !strstr(err.text, cases[i].says) || parser)
			fail_msg("case %zu: %s", i, err.text);
	}
}

static void a_long_name_is_said(void **state)
{
	struct parse_options options = {"123456789-123456789-123456789-1234", "x(.*)", "u"};
	struct parse_state *parser;
	struct err err = ERR_NONE;
	autoclean(attempt) struct attempt *a = attempt_new();
	(void)state;
	assert_int_equal(parser_regex.open(&options, &parser, &err), 0);
	parser_regex.feed(parser, S("x7\n"));
	parser_regex.finish(parser, "123456789-123456789-123456789-", "whole", a);
	assert_false(a->readings[0].present);
	assert_non_null(strstr(a->readings[0].note, "longer than 63"));
}

static void long_lines_are_cut(void **state)
{
	static const struct {
		size_t before;
		bool present;
	} cases[] = {
		{LINE_LIMIT_BYTES - 8, true},
		{LINE_LIMIT_BYTES - 7, false},
		{3 * LINE_LIMIT_BYTES, false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autotext struct text bytes = {0};
		for (size_t k = 0; k < cases[i].before; k++)
			text_add(&bytes, "x");
		text_add(&bytes, "rate: 42\n");
		autoclean(attempt) struct attempt *a = parse(&parser_regex, "rate: (42)",
							     bytes.data, bytes.size, NULL);
		assert_int_equal(a->readings[0].present, cases[i].present);
		if (!cases[i].present)
			assert_non_null(strstr(a->readings[0].note, "of 1 longer lines only"));
		text_add(&bytes, "rate: 42\n"); /* the next line is whole again */
		autoclean(attempt) struct attempt *b = parse(&parser_regex, "^rate: (42)",
							     bytes.data, bytes.size, NULL);
		assert_true(b->readings[0].present);
	}
}

/* A guest that knows the pattern prints what makes it backtrack; the controller has other work. */
static void hard_lines_are_given_up(void **state)
{
	autotext struct text bytes = {0};
	(void)state;
	for (size_t i = 0; i < 20000; i++)
		text_add(&bytes, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\n");
	autoclean(attempt) struct attempt *a = parse(&parser_regex, "(a+)+$", bytes.data,
						     bytes.size, NULL);
	assert_false(a->readings[0].present);
	assert_non_null(strstr(a->readings[0].note, "too many steps on 20000 lines"));
	text_add(&bytes, "aa\n"); /* an easy one behind them is found */
	autoclean(attempt) struct attempt *b = parse(&parser_regex, "(?:a+)+$", bytes.data,
						     bytes.size, NULL);
	assert_non_null(strstr(b->readings[0].note, "'aa', which is not a number"));
}

static void fake_counts(void **state)
{
	(void)state;
	autoclean(attempt) struct attempt *a = parse(&parser_fake, NULL, S("a\r\nb\n\nc"), NULL);
	assert_int_equal(a->n_readings, 2);
	assert_string_equal(a->readings[0].metric, "bench/bytes");
	assert_true(a->readings[0].value == 7);
	assert_string_equal(a->readings[1].metric, "bench/lines");
	assert_true(a->readings[1].value == 4);
}

static void captures_for_checks(void **state)
{
	static const struct {
		const char *pattern, *bytes;
		size_t size;
		const char *expect; /* NULL: it is not there */
	} cases[] = {
		{"sum: (\\w+)", S("x\nsum: ab12 \n"), "ab12"},
		{"sum: (\\w+)", S("sum: first\nsum: second\n"), "first"},
		{"sum: (\\w+) (\\w+)", S("sum: a b\n"), "a"},
		{"done", S("all done now\n"), "done"},
		{"sum: (\\w*)", S("sum: \n"), ""},
		{"sum: (\\w+)", S("sum \n"), NULL},
		{"sum: (\\w+)", S("\033[1msum\033[0m: a\033[Kb\r"), "ab"},
		{"sum: (\\w+", S("sum: a\n"), NULL},
		{"sum: (.+)", S("sum: \xff\xc3\xa9\n"), "\xef\xbf\xbd\xc3\xa9"},
		{"a\\nb", S("a\nb\n"), NULL},
		{"x", S(""), NULL},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *found = parse_capture(cases[i].pattern, cases[i].bytes,
						     cases[i].size);
		if (!text_equal(found, cases[i].expect))
			fail_msg("case %zu: '%s'", i, found ? found : "NULL");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_complete),
		cmocka_unit_test(splits_make_no_difference),
		cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(several_matches_are_said),
		cmocka_unit_test(locales_do_not_matter),
		cmocka_unit_test(options_are_checked),
		cmocka_unit_test(a_long_name_is_said),
		cmocka_unit_test(long_lines_are_cut),
		cmocka_unit_test(hard_lines_are_given_up),
		cmocka_unit_test(fake_counts),
		cmocka_unit_test(captures_for_checks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
