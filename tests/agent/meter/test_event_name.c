// SPDX-License-Identifier: GPL-3.0-or-later
/* Encodings are checked against what the formats mean, by hand: perf's own tables and the vendors'
 * manuals for the codes. */
#include <errno.h>
#include <linux/perf_event.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/meter/event_name.h"
#include "tests/agent/meter/tree.h"

static void add_intel(struct tree *t)
{
	tree_write(t, TREE_PMU "cpu/type", "4");
	tree_write(t, TREE_PMU "cpu/format/event", "config:0-7");
	tree_write(t, TREE_PMU "cpu/format/umask", "config:8-15");
	tree_write(t, TREE_PMU "cpu/format/edge", "config:18");
	tree_write(t, TREE_PMU "cpu/format/inv", "config:23");
	tree_write(t, TREE_PMU "cpu/format/cmask", "config:24-31");
	tree_write(t, TREE_PMU "cpu/format/offcore_rsp", "config1:0-63");
	tree_write(t, TREE_PMU "cpu/format/ldlat", "config1:0-15");
	tree_write(t, TREE_PMU "cpu/format/strange", "config9:0-7");
	tree_write(t, TREE_PMU "cpu/events/cache-misses", "event=0x2e,umask=0x41");
	tree_write(t, TREE_PMU "cpu/events/mem-loads", "event=0xcd,umask=0x1,ldlat=?");
	tree_write(t, TREE_PMU "cpu/events/edges", "event=0x3c,edge");
	tree_write(t, TREE_PMU "msr/type", "9");
	tree_write(t, TREE_PMU "msr/format/event", "config:0-63");
	tree_write(t, TREE_PMU "msr/events/tsc", "event=0x00");
	tree_write(t, TREE_PMU "msr/events/cpu_thermal_margin", "event=0x07");
	tree_write(t, TREE_PMU "msr/events/cpu_thermal_margin.snapshot", "1");
	tree_write(t, TREE_PMU "msr/events/cpu_thermal_margin.unit", "C");
	tree_write(t, TREE_PMU "power/type", "21");
	tree_write(t, TREE_PMU "power/cpumask", "0,4");
	tree_write(t, TREE_PMU "power/format/event", "config:0-7");
	tree_write(t, TREE_PMU "power/events/energy-pkg", "event=0x02");
	tree_write(t, TREE_PMU "power/events/energy-pkg.scale", "2.3283064365386962890625e-10");
	tree_write(t, TREE_PMU "power/events/energy-pkg.unit", "Joules");
	for (int i = 0; i < 3; i++) {
		char path[100];
		snprintf(path, sizeof(path), TREE_PMU "uncore_imc_%d/type", i);
		tree_write(t, path, "%d", 30 + i);
		snprintf(path, sizeof(path), TREE_PMU "uncore_imc_%d/cpumask", i);
		tree_write(t, path, "0,4");
		snprintf(path, sizeof(path), TREE_PMU "uncore_imc_%d/format/event", i);
		tree_write(t, path, "config:0-7");
		snprintf(path, sizeof(path), TREE_PMU "uncore_imc_%d/format/umask", i);
		tree_write(t, path, "config:8-15");
		snprintf(path, sizeof(path), TREE_PMU "uncore_imc_%d/events/cas_count_read", i);
		tree_write(t, path, "event=0x04,umask=0x0f");
		snprintf(path, sizeof(path), TREE_PMU "uncore_imc_%d/events/cas_count_read.scale",
			 i);
		tree_write(t, path, "6.103515625e-5");
		snprintf(path, sizeof(path), TREE_PMU "uncore_imc_%d/events/cas_count_read.unit",
			 i);
		tree_write(t, path, "MiB");
	}
	tree_write(t, TREE_PMU "uncore_imc_free_running/type", "40"); /* no instance of it */
	tree_write(t, TREE_PMU "offline/type", "50");
	tree_write(t, TREE_PMU "offline/cpumask", "%s", "");
	tree_write(t, TREE_PMU "offline/format/event", "config:0-7");
}

