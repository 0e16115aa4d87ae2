// SPDX-License-Identifier: GPL-3.0-or-later
/* sysfs - small kernel files, read under a root.
 *
 * No collector holds the path /sys or /proc: it is handed a descriptor of the real folder or of a
 * test's copy of one. Paths are relative to it and may not contain "..". */
#ifndef ASSAY_BASE_SYSFS_H
#define ASSAY_BASE_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/err.h"

/* Where a host's files are: the real ones, or a captured host's. The descriptors are owned. */
struct host_root {
	int sys_fd;  /* /sys */
	int proc_fd; /* /proc */
	int etc_fd;  /* /etc; 0 or -1 where there is none: no open of it works then */
	bool real;   /* this machine: system calls agree with the files */
};

/* root: "/" for this machine, else a folder that holds `sys`, `proc` and perhaps `etc`. */
int host_root_open(const char *root, struct host_root *ret, struct err *err);
void host_root_close(struct host_root *root);

/* The file's text without the newline(s) at its end. Larger than size is -EFBIG. */
int sysfs_text(int root_fd, char *ret, size_t size, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* The file's number: decimal, or hex with 0x. Anything else in it is -EINVAL. */
int sysfs_u64(int root_fd, uint64_t *ret, struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

bool sysfs_exists(int root_fd, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* CPU lists as the kernel writes them ("0-3,8"): sets ret[cpu], counts them in *ret_count. CPUs at
 * or past `size` are -ERANGE. An empty list is fine. */
int sysfs_parse_cpulist(const char *list, bool *ret, size_t size, size_t *ret_count,
			struct err *err);

#endif
