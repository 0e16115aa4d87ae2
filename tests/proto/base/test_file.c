// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/cleanup.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

static char folder[] = "/tmp/assay-file-XXXXXX";

static int setup(void **state)
{
	(void)state;
	return mkdtemp(folder) ? chdir(folder) : -1;
}

static int teardown(void **state)
{
	(void)state;
	return chdir("/") == 0 ? file_remove_tree(folder, NULL) : -1;
}

static bool exists(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0;
}

static void test_read_and_write(void **state)
{
	(void)state;
	autofree char *text = NULL;
	size_t size = 0;
	struct stat st;
	struct err err = ERR_NONE;
	assert_int_equal(file_write_atomic("a", "one\0two", 7, 0640, &err), 0);
	assert_int_equal(file_read("a", 7, &text, &size, &err), 0);
	assert_int_equal(size, 7);
	assert_memory_equal(text, "one\0two", 8); /* and NUL after its end */
	assert_int_equal(stat("a", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
}

static void test_limit(void **state)
{
	(void)state;
	char *text = (char *)folder;
	struct err err = ERR_NONE;
	assert_int_equal(file_write_atomic("big", "12345678", 8, 0600, &err), 0);
	assert_int_equal(file_read("big", 7, &text, NULL, &err), -EFBIG);
	assert_string_equal(err.text, "big is larger than 7 bytes");
	assert_ptr_equal(text, folder); /* untouched */
	/* A file that never ends is refused too, not read to the end of memory. */
	assert_int_equal(file_read("/dev/zero", 100000, &text, NULL, &err), -EFBIG);
	assert_int_equal(file_read("none", 7, &text, NULL, &err), -ENOENT);
	assert_string_equal(err.text, "open none: No such file or directory");
	assert_int_equal(file_read(".", 7, &text, NULL, &err), -EISDIR);
}

static void test_empty_file(void **state)
{
	(void)state;
	autofree char *text = NULL;
	size_t size = 9;
	assert_int_equal(file_write_atomic("empty", "", 0, 0600, NULL), 0);
	assert_int_equal(file_read("empty", 0, &text, &size, NULL), 0);
	assert_string_equal(text, "");
	assert_int_equal(size, 0);
}

static size_t count_entries(const char *path)
{
	autofree char *command = xasprintf("ls -A %s | wc -l", path);
	FILE *pipe = popen(command, "r");
	size_t n = 0;
	assert_non_null(pipe);
	assert_int_equal(fscanf(pipe, "%zu", &n), 1);
	pclose(pipe);
	return n;
}

/* All or nothing: a write that fails half-way leaves the old file, and nothing beside it. */
static void test_failed_write(void **state)
{
	(void)state;
	struct rlimit old, small = {.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
	autofree char *block = xcalloc(1, 100000);
	autofree char *text = NULL;
	struct err err = ERR_NONE;
	assert_int_equal(file_mkdirs("atomic", 0700, NULL), 0);
	assert_int_equal(file_write_atomic("atomic/f", "old", 3, 0600, NULL), 0);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	int r = file_write_atomic("atomic/f", block, 100000, 0600, &err);
	int r_unread = file_write_atomic("atomic/f", block, 100000, 0600, NULL);
	setrlimit(RLIMIT_FSIZE, &old);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(r_unread, -EFBIG);
	assert_int_equal(file_read("atomic/f", 100, &text, NULL, NULL), 0);
	assert_string_equal(text, "old");
	assert_int_equal(count_entries("atomic"), 1);
	/* Onto a folder: the rename fails. */
	assert_int_equal(file_mkdirs("atomic/d/x", 0700, NULL), 0);
	assert_true(file_write_atomic("atomic/d", "x", 1, 0600, &err) < 0);
	assert_int_equal(count_entries("atomic"), 2);
	assert_int_equal(file_write_atomic("none/f", "x", 1, 0600, &err), -ENOENT);
}

static void test_mkdirs(void **state)
{
	(void)state;
	struct stat st;
	struct err err = ERR_NONE;
	assert_int_equal(file_mkdirs("m/a/b/c", 0700, &err), 0);
	assert_int_equal(file_mkdirs("m/a/b/c", 0700, &err), 0); /* there already */
	assert_int_equal(stat("m/a/b/c", &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	autofree char *absolute = xasprintf("%s/m/abs/x", folder);
	assert_int_equal(file_mkdirs(absolute, 0700, &err), 0);
	assert_int_equal(file_write_atomic("m/file", "", 0, 0600, NULL), 0);
	assert_int_equal(file_mkdirs("m/file/x", 0700, &err), -ENOTDIR);
	assert_non_null(strstr(err.text, "make folder m/file/x"));
	/* What is there is no folder. */
	assert_int_equal(file_mkdirs("m/file", 0700, &err), -ENOTDIR);
}

static void test_remove_tree(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	assert_int_equal(file_mkdirs("r/a/b", 0700, NULL), 0);
	assert_int_equal(file_mkdirs("outside/keep", 0700, NULL), 0);
	assert_int_equal(file_write_atomic("r/a/f", "x", 1, 0400, NULL), 0);
	assert_int_equal(symlink("../outside", "r/link"), 0);
	assert_int_equal(symlink("nowhere", "r/a/dangling"), 0);
	assert_int_equal(file_remove_tree("r", &err), 0);
	assert_false(exists("r"));
	assert_true(exists("outside/keep")); /* the link went, what it names stays */
	assert_int_equal(symlink("outside", "top"), 0);
	assert_int_equal(file_remove_tree("top", &err), 0);
	assert_false(exists("top"));
	assert_true(exists("outside/keep"));
	assert_int_equal(file_remove_tree("r", &err), 0); /* not there: fine */
}

static void test_join(void **state)
{
	(void)state;
	autofree char *relative = file_join("/a", "b/c");
	autofree char *absolute = file_join("/a", "/b");
	assert_string_equal(relative, "/a/b/c");
	assert_string_equal(absolute, "/b");
}

static void test_write_all(void **state)
{
	(void)state;
	int fds[2];
	assert_int_equal(pipe(fds), 0);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(fd_write_all(fds[1], "hello", 5), 0);
	close(fds[0]);
	assert_int_equal(fd_write_all(fds[1], "hello", 5), -EPIPE);
	close(fds[1]);
	assert_int_equal(fd_write_all(-1, "x", 1), -EBADF);
}

static void test_program_folder(void **state)
{
	(void)state;
	autofree char *program = file_program_folder();
	autofree char *self = file_join(program, "proto_base_test_file");
	assert_int_equal(program[0], '/');
	assert_true(exists(self));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read_and_write), cmocka_unit_test(test_limit),
		cmocka_unit_test(test_empty_file),     cmocka_unit_test(test_failed_write),
		cmocka_unit_test(test_mkdirs),	       cmocka_unit_test(test_remove_tree),
		cmocka_unit_test(test_join),	       cmocka_unit_test(test_write_all),
		cmocka_unit_test(test_program_folder),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
