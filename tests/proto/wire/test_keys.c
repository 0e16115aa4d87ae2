// SPDX-License-Identifier: GPL-3.0-or-later
/* keys - made once even by programs that start together, refused where others could read them. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"
#include "proto/wire/keys.h"

struct place {
	char root[64];	 /* a fresh folder */
	char folder[80]; /* <root>/keys: not there yet */
	char key[100];
	char pub[100];
};

static int set_up(void **state)
{
	struct place *p = xcalloc(1, sizeof(*p));
	strcpy(p->root, "/tmp/assay-keys-XXXXXX");
	if (!mkdtemp(p->root))
		return -1;
	snprintf(p->folder, sizeof(p->folder), "%s/keys", p->root);
	snprintf(p->key, sizeof(p->key), "%s/agent.key", p->folder);
	snprintf(p->pub, sizeof(p->pub), "%s/agent.pub", p->folder);
	umask(022);
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;
	int r = file_remove_tree(p->root, NULL);
	free(p);
	return r;
}

static struct key_pair load(const struct place *p)
{
	struct key_pair pair;
	struct err err = ERR_NONE;
	if (keys_load_or_make(p->folder, "agent", &pair, &err) < 0)
		fail_msg("%s", err.text);
	return pair;
}

static unsigned mode_of(const char *path)
{
	struct stat st;
	assert_int_equal(stat(path, &st), 0);
	return st.st_mode & 07777;
}

static void put(const char *path, const char *text, unsigned mode)
{
	struct err err = ERR_NONE;
	if (file_write_atomic(path, text, strlen(text), mode, &err) < 0)
		fail_msg("%s", err.text);
}

static void expect_refusal(const struct place *p, int code, const char *says, const char *why)
{
	struct key_pair pair = {"untouched", "untouched"};
	struct err err = ERR_NONE;
	int r = keys_load_or_make(p->folder, "agent", &pair, &err);
	if (r != -code || !strstr(err.text, says))
		fail_msg("%s: gives %d '%s' instead of '%s'", why, r, err.text, says);
	assert_string_equal(pair.secret_key, "untouched");
}

static void test_makes_and_loads(void **state)
{
	const struct place *p = *state;
	char public_key[KEY_TEXT_SIZE];
	struct key_pair made = load(p), loaded = load(p);
	assert_true(keys_valid(made.public_key) && keys_valid(made.secret_key));
	assert_memory_equal(&made, &loaded, sizeof(made));
	assert_int_equal(keys_load_public(p->folder, "agent", public_key, NULL), 0);
	assert_string_equal(public_key, made.public_key);
	assert_int_equal(mode_of(p->folder), 0700);
	assert_int_equal(mode_of(p->key), 0600);
	assert_int_equal(mode_of(p->pub), 0644);
	keys_forget(&loaded);
	for (size_t i = 0; i < sizeof(loaded); i++)
		assert_int_equal(((char *)&loaded)[i], 0);
}

static void test_secret_is_not_in_the_public_file(void **state)
{
	const struct place *p = *state;
	struct key_pair pair = load(p);
	autofree char *text = NULL;
	assert_int_equal(file_read(p->pub, 4096, &text, NULL, NULL), 0);
	assert_non_null(strstr(text, pair.public_key));
	assert_null(strstr(text, pair.secret_key));
}

static void test_modes(void **state)
{
	const struct place *p = *state;
	static const struct {
		const char *why;
		unsigned folder, key, pub;
		const char *says; /* NULL: fine */
	} cases[] = {
		{"as made", 0700, 0600, 0644, NULL},
		{"stricter", 0700, 0400, 0600, NULL},
		{"the group reads the secret", 0700, 0640, 0644, "(mode 0640); run: chmod 600 "},
		{"others read the secret", 0700, 0604, 0644, "(mode 0604); run: chmod 600 "},
		{"others write the secret", 0700, 0602, 0644, "(mode 0602); run: chmod 600 "},
		{"the group may list", 0750, 0600, 0644, "(mode 0750); run: chmod 700 "},
		{"others may pass", 0701, 0600, 0644, "(mode 0701); run: chmod 700 "},
		{"others may replace the public key", 0700, 0600, 0666, "run: chmod 644 "},
	};
	load(p);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct key_pair pair;
		assert_int_equal(chmod(p->folder, cases[i].folder), 0);
		assert_int_equal(chmod(p->key, cases[i].key), 0);
		assert_int_equal(chmod(p->pub, cases[i].pub), 0);
		if (cases[i].says)
			expect_refusal(p, EACCES, cases[i].says, cases[i].why);
		else if (keys_load_or_make(p->folder, "agent", &pair, NULL) < 0)
			fail_msg("%s: refused", cases[i].why);
	}
}

