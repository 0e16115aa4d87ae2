// SPDX-License-Identifier: GPL-3.0-or-later
/* Images: found, hashed, listed for the guest that uses them; what is missing or wrong. */
#include "tests/controller/recipe/recipe_help.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/file.h"

struct lab {
	char folder[64];
	char images[100];
	char cache[100];
	char recipe[100]; /* not there: only names the folder that files are relative to */
};

static void put(const struct lab *lab, const char *name, const char *text)
{
	struct err err;
	autofree char *path = file_join(lab->folder, name);
	autofree char *folder = xstrdup(path);
	*strrchr(folder, '/') = '\0';
	assert_int_equal(file_mkdirs(folder, 0700, &err), 0);
	assert_int_equal(file_write_atomic(path, text, strlen(text), 0600, &err), 0);
}

static int set_up(void **state)
{
	struct lab *lab = xcalloc(1, sizeof(*lab));
	strcpy(lab->folder, "/tmp/assay-images-XXXXXX");
	assert_non_null(mkdtemp(lab->folder));
	snprintf(lab->images, sizeof(lab->images), "%s/built", lab->folder);
	snprintf(lab->cache, sizeof(lab->cache), "%s/cache", lab->folder);
	snprintf(lab->recipe, sizeof(lab->recipe), "%s/recipes/r.yaml", lab->folder);
	put(lab, "built/deb/image.json",
	    "{\"name\": \"deb\", \"main\": \"disk\", \"parts\": {\"disk\": \"d.raw\", \"kernel\": "
	    "\"vmlinuz\"}, \"inputs\": \"x\"}");
	put(lab, "built/deb/d.raw", "disk");
	put(lab, "built/deb/vmlinuz", "kernel");
	put(lab, "recipes/files/tool", "tool");
	*state = lab;
	return 0;
}

static int tear_down(void **state)
{
	struct lab *lab = *state;
	file_remove_tree(lab->folder, NULL);
	free(lab);
	return 0;
}

static char *join3(const char *a, const char *b, const char *c)
{
	return xasprintf("%s%s%s", a, b, c);
}

static void sha_of(const char *text, char ret[HASH_HEX_SIZE])
{
	hash_bytes(text, strlen(text), ret);
}

static struct recipe *parse_in(const struct lab *lab, const char *yaml)
{
	struct recipe_options options = {.runs = -1, .images = lab->images};
	return parse_as(lab->recipe, yaml, &options);
}

static const char both[] = HEAD "axes: {guest: [vm, tool]}\n"
				"images: {deb: {build: deb}, tool: {file: files/tool}}\n"
				"guests:\n"
				"  vm:\n"
				"    driver: qemu\n"
				"    kernel: '{image.deb.kernel}'\n"
				"    disk: {image: '{image.deb}'}\n"
				"    args: ['-blockdev', 'file={image.deb.disk},x']\n"
				"  tool: {driver: process, command: ['{image.tool}']}\n";

static void test_found_and_listed(void **state)
{
	const struct lab *lab = *state;
	struct recipe_errors errors = {0};
	automatrix struct matrix m = {0};
	char disk[HASH_HEX_SIZE], kernel[HASH_HEX_SIZE], tool[HASH_HEX_SIZE];
	autorecipe struct recipe *r = parse_in(lab, both);
	sha_of("disk", disk);
	sha_of("kernel", kernel);
	sha_of("tool", tool);
	assert_int_equal(recipe_matrix(r, NULL, lab->cache, &m, &errors), 0);
	const struct guest_spec *vm = &m.cells[0].spec->guest, *t = &m.cells[1].spec->guest;
	autofree char *kernel_token = join3(IMAGE_TOKEN, kernel, "");
	autofree char *disk_token = join3(IMAGE_TOKEN, disk, "");
	autofree char *argument = join3("file=" IMAGE_TOKEN, disk, ",x");
	autofree char *path = join3(lab->images, "/deb/d.raw", "");
	assert_string_equal(vm->kernel, kernel_token);
	assert_string_equal(vm->disks[0].file, disk_token);
	assert_string_equal(vm->args[1], argument);
	assert_int_equal(vm->n_images, 2); /* the main file is one of its parts, and there once */
	assert_string_equal(vm->images[0].name, "deb.disk");
	assert_string_equal(vm->images[0].sha256, disk);
	assert_string_equal(vm->images[0].path, path);
	assert_int_equal(vm->images[0].size_bytes, 4);
	assert_string_equal(vm->images[1].name, "deb.kernel");
	assert_string_equal(vm->images[1].sha256, kernel);
	assert_int_equal(t->n_images, 1);
	assert_string_equal(t->images[0].name, "tool");
	assert_string_equal(t->images[0].sha256, tool);
}

