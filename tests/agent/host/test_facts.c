// SPDX-License-Identifier: GPL-3.0-or-later
/* Facts and fingerprints of captured hosts, and of this one. */
#include "agent/host/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/cleanup.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "tests/fixtures/hosts/hosts.h"

static const struct {
	const char *host, *name, *value; /* value NULL: it is left out */
	const char *why;
} facts[] = {
	{"xeon2s", "cpu.vendor", "GenuineIntel", ""},
	{"xeon2s", "cpu.model", "Intel(R) Xeon(R) Gold 6338 CPU @ 2.00GHz",
	 "a value with a colon-free @"},
	{"xeon2s", "cpu.family", "6", ""},
	{"xeon2s", "cpu.model_number", "106", "'model' and 'model name' are two lines"},
	{"xeon2s", "cpu.microcode", "0xd0003b9", ""},
	{"xeon2s", "cpu.flags", "constant_tsc nonstop_tsc aperfmperf arch_perfmon hwp vmx",
	 "in the table's order; fpu tells nothing"},
	{"xeon2s", "cpu.count", "16", ""},
	{"xeon2s", "cpu.cores", "8", ""},
	{"xeon2s", "cpu.packages", "2", ""},
	{"xeon2s", "numa.nodes", "2", ""},
	{"xeon2s", "cpu.efficiency_cores", NULL, "all cores are of one kind"},
	{"xeon2s", "smt", "on", ""},
	{"xeon2s", "cpufreq.driver", "intel_pstate", ""},
	{"xeon2s", "cpufreq.mode", "active", ""},
	{"xeon2s", "cpufreq.governor", "powersave", ""},
	{"xeon2s", "cpufreq.boost", "on", "no_turbo 0"},
	{"xeon2s", "cpufreq.max_hz", "3200000000", "files are in kHz"},
	{"xeon2s", "cpufreq.base_hz", "2000000000", ""},
	{"xeon2s", "memory.total_bytes", "67108864000", "meminfo's kB are KiB"},
	{"xeon2s", "memory.huge_pages", "madvise", "the word in brackets"},
	{"xeon2s", "clocksource", "tsc", ""},
	{"xeon2s", "kernel.release", "6.1.0-28-amd64", ""},
	{"xeon2s", "kernel.cmdline",
	 "BOOT_IMAGE=/boot/vmlinuz-6.1.0-28-amd64 root=/dev/sda2 ro quiet", ""},
	{"xeon2s", "os.release", "Debian GNU/Linux 12 (bookworm)", "quotes are taken off"},
	{"xeon2s", "os.id", "debian", "without quotes"},
	{"xeon2s", "dmi.product", "PowerEdge R650", ""},
	{"xeon2s", "virtualisation", "none", ""},
	{"xeon2s", "mitigation.retbleed", "Mitigation: Enhanced IBRS", ""},
	{"xeon2s", "cpu.isolated", NULL, "an empty file says nothing"},
	{"isolated", "cpu.isolated", "2-3,10-11", ""},
	{"epyc", "cpu.vendor", "AuthenticAMD", ""},
	{"epyc", "cpu.packages", "1", ""},
	{"epyc", "numa.nodes", "2", "more nodes than sockets"},
	{"epyc", "cpufreq.base_hz", "3250000000", "from CPPC, in MHz"},
	{"epyc", "cpufreq.boost", "on", "cpufreq/boost 1"},
	{"epyc", "cpufreq.mode", "active", "amd_pstate"},
	{"epyc-acpi", "cpufreq.boost", "off", "cpufreq/boost 0"},
	{"epyc-acpi", "cpufreq.governor", "mixed", "one CPU differs"},
	{"epyc-acpi", "cpufreq.base_hz", "2250000000", "from bios_limit"},
	{"epyc-acpi", "cpufreq.mode", NULL, "acpi-cpufreq has none"},
	{"epyc-acpi", "smt", "off", ""},
	{"hybrid", "cpu.cores", "12", ""},
	{"hybrid", "cpu.efficiency_cores", "4", ""},
	{"hybrid", "cpufreq.boost", "off", "no_turbo 1"},
	{"holes", "cpu.count", "6", "offline CPUs do not count"},
	{"holes", "cpu.offline", "4-5", ""},
	{"vm", "virtualisation", "kvm", "no firmware tables; the clocks tell"},
	{"one", "virtualisation", "unknown", "the CPU says yes, nothing says which"},
	{"vm", "cpufreq.driver", NULL, "no cpufreq in a VM"},
	{"vm", "cpufreq.governor", NULL, "no cpufreq in a VM"},
	{"vm", "dmi.vendor", NULL, "no firmware tables"},
};

