// SPDX-License-Identifier: GPL-3.0-or-later
/* Energy without a machine that has any: powercap zones are files with a script of values, the
 * power PMU is the time-stamp counter with a scale that makes it 100 W. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include <cmocka.h>

#include "agent/meter/energy.h"
#include "tests/agent/meter/tree.h"

#define RANGE_UJ 262143328850ull
#define MS	 1000000ull

static void add_zone(struct tree *t, const char *zone, const char *name, uint64_t uj)
{
	char path[100];
	snprintf(path, sizeof(path), "sys/class/powercap/%s/name", zone);
	tree_write(t, path, "%s", name);
	snprintf(path, sizeof(path), "sys/class/powercap/%s/max_energy_range_uj", zone);
	tree_write(t, path, "%llu", (unsigned long long)RANGE_UJ);
	snprintf(path, sizeof(path), "sys/class/powercap/%s/energy_uj", zone);
	tree_write(t, path, "%llu", (unsigned long long)uj);
}

static void set_energy(struct tree *t, const char *zone, uint64_t uj)
{
	char path[100];
	snprintf(path, sizeof(path), "sys/class/powercap/%s/energy_uj", zone);
	tree_write(t, path, "%llu", (unsigned long long)uj);
}

/* ---- powercap ---- */

enum { STEPS = 6 };
#define END UINT64_MAX

static const struct {
	const char *why;
	uint64_t opened_uj;
	struct {
		uint64_t raw_uj; /* END: no more */
		int code;
		uint64_t total_uj;
	} steps[STEPS];
} scripts[] = {
	{"a count that grows", 1000, {{1000, 0, 0}, {1500, 0, 500}, {9000, 0, 8000}, {END, 0, 0}}},
	{"a wrap",
	 262143000000,
	 {{262143000010, 0, 10}, {5000, 0, 328850 + 5000}, {6000, 0, 328850 + 6000}, {END, 0, 0}}},
	{"two wraps with a read between",
	 RANGE_UJ - 10,
	 {{5, 0, 15},
	  {RANGE_UJ / 2 + 100, 0, RANGE_UJ / 2 + 110},
	  {7, 0, RANGE_UJ + 17},
	  {END, 0, 0}}},
	{"set back, as after a suspend: what lay between is lost, the rest goes on",
	 1000000,
	 {{1000500, 0, 500}, {400, -ESTALE, 0}, {1400, 0, 1500}, {END, 0, 0}}},
	{"past its own range, then back",
	 RANGE_UJ + 500,
	 {{3, -ESTALE, 0}, {4, 0, 1}, {END, 0, 0}}},
};

static void powercap_follows_the_script(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(scripts); i++) {
		struct tree t;
		struct energy *e = NULL;
		struct err err = ERR_NONE;
		tree_open(&t);
		add_zone(&t, "intel-rapl:0", "package-0", scripts[i].opened_uj);
		assert_int_equal(energy_powercap.open(&t.root, "intel-rapl:0", &e, &err), 0);
		/* a quarter of the time that 1000 W take to wrap it */
		assert_int_equal(e->poll_ns / NSEC_PER_SEC, 65);
		for (size_t k = 0; scripts[i].steps[k].raw_uj != END; k++) {
			uint64_t uj = 12345;
			set_energy(&t, "intel-rapl:0", scripts[i].steps[k].raw_uj);
			int r = energy_powercap.read(e, &uj, &err);
			uint64_t expected = r < 0 ? 12345 : scripts[i].steps[k].total_uj;
			if (r != scripts[i].steps[k].code || uj != expected)
				fail_msg("%s, step %zu: %d, %llu uJ", scripts[i].why, k, r,
					 (unsigned long long)uj);
		}
		energy_powercap.close(e);
		tree_close(&t);
	}
}

static void powercap_refuses_what_is_no_counter(void **state)
{
	struct tree t;
	struct energy *e = NULL;
	struct err err = ERR_NONE;
	(void)state;
	tree_open(&t);
	add_zone(&t, "intel-rapl:0", "package-0", 5);
	assert_int_equal(energy_powercap.open(&t.root, "intel-rapl:7", &e, &err), -ENOENT);
	assert_int_equal(energy_powercap.open(&t.root, "../x", &e, &err), -EINVAL);
	tree_write(&t, "sys/class/powercap/intel-rapl:0/energy_uj", "lots");
	assert_int_equal(energy_powercap.open(&t.root, "intel-rapl:0", &e, &err), -EINVAL);
	assert_non_null(strstr(err.text, "'lots'"));
	tree_write(&t, "sys/class/powercap/intel-rapl:0/energy_uj", "7");
	tree_write(&t, "sys/class/powercap/intel-rapl:0/max_energy_range_uj", "0");
	assert_int_equal(energy_powercap.open(&t.root, "intel-rapl:0", &e, &err), -EINVAL);
	assert_null(e);
	tree_close(&t);
}