static void add_zen(struct tree *t)
{
	tree_write(t, TREE_PMU "cpu/type", "4");
	tree_write(t, TREE_PMU "cpu/format/event", "config:0-7,32-35");
	tree_write(t, TREE_PMU "cpu/format/umask", "config:8-15");
	tree_write(t, TREE_PMU "cpu/events/cache-misses", "event=0x64,umask=0x09");
	tree_write(t, TREE_PMU "amd_df/type", "12");
	tree_write(t, TREE_PMU "amd_df/cpumask", "0");
	tree_write(t, TREE_PMU "amd_df/format/event", "config:0-7,32-37");
	tree_write(t, TREE_PMU "amd_df/format/umask", "config:8-15,24-27");
}

static void add_hybrid(struct tree *t)
{
	tree_write(t, TREE_PMU "cpu_core/type", "4");
	tree_write(t, TREE_PMU "cpu_core/cpus", "0-15");
	tree_write(t, TREE_PMU "cpu_core/format/event", "config:0-7");
	tree_write(t, TREE_PMU "cpu_atom/type", "10");
	tree_write(t, TREE_PMU "cpu_atom/cpus", "16-19");
	tree_write(t, TREE_PMU "cpu_atom/format/event", "config:0-7");
}

struct expected {
	const char *why;
	const char *name;
	uint32_t type;
	uint64_t config[3];
	const char *unit;
};

static const struct expected intel[] = {
	{"generic hardware", "cycles", PERF_TYPE_HARDWARE, {0}, "count"},
	{"its longer name", "cpu-cycles", PERF_TYPE_HARDWARE, {0}, "count"},
	{"generic cache", "LLC-load-misses", PERF_TYPE_HW_CACHE, {2 | 1 << 16}, "count"},
	{"generic cache, stores", "L1-dcache-stores", PERF_TYPE_HW_CACHE, {1 << 8}, "count"},
	{"software clock", "task-clock", PERF_TYPE_SOFTWARE, {1}, "ns"},
	{"software", "page-faults", PERF_TYPE_SOFTWARE, {2}, "count"},
	{"raw", "r412e", PERF_TYPE_RAW, {0x412e}, "count"},
	{"an event of the PMU", "cpu/cache-misses/", 4, {0x412e}, "count"},
	{"terms", "cpu/event=0x2e,umask=0x41/", 4, {0x412e}, "count"},
	{"decimal", "cpu/event=46,umask=65/", 4, {0x412e}, "count"},
	{"bare term is 1", "cpu/event=0x3c,edge,cmask=1/", 4, {0x0104003c}, "count"},
	{"bare term in the alias", "cpu/edges/", 4, {0x0004003c}, "count"},
	{"the recipe's term wins", "cpu/cache-misses,umask=0x4f/", 4, {0x4f2e}, "count"},
	{"what the alias asks for", "cpu/mem-loads,ldlat=30/", 4, {0x01cd, 30}, "count"},
	{"a full word",
	 "cpu/offcore_rsp=0xffffffffffffffff,event=0xb7/",
	 4,
	 {0xb7, UINT64_MAX},
	 "count"},
	{"whole config", "cpu/config=0x1ff,config2=7/", 4, {0x1ff, 0, 7}, "count"},
	{"msr", "msr/tsc/", 9, {0}, "count"},
	{"a level with a unit", "msr/cpu_thermal_margin/", 9, {7}, "C"},
	{"energy", "power/energy-pkg/", 21, {2}, "J"},
};

static const struct expected zen[] = {
	{"low bits", "cpu/cache-misses/", 4, {0x0964}, "count"},
	{"split: bits 8-11 go to 32-35", "cpu/event=0x1c2/", 4, {0x1000000c2}, "count"},
	{"all 12 bits", "cpu/event=0xfff/", 4, {0xf000000ff}, "count"},
	{"both split", "amd_df/event=0x3fff,umask=0xfff/", 12, {0x3f0f00ffff}, "count"},
};

