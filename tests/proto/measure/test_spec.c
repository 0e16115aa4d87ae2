// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/measure/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/mem.h"

static void test_strv(void **state)
{
	(void)state;
	autostrv char **v = NULL;
	char word[] = "one";
	assert_int_equal(strv_count(NULL), 0);
	strv_push(&v, word);
	word[0] = 'X'; /* it was copied */
	strv_push(&v, "two");
	assert_int_equal(strv_count(v), 2);
	assert_string_equal(v[0], "one");
	assert_string_equal(v[1], "two");
	assert_null(v[2]);
	strv_free(NULL);
}

static void test_mark_names(void **state)
{
	(void)state;
	assert_string_equal(mark_kind_name(MARK_START), "start");
	assert_string_equal(mark_kind_name(MARK_RESUME), "resume");
	assert_string_equal(mark_kind_name(MARK_EXIT), "exit");
	assert_string_equal(mark_kind_name(MARK_CONSOLE), "console");
	assert_string_equal(mark_kind_name(MARK_KINDS), "unknown");
	for (int i = 0; i < MARK_KINDS; i++)
		assert_string_not_equal(mark_kind_name((enum mark_kind)i), "unknown");
}

/* The leak checker of the preset dev is the judge: every owned member is filled here. */
static void test_free_releases_all(void **state)
{
	(void)state;
	struct run_spec *spec = run_spec_new();
	struct guest_spec *g = &spec->guest;
	assert_int_equal(spec->attempt, 0);
	assert_null(spec->cell);
	spec->cell = xstrdup("{}");
	strv_push(&g->command, "true");
	strv_push(&g->env, "A=b");
	strv_push(&g->args, "-nodefaults");
	g->machine = xstrdup("q35");
	g->accel = xstrdup("kvm");
	g->cpu = xstrdup("host");
	g->kernel = xstrdup("k");
	g->initrd = xstrdup("i");
	g->append = xstrdup("a");
	ARRAY_PUSH(g->disks, g->n_disks)->file = xstrdup("d");
	ARRAY_PUSH(g->images, g->n_images)->path = xstrdup("p");
	struct window_spec *w = ARRAY_PUSH(spec->windows, spec->n_windows);
	w->from.pattern = xstrdup("BEGIN");
	w->to.pattern = xstrdup("END");
	strv_push(&spec->measure.counters, "cycles");
	strv_push(&spec->measure.energy, "package");
	run_spec_free(spec);
	run_spec_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strv),
		cmocka_unit_test(test_mark_names),
		cmocka_unit_test(test_free_releases_all),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
