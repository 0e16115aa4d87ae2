// SPDX-License-Identifier: GPL-3.0-or-later
/* Golden places on captured hosts. */
#include "agent/host/host.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"
#include "tests/fixtures/hosts/hosts.h"

struct golden {
	const char *host;
	uint32_t guest_cores, vmm_cores;
	const char *place; /* guest / vmm / housekeeping, "!" where that is shared */
	const char *why_contains;
	const char *why;
};

static const struct golden golden[] = {
	{"xeon2s", 1, 1, "7 / 6 / 0-5,8-13", "siblings left empty: 14-15",
	 "one node serves both; siblings are N and N+8; the socket without CPU 0"},
	{"xeon2s", 3, 0, "5-7 / - / 0-4,8-12", "guest on CPU 5-7", "no VMM, no core for it"},
	{"xeon2s", 4, 1, "4-7 / 3 / 0-2,8-10", "VMM on CPU 3",
	 "the guest's cores stay on one node, the VMM moves to the other"},
	{"xeon2s", 6, 1, "2-7 / 1 / 0,8", "of several NUMA nodes", "no node has six cores"},
	{"xeon2s", 8, 0, "0-7 / - / 0!", "shared with the guest", "every core asked for"},
	{"xeon2s", 0, 2, "- / 6-7 / 0-5,8-13", "VMM on CPU 6-7", "only the VMM is placed"},
	{"xeon2s", 0, 0, "- / - / -", "no cores were asked for", "nothing asked, nothing done"},
	{"epyc", 2, 1, "6-7 / 5 / 0-4,8-12", "siblings left empty: 13-15",
	 "two NUMA nodes in one socket count as two"},
	{"epyc-acpi", 1, 1, "7 / 6 / 0-5", "guest on CPU 7", "no SMT: nothing is left empty"},
	{"hybrid", 1, 1, "14 / 12 / 0-11,16-19", "siblings left empty: 13,15",
	 "fast cores first, although the slow ones have higher numbers"},
	{"hybrid", 7, 1, "2,4,6,8,10,12,14 / 19 / 0-1,16-18", "VMM on CPU 19",
	 "a slow core for the VMM rather than CPU 0's"},
	{"hybrid", 9, 0, "2,4,6,8,10,12,14,18-19 / - / 0-1,16-17", "2 efficiency cores",
	 "slow cores are said"},
	{"isolated", 1, 1, "3 / 1 / 0,4-8,12-15", "(isolated)",
	 "an isolated core for the guest, of the same node none for the VMM or the agent"},
	{"slurm", 1, 1, "6 / 5 / 5!", "shared with the VMM",
	 "only whole cores of the job: CPU 7's other thread belongs to somebody else"},
	{"vm", 1, 1, "1 / 0 / 0!", "shared with the VMM", "two CPUs: the guest has the last"},
	{"vm", 1, 0, "1 / - / 0", "agent on CPU 0", "two CPUs, one for each"},
	{"vm", 2, 0, "0-1 / - / 0!", "shared with the guest", "both are the guest's"},
	{"one", 1, 0, "0 / - / 0!", "shared with the guest", "one CPU"},
	{"holes", 2, 1, "2-3 / 1 / 0", "siblings left empty: 6-7", "CPUs 4 and 5 are offline"},
};

static void add_cpus(struct text *text, const int *cpus, size_t n)
{
	if (!n)
		text_add(text, "-");
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i + 1; j < n && cpus[j] == cpus[j - 1] + 1;)
			j++;
		text_addf(text, j - i > 1 ? "%s%d-%d" : "%s%d", i ? "," : "", cpus[i], cpus[j - 1]);
	}
}

static char *write_place(const struct place *p)
{
	struct text text = {0};
	add_cpus(&text, p->guest, p->n_guest);
	text_add(&text, " / ");
	add_cpus(&text, p->vmm, p->n_vmm);
	text_add(&text, " / ");
	add_cpus(&text, p->housekeeping, p->n_housekeeping);
	text_add(&text, p->shared ? "!" : "");
	return text_take(&text);
}

static void test_golden(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(golden); i++) {
		const struct golden *g = &golden[i];
		struct place_spec spec = {.guest_cores = g->guest_cores, .vmm_cores = g->vmm_cores};
		struct host_root root;
		struct place p;
		struct err err = ERR_NONE;
		hosts_open(g->host, &root);
		if (host_place(&root, &spec, &p, &err) < 0)
			fail_msg("%s: %s", g->host, err.text);
		autofree char *place = write_place(&p);
		if (strcmp(place, g->place) != 0 || !strstr(p.why, g->why_contains))
			fail_msg("%s %u+%u (%s): %s, because %s", g->host, g->guest_cores,
				 g->vmm_cores, g->why, place, p.why);
		place_done(&p);
		assert_null(p.guest);
		host_root_close(&root);
	}
}