static void check(const struct tree *t, const struct expected *e, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct event_def def = {0};
		struct err err = ERR_NONE;
		if (event_resolve(&t->root, e[i].name, &def, &err) < 0)
			fail_msg("%s: %s", e[i].why, err.text);
		const struct event_code *c = &def.codes[0];
		if (c->type != e[i].type || memcmp(c->config, e[i].config, sizeof(c->config)) != 0)
			fail_msg("%s: type %u config %llx %llx %llx", e[i].why, c->type,
				 (unsigned long long)c->config[0], (unsigned long long)c->config[1],
				 (unsigned long long)c->config[2]);
		assert_string_equal(def.unit, e[i].unit);
		assert_string_equal(def.name, e[i].name);
		assert_string_equal(def.source, "perf");
		event_def_done(&def);
		assert_int_equal(event_check(e[i].name, &err), 0);
	}
}

static void encodes_for_intel(void **state)
{
	struct tree t;
	(void)state;
	tree_open(&t);
	add_intel(&t);
	check(&t, intel, ARRAY_SIZE(intel));
	tree_close(&t);
}

static void encodes_split_fields_of_zen(void **state)
{
	struct tree t;
	(void)state;
	tree_open(&t);
	add_zen(&t);
	check(&t, zen, ARRAY_SIZE(zen));
	tree_close(&t);
}

static void knows_where_a_pmu_may_be_opened(void **state)
{
	struct tree t;
	struct event_def def = {0};
	struct err err = ERR_NONE;
	(void)state;
	tree_open(&t);
	add_intel(&t);
	assert_int_equal(event_resolve(&t.root, "power/energy-pkg/", &def, &err), 0);
	assert_true(def.codes[0].system);
	assert_int_equal(def.codes[0].exclude, EXCLUDE_REFUSED);
	assert_int_equal(def.codes[0].n_cpus, 2);
	assert_int_equal(def.codes[0].cpus[1], 4);
	assert_true(def.scale == 2.3283064365386962890625e-10); /* 2^-32, exactly */
	event_def_done(&def);
	assert_int_equal(event_resolve(&t.root, "msr/cpu_thermal_margin/", &def, &err), 0);
	assert_true(def.level);
	assert_true(def.codes[0].software);
	assert_false(def.codes[0].system);
	assert_int_equal(def.codes[0].exclude, EXCLUDE_REFUSED);
	event_def_done(&def);
	assert_int_equal(event_resolve(&t.root, "cpu/cache-misses/u", &def, &err), 0);
	assert_true(def.codes[0].exclude_kernel && !def.codes[0].exclude_user);
	assert_int_equal(def.codes[0].exclude, EXCLUDE_WORKS);
	event_def_done(&def);
	assert_int_equal(event_resolve(&t.root, "cycles:k", &def, &err), 0);
	assert_true(!def.codes[0].exclude_kernel && def.codes[0].exclude_user);
	event_def_done(&def);
	tree_close(&t);
}

static void sums_all_instances_of_a_pmu(void **state)
{
	struct tree t;
	struct event_def def = {0};
	struct err err = ERR_NONE;
	(void)state;
	tree_open(&t);
	add_intel(&t);
	assert_int_equal(event_resolve(&t.root, "uncore_imc/cas_count_read/", &def, &err), 0);
	assert_int_equal(def.n_codes, 3);
	assert_int_equal(def.sum, EVENT_SUM);
	uint32_t types = 0;
	for (size_t i = 0; i < 3; i++)
		types += def.codes[i].type;
	assert_int_equal(types, 30 + 31 + 32);
	assert_string_equal(def.unit, "MiB");
	event_def_done(&def);
	assert_int_equal(event_resolve(&t.root, "uncore_imc_1/cas_count_read/", &def, &err), 0);
	assert_int_equal(def.n_codes, 1);
	event_def_done(&def);
	tree_close(&t);
}

static void hybrid_hosts_count_on_both_kinds_of_cores(void **state)
{
	struct tree t;
	struct event_def def = {0};
	struct err err = ERR_NONE;
	(void)state;
	tree_open(&t);
	add_hybrid(&t);
	assert_int_equal(event_resolve(&t.root, "instructions", &def, &err), 0);
	assert_int_equal(def.n_codes, 2);
	assert_int_equal(def.sum, EVENT_ALTERNATIVES);
	uint64_t sum = def.codes[0].config[0] + def.codes[1].config[0];
	assert_true(sum == 2 * PERF_COUNT_HW_INSTRUCTIONS + (14ull << 32));
	assert_int_equal(def.codes[0].type, PERF_TYPE_HARDWARE);
	event_def_done(&def);
	assert_int_equal(event_resolve(&t.root, "rc0", &def, &err), 0);
	assert_int_equal(def.n_codes, 2);
	assert_int_equal(def.codes[0].type + def.codes[1].type, 14);
	event_def_done(&def);
	assert_int_equal(event_resolve(&t.root, "task-clock", &def, &err), 0);
	assert_int_equal(def.n_codes, 1);
	event_def_done(&def);
	tree_close(&t);
}

