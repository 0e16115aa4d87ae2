// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int old_stderr;
static int fds[2];

static int capture(void **state)
{
	(void)state;
	old_stderr = dup(STDERR_FILENO);
	return old_stderr < 0 || pipe(fds) < 0 || dup2(fds[1], STDERR_FILENO) < 0 ? -1 : 0;
}

static int restore(void **state)
{
	(void)state;
	dup2(old_stderr, STDERR_FILENO);
	close(old_stderr);
	close(fds[0]);
	close(fds[1]);
	return 0;
}

static void expect_logged(const char *expected)
{
	char text[2000];
	ssize_t n = read(fds[0], text, sizeof(text) - 1);
	assert_true(n >= 0);
	text[n] = '\0';
	assert_string_equal(text, expected);
}

static void test_lines(void **state)
{
	(void)state;
	log_init("assay-agent", LOG_INFO);
	log_debug("dropped");
	log_info("run-begun run=%d", 7);
	expect_logged("assay-agent: info: run-begun run=7\n");
	log_error("bad name=\"%s\"", "a\nb\x1b[1m");
	expect_logged("assay-agent: error: bad name=\"a b [1m\"\n"); /* always one line */
}

static void test_long_lines_are_cut(void **state)
{
	(void)state;
	char text[5000], logged[5000];
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	log_init("a", LOG_WARN);
	log_warn("%s", text);
	ssize_t n = read(fds[0], logged, sizeof(logged));
	assert_true(n > 1000 && n <= 1200);
	assert_int_equal(logged[n - 1], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_lines, capture, restore),
		cmocka_unit_test_setup_teardown(test_long_lines_are_cut, capture, restore),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
