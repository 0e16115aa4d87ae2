// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/sysfs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/cleanup.h"
#include "proto/base/mem.h"
#include "tests/fixtures/hosts/hosts.h"

static void put(const char *file, const char *text)
{
	autofree char *path = xasprintf("sys/%s", file);
	hosts_put("t", path, text);
}

static void open_host(struct host_root *ret)
{
	hosts_put("t", "proc/x", "");
	hosts_put("t", "sys/x", "");
	hosts_open("t", ret);
}

static const struct {
	const char *content; /* NULL: no file */
	int code;
	uint64_t value;
	const char *why;
} numbers[] = {
	{"0\n", 0, 0, ""},
	{"42\n", 0, 42, ""},
	{"42", 0, 42, "no newline"},
	{"42 \n", 0, 42, "drivers write a space"},
	{"0x1f\n", 0, 31, "hex"},
	{"010\n", 0, 10, "no octal"},
	{"18446744073709551615\n", 0, UINT64_MAX, "the largest"},
	{"18446744073709551616\n", EINVAL, 0, "one too many"},
	{"-1\n", EINVAL, 0, "not known, says the kernel"},
	{"\n", EINVAL, 0, "empty"},
	{"", EINVAL, 0, "empty"},
	{"<unsupported>\n", EINVAL, 0, "a word"},
	{"1 2\n", EINVAL, 0, "two numbers"},
	{"1f\n", EINVAL, 0, "hex without 0x"},
	{"0x\n", EINVAL, 0, "hex without digits"},
	{" 1\n", EINVAL, 0, "space in front"},
	{NULL, ENOENT, 0, "no file"},
};

static void test_numbers(void **state)
{
	(void)state;
	struct host_root root;
	open_host(&root);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uint64_t value = 77;
		struct err err = ERR_NONE;
		put("number", numbers[i].content);
		int r = sysfs_u64(root.sys_fd, &value, &err, "num%s", "ber");
		if (r != -numbers[i].code || value != (r ? 77 : numbers[i].value))
			fail_msg("'%s' (%s): %d, %llu, %s", numbers[i].content, numbers[i].why, r,
				 (unsigned long long)value, err.text);
		assert_true(r == 0 || strstr(err.text, "number"));
	}
	host_root_close(&root);
}

static void test_texts(void **state)
{
	(void)state;
	struct host_root root;
	struct err err = ERR_NONE;
	char text[8];
	open_host(&root);
	put("a/b", "word\n\n");
	assert_int_equal(sysfs_text(root.sys_fd, text, sizeof(text), &err, "a/%c", 'b'), 0);
	assert_string_equal(text, "word");
	put("a/b", "1234567");
	assert_int_equal(sysfs_text(root.sys_fd, text, sizeof(text), &err, "a/b"), 0);
	assert_string_equal(text, "1234567");
	put("a/b", "12345678");
	assert_int_equal(sysfs_text(root.sys_fd, text, sizeof(text), &err, "a/b"), -EFBIG);
	assert_string_equal(err.text, "a/b is larger than 7 bytes");
	assert_int_equal(sysfs_text(root.sys_fd, text, sizeof(text), &err, "a"), -EISDIR);
	assert_true(sysfs_exists(root.sys_fd, "a/%s", "b"));
	assert_false(sysfs_exists(root.sys_fd, "a/c"));
	host_root_close(&root);
}

