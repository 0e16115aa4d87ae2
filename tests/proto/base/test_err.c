// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/err.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void test_say(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(err_say(&err, EINVAL, "memory: '%s' has no unit", "512"), -EINVAL);
	assert_int_equal(err.code, EINVAL);
	assert_string_equal(err.text, "memory: '512' has no unit");
}

static void test_sys(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(err_sys(&err, ENOENT, "open %s", "/x"), -ENOENT);
	assert_string_equal(err.text, "open /x: No such file or directory");
}

static void test_wrap(void **state)
{
	(void)state;
	struct err err;
	err_say(&err, ENOSPC, "no room");
	assert_int_equal(err_wrap(&err, "run %d", 7), -ENOSPC);
	assert_string_equal(err.text, "run 7: no room");
	assert_int_equal(err.code, ENOSPC);
}

/* A reader of text, not a sentence with traps in it. */
static void test_one_line(void **state)
{
	(void)state;
	struct err err;
	err_say(&err, EINVAL, "name '%s' is bad", "a\nb\t\x1b[31mc\x7f");
	assert_string_equal(err.text, "name 'a b  [31mc ' is bad");
}

static void test_without_reader(void **state)
{
	(void)state;
	assert_int_equal(err_say(NULL, EPERM, "x"), -EPERM);
	assert_int_equal(err_sys(NULL, EPERM, "x"), -EPERM);
	assert_int_equal(err_wrap(NULL, "x"), -EIO);
}

/* Nobody may take an error for a success: a code that is none becomes EIO. */
static void test_code_is_never_none(void **state)
{
	(void)state;
	struct err err;
	assert_int_equal(err_say(&err, 0, "x"), -EIO);
	assert_int_equal(err_sys(&err, -5, "x"), -EIO);
	assert_int_equal(err_say(NULL, 0, "x"), -EIO);
	assert_int_equal(err.code, EIO);
}

static void test_long_texts_are_cut(void **state)
{
	(void)state;
	struct err err;
	char text[2000];
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	err_say(&err, EINVAL, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_wrap(&err, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_sys(&err, EINVAL, "%s", text);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_say),
		cmocka_unit_test(test_sys),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_one_line),
		cmocka_unit_test(test_without_reader),
		cmocka_unit_test(test_code_is_never_none),
		cmocka_unit_test(test_long_texts_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