static const struct {
	const char *why;
	const char *name;
	int resolves; /* on the Intel host */
	int checks;   /* whether any host could */
	const char *says;
} refused[] = {
	{"a typing error", "page-fautls", -ENOENT, -ENOENT, "did you mean 'page-faults'"},
	{"another one", "instrutions", -ENOENT, -ENOENT, "did you mean 'instructions'"},
	{"nothing like it", "zzzzqqqq", -ENOENT, -ENOENT, "unknown event 'zzzzqqqq'"},
	{"raw with no hex", "rxyz", -ENOENT, -ENOENT, "unknown event"},
	{"raw that is too long", "r11112222333344445", -ENOENT, -ENOENT, "unknown event"},
	{"empty", "", -EINVAL, -EINVAL, "without a name"},
	{"a blank", "page faults", -EINVAL, -EINVAL, "blank"},
	{"what is left of it would be 0", "context-switches:u", -EINVAL, 0, "in the kernel only"},
	{"no closing slash", "cpu/event=1", -EINVAL, -EINVAL, "write pmu/event/"},
	{"nothing between the slashes", "cpu//", -EINVAL, -EINVAL, "write pmu/event/"},
	{"a PMU that climbs", "../event/", -EINVAL, -EINVAL, "cannot be the name of a PMU"},
	{"a term that climbs", "cpu/..=1/", -EINVAL, -EINVAL, "cannot be a term"},
	{"not a number", "cpu/event=zz/", -EINVAL, -EINVAL, "'zz' of event is not a number"},
	{"half a number", "cpu/event=0x/", -EINVAL, -EINVAL, "not a number"},
	{"more than 64 bits", "cpu/event=0x1ffffffffffffffff/", -EINVAL, -EINVAL, "not a number"},
	{"a modifier that is none", "cpu/event=1/z", -EINVAL, -EINVAL, "known are u and k"},
	{"one bit too wide here; wider hosts exist", "cpu/event=0x100/", -EINVAL, 0,
	 "does not fit config:0-7"},
	{"two bits in one", "cpu/edge=2/", -EINVAL, 0, "does not fit"},
	{"asked for and not given", "cpu/mem-loads/", -EINVAL, 0, "needs ldlat=<number>"},
	{"no such event here", "msr/tsk/", -ENODEV, 0, "it has "},
	{"no such term here", "cpu/colour=3/", -ENODEV, 0, "no term colour; it has "},
	{"a format that nobody knows", "cpu/strange=3/", -ENODEV, 0, "no term strange"},
	{"no such PMU here", "amd_df/event=1/", -ENODEV, 0, "no PMU amd_df; it has "},
	{"a PMU with no CPU online", "offline/event=1/", -ENODEV, 0, "empty cpumask"},
	{"an event of another machine", "skx::LONGEST_LAT_CACHE:MISS", -ENODEV, 0, "lacks"},
	{"its PMU without that event", "skx::LONGEST_LAT_CASH:MISS", -ENOENT, -ENOENT,
	 "'LONGEST_LAT_CACHE'"},
	{"an event of another machine with a mask", "INST_RETIRED:ANY_P", -ENODEV, 0, "lacks"},
};

static void refuses_in_words(void **state)
{
	struct tree t;
	(void)state;
	tree_open(&t);
	add_intel(&t);
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct event_def def = {0};
		struct err err = ERR_NONE, other = ERR_NONE;
		int r = event_resolve(&t.root, refused[i].name, &def, &err);
		if (r != refused[i].resolves || !strstr(err.text, refused[i].says))
			fail_msg("%s: %d %s", refused[i].why, r, err.text);
		assert_null(def.codes);
		r = event_check(refused[i].name, &other);
		if (r != refused[i].checks)
			fail_msg("%s, anywhere: %d %s", refused[i].why, r, other.text);
	}
	tree_close(&t);
}

