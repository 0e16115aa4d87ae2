// SPDX-License-Identifier: GPL-3.0-or-later
/* peaks - the most resident memory a process ever had, in bytes, as it was at each mark.
 *
 * The kernel keeps it for each address space, so it begins anew with an exec and misses nothing;
 * like statm it is off by some 100 kB. It never falls: where it rose between two marks, what it
 * rose to is the peak between them, and where it did not it is only more than that peak. Read
 * through one open descriptor, about 10 us. Source: proc_pid_status(5), VmHWM. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/meter/memory.h"
#include "proto/base/mem.h"

void peaks_open(struct peaks *ret)
{
	*ret = (struct peaks){.all = xcalloc(MEMORY_PEAKS, sizeof(*ret->all)), .fd = -1};
}

void peaks_close(struct peaks *p)
{
	if (p->fd >= 0)
		close(p->fd);
	free(p->all);
	*p = (struct peaks){.fd = -1};
}

/* 0: the process has no memory, or cannot be asked. */
static uint64_t read_peak(int fd)
{
	char text[2048]; /* VmHWM is in the first 500 bytes, whatever names and groups there are */
	unsigned long long kib = 0;
	ssize_t n = fd >= 0 ? pread(fd, text, sizeof(text) - 1, 0) : -1;
	if (n < 0)
		return 0;
	text[n] = '\0';
	const char *line = strstr(text, "\nVmHWM:");
	return line && sscanf(line, "\nVmHWM: %llu kB", &kib) == 1 ? kib * 1024 : 0;
}

uint64_t peaks_attach(struct peaks *p, const struct host_root *root, pid_t pid)
{
	char path[32];
	snprintf(path, sizeof(path), "%d/status", (int)pid);
	if (p->fd >= 0)
		close(p->fd);
	p->n = 0;
	p->fd = openat(root->proc_fd, path, O_RDONLY | O_CLOEXEC);
	return read_peak(p->fd);
}

static void add(struct peaks *p, uint64_t t_ns, uint64_t bytes)
{
	if (p->n < MEMORY_PEAKS)
		p->all[p->n++] = (struct peak){t_ns, bytes};
}

void peaks_start(struct peaks *p, uint64_t t_ns)
{
	add(p, t_ns, 0);
}

void peaks_take(struct peaks *p, uint64_t t_ns)
{
	uint64_t bytes = read_peak(p->fd);
	if (bytes)
		add(p, t_ns, bytes);
}

const struct peak *peaks_at(const struct peaks *p, uint64_t t_ns)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->all[i].t_ns == t_ns)
			return &p->all[i];
	return NULL;
}