static void expect_refusal(const struct lab *lab, const char *yaml, const char *expected)
{
	struct recipe_errors errors = {0};
	automatrix struct matrix m = {0};
	autorecipe struct recipe *r = parse_in(lab, yaml);
	assert_int_equal(recipe_matrix(r, NULL, lab->cache, &m, &errors), -EINVAL);
	autofree char *said = said_take(&errors);
	autofree char *whole = join3(lab->recipe, expected, "");
	/* Paths below the folder are written as "@" in what is expected. */
	autotext struct text plain = {0};
	for (const char *at = said; *at;) {
		bool path = text_starts(at, lab->folder) && at != said;
		text_add_bytes(&plain, path ? "@" : at, 1);
		at += path ? strlen(lab->folder) : 1;
	}
	assert_string_equal(plain.data, whole);
}

#define USES(reference) "guests: {a: {driver: process, command: ['" reference "']}}\n"

static void test_not_built(void **state)
{
	expect_refusal(*state, HEAD USES("{image.u}") "images:\n  u: {build: treebench-u}\n",
		       ":5:3: image 'u' is not built; make it with: images/build.sh treebench-u\n");
}

/* Said once, however often it is used. */
static void test_not_built_used_twice(void **state)
{
	expect_refusal(*state,
		       HEAD
		       "axes: {n: [1, 2]}\nguests: {a: {driver: qemu, kernel: '{image.u.kernel}', "
		       "disk: {image: '{image.u}'}}}\nimages: {u: {build: u}}\n",
		       ":5:10: image 'u' is not built; make it with: images/build.sh u\n");
}

static void test_unknown_part(void **state)
{
	expect_refusal(*state, HEAD USES("{image.d.kernl}") "images: {d: {build: deb}}\n",
		       ":3:41: image 'd' has no part 'kernl', only disk, kernel; did you mean "
		       "'kernel'?\n");
}

static void test_part_of_a_file(void **state)
{
	expect_refusal(*state, HEAD USES("{image.t.x}") "images: {t: {file: files/tool}}\n",
		       ":3:41: image 't' is a single file and has no part 'x'\n");
}

static void test_wrong_sha256(void **state)
{
	char tool[HASH_HEX_SIZE];
	sha_of("tool", tool);
	autofree char *expected = xasprintf(
		":4:10: image 't' @/recipes/files/tool has the sha256 %s, but the recipe wants "
		"0000000000000000000000000000000000000000000000000000000000000000\n",
		tool);
	expect_refusal(*state,
		       HEAD USES("{image.t}") "images: {t: {file: files/tool, sha256: "
					      "'0000000000000000000000000000000000000000000000000"
					      "000000000000000'}}\n",
		       expected);
}

static void test_right_sha256(void **state)
{
	const struct lab *lab = *state;
	char tool[HASH_HEX_SIZE];
	automatrix struct matrix m = {0};
	sha_of("tool", tool);
	autofree char *yaml = xasprintf("%simages: {t: {file: files/tool, sha256: '%s'}}\n",
					HEAD USES("{image.t}"), tool);
	autorecipe struct recipe *r = parse_in(lab, yaml);
	cells(r, NULL, &m);
	assert_string_equal(m.cells[0].spec->guest.images[0].sha256, tool);
}

static void test_missing_file(void **state)
{
	expect_refusal(*state, HEAD USES("{image.t}") "images: {t: {file: gone}}\n",
		       ":4:10: image 't' open @/recipes/gone: No such file or directory\n");
}

static void test_folder_instead_of_a_file(void **state)
{
	expect_refusal(*state, HEAD USES("{image.t}") "images: {t: {file: files}}\n",
		       ":4:10: image 't' @/recipes/files is not a regular file\n");
}

