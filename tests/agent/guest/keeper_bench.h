// SPDX-License-Identifier: GPL-3.0-or-later
/* keeper_bench - a keeper, and children of it, for the keeper's tests. */
#ifndef ASSAY_TESTS_KEEPER_BENCH_H
#define ASSAY_TESTS_KEEPER_BENCH_H

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/guest/deadline.h"
#include "agent/guest/keeper.h"
#include "agent/guest/procs.h"
#include "proto/base/clock.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

static const char tag[] = "test-keeper-tag";
static const char *const env[] = {"PATH=/usr/bin:/bin", "LANG=C", NULL};

enum { SECOND_NS = 1000000000 };

static inline uint64_t in_ns(uint64_t ns)
{
	return clock_monotonic_ns() + ns;
}

static inline int with_keeper(void **state)
{
	struct keeper *k = NULL;
	struct err err = ERR_NONE;
	if (keeper_start(tag, &k, &err) < 0)
		return -1;
	*state = k;
	return 0;
}

static inline int without_keeper(void **state)
{
	keeper_stop(*state);
	return 0;
}

static inline struct child *spawn(struct keeper *k, const char *const *argv, int stdout_fd)
{
	struct child *child = NULL;
	struct err err = ERR_NONE;
	struct child_spec spec = {.argv = argv,
				  .env = env,
				  .folder = "/",
				  .stdin_fd = -1,
				  .stdout_fd = stdout_fd,
				  .stderr_fd = -1};
	if (keeper_spawn(k, &spec, &child, &err) < 0)
		fail_msg("spawn: %s", err.text);
	return child;
}

static inline struct child *spawn_script(struct keeper *k, const char *script, int stdout_fd)
{
	const char *argv[] = {"/bin/sh", "-c", script, NULL};
	return spawn(k, argv, stdout_fd);
}

static inline void go(struct child *child)
{
	struct err err = ERR_NONE;
	if (child_go(child, &err) < 0)
		fail_msg("go: %s", err.text);
}

static inline bool is_gone(pid_t pid)
{
	struct proc p;
	return !proc_read(pid, &p) || p.state == 'Z';
}

static inline bool gone_within(pid_t pid, uint64_t ns)
{
	for (uint64_t end_ns = in_ns(ns); !is_gone(pid) && clock_monotonic_ns() < end_ns;)
		deadline_pause(2 * NSEC_PER_MSEC);
	return is_gone(pid);
}

/* Numbers that a script prints, one a line, until there are n. */
static inline void read_pids(int fd, pid_t *ret, size_t n)
{
	autotext struct text t = {0};
	char byte;
	for (size_t i = 0; i < n;) {
		assert_int_equal(deadline_wait_readable(fd, in_ns(10ull * SECOND_NS), -1), 0);
		assert_int_equal(read(fd, &byte, 1), 1);
		text_add_bytes(&t, &byte, 1);
		if (byte == '\n') {
			ret[i++] = atoi(t.data);
			text_done(&t);
		}
	}
}

static inline char *read_all(int fd)
{
	autotext struct text t = {0};
	char bytes[256];
	ssize_t n;
	while ((n = read(fd, bytes, sizeof(bytes))) > 0)
		text_add_bytes(&t, bytes, (size_t)n);
	return text_take(&t);
}

static inline char *proc_file(pid_t pid, const char *name)
{
	autofree char *path = xasprintf("/proc/%d/%s", pid, name);
	char *text = NULL;
	assert_int_equal(file_read(path, 1 << 20, &text, NULL, NULL), 0);
	return text;
}

#define KEEPER_TEST(f) cmocka_unit_test_setup_teardown(f, with_keeper, without_keeper)

#endif
