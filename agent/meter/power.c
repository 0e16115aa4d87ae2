// SPDX-License-Identifier: GPL-3.0-or-later
/* power - energy source "perf": the `power` PMU, one counter for each CPU in its cpumask.
 *
 * The kernel counts in units of .scale joules, 64 bits wide, and unfolds the hardware's wraps by
 * itself. Opened on a CPU, never on a task: the count is of the CPU's package (Intel: die).
 * Two CPUs of one die in the cpumask would count it twice, and are refused.
 * Source: Documentation/ABI/testing/sysfs-bus-event_source-devices-events,
 * arch/x86/events/rapl.c. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/meter/counters.h"
#include "agent/meter/energy.h"
#include "agent/meter/refusal.h"
#include "proto/base/mem.h"

static const struct {
	const char *domain, *event;
} events[] = {
	{"package", "power/energy-pkg/"},
	{"dram", "power/energy-ram/"},
	{"psys", "power/energy-psys/"},
};

struct power {
	struct energy base;
	struct counter_group *group; /* owned */
	double uj_per_count;
	uint64_t first; /* the count at open */
};

static int resolve(const struct host_root *root, const char *event, struct event_def *ret,
		   struct err *err)
{
	int r = event_resolve(root, event, ret, err);
	if (r < 0)
		return r;
	if (ret->n_codes == 1 && ret->codes[0].system && strcmp(ret->unit, "J") == 0)
		return 0;
	event_def_done(ret);
	return err_say(err, EINVAL, "%s has no cpumask, or is not in Joules", event);
}

struct place {
	uint64_t package, die;
};

static int find_place(const struct host_root *root, int cpu, struct place *ret, struct err *err)
{
	*ret = (struct place){0};
	sysfs_u64(root->sys_fd, &ret->die, NULL, "devices/system/cpu/cpu%d/topology/die_id", cpu);
	return sysfs_u64(root->sys_fd, &ret->package, err,
			 "devices/system/cpu/cpu%d/topology/physical_package_id", cpu);
}

/* As powercap names them: by the die only where packages have several. The die's number alone does
 * not tell: AMD counts dies through the whole machine, so that package 1's only die is die 1. */
static int name_zones(const struct host_root *root, const char *event,
		      const struct event_code *code, struct energy_zone *zones, struct err *err)
{
	autofree struct place *places = xcalloc(code->n_cpus, sizeof(*places));
	bool dies = false;
	for (size_t i = 0; i < code->n_cpus; i++) {
		int r = find_place(root, code->cpus[i], &places[i], err);
		if (r < 0)
			return r;
		for (size_t k = 0; k < i; k++) {
			if (places[k].package != places[i].package)
				continue;
			if (places[k].die == places[i].die)
				return err_say(err, EINVAL,
					       "CPUs %d and %d of %s both count package-%llu: it "
					       "would be counted twice",
					       code->cpus[k], code->cpus[i], event,
					       (unsigned long long)places[i].package);
			dies = true;
		}
	}
	for (size_t i = 0; i < code->n_cpus; i++) {
		snprintf(zones[i].path, sizeof(zones[i].path), "%d@%.40s", code->cpus[i], event);
		snprintf(zones[i].name, sizeof(zones[i].name),
			 dies ? "package-%llu-die-%llu" : "package-%llu",
			 (unsigned long long)places[i].package, (unsigned long long)places[i].die);
	}
	return 0;
}

static int power_find(const struct host_root *root, const char *domain, struct energy_zone **ret,
		      size_t *ret_n, struct err *err)
{
	const char *event = NULL;
	struct event_def def = {0};
	for (size_t i = 0; i < ARRAY_SIZE(events); i++)
		if (strcmp(domain, events[i].domain) == 0)
			event = events[i].event;
	if (!event || !sysfs_exists(root->sys_fd, "bus/event_source/devices/power/type"))
		return err_say(err, ENOENT, "no power PMU");
	int r = resolve(root, event, &def, err);
	if (r < 0)
		return r;
	size_t n = def.codes[0].n_cpus;
	autofree struct energy_zone *zones = xcalloc(n, sizeof(*zones));
	r = name_zones(root, event, &def.codes[0], zones, err);
	event_def_done(&def);
	if (r < 0)
		return r;
	*ret = take(zones);
	*ret_n = n;
	return 0;
}

static void power_close(struct energy *energy)
{
	struct power *p = (struct power *)energy;
	if (p)
		counter_perf.close(p->group);
	free(p);
}

static int open_counter(const struct host_root *root, const struct event_def *def, int cpu,
			struct power *p, struct err *err)
{
	struct counter_target target = {.pid = -1, .cpu = cpu};
	struct counter_value value;
	char why[200];
	int r = counter_perf.open(&target, &def->codes[0], &p->group, err);
	if (r < 0) {
		refusal_say(root, &def->codes[0], -r, why, sizeof(why));
		return err_say(err, -r, "%s: %s", def->name, why);
	}
	if ((r = counter_perf.start(p->group, err)) < 0 ||
	    (r = counter_perf.read(p->group, &value, err)) < 0)
		return r;
	p->first = value.value;
	p->uj_per_count = def->scale * 1e6;
	return 0;
}

static int power_open(const struct host_root *root, const char *path, struct energy **ret,
		      struct err *err)
{
	struct event_def def = {0};
	int cpu, used = 0;
	if (sscanf(path, "%d@%n", &cpu, &used) != 1 || !used)
		return err_say(err, ENOENT, "'%s' is no zone of the power PMU", path);
	int r = resolve(root, path + used, &def, err);
	if (r < 0)
		return r;
	struct power *p = xcalloc(1, sizeof(*p));
	p->base.source = &energy_power;
	r = open_counter(root, &def, cpu, p, err);
	event_def_done(&def);
	if (r < 0) {
		power_close(&p->base);
		return r;
	}
	*ret = &p->base;
	return 0;
}

static int power_read(struct energy *energy, uint64_t *ret_uj, struct err *err)
{
	struct power *p = (struct power *)energy;
	struct counter_value value;
	assert(energy->source == &energy_power);
	int r = counter_perf.read(p->group, &value, err);
	if (r < 0)
		return r;
	*ret_uj = (uint64_t)((double)(value.value - p->first) * p->uj_per_count);
	return 0;
}

const struct energy_source energy_power = {
	.name = "perf",
	.find = power_find,
	.open = power_open,
	.read = power_read,
	.close = power_close,
};