static void test_spoiled_files(void **state)
{
	const struct place *p = *state;
	struct key_pair a = load(p), b;
	assert_int_equal(keys_load_or_make(p->folder, "other", &b, NULL), 0);
	const struct {
		const char *why, *says;
		char *text;
	} cases[] = {
		{"nothing in it", "has no line 'public <key>'", xstrdup("")},
		{"comments only", "has no line 'public <key>'", xstrdup("# public secret\n")},
		{"one half", "has no line 'secret <key>'", xasprintf("public %s\n", a.public_key)},
		{"one short", "what follows 'public' is not a key of 40",
		 xasprintf("public %.39s\nsecret %s\n", a.public_key, a.secret_key)},
		{"one long", "what follows 'secret' is not a key of 40",
		 xasprintf("public %s\nsecret %s1\n", a.public_key, a.secret_key)},
		{"no Z85", "what follows 'secret' is not a key of 40",
		 xasprintf("public %s\nsecret ~%s\n", a.public_key, a.secret_key + 1)},
		{"halves of two", "does not belong to its secret key",
		 xasprintf("public %s\nsecret %s\n", a.public_key, b.secret_key)},
		{"much too large", "is too large to be one", xasprintf("%05000d", 0)},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int code = strstr(cases[i].says, "too large") ? EFBIG : EINVAL;
		put(p->key, cases[i].text, 0600);
		expect_refusal(p, code, cases[i].says, cases[i].why);
		free(cases[i].text);
	}
	assert_int_equal(unlink(p->key), 0);
	assert_int_equal(mkdir(p->key, 0700), 0);
	expect_refusal(p, EINVAL, "is not a regular file", "a folder");
}

static void test_last_line_may_lack_its_newline(void **state)
{
	const struct place *p = *state;
	struct key_pair a = load(p);
	autofree char *text = xasprintf("secret %s\r\n\npublic %s", a.secret_key, a.public_key);
	put(p->key, text, 0600);
	struct key_pair again = load(p);
	assert_memory_equal(&a, &again, sizeof(a));
}

static void test_public_file_of_another_pair(void **state)
{
	const struct place *p = *state;
	struct key_pair b;
	load(p);
	assert_int_equal(keys_load_or_make(p->folder, "other", &b, NULL), 0);
	autofree char *text = xasprintf("public %s\n", b.public_key);
	put(p->pub, text, 0644);
	expect_refusal(p, EINVAL, "is not the public half of", "it would be copied to peers");
	assert_int_equal(unlink(p->pub), 0);
	load(p);
	assert_int_equal(access(p->pub, F_OK), 0);
}

static void test_names_stay_in_the_folder(void **state)
{
	static const char *const names[] = {"", "../agent", "a/b", ".", "..", ".hidden"};
	const struct place *p = *state;
	struct key_pair pair;
	char public_key[KEY_TEXT_SIZE];
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (keys_load_or_make(p->folder, names[i], &pair, NULL) != -EINVAL ||
		    keys_load_public(p->folder, names[i], public_key, NULL) != -EINVAL)
			fail_msg("'%s' is accepted", names[i]);
	}
}

static void test_missing_public_key(void **state)
{
	const struct place *p = *state;
	char public_key[KEY_TEXT_SIZE];
	struct err err = ERR_NONE;
	assert_int_equal(keys_load_public(p->folder, "controller", public_key, &err), -ENOENT);
	assert_non_null(strstr(err.text, "controller.pub: No such file"));
}

/* Children wait for one pipe to close, so that they start together. */
static void test_programs_that_start_at_once_get_one_pair(void **state)
{
	enum { PROGRAMS = 8 };
	const struct place *p = *state;
	int start[2], results[2];
	struct key_pair first, next;
	assert_int_equal(pipe(start) + pipe(results), 0);
	for (int i = 0; i < PROGRAMS; i++) {
		if (fork() != 0)
			continue;
		char byte;
		struct key_pair pair = {"", ""};
		close(start[1]);
		bool ok = read(start[0], &byte, 1) == 0 &&
			  keys_load_or_make(p->folder, "agent", &pair, NULL) == 0 &&
			  write(results[1], &pair, sizeof(pair)) == sizeof(pair);
		_exit(ok ? 0 : 1);
	}
	close(start[0]);
	close(start[1]);
	for (int i = 0; i < PROGRAMS; i++) {
		int status;
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
		assert_int_equal(read(results[0], &next, sizeof(next)), sizeof(next));
		if (i == 0)
			first = next;
		assert_memory_equal(&first, &next, sizeof(first));
	}
	close(results[0]);
	close(results[1]);
	autofree char *list = xasprintf("test $(ls -A %s | wc -l) = 2", p->folder);
	assert_int_equal(system(list), 0); /* nothing left over */
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_makes_and_loads),
		TEST(test_secret_is_not_in_the_public_file),
		TEST(test_modes),
		TEST(test_spoiled_files),
		TEST(test_last_line_may_lack_its_newline),
		TEST(test_public_file_of_another_pair),
		TEST(test_names_stay_in_the_folder),
		TEST(test_missing_public_key),
		TEST(test_programs_that_start_at_once_get_one_pair),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