/* Names of domains and events come from recipes: none of them reads /etc/shadow. */
static void test_stays_below_the_root(void **state)
{
	static const char *const leaving[] = {"../proc/x", "a/../../proc/x", "a/..",
					      "..",	   "/etc/hostname",  "../t/sys/x"};
	(void)state;
	struct host_root root;
	char text[64], longest[5000];
	open_host(&root);
	put("a/b", "1\n");
	put("a/..b", "2\n");
	for (size_t i = 0; i < ARRAY_SIZE(leaving); i++) {
		struct err err = ERR_NONE;
		uint64_t value;
		assert_int_equal(
			sysfs_text(root.sys_fd, text, sizeof(text), &err, "%s", leaving[i]),
			-EINVAL);
		assert_non_null(strstr(err.text, "leaves the host's root"));
		assert_int_equal(sysfs_u64(root.sys_fd, &value, &err, "%s", leaving[i]), -EINVAL);
		assert_false(sysfs_exists(root.sys_fd, "%s", leaving[i]));
	}
	assert_int_equal(sysfs_text(root.sys_fd, text, sizeof(text), NULL, "a/..b"), 0);
	assert_string_equal(text, "2"); /* two points in a name are a name */
	memset(longest, 'a', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_int_equal(sysfs_text(root.sys_fd, text, sizeof(text), NULL, "%s", longest),
			 -ENAMETOOLONG);
	host_root_close(&root);
}

static const struct {
	const char *list;
	int code;
	const char *set; /* CPUs 0 to 15 */
	const char *why;
} lists[] = {
	{"", 0, "................", "none"},
	{"0", 0, "#...............", ""},
	{"0-3,8", 0, "####....#.......", ""},
	{"0-3,6-7", 0, "####..##........", "a hole"},
	{"15", 0, "...............#", "the last"},
	{"3,3,2-4", 0, "..###...........", "twice is once"},
	{"5,1", 0, ".#...#..........", "not in order"},
	{"16", ERANGE, "", "past what the caller has"},
	{"0-16", ERANGE, "", "past it"},
	{"0-99999999999999999999", ERANGE, "", "far past it"},
	{"3-1", EINVAL, "", "backwards"},
	{"1-", EINVAL, "", "no end"},
	{"-1", EINVAL, "", "no start"},
	{"1,,2", EINVAL, "", "two commas"},
	{"(null)", EINVAL, "", "as nohz_full says it"},
	{"0x3", EINVAL, "", "a mask"},
	{"1 2", EINVAL, "", "a space"},
	{"0-3:1/2", EINVAL, "", "a stride, as only command lines have"},
};

static void test_cpulists(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		bool set[16];
		char text[17] = "";
		size_t count = 77, expected = 0;
		struct err err = ERR_NONE;
		int r = sysfs_parse_cpulist(lists[i].list, set, 16, &count, &err);
		assert_true(r == 0 || strstr(err.text, lists[i].list));
		if (r != -lists[i].code)
			fail_msg("'%s' (%s): %d", lists[i].list, lists[i].why, r);
		if (r < 0) {
			assert_int_equal(count, 77);
			continue;
		}
		for (size_t cpu = 0; cpu < 16; cpu++) {
			text[cpu] = set[cpu] ? '#' : '.';
			expected += set[cpu];
		}
		assert_string_equal(text, lists[i].set);
		assert_int_equal(count, expected);
	}
}

static void test_roots(void **state)
{
	(void)state;
	struct host_root root;
	struct err err = ERR_NONE;
	assert_int_equal(host_root_open("/", &root, &err), 0);
	assert_true(root.real);
	assert_true(sysfs_exists(root.proc_fd, "version"));
	assert_true(sysfs_exists(root.etc_fd, "passwd"));
	host_root_close(&root);
	assert_int_equal(root.sys_fd, -1);
	host_root_close(&root); /* twice is fine */
	open_host(&root);
	assert_false(root.real);
	assert_int_equal(root.etc_fd, -1); /* this one has none */
	host_root_close(&root);
	assert_int_equal(host_root_open("/nowhere", &root, &err), -ENOENT);
	assert_string_equal(err.text, "open /nowhere/sys: No such file or directory");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_stays_below_the_root),
		cmocka_unit_test(test_cpulists),
		cmocka_unit_test(test_roots),
	};
	return cmocka_run_group_tests(tests, hosts_setup, hosts_teardown);
}
