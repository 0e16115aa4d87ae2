// SPDX-License-Identifier: GPL-3.0-or-later
/* procs - /proc/PID/stat and environ. Source: Linux man page proc(5). */
#include "agent/guest/procs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "proto/base/cleanup.h"
#include "proto/base/mem.h"

/* An environment is limited by the stack's rlimit only; ours is near its end, after what the
 * recipe gave, which the keeper bounds to 128 KiB. */
enum { ENVIRON_LIMIT_BYTES = 1 << 20 };

bool proc_read(pid_t pid, struct proc *ret)
{
	char path[32], text[1024];
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return false;
	text[n] = '\0';
	const char *name_end = strrchr(text, ')'); /* the name may hold anything, ')' too */
	*ret = (struct proc){.pid = pid};
	return name_end && sscanf(name_end + 1,
				  " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d "
				  "%*d %*d %*d %llu",
				  &ret->state, &ret->parent, &ret->group, &ret->session,
				  &ret->start_ticks) == 5;
}

static int by_pid(const void *a, const void *b)
{
	const struct proc *x = a, *y = b;
	return (x->pid > y->pid) - (x->pid < y->pid);
}

void procs_read(struct procs *ret)
{
	*ret = (struct procs){0};
	DIR *dir = opendir("/proc");
	if (!dir)
		return;
	for (struct dirent *entry; (entry = readdir(dir));) {
		struct proc p;
		if (isdigit((unsigned char)entry->d_name[0]) && proc_read(atoi(entry->d_name), &p))
			*ARRAY_PUSH(ret->rows, ret->n) = p;
	}
	closedir(dir);
	if (ret->n)
		qsort(ret->rows, ret->n, sizeof(*ret->rows), by_pid);
}

void procs_done(struct procs *procs)
{
	free(procs->rows);
	*procs = (struct procs){0};
}

const struct proc *procs_find(const struct procs *procs, pid_t pid)
{
	const struct proc key = {.pid = pid};
	return procs->n ? bsearch(&key, procs->rows, procs->n, sizeof(key), by_pid) : NULL;
}

bool procs_descends(const struct procs *procs, const struct proc *p, pid_t from)
{
	/* Bounded: rows of different instants can, in theory, form a ring. */
	for (size_t i = 0; p && i <= procs->n; i++) {
		if (p->pid == from)
			return true;
		p = procs_find(procs, p->parent);
	}
	return false;
}

static bool holds_string(const char *bytes, size_t size, const char *wanted)
{
	size_t length = strlen(wanted) + 1;
	for (const char *p = bytes, *end = bytes + size; (size_t)(end - p) >= length;) {
		if (memcmp(p, wanted, length) == 0)
			return true;
		const char *nul = memchr(p, '\0', (size_t)(end - p));
		if (!nul)
			return false;
		p = nul + 1;
	}
	return false;
}

bool proc_has_env(pid_t pid, const char *name_value)
{
	char path[32];
	snprintf(path, sizeof(path), "/proc/%d/environ", pid);
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	autofree char *bytes = xmalloc(ENVIRON_LIMIT_BYTES);
	size_t used = 0;
	ssize_t n;
	while (used < ENVIRON_LIMIT_BYTES &&
	       (n = read(fd, bytes + used, ENVIRON_LIMIT_BYTES - used)) > 0)
		used += (size_t)n;
	return holds_string(bytes, used, name_value);
}

int proc_signal(const struct proc *p, int signal)
{
	struct proc now;
	autoclose int fd = pidfd_open(p->pid, 0);
	if (fd < 0)
		return -errno;
	if (!proc_read(p->pid, &now) || now.start_ticks != p->start_ticks)
		return -ESRCH;
	return pidfd_send_signal(fd, signal, NULL, 0) < 0 ? -errno : 0;
}
