// SPDX-License-Identifier: GPL-3.0-or-later
/* topology - the physical cores of a host: which CPUs each has, and where it lies.
 *
 * CPU numbers are arbitrary: siblings may be 0 and 1, or 0 and N/2; there are holes where CPUs are
 * offline. Only the kernel's lists tell. Source: Linux Documentation/admin-guide/cputopology.rst.
 */
#ifndef ASSAY_HOST_TOPOLOGY_H
#define ASSAY_HOST_TOPOLOGY_H

#include <stdbool.h>
#include <stddef.h>

#include "proto/base/cleanup.h"
#include "proto/base/sysfs.h"

enum {
	MAX_CPUS = 8192, /* the largest CONFIG_NR_CPUS of x86 */
	MAX_THREADS = 8, /* of a core: SMT8 of POWER */
};

struct core {
	int cpus[MAX_THREADS]; /* online, ascending */
	size_t n_cpus;
	int package;	/* physical_package_id */
	int node;	/* NUMA node; the package where the kernel names no nodes */
	bool efficient; /* the slower kind of a hybrid host */
	bool isolated;	/* the scheduler leaves it alone (isolcpus) */
	bool allowed;	/* all of its CPUs are ours: no cpuset of a container or job cuts it */
};

struct topology {
	struct core *cores; /* by their first CPU, ascending; owned */
	size_t n_cores;
	size_t n_cpus; /* online */
	size_t n_packages;
	size_t n_nodes;
};

int topology_read(const struct host_root *root, struct topology *ret, struct err *err);
void topology_done(struct topology *topology);

static inline void cleanup_topology(struct topology *topology)
{
	topology_done(topology);
}
#define autotopology autoclean(topology)

#endif