static void long_names_are_refused(void **state)
{
	struct tree t;
	struct event_def def = {0};
	struct err err = ERR_NONE;
	char name[5000];
	(void)state;
	tree_open(&t);
	for (size_t size = NAME_SIZE - 1; size < sizeof(name); size += 700) {
		memset(name, 'x', size);
		name[size] = '\0';
		int r = event_resolve(&t.root, name, &def, &err);
		assert_int_equal(r, size < NAME_SIZE ? -ENOENT : -EINVAL);
		name[3] = name[size - 1] = '/';
		r = event_resolve(&t.root, name, &def, &err);
		assert_int_equal(r, size < NAME_SIZE ? -ENODEV : -EINVAL);
	}
	tree_close(&t);
}

/* What libpfm4 knows of this machine: its own names, with the bits that hide guests dropped. */
static void libpfm4_comes_second(void **state)
{
	struct host_root root;
	struct event_def def = {0};
	struct err err = ERR_NONE;
	(void)state;
	assert_int_equal(host_root_open("/", &root, &err), 0);
	assert_int_equal(event_resolve(&root, "perf::PERF_COUNT_SW_PAGE_FAULTS:u", &def, &err), 0);
	assert_string_equal(def.source, "perf:pfm4");
	assert_int_equal(def.codes[0].type, PERF_TYPE_SOFTWARE);
	assert_int_equal(def.codes[0].config[0], PERF_COUNT_SW_PAGE_FAULTS);
	assert_true(def.codes[0].exclude_kernel);
	assert_true(def.codes[0].software);
	event_def_done(&def);
	assert_int_equal(event_resolve(&root, "perf::PERF_COUNT_SW_PAGE_FAULTS:nope", &def, &err),
			 -EINVAL);
	host_root_close(&root);
}

/* libpfm4 encodes what it knows of other machines as raw core events, if it is told to: believed,
 * they would count something else. */
static void events_of_absent_pmus_are_not_believed(void **state)
{
	static const struct {
		const char *name, *present; /* where this is there, the event may be too */
	} cases[] = {
		{"rapl::RAPL_ENERGY_PKG", "power"},
		{"skx::LONGEST_LAT_CACHE:MISS", "uncore_upi_0"},
		{"amd64_fam17h_zen2::RETIRED_INSTRUCTIONS", "amd_df"},
	};
	struct host_root root;
	(void)state;
	assert_int_equal(host_root_open("/", &root, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct event_def def = {0};
		struct err err = ERR_NONE;
		if (sysfs_exists(root.sys_fd, "bus/event_source/devices/%s", cases[i].present))
			continue;
		if (event_resolve(&root, cases[i].name, &def, &err) != -ENODEV)
			fail_msg("%s: %s", cases[i].name, err.text);
	}
	host_root_close(&root);
}

static void all_generic_names_resolve(void **state)
{
	struct tree t;
	size_t n = 0;
	(void)state;
	tree_open(&t);
	for (const char *const *name = event_generic_names(); *name; name++, n++) {
		struct event_def def = {0};
		struct err err = ERR_NONE;
		if (event_resolve(&t.root, *name, &def, &err) < 0)
			fail_msg("%s", err.text);
		event_def_done(&def);
	}
	assert_int_equal(n, 27 + 2 * (4 * 3 + 2 + 1 + 1)); /* 4 caches have 3 operations */
	tree_close(&t);
}

int main(void)
{
	setenv("LIBPFM_ENCODE_INACTIVE", "1", 1);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(encodes_for_intel),
		cmocka_unit_test(encodes_split_fields_of_zen),
		cmocka_unit_test(knows_where_a_pmu_may_be_opened),
		cmocka_unit_test(sums_all_instances_of_a_pmu),
		cmocka_unit_test(hybrid_hosts_count_on_both_kinds_of_cores),
		cmocka_unit_test(refuses_in_words),
		cmocka_unit_test(long_names_are_refused),
		cmocka_unit_test(libpfm4_comes_second),
		cmocka_unit_test(events_of_absent_pmus_are_not_believed),
		cmocka_unit_test(all_generic_names_resolve),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