static void read_facts(const char *host, struct host_info *ret)
{
	struct host_root root;
	struct err err = ERR_NONE;
	hosts_open(host, &root);
	if (host_facts(&root, ret, &err) < 0)
		fail_msg("%s: %s", host, err.text);
	host_root_close(&root);
}

static void test_facts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(facts); i++) {
		struct host_info info;
		read_facts(facts[i].host, &info);
		assert_string_equal(info.name, facts[i].host);
		const char *value = host_fact_value(&info, facts[i].name);
		if (facts[i].value ? !value || strcmp(value, facts[i].value) != 0 : value != NULL)
			fail_msg("%s: %s is '%s', expected '%s' %s", facts[i].host, facts[i].name,
				 value ? value : "(none)",
				 facts[i].value ? facts[i].value : "(none)", facts[i].why);
		host_info_done(&info);
	}
}

static void test_names_are_unique(void **state)
{
	(void)state;
	struct host_info info;
	read_facts("xeon2s", &info);
	for (size_t i = 0; i < info.n_facts; i++)
		for (size_t j = 0; j < i; j++)
			assert_string_not_equal(info.facts[i].name, info.facts[j].name);
	host_info_done(&info);
}

static const struct {
	const char *file, *text;
	bool changes;
	const char *why;
} prints[] = {
	{"sys/class/net/eno2/address", "b0:7b:25:00:00:99\n", true, "another network card"},
	{"sys/class/dmi/id/product_uuid", "4c4c4544-0042-3510-8051-b4c04f4e3299\n", true,
	 "another board"},
	{"sys/class/dmi/id/product_serial", "B5BQN99\n", true, "another chassis"},
	{"etc/machine-id", "ffffffffffffffffffffffffffffffff\n", true, "installed anew"},
	{"sys/class/dmi/id/product_serial", NULL, true, "not readable: root sees more"},
	{"sys/class/net/veth0/address", "02:00:00:00:00:99\n", false, "a container's end"},
	{"sys/class/net/lo/device/x", "\n", false, "the loopback has no address"},
	{"proc/sys/kernel/osrelease", "6.12.0\n", false, "another kernel"},
	{"proc/sys/kernel/hostname", "renamed\n", false, "another name"},
	{"proc/cmdline", "quiet\n", false, "another boot"},
};

static void test_fingerprint(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(prints); i++) {
		struct host_info before, after;
		autofree char *old = NULL;
		file_read(hosts_path("xeon2s", prints[i].file), 4096, &old, NULL, NULL);
		read_facts("xeon2s", &before);
		hosts_put("xeon2s", prints[i].file, prints[i].text);
		read_facts("xeon2s", &after);
		if ((strcmp(before.fingerprint, after.fingerprint) != 0) != prints[i].changes)
			fail_msg("%s (%s) %s the fingerprint", prints[i].file, prints[i].why,
				 prints[i].changes ? "does not change" : "changes");
		assert_int_equal(strlen(after.fingerprint), 64);
		hosts_put("xeon2s", prints[i].file, old);
		host_info_done(&before);
		host_info_done(&after);
	}
}

