// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/cleanup.h"
#include "proto/base/mem.h"

#define BAD "\xef\xbf\xbd" /* U+FFFD */

static const struct {
	const char *text, *clean; /* NULL: as it is */
	const char *why;
} cases[] = {
	{"", NULL, "nothing"},
	{"plain", NULL, "ASCII"},
	{"caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\xa7", NULL, "two, three and four bytes"},
	{"\xf4\x8f\xbf\xbf", NULL, "U+10FFFF, the last"},
	{BAD, NULL, "what stands for wrong bytes is right itself"},
	{"a\xff"
	 "b",
	 "a" BAD "b", "never a byte of UTF-8"},
	{"caf\xe9", "caf" BAD, "Latin-1, cut by the end"},
	{"\x80", BAD, "goes on without a start"},
	{"\xc0\xaf", BAD BAD, "overlong '/'"},
	{"\xe0\x80\xaf", BAD BAD BAD, "overlong in three"},
	{"\xed\xa0\x80", BAD BAD BAD, "a surrogate"},
	{"\xf4\x90\x80\x80", BAD BAD BAD BAD, "past U+10FFFF"},
	{"\xf0\x9f\x90", BAD BAD BAD, "one byte short"},
	{"\xe2\x82\xc3\xa9", BAD BAD "\xc3\xa9", "cut by another character"},
};

static void test_clean(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *copy = NULL;
		autofree char *again = NULL;
		const char *clean = utf8_clean(cases[i].text, &copy);
		const char *expected = cases[i].clean ? cases[i].clean : cases[i].text;
		if (strcmp(clean, expected) != 0 || (copy != NULL) != (cases[i].clean != NULL))
			fail_msg("%s: '%s'", cases[i].why, clean);
		assert_ptr_equal(clean, copy ? copy : cases[i].text);
		assert_ptr_equal(utf8_clean(clean, &again), clean);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_clean),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