static void test_fifo_instead_of_a_file(void **state)
{
	const struct lab *lab = *state;
	autofree char *path = file_join(lab->folder, "recipes/fifo");
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_refusal(*state, HEAD USES("{image.t}") "images: {t: {file: fifo}}\n",
		       ":4:10: image 't' @/recipes/fifo is not a regular file\n");
}

static void test_broken_descriptions(void **state)
{
	static const struct {
		const char *why;
		const char *json;
		const char *expected;
	} cases[] = {
		{"not JSON", "{\"main\": ",
		 ":4:10: image 'b' has a broken description, @/built/b/image.json; make it again "
		 "with: images/build.sh --force b\n"},
		{"no parts", "{\"main\": \"x\"}",
		 ":4:10: image 'b' has a broken description, @/built/b/image.json; make it again "
		 "with: images/build.sh --force b\n"},
		{"a list", "[]",
		 ":4:10: image 'b' has a broken description, @/built/b/image.json; make it again "
		 "with: images/build.sh --force b\n"},
		{"a main part that is not there", "{\"main\": \"x\", \"parts\": {\"y\": \"f\"}}",
		 ":3:41: image 'b' has no part 'x', only y; did you mean 'y'?\n"},
		{"a way out", "{\"main\": \"x\", \"parts\": {\"x\": \"../deb/d.raw\"}}",
		 ":4:10: image 'b' names a file outside its folder, '../deb/d.raw'\n"},
		{"a part that is a number", "{\"main\": \"x\", \"parts\": {\"x\": 3}}",
		 ":3:41: image 'b' has no part 'x', only x; did you mean 'x'?\n"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		print_message("%s\n", cases[i].why);
		put(*state, "built/b/image.json", cases[i].json);
		expect_refusal(*state, HEAD USES("{image.b}") "images: {b: {build: b}}\n",
			       cases[i].expected);
	}
}

static void test_no_folder_of_images(void **state)
{
	struct recipe_errors errors = {0};
	automatrix struct matrix m = {0};
	(void)state;
	autorecipe struct recipe *r = parse(HEAD USES("{image.b}") "images: {b: {build: b}}\n");
	assert_int_equal(recipe_matrix(r, NULL, NULL, &m, &errors), -EINVAL);
	autofree char *said = said_take(&errors);
	assert_string_equal(
		said,
		"r:4:10: image 'b' is made by images/build.sh b, but where built images are is not "
		"known; name their folder with --images or $ASSAY_IMAGES\n");
}

/* The cache only saves time: rubbish in it changes nothing, and a file that changed is hashed. */
static void test_cache(void **state)
{
	const struct lab *lab = *state;
	static const char yaml[] = HEAD USES("{image.t}") "images: {t: {file: files/tool}}\n";
	autofree char *path = file_join(lab->folder, "recipes/files/tool");
	char sha[HASH_HEX_SIZE];
	struct timespec old[2] = {{.tv_sec = 1000}, {.tv_sec = 1000}};
	static const char *const contents[] = {"tool", "took", NULL};
	put(lab, "cache/image-hashes", "\001rubbish\n1:2:3:4.5 zzz\n");
	for (size_t i = 0; contents[i]; i++) {
		automatrix struct matrix m = {0};
		automatrix struct matrix again = {0};
		put(lab, "recipes/files/tool", contents[i]);
		old[1].tv_sec++;
		assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
		autorecipe struct recipe *r = parse_in(lab, yaml);
		sha_of(contents[i], sha);
		assert_int_equal(recipe_matrix(r, NULL, lab->cache, &m, NULL), 0);
		assert_string_equal(m.cells[0].spec->guest.images[0].sha256, sha);
		assert_int_equal(recipe_matrix(r, NULL, lab->cache, &again, NULL), 0);
		assert_string_equal(again.cells[0].spec->guest.images[0].sha256, sha);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_found_and_listed),
		TEST(test_not_built),
		TEST(test_not_built_used_twice),
		TEST(test_unknown_part),
		TEST(test_part_of_a_file),
		TEST(test_wrong_sha256),
		TEST(test_right_sha256),
		TEST(test_missing_file),
		TEST(test_folder_instead_of_a_file),
		TEST(test_fifo_instead_of_a_file),
		TEST(test_broken_descriptions),
		TEST(test_no_folder_of_images),
		TEST(test_cache),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