/* One image on three machines: the same machine-id, the same model, other network cards. */
static void test_clones_differ(void **state)
{
	(void)state;
	struct host_info vm, one, xeon;
	read_facts("vm", &vm);
	read_facts("one", &one);
	read_facts("xeon2s", &xeon);
	assert_string_not_equal(vm.fingerprint, one.fingerprint);
	assert_string_equal(host_fact_value(&vm, "fingerprint.sources"),
			    "machine-id, 1 MAC, CPU model");
	assert_string_equal(host_fact_value(&xeon, "fingerprint.sources"),
			    "machine-id, DMI UUID, DMI serial, 2 MAC, CPU model");
	host_info_done(&vm);
	host_info_done(&one);
	host_info_done(&xeon);
}

static void test_no_name(void **state)
{
	(void)state;
	struct host_root root;
	struct host_info info = {.n_facts = 7};
	struct err err = ERR_NONE;
	hosts_put("nameless", "proc/x", "");
	hosts_put("nameless", "sys/x", "");
	hosts_open("nameless", &root);
	assert_int_equal(host_facts(&root, &info, &err), -ENOENT);
	assert_non_null(strstr(err.text, "read the host's name"));
	assert_int_equal(info.n_facts, 7); /* untouched */
	/* With a name alone, everything else is left out. */
	hosts_put("nameless", "proc/sys/kernel/hostname", "n\n");
	assert_int_equal(host_facts(&root, &info, &err), 0);
	assert_string_equal(host_fact_value(&info, "fingerprint.sources"), "nothing");
	assert_int_equal(info.n_facts, 1);
	host_info_done(&info);
	host_root_close(&root);
}

static void test_hostile_files(void **state)
{
	(void)state;
	struct host_info info;
	hosts_put("one", "proc/cpuinfo",
		  "model name\nmodel name\t:\n: x\nflags\t\t: \n\xff\xfe:a\n");
	hosts_put("one", "proc/meminfo", "MemTotal: 99999999999999999999999 kB\n");
	hosts_put("one", "sys/kernel/mm/transparent_hugepage/enabled", "]always[\n");
	hosts_put("one", "sys/devices/system/cpu/cpufreq/boost", "yes\n");
	hosts_put("one", "sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq",
		  "99999999999999999999");
	hosts_put("one", "etc/os-release", "PRETTY_NAME=\nID=\"");
	read_facts("one", &info);
	assert_null(host_fact_value(&info, "cpu.model"));
	assert_null(host_fact_value(&info, "memory.total_bytes"));
	assert_null(host_fact_value(&info, "memory.huge_pages"));
	assert_null(host_fact_value(&info, "cpufreq.boost"));
	assert_null(host_fact_value(&info, "cpufreq.max_hz"));
	assert_null(host_fact_value(&info, "os.id"));
	assert_null(host_fact_value(&info, "os.release"));
	host_info_done(&info);
}

static void test_this_host(void **state)
{
	(void)state;
	struct host_root root;
	struct host_info info;
	struct err err = ERR_NONE;
	assert_int_equal(host_root_open("/", &root, &err), 0);
	assert_int_equal(host_facts(&root, &info, &err), 0);
	assert_non_null(host_fact_value(&info, "kernel.release"));
	assert_non_null(host_fact_value(&info, "memory.total_bytes"));
	assert_int_equal(atol(host_fact_value(&info, "cpu.count")), sysconf(_SC_NPROCESSORS_ONLN));
	host_info_done(&info);
	host_root_close(&root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),	    cmocka_unit_test(test_names_are_unique),
		cmocka_unit_test(test_fingerprint), cmocka_unit_test(test_clones_differ),
		cmocka_unit_test(test_no_name),	    cmocka_unit_test(test_hostile_files),
		cmocka_unit_test(test_this_host),
	};
	return cmocka_run_group_tests(tests, hosts_setup, hosts_teardown);
}
