// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/self.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "proto/base/cleanup.h"

static void close_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

int self_affinity(cpu_set_t *ret, struct err *err)
{
	if (sched_getaffinity(0, sizeof(*ret), ret) < 0)
		return err_sys(err, errno, "read the agent's CPU affinity");
	return 0;
}

int self_restore(const cpu_set_t *to, struct err *err)
{
	__attribute__((cleanup(close_folder))) DIR *folder = opendir("/proc/self/task");
	struct dirent *entry;
	if (!folder)
		return err_sys(err, errno, "open /proc/self/task");
	while ((entry = readdir(folder))) {
		pid_t tid = atoi(entry->d_name);
		/* a thread that ended since readdir is no error */
		if (tid > 0 && sched_setaffinity(tid, sizeof(*to), to) < 0 && errno != ESRCH)
			return err_sys(err, errno, "move the agent's thread %d", tid);
	}
	return 0;
}

int self_move(const int *cpus, size_t n, struct err *err)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	for (size_t i = 0; i < n; i++)
		CPU_SET(cpus[i], &set);
	return n ? self_restore(&set, err) : 0;
}