/* Root may read everything, so another user has to try. */
static void powercap_says_who_may_read(void **state)
{
	struct tree t;
	char path[200];
	int status;
	(void)state;
	if (geteuid() != 0)
		skip();
	tree_open(&t);
	add_zone(&t, "intel-rapl:0", "package-0", 5);
	snprintf(path, sizeof(path), "%s/sys/class/powercap/intel-rapl:0/energy_uj", t.folder);
	assert_int_equal(chmod(path, 0400), 0);
	pid_t pid = fork();
	if (pid == 0) {
		struct energy *e = NULL;
		struct err err = ERR_NONE;
		if (setresuid(65534, 65534, 65534) < 0)
			_exit(9);
		int r = energy_powercap.open(&t.root, "intel-rapl:0", &e, &err);
		_exit(r == -EACCES && strstr(err.text, "CAP_DAC_READ_SEARCH") ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	tree_close(&t);
}

static void expect_zones(const struct tree *t, const char *domain, const char *expected)
{
	struct energy_zone *zones = NULL;
	size_t n = 0;
	char found[500] = "";
	struct err err = ERR_NONE;
	energy_powercap.find(&t->root, domain, &zones, &n, &err);
	for (size_t i = 0; i < n; i++) {
		size_t used = strlen(found);
		snprintf(found + used, sizeof(found) - used, "%s=%s ", zones[i].name,
			 zones[i].path);
	}
	assert_string_equal(found, expected);
	free(zones);
}

/* Nothing twice: parts of a package, the board around it, and its second view are left out. */
static void powercap_finds_each_joule_once(void **state)
{
	struct tree t;
	(void)state;
	tree_open(&t);
	expect_zones(&t, "package", "");
	add_zone(&t, "intel-rapl:1", "package-1", 5);
	add_zone(&t, "intel-rapl:0", "package-0", 5);
	add_zone(&t, "intel-rapl:0:0", "core", 5);
	add_zone(&t, "intel-rapl:0:1", "dram", 5);
	add_zone(&t, "intel-rapl:1:0", "dram", 5);
	add_zone(&t, "intel-rapl:2", "psys", 5);
	add_zone(&t, "intel-rapl:3", "package-x", 5);
	add_zone(&t, "intel-rapl-mmio:0", "package-0", 5);
	tree_write(&t, "sys/class/powercap/intel-rapl/enabled", "1");
	expect_zones(&t, "package", "package-0=intel-rapl:0 package-1=intel-rapl:1 ");
	expect_zones(&t, "dram", "package-0=intel-rapl:0:1 package-1=intel-rapl:1:0 ");
	expect_zones(&t, "psys", "psys=intel-rapl:2 ");
	tree_close(&t);
}

/* ---- the contract ---- */

static void every_source_keeps_the_contract(void **state)
{
	static const struct energy_source *const all[] = {&energy_power, &energy_powercap,
							  &energy_fake, NULL};
	struct tree t;
	struct err err = ERR_NONE;
	(void)state;
	assert_int_equal(energy_sources_check(&err), 0);
	tree_open(&t);
	add_zone(&t, "intel-rapl:0", "package-0", 77);
	for (size_t i = 0; all[i]; i++) {
		struct energy_zone *zones = NULL;
		struct energy *e = NULL;
		size_t n = 0;
		uint64_t first_uj, second_uj;
		all[i]->close(NULL);
		assert_int_equal(all[i]->find(&t.root, "nonsense", &zones, &n, &err), -ENOENT);
		assert_int_equal(all[i]->open(&t.root, "nonsense", &e, &err), -ENOENT);
		if (all[i]->find(&t.root, "package", &zones, &n, &err) < 0) {
			print_message("%s has no package in this tree\n", all[i]->name);
			assert_ptr_equal(all[i], &energy_power); /* has a test of its own */
			continue;
		}
		assert_int_equal(n, 1);
		assert_string_equal(zones[0].name, "package-0");
		assert_int_equal(all[i]->open(&t.root, zones[0].path, &e, &err), 0);
		assert_ptr_equal(e->source, all[i]);
		assert_int_equal(all[i]->read(e, &first_uj, &err), 0);
		assert_int_equal(all[i]->read(e, &second_uj, &err), 0);
		assert_true(second_uj >= first_uj);
		assert_true(first_uj < 100000); /* since open, not since the counter's 0 */
		all[i]->close(e);
		free(zones);
	}
	tree_close(&t);
}

/* ---- windows ---- */

static char package[] = "package";
static char *const packages[] = {package, NULL};
static const struct energy_source *const only_fake[] = {&energy_fake, NULL};
static const struct energy_source *const only_powercap[] = {&energy_powercap, NULL};

static const struct {
	const char *why;
	struct energy_value from, to;
	bool present;
	double joules;
	const char *note;
	const char *flag; /* NULL: none */
} windows[] = {
	{"a second", {0, 0, 0, 0}, {1000 * MS, 50000000, 0, 0}, true, 50, "gross", NULL},
	{"19 ms are refused", {0, 0, 0, 0}, {19 * MS, 950000, 0, 0}, false, 0, "20 ms", NULL},
	{"100 ms are flagged",
	 {0, 0, 0, 0},
	 {100 * MS, 5000000, 0, 0},
	 true,
	 5,
	 "short window",
	 "energy-short-window"},
	{"set back inside", {0, 0, 0, 0}, {1000 * MS, 50, 1, 0}, false, 0, "set back", NULL},
	{"set back before is nothing",
	 {0, 0, 1, 0},
	 {1000 * MS, 1000000, 1, 0},
	 true,
	 1,
	 "gross",
	 NULL},
	{"1 kW and more is a lie",
	 {0, 0, 0, 0},
	 {1000 * MS, 1001000000, 0, 0},
	 false,
	 0,
	 "1000 W",
	 NULL},
	{"a read that failed", {0, 0, 0, 0}, {1000 * MS, 0, 0, EIO}, false, 0, "error", NULL},
};

static void windows_are_judged(void **state)
{
	struct tree t;
	(void)state;
	tree_open(&t);
	for (size_t i = 0; i < ARRAY_SIZE(windows); i++) {
		autoclean(energies) struct energies *e = NULL;
		autoclean(attempt) struct attempt *a = attempt_new();
		struct err err = ERR_NONE;
		assert_int_equal(energies_open(only_fake, &t.root, packages, &e, &err), 0);
		assert_int_equal(energies_slots(e), 1);
		energies_report(e, "bench", &windows[i].from, &windows[i].to, a);
		const struct reading *r = &a->readings[0];
		const char *flag = a->n_reasons ? a->reasons[0].code : NULL;
		if (r->present != windows[i].present || r->value != windows[i].joules ||
		    !strstr(r->note, windows[i].note) ||
		    (flag != NULL) != (windows[i].flag != NULL))
			fail_msg("%s: %d %g '%s'", windows[i].why, r->present, r->value, r->note);
		assert_string_equal(r->metric, "energy/package");
		assert_string_equal(r->scope, "host");
		assert_string_equal(r->unit, "J");
		if (r->present) /* 0.41 x P x 1 ms */
			assert_true(fabs(r->uncertainty -
					 0.41 * r->value / ((double)windows[i].to.t_ns / 1e6)) <
				    1e-9);
	}
	tree_close(&t);
}

static void dies_that_mirror_are_one_package(void **state)
{
	static const struct {
		const char *vendor;
		uint64_t second_uj;
		double joules;
		size_t rows;
	} cases[] = {
		{"AuthenticAMD", 50100000, 50, 1}, /* within 1 %: the same counter twice */
		{"AuthenticAMD", 70000000, 120, 3},
		{"GenuineIntel", 50000000, 100, 3}, /* two dies that did the same */
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tree t;
		autoclean(energies) struct energies *e = NULL;
		autoclean(attempt) struct attempt *a = attempt_new();
		struct energy_value from[2] = {0}, to[2] = {{1000 * MS, 50000000, 0, 0},
							    {1000 * MS, cases[i].second_uj, 0, 0}};
		tree_open(&t);
		tree_write(&t, "proc/cpuinfo", "vendor_id\t: %s", cases[i].vendor);
		add_zone(&t, "intel-rapl:0", "package-0-die-0", 5);
		add_zone(&t, "intel-rapl:1", "package-0-die-1", 5);
		assert_int_equal(energies_open(only_powercap, &t.root, packages, &e, NULL), 0);
		energies_report(e, "bench", from, to, a);
		assert_true(a->readings[0].value == cases[i].joules);
		assert_int_equal(a->n_readings, cases[i].rows);
		if (cases[i].rows == 3)
			assert_string_equal(a->readings[2].scope, "package-0-die-1");
		tree_close(&t);
	}
}

static void what_is_missing_is_absent(void **state)
{
	struct tree t;
	struct err err = ERR_NONE;
	autoclean(energies) struct energies *e = NULL;
	autoclean(attempt) struct attempt *a = attempt_new();
	char joy[] = "joy", *domains[] = {joy, NULL};
	(void)state;
	tree_open(&t);
	assert_int_equal(energies_open(energy_sources, &t.root, domains, &e, &err), -ENOENT);
	assert_non_null(strstr(err.text, "unknown energy domain 'joy'"));
	assert_int_equal(energies_open(energy_sources, &t.root, packages, &e, &err), 0);
	assert_int_equal(energies_slots(e), 0);
	assert_true(energies_poll_ns(e) == UINT64_MAX);
	energies_read(e, NULL);
	energies_report(e, "whole", NULL, NULL, a);
	assert_false(a->readings[0].present);
	assert_non_null(strstr(a->readings[0].note, "no power PMU"));
	assert_non_null(strstr(a->readings[0].note, "no powercap zone"));
	tree_close(&t);
}

/* A reset between two reads shows in the second: its windows are told apart from the others. */
static void resets_are_counted(void **state)
{
	struct tree t;
	struct energy_value v[3];
	autoclean(energies) struct energies *e = NULL;
	(void)state;
	tree_open(&t);
	add_zone(&t, "intel-rapl:0", "package-0", 1000000);
	assert_int_equal(energies_open(only_powercap, &t.root, packages, &e, NULL), 0);
	assert_int_equal(energies_poll_ns(e), 30 * NSEC_PER_SEC);
	energies_read(e, &v[0]);
	set_energy(&t, "intel-rapl:0", 10);
	energies_read(e, &v[1]);
	set_energy(&t, "intel-rapl:0", 30);
	energies_read(e, &v[2]);
	assert_int_equal(v[0].resets, 0);
	assert_int_equal(v[1].resets, 1);
	assert_int_equal(v[1].error, 0);
	assert_int_equal(v[2].resets, 1);
	assert_int_equal(v[2].uj - v[1].uj, 20);
	assert_true(v[2].t_ns >= v[1].t_ns);
	tree_close(&t);
}

/* ---- the power PMU, by a stand-in ---- */

static double tsc_hz(void)
{
	uint64_t from_ns = clock_raw_ns(), from = __rdtsc();
	struct timespec nap = {.tv_nsec = 100000000};
	nanosleep(&nap, NULL);
	uint64_t to = __rdtsc(), to_ns = clock_raw_ns();
	return (double)(to - from) * 1e9 / (double)(to_ns - from_ns);
}

static int msr_type(void)
{
	struct host_root root;
	uint64_t type;
	if (host_root_open("/", &root, NULL) < 0)
		return -1;
	int r = sysfs_u64(root.sys_fd, &type, NULL, "bus/event_source/devices/msr/type");
	host_root_close(&root);
	return r < 0 ? -1 : (int)type;
}

static void power_pmu_counts_each_package_once(void **state)
{
	struct tree t;
	struct energy_value from[2], to[2];
	const struct energy_source *source;
	size_t zones;
	struct err err = ERR_NONE;
	autoclean(energies) struct energies *e = NULL;
	autoclean(attempt) struct attempt *a = attempt_new();
	struct timespec nap = {.tv_nsec = 250000000};
	(void)state;
	if (msr_type() < 0 || sysconf(_SC_NPROCESSORS_ONLN) < 2)
		skip();
	tree_open(&t);
	tree_write(&t, TREE_PMU "power/type", "%d", msr_type());
	tree_write(&t, TREE_PMU "power/cpumask", "0-1");
	tree_write(&t, TREE_PMU "power/format/event", "config:0-7");
	tree_write(&t, TREE_PMU "power/events/energy-pkg", "event=0x00");
	tree_write(&t, TREE_PMU "power/events/energy-pkg.scale", "%.17g", 100 / tsc_hz());
	tree_write(&t, TREE_PMU "power/events/energy-pkg.unit", "Joules");
	tree_write(&t, "sys/devices/system/cpu/cpu0/topology/physical_package_id", "0");
	tree_write(&t, "sys/devices/system/cpu/cpu1/topology/physical_package_id", "1");
	if (energy_probe(energy_sources, &t.root, "package", &source, &zones, &err) == -EACCES) {
		tree_close(&t);
		skip();
	}
	assert_string_equal(source->name, "perf");
	assert_int_equal(zones, 2);
	assert_int_equal(energies_open(energy_sources, &t.root, packages, &e, &err), 0);
	energies_read(e, from);
	nanosleep(&nap, NULL);
	energies_read(e, to);
	energies_report(e, "bench", from, to, a);
	double seconds = (double)(to[0].t_ns - from[0].t_ns) / 1e9;
	assert_int_equal(a->n_readings, 3);
	assert_string_equal(a->readings[0].source, "perf");
	if (fabs(a->readings[0].value - 200 * seconds) > 0.005 * 200 * seconds)
		fail_msg("%g J in %g s", a->readings[0].value, seconds);
	assert_string_equal(a->readings[1].scope, "package-0");
	assert_true(fabs(a->readings[1].value - 100 * seconds) < 0.005 * 100 * seconds);
	tree_write(&t, "sys/devices/system/cpu/cpu1/topology/physical_package_id", "0");
	assert_int_equal(energy_probe(energy_sources, &t.root, "package", &source, &zones, &err),
			 -ENODEV);
	assert_non_null(strstr(err.text, "counted twice"));
	tree_close(&t);
}

static void power_pmu_zones_are_named_as_powercap_does(void **state)
{
	static const struct {
		const char *packages[2], *dies[2], *names[2], *why;
	} cases[] = {
		{{"0", "1"}, {"0", "0"}, {"package-0", "package-1"}, "Intel: dies of each package"},
		{{"0", "1"}, {"0", "1"}, {"package-0", "package-1"}, "AMD: dies of the machine"},
		{{"0", "0"}, {"0", "1"}, {"package-0-die-0", "package-0-die-1"}, "dies"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct tree t;
		autofree struct energy_zone *zones = NULL;
		size_t n = 0;
		tree_open(&t);
		tree_write(&t, TREE_PMU "power/type", "9");
		tree_write(&t, TREE_PMU "power/cpumask", "0-1");
		tree_write(&t, TREE_PMU "power/format/event", "config:0-7");
		tree_write(&t, TREE_PMU "power/events/energy-pkg", "event=0x02");
		tree_write(&t, TREE_PMU "power/events/energy-pkg.scale", "2.3283064365386963e-10");
		tree_write(&t, TREE_PMU "power/events/energy-pkg.unit", "Joules");
		for (int cpu = 0; cpu < 2; cpu++) {
			char path[80];
			snprintf(path, sizeof(path),
				 "sys/devices/system/cpu/cpu%d/topology/physical_package_id", cpu);
			tree_write(&t, path, "%s", cases[i].packages[cpu]);
			snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%d/topology/die_id",
				 cpu);
			tree_write(&t, path, "%s", cases[i].dies[cpu]);
		}
		assert_int_equal(energy_power.find(&t.root, "package", &zones, &n, NULL), 0);
		assert_int_equal(n, 2);
		for (size_t k = 0; k < n; k++)
			if (strcmp(zones[k].name, cases[i].names[k]) != 0)
				fail_msg("%s: '%s', not '%s'", cases[i].why, zones[k].name,
					 cases[i].names[k]);
		tree_close(&t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(powercap_follows_the_script),
		cmocka_unit_test(powercap_refuses_what_is_no_counter),
		cmocka_unit_test(powercap_says_who_may_read),
		cmocka_unit_test(powercap_finds_each_joule_once),
		cmocka_unit_test(every_source_keeps_the_contract),
		cmocka_unit_test(windows_are_judged),
		cmocka_unit_test(dies_that_mirror_are_one_package),
		cmocka_unit_test(what_is_missing_is_absent),
		cmocka_unit_test(resets_are_counted),
		cmocka_unit_test(power_pmu_counts_each_package_once),
		cmocka_unit_test(power_pmu_zones_are_named_as_powercap_does),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
