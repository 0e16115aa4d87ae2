// SPDX-License-Identifier: GPL-3.0-or-later
/* smaps - collector: proportional memory from /proc/PID/smaps_rollup, in bytes.
 *
 * The kernel walks all page tables under the mmap lock: 20 us for a small process, milliseconds
 * for each GB in small pages. Never inside a window. Needs the right to ptrace the process.
 * Hugetlb pages are not in Pss. Source: proc_pid_smaps(5). */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/meter/memory.h"
#include "proto/base/mem.h"

struct smaps {
	struct collection base;
	const struct host_root *root; /* borrowed */
	pid_t pid;
};

static int smaps_open(const struct host_root *root, pid_t pid, struct collection **ret,
		      struct err *err)
{
	if (!sysfs_exists(root->proc_fd, "%d/smaps_rollup", (int)pid))
		return err_say(err, ENOENT, "/proc/%d/smaps_rollup is missing", (int)pid);
	struct smaps *s = xcalloc(1, sizeof(*s));
	s->base.collector = &collector_smaps;
	s->root = root;
	s->pid = pid;
	*ret = &s->base;
	return 0;
}

static int smaps_sample(struct collection *collection, uint64_t *ret, struct err *err)
{
	struct smaps *s = (struct smaps *)collection;
	char text[4096];
	uint64_t kib;
	assert(collection->collector == &collector_smaps);
	int r = sysfs_text(s->root->proc_fd, text, sizeof(text), err, "%d/smaps_rollup",
			   (int)s->pid);
	if (r < 0)
		return r;
	const char *pss = strstr(text, "\nPss:");
	if (!pss)
		return err_say(err, ESRCH, "the process has no memory any more");
	if (sscanf(pss, "\nPss: %" SCNu64 " kB", &kib) != 1)
		return err_say(err, EINVAL, "smaps_rollup holds '%.40s'", pss + 1);
	*ret = kib * 1024;
	return 0;
}

static void smaps_close(struct collection *collection)
{
	free(collection);
}

const struct collector collector_smaps = {
	.name = "smaps_rollup",
	.metric = {"pss", METRIC_INSTANT, "bytes", "memory with shared pages divided by sharers"},
	.cheap = false,
	.open = smaps_open,
	.sample = smaps_sample,
	.close = smaps_close,
};
