// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/host/ticks.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/cleanup.h"
#include "proto/base/text.h"

enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, STEAL, TIMES };

/* The head of the file; all of it is long on large hosts (one number for each interrupt). */
static int read_head(const struct host_root *root, char *ret, size_t size, struct err *err)
{
	autoclose int fd = openat(root->proc_fd, "stat", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "open /proc/stat");
	ssize_t n = read(fd, ret, size - 1);
	if (n < 0)
		return err_sys(err, errno, "read /proc/stat");
	ret[n] = '\0';
	return 0;
}

int ticks_read(const struct host_root *root, struct ticks *ret, struct err *err)
{
	char head[512];
	uint64_t t[TIMES] = {0}, total = 0;
	int r = read_head(root, head, sizeof(head), err);
	if (r < 0)
		return r;
	int n = sscanf(head,
		       "cpu %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
		       " %" SCNu64 " %" SCNu64,
		       &t[USER], &t[NICE], &t[SYSTEM], &t[IDLE], &t[IOWAIT], &t[IRQ], &t[SOFTIRQ],
		       &t[STEAL]);
	if (n != TIMES)
		return err_say(err, EINVAL, "/proc/stat does not begin with the times of all CPUs");
	for (int i = 0; i < TIMES; i++)
		total += t[i];
	*ret = (struct ticks){
		.total = total,
		.idle = t[IDLE] + t[IOWAIT],
		.steal = t[STEAL],
	};
	return 0;
}

static double share_pct(uint64_t before, uint64_t after, uint64_t total)
{
	uint64_t part = after > before ? after - before : 0;
	return 100.0 * (double)(part < total ? part : total) / (double)total;
}

bool ticks_busy_pct(const struct ticks *before, const struct ticks *after, double *ret)
{
	if (after->total <= before->total)
		return false;
	*ret = 100.0 - share_pct(before->idle, after->idle, after->total - before->total);
	return true;
}

bool ticks_steal_pct(const struct ticks *before, const struct ticks *after, double *ret)
{
	if (after->total <= before->total)
		return false;
	*ret = share_pct(before->steal, after->steal, after->total - before->total);
	return true;
}
