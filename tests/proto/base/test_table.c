// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/table.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct row {
	const char *name;
	int (*open)(void);
	int (*close)(void);
};

static int nothing(void)
{
	return 0;
}

static const struct row perf = {"perf", nothing, nothing};
static const struct row hwmon = {"hwmon", nothing, NULL};
static const struct row hollow = {"hollow", NULL, nothing};
static const struct row twin = {"perf", nothing, nothing};
static const struct row nameless = {NULL, nothing, nothing};
static const struct row blank = {"", nothing, nothing};

static const struct table_member required[] = {TABLE_MEMBER(struct row, open), {NULL, 0}};

static const struct {
	const struct row *rows[4];
	int code;
	const char *says;
} tables[] = {
	{{&perf, &hwmon}, 0, ""}, /* close is optional */
	{{NULL}, 0, ""},
	{{&perf, &hollow}, EINVAL, "energy: hollow lacks open"},
	{{&perf, &hwmon, &twin}, EEXIST, "energy: two rows are named perf"},
	{{&perf, &nameless}, EINVAL, "energy: row 1 has no name"},
	{{&blank}, EINVAL, "energy: row 0 has no name"},
};

static void test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		struct err err = ERR_NONE;
		const void *const *rows = (const void *const *)tables[i].rows;
		assert_int_equal(table_check("energy", rows, required, &err), -tables[i].code);
		assert_string_equal(err.text, tables[i].says);
	}
}

static void test_find(void **state)
{
	(void)state;
	static const void *const rows[] = {&perf, &hwmon, NULL};
	static const void *const none[] = {NULL};
	const void *row = &hollow;
	struct err err = ERR_NONE;
	assert_int_equal(table_find(rows, "source", "pref", &row, &err), -ENOENT);
	assert_string_equal(err.text,
			    "unknown source 'pref', did you mean 'perf'?; known are perf, hwmon");
	assert_int_equal(table_find(rows, "source", "powercap", &row, &err), -ENOENT);
	assert_string_equal(err.text, "unknown source 'powercap'; known are perf, hwmon");
	assert_int_equal(table_find(none, "source", "x", &row, &err), -ENOENT);
	assert_string_equal(err.text, "unknown source 'x'; known are none");
	assert_ptr_equal(row, &hollow); /* untouched */
	assert_int_equal(table_find(rows, "source", "hwmon", &row, &err), 0);
	assert_ptr_equal(row, &hwmon);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_find),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