static const struct {
	const char *host;
	uint32_t guest_cores, vmm_cores;
	const char *says;
} refused[] = {
	{"one", 1, 1, "this host has 1; lower"},
	{"vm", 3, 0, "asks for 3 core(s) for the guest and 0 for the VMM"},
	{"xeon2s", 8, 1, "this host has 8"}, /* cores, not CPUs */
	{"slurm", 2, 1, "this host has 2 (the others are outside this cgroup's cpuset)"},
	{"xeon2s", UINT32_MAX, UINT32_MAX, "this host has 8"}, /* the sum does not wrap */
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct place_spec spec = {refused[i].guest_cores, refused[i].vmm_cores};
		struct host_root root;
		struct place p = {.n_guest = 77};
		struct err err = ERR_NONE;
		hosts_open(refused[i].host, &root);
		assert_int_equal(host_place(&root, &spec, &p, &err), -ENOSPC);
		if (!strstr(err.text, refused[i].says))
			fail_msg("%s: %s", refused[i].host, err.text);
		assert_int_equal(p.n_guest, 77); /* untouched */
		host_root_close(&root);
	}
}

static void test_unreadable(void **state)
{
	(void)state;
	struct place_spec spec = {1, 0};
	struct host_root root;
	struct place p;
	struct err err = ERR_NONE;
	hosts_put("broken", "sys/devices/system/cpu/online", "0-\n");
	hosts_put("broken", "proc/stat", "");
	hosts_open("broken", &root);
	assert_int_equal(host_place(&root, &spec, &p, &err), -EINVAL);
	assert_non_null(strstr(err.text, "CPUs are online: '0-' is not a CPU list"));
	hosts_put("broken", "sys/devices/system/cpu/online", "0-9999999\n");
	assert_int_equal(host_place(&root, &spec, &p, &err), -ERANGE);
	hosts_put("broken", "sys/devices/system/cpu/online", "\n");
	assert_int_equal(host_place(&root, &spec, &p, &err), -ENODATA);
	/* No topology folder at all: each CPU is a core. */
	hosts_put("broken", "sys/devices/system/cpu/online", "0-2\n");
	assert_int_equal(host_place(&root, &spec, &p, &err), 0);
	autofree char *place = write_place(&p);
	assert_string_equal(place, "2 / - / 0-1");
	place_done(&p);
	host_root_close(&root);
}

/* Every host's every possible demand: nothing is given twice, siblings of given cores are nobody's,
 * and what was asked for is what was given. */
static void check_disjoint(const struct host_root *root, const struct place_spec *spec)
{
	int owner[64] = {0};
	struct place p;
	struct err err = ERR_NONE;
	if (host_place(root, spec, &p, &err) < 0) {
		assert_int_equal(err.code, ENOSPC);
		return;
	}
	assert_int_equal(p.n_guest, spec->guest_cores);
	assert_int_equal(p.n_vmm, spec->vmm_cores);
	for (size_t i = 0; i < p.n_guest; i++)
		assert_int_equal(owner[p.guest[i]]++, 0);
	for (size_t i = 0; i < p.n_vmm; i++)
		assert_int_equal(owner[p.vmm[i]]++, 0);
	for (size_t i = 0; i < p.n_housekeeping && !p.shared; i++)
		assert_int_equal(owner[p.housekeeping[i]]++, 0);
	for (int cpu = 0; cpu < 64; cpu++) {
		bool has[64] = {false};
		char list[64];
		size_t n, used = 0;
		if (sysfs_text(root->sys_fd, list, sizeof(list), NULL,
			       "devices/system/cpu/cpu%d/topology/thread_siblings_list", cpu) < 0)
			continue;
		assert_int_equal(sysfs_parse_cpulist(list, has, 64, &n, NULL), 0);
		for (size_t i = 0; i < p.n_guest; i++)
			used += has[p.guest[i]];
		for (size_t i = 0; i < p.n_vmm; i++)
			used += has[p.vmm[i]];
		assert_true(used <= 1);
		for (size_t i = 0; i < p.n_housekeeping && used && !p.shared; i++)
			assert_false(has[p.housekeeping[i]]);
	}
	assert_true(!(p.n_guest || p.n_vmm) || p.n_housekeeping > 0);
	place_done(&p);
}

static void test_all_demands(void **state)
{
	static const char *const hosts[] = {"xeon2s", "epyc", "epyc-acpi", "hybrid", "isolated",
					    "slurm",  "vm",   "one",	   "holes"};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(hosts); i++) {
		struct host_root root;
		hosts_open(hosts[i], &root);
		for (uint32_t guest = 0; guest <= 13; guest++)
			for (uint32_t vmm = 0; vmm <= 3; vmm++)
				check_disjoint(&root, &(struct place_spec){guest, vmm});
		host_root_close(&root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_all_demands),
	};
	return cmocka_run_group_tests(tests, hosts_setup, hosts_teardown);
}
