// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/measure/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/mem.h"

static void test_facts(void **state)
{
	(void)state;
	struct host_info info = {0};
	assert_null(host_fact_value(&info, "cpu.vendor"));
	for (int i = 0; i < 100; i++) {
		char name[NAME_SIZE];
		snprintf(name, sizeof(name), "fact.%d", i);
		host_fact(&info, name, "%d", i * i);
	}
	assert_string_equal(host_fact_value(&info, "fact.99"), "9801");
	assert_string_equal(host_fact_value(&info, "fact.0"), "0");
	assert_null(host_fact_value(&info, "fact"));
	host_info_done(&info);
	assert_null(info.facts);
	host_info_done(&info); /* twice is fine */
}

static void test_capabilities(void **state)
{
	(void)state;
	struct host_info info = {0};
	host_capability(&info, "kvm", true, "/dev/kvm", NULL);
	host_capability(&info, "energy.package", false, "no RAPL", "use bare metal");
	const struct capability *kvm = host_capability_find(&info, "kvm");
	const struct capability *energy = host_capability_find(&info, "energy.package");
	assert_non_null(kvm);
	assert_true(kvm->present);
	assert_string_equal(kvm->detail, "/dev/kvm");
	assert_string_equal(kvm->remedy, "");
	assert_non_null(energy);
	assert_false(energy->present);
	assert_string_equal(energy->remedy, "use bare metal");
	assert_null(host_capability_find(&info, "energy"));
	host_info_done(&info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_facts),
		cmocka_unit_test(test_capabilities),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
