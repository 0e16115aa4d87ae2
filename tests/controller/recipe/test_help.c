// SPDX-License-Identifier: GPL-3.0-or-later
/* The table of keys agrees with itself, and the reference page with the table. */
#include "tests/controller/recipe/recipe_help.h"

#include <errno.h>

#include "controller/recipe/keys.h"
#include "controller/recipe/value.h"
#include "proto/base/file.h"

/* docs/recipe.md is what `assay recipe help` prints; after a change of the table it is made anew.
 */
static void test_reference_page(void **state)
{
	autofree char *page = NULL;
	autofree char *made = NULL;
	struct err err;
	(void)state;
	assert_int_equal(file_read(ASSAY_SOURCE_DIR "/docs/recipe.md", 1 << 20, &page, NULL, &err),
			 0);
	assert_int_equal(recipe_help(NULL, &made, &err), 0);
	assert_string_equal(page, made);
}

static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < recipe_keys_count; i++) {
		const struct key *k = &recipe_keys[i];
		char parent[100];
		struct err err = ERR_NONE;
		print_message("%s\n", k->path);
		assert_ptr_equal(key_row(k->path), k); /* no path twice */
		assert_non_null(k->help);
		assert_true(k->help[strlen(k->help) - 1] == '.');
		assert_true(k->least <= k->most || !k->most);
		assert_true((k->type == KEY_WORD || k->item == KEY_WORD) == (k->words != NULL));
		assert_false(k->required && k->fallback);
		STRCPY_FIXED(parent, k->path);
		if (strrchr(parent, '.')) {
			*strrchr(parent, '.') = '\0';
			assert_non_null(key_row(parent));
		}
		if (k->fallback) {
			struct node *node = node_new(NODE_SCALAR, (struct place){0});
			node->text = xstrdup(k->fallback);
			assert_int_equal(value_read(node, k, k->type, &err), 0);
			node_free(node);
		}
	}
}

static void test_one_key(void **state)
{
	struct err err;
	autofree char *memory = NULL;
	autofree char *same = NULL;
	autofree char *compare = NULL;
	(void)state;
	assert_int_equal(recipe_help("guests.*.memory", &memory, &err), 0);
	assert_string_equal(memory, "guests.*.memory\n"
				    "  Memory of the VM.\n"
				    "  Value: a size such as 512M or 1GiB, 1M to 64T\n"
				    "  Default: 512M\n"
				    "  Driver: qemu\n"
				    "  References: {param} {axis} {host}\n");
	assert_int_equal(recipe_help("guests.debian.memory", &same, &err), 0);
	assert_string_equal(same, memory);
	assert_int_equal(recipe_help("compare", &compare, &err), 0);
	assert_string_equal(compare,
			    "compare\n"
			    "  Which axis the results are compared along.\n"
			    "  Value: a map\n"
			    "\ncompare.axis\n  The axis.\n"
			    "\ncompare.baseline\n"
			    "  The value that the others are compared with; the axis' first unless "
			    "said.\n");
}

static void test_unknown_key(void **state)
{
	struct err err;
	char *text = NULL;
	(void)state;
	assert_int_equal(recipe_help("runs.iteratons", &text, &err), -ENOENT);
	assert_string_equal(err.text,
			    "unknown key 'runs.iteratons'; did you mean 'runs.iterations'?");
	assert_int_equal(recipe_help("", &text, &err), -ENOENT);
	assert_int_equal(recipe_help("...", &text, &err), -ENOENT);
	assert_null(text);
}

static void test_match(void **state)
{
	static const struct {
		const char *path;
		const char *row; /* NULL: none */
	} cases[] = {
		{"guests.debian.disk.3.fresh", "guests.*.disk.fresh"},
		{"guests.debian.disk.fresh", "guests.*.disk.fresh"},
		{"guests.7", "guests.*"}, /* a name may be a number */
		{"measure.counters.2", "measure.counters"},
		{"include.0.guest", "include.*"},
		{"windows.boot.from.console", "windows.*.from.console"},
		{"windows.boot.from.regex", NULL},
		{"runs.x", NULL},
		{"x", NULL},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct key *key = key_match(cases[i].path);
		print_message("%s\n", cases[i].path);
		if (cases[i].row)
			assert_string_equal(key->path, cases[i].row);
		else
			assert_null(key);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reference_page), cmocka_unit_test(test_table),
		cmocka_unit_test(test_one_key),	       cmocka_unit_test(test_unknown_key),
		cmocka_unit_test(test_match),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
