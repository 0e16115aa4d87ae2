// SPDX-License-Identifier: GPL-3.0-or-later
/* capabilities - what a host can measure, tried rather than guessed: a counter that opens is
 * there. Of a captured host only the files can be asked. */
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>

#include "agent/meter/counters.h"
#include "agent/meter/energy.h"
#include "agent/meter/memory.h"
#include "agent/meter/meter.h"
#include "agent/meter/refusal.h"
#include "proto/base/mem.h"

int meter_check_event(const struct host_root *root, const char *event, struct err *err)
{
	(void)root; /* an event of any host is fine: the plan may send the run there */
	return event_check(event, err);
}

/* Opens the event on this thread. 0 or -errno. */
static int try_event(const struct event_code *code)
{
	struct counter_target self = {.pid = 0, .cpu = -1};
	struct counter_group *group;
	int r = counter_perf.open(&self, code, &group, NULL);
	if (r == 0)
		counter_perf.close(group);
	return r;
}

static const char *remedy_of(int error)
{
	if (error == EACCES || error == EPERM)
		return "sysctl kernel.perf_event_paranoid=1, or start the agent with CAP_PERFMON";
	if (error == ENOENT)
		return "run on bare metal, or let the hypervisor pass a vPMU to this machine";
	return NULL;
}

static void add_event(const struct host_root *root, struct host_info *info, const char *name,
		      const char *event, bool in_files)
{
	struct event_def def = {0};
	struct err err = ERR_NONE;
	char why[240] = "";
	int r = event_resolve(root, event, &def, &err);
	if (r < 0) {
		host_capability(info, name, false, err.text, NULL);
		return;
	}
	if (root->real)
		r = try_event(&def.codes[0]);
	else if (!in_files)
		r = -ENOENT;
	if (r == 0) {
		snprintf(why, sizeof(why), "%s opens", event);
		host_capability(info, name, true, root->real ? why : "its files are there", NULL);
	} else {
		refusal_say(root, &def.codes[0], -r, why, sizeof(why));
		host_capability(info, name, false, why, remedy_of(-r));
	}
	event_def_done(&def);
}

static void add_paranoid(const struct host_root *root, struct host_info *info)
{
	struct event_code task_clock = {
		.type = PERF_TYPE_SOFTWARE,
		.config = {PERF_COUNT_SW_TASK_CLOCK},
		.software = true,
		.exclude = EXCLUDE_IGNORED,
	};
	char detail[240];
	int level = refusal_paranoid(root);
	bool kernel = root->real ? try_event(&task_clock) == 0 : level < 2;
	snprintf(detail, sizeof(detail),
		 kernel ? "kernel.perf_event_paranoid is %d; kernel and user space are counted"
			: "kernel.perf_event_paranoid is %d; the kernel's part is not counted",
		 level);
	host_fact(info, "perf.paranoid", "%d", level);
	host_capability(info, "counters.kernel", kernel, detail, kernel ? NULL : remedy_of(EACCES));
}

static void add_energy(const struct host_root *root, struct host_info *info)
{
	const struct energy_source *source;
	size_t zones;
	struct err err = ERR_NONE;
	char detail[240];
	if (energy_probe(energy_sources, root, "package", &source, &zones, &err) == 0) {
		snprintf(detail, sizeof(detail), "%zu zone%s by %s", zones, zones == 1 ? "" : "s",
			 source->name);
		host_capability(info, "energy.package", true, detail, NULL);
		return;
	}
	host_capability(info, "energy.package", false, err.text,
			err.code == EACCES ? "run the agent as root, or with CAP_PERFMON and "
					     "CAP_DAC_READ_SEARCH"
					   : "needs bare metal with RAPL: Intel since 2011, AMD "
					     "since Zen (Linux 5.8)");
}

static void add_collector(const struct host_root *root, struct host_info *info,
			  const struct collector *collector, const char *name)
{
	struct collection *collection = NULL;
	struct err err = ERR_NONE;
	uint64_t value;
	int r = collector->open(root, getpid(), &collection, &err);
	if (r == 0)
		r = collector->sample(collection, &value, &err);
	collector->close(collection);
	host_capability(info, name, r == 0, r == 0 ? collector->name : err.text,
			r == 0 ? NULL : "needs /proc and CONFIG_PROC_PAGE_MONITOR");
}

void meter_capabilities(const struct host_root *root, struct host_info *info)
{
	add_event(root, info, "counters.software", "task-clock", true);
	add_event(root, info, "counters.hardware", "cycles", refusal_has_core_pmu(root));
	add_event(root, info, "counters.msr", "msr/tsc/", true);
	add_paranoid(root, info);
	add_energy(root, info);
	add_collector(root, info, &collector_statm, "memory.rss");
	add_collector(root, info, &collector_smaps, "memory.pss");
}
