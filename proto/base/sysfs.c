// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/sysfs.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/cleanup.h"
#include "proto/base/file.h"

int host_root_open(const char *root, struct host_root *ret, struct err *err)
{
	autofree char *sys = file_join(root, "sys");
	autofree char *proc = file_join(root, "proc");
	autoclose int sys_fd = open(sys, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (sys_fd < 0)
		return err_sys(err, errno, "open %s", sys);
	autoclose int proc_fd = open(proc, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (proc_fd < 0)
		return err_sys(err, errno, "open %s", proc);
	autofree char *etc = file_join(root, "etc");
	*ret = (struct host_root){
		.sys_fd = take_fd(sys_fd),
		.proc_fd = take_fd(proc_fd),
		.etc_fd = open(etc, O_PATH | O_DIRECTORY | O_CLOEXEC),
		.real = strcmp(root, "/") == 0,
	};
	return 0;
}

void host_root_close(struct host_root *root)
{
	if (root->sys_fd > 0)
		close(root->sys_fd);
	if (root->proc_fd > 0)
		close(root->proc_fd);
	if (root->etc_fd > 0)
		close(root->etc_fd);
	*root = (struct host_root){.sys_fd = -1, .proc_fd = -1, .etc_fd = -1};
}

static bool leaves_root(const char *path)
{
	for (const char *p = path; (p = strstr(p, "..")); p += 2)
		if ((p == path || p[-1] == '/') && (p[2] == '/' || !p[2]))
			return true;
	return path[0] == '/';
}

static int read_small(int root_fd, const char *path, char *ret, size_t size, struct err *err)
{
	if (leaves_root(path))
		return err_say(err, EINVAL, "%s leaves the host's root", path);
	autoclose int fd = openat(root_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(err, errno, "open %s", path);
	size_t used = 0;
	ssize_t n;
	while (used < size && (n = read(fd, ret + used, size - used)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read %s", path);
		used += (size_t)n;
	}
	if (used == size)
		return err_say(err, EFBIG, "%s is larger than %zu bytes", path, size - 1);
	while (used && (ret[used - 1] == '\n' || ret[used - 1] == ' '))
		used--;
	ret[used] = '\0';
	return 0;
}

__attribute__((format(printf, 3, 0))) static int format_path(char *path, size_t size,
							     const char *fmt, va_list ap,
							     struct err *err)
{
	int n = vsnprintf(path, size, fmt, ap);
	if (n < 0 || (size_t)n >= size)
		return err_say(err, ENAMETOOLONG, "path too long: %.60s", path);
	return 0;
}

int sysfs_text(int root_fd, char *ret, size_t size, struct err *err, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;
	va_start(ap, fmt);
	int r = format_path(path, sizeof(path), fmt, ap, err);
	va_end(ap);
	return r < 0 ? r : read_small(root_fd, path, ret, size, err);
}

int sysfs_u64(int root_fd, uint64_t *ret, struct err *err, const char *fmt, ...)
{
	char path[PATH_MAX], text[64], *end;
	va_list ap;
	va_start(ap, fmt);
	int r = format_path(path, sizeof(path), fmt, ap, err);
	va_end(ap);
	if (r < 0)
		return r;
	if ((r = read_small(root_fd, path, text, sizeof(text), err)) < 0)
		return r;
	errno = 0;
	bool hex = text[0] == '0' && text[1] == 'x';
	unsigned long long value = strtoull(text, &end, hex ? 16 : 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno)
		return err_say(err, EINVAL, "%s holds '%s', not a number", path, text);
	*ret = value;
	return 0;
}

bool sysfs_exists(int root_fd, const char *fmt, ...)
{
	char path[PATH_MAX];
	va_list ap;
	va_start(ap, fmt);
	int r = format_path(path, sizeof(path), fmt, ap, NULL);
	va_end(ap);
	return r == 0 && !leaves_root(path) && faccessat(root_fd, path, F_OK, 0) == 0;
}

int sysfs_parse_cpulist(const char *list, bool *ret, size_t size, size_t *ret_count,
			struct err *err)
{
	size_t count = 0;
	memset(ret, 0, size * sizeof(*ret));
	for (const char *p = list; *p;) {
		char *end;
		if (!isdigit((unsigned char)*p))
			return err_say(err, EINVAL, "'%s' is not a CPU list", list);
		unsigned long low = strtoul(p, &end, 10), high = low;
		if (*end == '-' && isdigit((unsigned char)end[1]))
			high = strtoul(end + 1, &end, 10);
		if (high < low || (*end && *end != ','))
			return err_say(err, EINVAL, "'%s' is not a CPU list", list);
		if (high >= size)
			return err_say(err, ERANGE, "CPU %lu of '%s' is past the %zu known", high,
				       list, size);
		for (unsigned long cpu = low; cpu <= high; cpu++) {
			count += !ret[cpu];
			ret[cpu] = true;
		}
		p = *end ? end + 1 : end;
	}
	*ret_count = count;
	return 0;
}
