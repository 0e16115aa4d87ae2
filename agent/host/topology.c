// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/host/topology.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"

enum { LIST_SIZE = 16384 }; /* a CPU list: files of sysfs hold a page or a little more */

/* A set of CPUs; `known` is false where the host does not say. */
struct cpu_set {
	bool has[MAX_CPUS];
	size_t count;
	bool known;
};

/* A file that holds no list ("(null)" of nohz_full, an old kernel's) is one that says nothing. */
static void read_set(int root_fd, const char *path, struct cpu_set *ret)
{
	char list[LIST_SIZE];
	ret->known = sysfs_text(root_fd, list, sizeof(list), NULL, "%s", path) == 0 &&
		     sysfs_parse_cpulist(list, ret->has, MAX_CPUS, &ret->count, NULL) == 0;
	if (!ret->known)
		memset(ret, 0, sizeof(*ret));
}

static int read_online(const struct host_root *root, struct cpu_set *ret, struct err *err)
{
	char list[LIST_SIZE];
	int r = sysfs_text(root->sys_fd, list, sizeof(list), err, "devices/system/cpu/online");
	if (r == 0)
		r = sysfs_parse_cpulist(list, ret->has, MAX_CPUS, &ret->count, err);
	if (r == 0 && !ret->count)
		r = err_say(err, ENODATA, "devices/system/cpu/online is empty");
	return r < 0 ? err_wrap(err, "read which CPUs are online") : 0;
}

/* The line of cgroup v2 in /proc/self/cgroup is "0::/path". */
static bool read_cgroup(const struct host_root *root, char *ret, size_t size)
{
	char text[PATH_MAX];
	if (sysfs_text(root->proc_fd, text, sizeof(text), NULL, "self/cgroup") < 0)
		return false;
	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!text_starts(line, "0::/"))
			continue;
		mem_strcpy(ret, size, line + strlen("0::"));
		return true;
	}
	return false;
}

/* What a container or a batch job leaves us. The nearest cgroup that has a cpuset decides. The
 * process's own affinity does not: an agent moves itself out of the way of its runs. */
static void read_allowed(const struct host_root *root, struct cpu_set *ret)
{
	char path[PATH_MAX], file[PATH_MAX + 64];
	ret->known = false;
	if (!read_cgroup(root, path, sizeof(path)))
		return;
	for (;;) {
		if (strcmp(path, "/") == 0)
			path[0] = '\0';
		snprintf(file, sizeof(file), "fs/cgroup%s/cpuset.cpus.effective", path);
		read_set(root->sys_fd, file, ret);
		if (ret->known || !path[0])
			break;
		*strrchr(path, '/') = '\0';
	}
	ret->known = ret->known && ret->count > 0;
}

/* Cores that are slower by design. Intel's hybrid kernels list them with their PMU. */
static void read_efficient(const struct host_root *root, struct cpu_set *ret)
{
	read_set(root->sys_fd, "bus/event_source/devices/cpu_atom/cpus", ret);
	if (!ret->known)
		read_set(root->sys_fd, "devices/cpu_atom/cpus", ret);
}

static void read_nodes(const struct host_root *root, struct topology *t)
{
	struct cpu_set nodes, cpus;
	char path[64];
	read_set(root->sys_fd, "devices/system/node/online", &nodes);
	for (int node = 0; node < MAX_CPUS && nodes.known; node++) {
		if (!nodes.has[node])
			continue;
		snprintf(path, sizeof(path), "devices/system/node/node%d/cpulist", node);
		read_set(root->sys_fd, path, &cpus);
		for (size_t i = 0; i < t->n_cores; i++)
			if (cpus.has[t->cores[i].cpus[0]])
				t->cores[i].node = node;
	}
}

static int read_package(const struct host_root *root, int cpu)
{
	uint64_t package;
	/* Arm and old hypervisors write -1, "unknown"; that reads as no number. */
	if (sysfs_u64(root->sys_fd, &package, NULL,
		      "devices/system/cpu/cpu%d/topology/physical_package_id", cpu) < 0 ||
	    package > INT_MAX)
		return 0;
	return (int)package;
}

/* The CPUs of one core; a CPU that has no topology folder is a core of its own. */
static void read_siblings(const struct host_root *root, int cpu, struct cpu_set *ret)
{
	char path[96];
	snprintf(path, sizeof(path), "devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu);
	read_set(root->sys_fd, path, ret);
	if (ret->known && ret->has[cpu])
		return;
	memset(ret, 0, sizeof(*ret));
	ret->has[cpu] = true;
}

static void add_core(const struct host_root *root, int first, const struct cpu_set *online,
		     struct cpu_set *seen, struct topology *t)
{
	struct cpu_set siblings;
	struct core *core = ARRAY_PUSH(t->cores, t->n_cores);
	core->package = read_package(root, first);
	core->node = core->package;
	core->allowed = true;
	read_siblings(root, first, &siblings);
	for (int cpu = first; cpu < MAX_CPUS && core->n_cpus < MAX_THREADS; cpu++) {
		if (!siblings.has[cpu] || !online->has[cpu] || seen->has[cpu])
			continue;
		seen->has[cpu] = true;
		core->cpus[core->n_cpus++] = cpu;
		t->n_cpus++;
	}
}

static size_t count_distinct(const struct topology *t, size_t offset)
{
	size_t n = 0;
	for (size_t i = 0; i < t->n_cores; i++) {
		int id = *(const int *)((const char *)&t->cores[i] + offset);
		bool first = true;
		for (size_t j = 0; j < i && first; j++)
			first = *(const int *)((const char *)&t->cores[j] + offset) != id;
		n += first;
	}
	return n;
}

static void mark_cores(const struct host_root *root, struct topology *t)
{
	struct cpu_set isolated, efficient, allowed;
	read_set(root->sys_fd, "devices/system/cpu/isolated", &isolated);
	read_efficient(root, &efficient);
	read_allowed(root, &allowed);
	for (size_t i = 0; i < t->n_cores; i++) {
		struct core *core = &t->cores[i];
		core->isolated = isolated.has[core->cpus[0]];
		core->efficient = efficient.has[core->cpus[0]];
		for (size_t c = 0; c < core->n_cpus && allowed.known; c++)
			core->allowed = core->allowed && allowed.has[core->cpus[c]];
	}
}

int topology_read(const struct host_root *root, struct topology *ret, struct err *err)
{
	struct cpu_set online, seen = {0};
	struct topology t = {0};
	int r = read_online(root, &online, err);
	if (r < 0)
		return r;
	for (int cpu = 0; cpu < MAX_CPUS; cpu++)
		if (online.has[cpu] && !seen.has[cpu])
			add_core(root, cpu, &online, &seen, &t);
	mark_cores(root, &t);
	read_nodes(root, &t);
	t.n_packages = count_distinct(&t, offsetof(struct core, package));
	t.n_nodes = count_distinct(&t, offsetof(struct core, node));
	*ret = t;
	return 0;
}

void topology_done(struct topology *topology)
{
	free(topology->cores);
	*topology = (struct topology){0};
}
