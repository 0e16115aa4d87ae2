// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/base/cleanup.h"
#include "proto/base/state.h"

static void test_array(void **state)
{
	(void)state;
	autofree int *numbers = NULL;
	size_t n = 0;
	for (int i = 0; i < 1000; i++) {
		int *number = ARRAY_PUSH(numbers, n);
		assert_int_equal(*number, 0); /* zeroed */
		*number = i;
	}
	assert_int_equal(n, 1000);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(numbers[i], i);
}

static void test_fixed(void **state)
{
	(void)state;
	char name[4] = "xxx";
	STRCPY_FIXED(name, "abcdef");
	assert_string_equal(name, "abc");
	STRCPY_FIXED(name, "a");
	assert_string_equal(name, "a");
	STRCPY_FIXED(name, NULL);
	assert_string_equal(name, "");
}

static void test_copies(void **state)
{
	(void)state;
	autofree char *three = xstrndup("abcdef", 3);
	autofree char *bytes = xmemdup("a\0b", 3);
	autofree void *nothing = xmemdup(NULL, 0);
	autofree char *text = xasprintf("%s-%d", "a", 7);
	assert_string_equal(three, "abc");
	assert_memory_equal(bytes, "a\0b", 3);
	assert_non_null(nothing);
	assert_string_equal(text, "a-7");
	assert_null(xstrdup(NULL));
}

static void test_take(void **state)
{
	(void)state;
	char *a = xstrdup("a");
	char *b = take(a);
	int fd = 7;
	assert_null(a);
	assert_string_equal(b, "a");
	assert_int_equal(take_fd(fd), 7);
	assert_int_equal(fd, -1);
	free(b);
}

static const struct {
	const char *assay_home, *xdg, *home, *folder;
} homes[] = {
	{"/a", "/x", "/h", "/a"},
	{"", "/x", "/h", "/x/assay"},
	{NULL, "/x", "/h", "/x/assay"},
	{NULL, "", "/h", "/h/.local/state/assay"},
	{NULL, NULL, "/h", "/h/.local/state/assay"},
};

static void set(const char *name, const char *value)
{
	assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

static void test_state_home(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(homes); i++) {
		set("ASSAY_HOME", homes[i].assay_home);
		set("XDG_STATE_HOME", homes[i].xdg);
		set("HOME", homes[i].home);
		autofree char *folder = state_home();
		assert_string_equal(folder, homes[i].folder);
	}
	set("HOME", NULL); /* a daemon has none */
	autofree char *folder = state_home();
	assert_int_equal(folder[0], '/');
	assert_non_null(strstr(folder, "/.local/state/assay"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_array),	   cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_copies),	   cmocka_unit_test(test_take),
		cmocka_unit_test(test_state_home),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
