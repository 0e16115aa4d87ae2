// SPDX-License-Identifier: GPL-3.0-or-later OR GPL-2.0-only
/* fakerapl - a kernel module that gives a machine RAPL energy counters of a known wattage.
 *
 * Each package draws a constant power from the moment the module is loaded. It is shown in both
 * ways in which Linux shows RAPL: as powercap zones intel-rapl:N named package-N, in microjoules,
 * going back to 0 past max_energy_range_uj; and, unless perf=N, as the PMU `power` with its event
 * energy-pkg, in units of 2^-32 J on the first CPU of each package. Like the hardware it moves on
 * in steps, by default of a millisecond.
 * Trap: its power belongs to no work: it is as high when the machine idles.
 * Source: drivers/powercap/intel_rapl_common.c and arch/x86/events/rapl.c, whose interface this
 * copies and whose code it does not. */
#include <linux/cpumask.h>
#include <linux/kernel.h>
#include <linux/ktime.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/perf_event.h>
#include <linux/powercap.h>
#include <linux/topology.h>

#define PACKAGES_MAX  4
#define RAPL_PKG_CODE 0x02 /* energy-pkg of the real PMU */

static unsigned int milliwatts[PACKAGES_MAX] = {12500};
static unsigned int packages = 1;
module_param_array(milliwatts, uint, &packages, 0444);
MODULE_PARM_DESC(milliwatts, "the power of each package; as many packages as values");

static unsigned long range_uj = 262143328850; /* what common Intel desktop parts have */
module_param(range_uj, ulong, 0444);
MODULE_PARM_DESC(range_uj, "powercap counts up to here, then begins at 0");

static unsigned int update_us = 1000;
module_param(update_us, uint, 0444);
MODULE_PARM_DESC(update_us, "the counters move on once in this time");

static bool perf = true;
module_param(perf, bool, 0444);
MODULE_PARM_DESC(perf, "whether there is a PMU beside the powercap zones");

static ktime_t loaded; /* both ways count from here */

static int reset(const char *value, const struct kernel_param *param)
{
	loaded = ktime_get();
	return 0;
}

static const struct kernel_param_ops reset_ops = {.set = reset};
module_param_cb(reset, &reset_ops, NULL, 0200);
MODULE_PARM_DESC(reset, "when written, all counters begin at 0, as after a suspend; with perf=N");

/* mW times us are nJ. */
static u64 spent_uj(unsigned int package)
{
	u64 updates = div_u64(ktime_us_delta(ktime_get(), loaded), update_us);

	return div_u64(updates * update_us * milliwatts[package], 1000);
}

/* powercap */

struct package_zone {
	struct powercap_zone base;
	unsigned int package;
};

static struct powercap_control_type *control_type;
static struct package_zone zones[PACKAGES_MAX];
static unsigned int n_zones;

static int get_energy_uj(struct powercap_zone *base, u64 *ret)
{
	*ret = spent_uj(container_of(base, struct package_zone, base)->package) % range_uj;
	return 0;
}

static int get_max_energy_range_uj(struct powercap_zone *base, u64 *ret)
{
	*ret = range_uj;
	return 0;
}

/* Zones are static: there is nothing to free, but powercap insists on being able to say so. */
static int release_zone(struct powercap_zone *base)
{
	return 0;
}

static const struct powercap_zone_ops zone_ops = {
	.get_energy_uj = get_energy_uj,
	.get_max_energy_range_uj = get_max_energy_range_uj,
	.release = release_zone,
};

/* powercap takes no zone without a constraint: one that cannot be changed. */
static int get_power_limit_uw(struct powercap_zone *base, int constraint, u64 *ret)
{
	*ret = 2000ULL * milliwatts[container_of(base, struct package_zone, base)->package];
	return 0;
}

static int get_time_window_us(struct powercap_zone *base, int constraint, u64 *ret)
{
	*ret = USEC_PER_SEC;
	return 0;
}

static int refuse_value(struct powercap_zone *base, int constraint, u64 value)
{
	return -EPERM;
}

static const char *get_name(struct powercap_zone *base, int constraint)
{
	return "long_term";
}

static const struct powercap_zone_constraint_ops constraint_ops = {
	.get_power_limit_uw = get_power_limit_uw,
	.set_power_limit_uw = refuse_value,
	.get_time_window_us = get_time_window_us,
	.set_time_window_us = refuse_value,
	.get_name = get_name,
};

static void remove_zones(void)
{
	while (n_zones > 0)
		powercap_unregister_zone(control_type, &zones[--n_zones].base);
	powercap_unregister_control_type(control_type);
}

static int add_zones(void)
{
	control_type = powercap_register_control_type(NULL, "intel-rapl", NULL);
	if (IS_ERR(control_type))
		return PTR_ERR(control_type);
	while (n_zones < packages) {
		char name[16];
		struct powercap_zone *zone;

		snprintf(name, sizeof(name), "package-%u", n_zones);
		zones[n_zones].package = n_zones;
		zone = powercap_register_zone(&zones[n_zones].base, control_type, name, NULL,
					      &zone_ops, 1, &constraint_ops);
		if (IS_ERR(zone)) {
			remove_zones();
			return PTR_ERR(zone);
		}
		n_zones++;
	}
	return 0;
}

