// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/lineclean.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"

#define ESC	"\033"
#define TEN	"0123456789"
#define FIFTY	TEN TEN TEN TEN TEN
#define S(text) (text), sizeof(text) - 1

/* What is text, with "|" for each line end; fed in pieces of `piece` bytes. */
static char *cleaned(const char *bytes, size_t size, size_t piece)
{
	struct lineclean clean = {0};
	autotext struct text text = {0};
	for (size_t from = 0; from < size; from += piece) {
		size_t to = from + piece < size ? from + piece : size;
		for (size_t at = from, n; at < to; at += n) {
			enum lineclean_part part;
			n = lineclean_next(&clean, bytes + at, to - at, &part);
			assert_in_range(n, 1, to - at);
			if (part == LINECLEAN_TEXT)
				text_add_bytes(&text, bytes + at, n);
			else if (part == LINECLEAN_END)
				text_add(&text, "|");
		}
	}
	return text_take(&text);
}

static const struct {
	const char *bytes;
	size_t size;
	const char *text;
	const char *why;
} cases[] = {
	{S("a\nb"), "a|b", "LF"},
	{S("a\r\nb\r\n"), "a|b|", "CR LF is one end"},
	{S("10%\r20%\r"), "10%|20%|", "a lone CR is an end"},
	{S("a\r\n\r\nb"), "a||b", "an empty line stays"},
	{S("a\r\r\nb"), "a||b", "serial drivers that double the CR"},
	{S("a\n\rb"), "a||b", "LF CR is two"},
	{S("a\r\0\nb"), "a|b", "a NUL does not part CR and LF"},
	{S("a\r" ESC "[0m\nb"), "a|b", "nor does an escape"},
	{S("a\0b"), "ab", "NULs are dropped"},
	{S("a\tb\x7f\x80\xff"), "a\tb\x7f\x80\xff", "other controls and bytes are text"},
	{S(ESC "[1;32ma" ESC "[0mb" ESC "[Kc"), "abc", "CSI"},
	{S(ESC "[3\0001ma"), "a", "a NUL inside a CSI"},
	{S(ESC "]0;title\007a"), "a", "OSC, ended by BEL"},
	{S(ESC "]0;title" ESC "\\a"), "a", "OSC, ended by ST"},
	{S(ESC "Pq" ESC "\\" ESC "Xs" ESC "\\" ESC "^p" ESC "\\" ESC "_c" ESC "\\a"), "a",
	 "DCS, SOS, PM, APC"},
	{S(ESC "]0;t" ESC "[0ma"), "a", "an escape inside a string ends it"},
	{S(ESC "(Ba" ESC "#8b" ESC " Fc"), "abc", "character sets and their like"},
	{S(ESC "7a" ESC "=b" ESC "c"), "ab", "two bytes"},
	{S(ESC ESC "[0ma"), "a", "ESC ESC is one escape"},
	{S(ESC "]0;never\na"), "|a", "a line end breaks an escape and stays an end"},
	{S(ESC "[1\030a" ESC "[1\032b"), "ab", "CAN and SUB break one and are dropped"},
	{S(ESC "]" FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY TEN "\007a"), "a",
	 "the longest string that is believed"},
	{S(ESC "]" FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY TEN "x0a"), "0a",
	 "a longer one is given up"},
	{S(ESC "]" FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY FIFTY TEN "x" ESC "[0ma"),
	 "a", "and an escape that comes just then is one"},
	{S("a" ESC), "a", "cut off"},
};

static void test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		for (size_t piece = 1; piece <= cases[i].size; piece++) {
			autofree char *text = cleaned(cases[i].bytes, cases[i].size, piece);
			if (strcmp(text, cases[i].text) != 0)
				fail_msg("%s, in pieces of %zu: '%s', expected '%s'", cases[i].why,
					 piece, text, cases[i].text);
		}
}

static void test_cuts_make_no_difference(void **state)
{
	(void)state;
	static const char *const parts[] = {ESC "[31m", ESC "]0;t\007", ESC "(B", "\r", "\n",
					    "\r\n",	"text",		ESC,	  "\t", "\x9b",
					    ESC "P",	ESC "\\",	"\030"};
	unsigned seed = (unsigned)time(NULL);
	print_message("seed %u\n", seed);
	srandom(seed);
	for (int round = 0; round < 500; round++) {
		autotext struct text bytes = {0};
		for (int i = 0; i < 40; i++)
			text_add(&bytes, parts[(size_t)random() % ARRAY_SIZE(parts)]);
		autofree char *whole = cleaned(bytes.data, bytes.size, bytes.size);
		autofree char *cut = cleaned(bytes.data, bytes.size,
					     1 + (size_t)random() % bytes.size);
		assert_string_equal(whole, cut);
		assert_null(strchr(whole, '\033'));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_cuts_make_no_difference),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