/* perf */

static struct pmu pmu;
static struct cpumask readers; /* the first CPU of each package */

static void choose_readers(void)
{
	unsigned int package, cpu;

	for (package = 0; package < packages; package++) {
		for_each_online_cpu(cpu)
		{
			if (topology_physical_package_id(cpu) == package) {
				cpumask_set_cpu(cpu, &readers);
				break;
			}
		}
	}
}

/* In units of 2^-32 J. Whole joules and the rest apart, or the product would not fit. */
static u64 count_of(const struct perf_event *event)
{
	u32 rest_uj;
	u64 joules = div_u64_rem(spent_uj(topology_physical_package_id(event->cpu)), 1000000,
				 &rest_uj);

	return (joules << 32) + div_u64((u64)rest_uj << 32, 1000000);
}

/* perf calls all of these on the event's CPU with interrupts off: no one else changes it. */
static void event_read(struct perf_event *event)
{
	u64 now = count_of(event);

	local64_add(now - local64_xchg(&event->hw.prev_count, now), &event->count);
}

static void event_start(struct perf_event *event, int flags)
{
	local64_set(&event->hw.prev_count, count_of(event));
}

static void event_stop(struct perf_event *event, int flags)
{
	event_read(event);
}

static int event_add(struct perf_event *event, int flags)
{
	if (flags & PERF_EF_START)
		event_start(event, flags);
	return 0;
}

static void event_del(struct perf_event *event, int flags)
{
	event_stop(event, flags);
}

/* As the real one: no sampling, no tasks, a CPU of a package that there is. */
static int event_init(struct perf_event *event)
{
	if (event->attr.type != pmu.type)
		return -ENOENT;
	if (event->attr.config != RAPL_PKG_CODE || event->attr.sample_period || event->cpu < 0)
		return -EINVAL;
	return topology_physical_package_id(event->cpu) < packages ? 0 : -EINVAL;
}

static ssize_t cpumask_show(struct device *device, struct device_attribute *attribute, char *ret)
{
	return cpumap_print_to_pagebuf(true, ret, &readers);
}

static DEVICE_ATTR_RO(cpumask);
PMU_FORMAT_ATTR(event, "config:0-7");
/* The first argument is a file's name, not a difference. */
/* clang-format off */
PMU_EVENT_ATTR_STRING(energy-pkg, energy_pkg, "event=0x02");
PMU_EVENT_ATTR_STRING(energy-pkg.unit, energy_pkg_unit, "Joules");
PMU_EVENT_ATTR_STRING(energy-pkg.scale, energy_pkg_scale, "2.3283064365386962890625e-10");
/* clang-format on */

static struct attribute *cpumask_attributes[] = {&dev_attr_cpumask.attr, NULL};
static struct attribute *format_attributes[] = {&format_attr_event.attr, NULL};
static struct attribute *event_attributes[] = {
	&energy_pkg.attr.attr,
	&energy_pkg_unit.attr.attr,
	&energy_pkg_scale.attr.attr,
	NULL,
};
static const struct attribute_group cpumask_group = {.attrs = cpumask_attributes};
static const struct attribute_group format_group = {.name = "format", .attrs = format_attributes};
static const struct attribute_group event_group = {.name = "events", .attrs = event_attributes};
static const struct attribute_group *groups[] = {&cpumask_group, &format_group, &event_group, NULL};

static struct pmu pmu = {
	.module = THIS_MODULE,
	.attr_groups = groups,
	.task_ctx_nr = perf_invalid_context,
	.capabilities = PERF_PMU_CAP_NO_EXCLUDE,
	.event_init = event_init,
	.add = event_add,
	.del = event_del,
	.start = event_start,
	.stop = event_stop,
	.read = event_read,
};

static int __init fakerapl_init(void)
{
	int r;

	if (packages == 0 || range_uj == 0 || update_us == 0)
		return -EINVAL;
	choose_readers();
	if (perf && cpumask_weight(&readers) != packages) {
		pr_err("fakerapl: this machine has not as many as %u packages\n", packages);
		return -ENODEV;
	}
	loaded = ktime_get();
	r = add_zones();
	if (r < 0 || !perf)
		return r;
	r = perf_pmu_register(&pmu, "power", -1);
	if (r < 0)
		remove_zones();
	return r;
}

static void __exit fakerapl_exit(void)
{
	if (perf)
		perf_pmu_unregister(&pmu);
	remove_zones();
}

module_init(fakerapl_init);
module_exit(fakerapl_exit);
MODULE_DESCRIPTION("RAPL energy counters of a known wattage");
MODULE_LICENSE("GPL");
