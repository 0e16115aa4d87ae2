// SPDX-License-Identifier: GPL-3.0-or-later
/* What every counter source must do, and what the kernel's does besides. */
#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

#include "agent/meter/counters.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"

/* For the kernel the task's clock; for the fake one that grows by one. */
static const struct event_code task_clock = {
	.type = PERF_TYPE_SOFTWARE,
	.config = {PERF_COUNT_SW_TASK_CLOCK},
	.software = true,
	.exclude = EXCLUDE_IGNORED,
};

static const struct counter_target self = {.pid = 0, .cpu = -1};

static void spin_ns(uint64_t ns)
{
	uint64_t end_ns = clock_raw_ns() + ns;
	while (clock_raw_ns() < end_ns)
		;
}

static void the_table_is_whole(void **state)
{
	struct err err = ERR_NONE;
	(void)state;
	assert_int_equal(counter_sources_check(&err), 0);
	assert_string_equal(counter_sources[0]->name, "perf");
}

static void every_source_keeps_the_contract(void **state)
{
	(void)state;
	for (size_t i = 0; counter_sources[i]; i++) {
		const struct counter_source *source = counter_sources[i];
		struct counter_group *g = NULL;
		struct counter_value first[2], second[2];
		struct err err = ERR_NONE;
		if (source->open(&self, &task_clock, &g, &err) < 0)
			fail_msg("%s: %s", source->name, err.text);
		assert_ptr_equal(g->source, source);
		assert_int_equal(g->n, 1);
		assert_int_equal(source->add(g, &task_clock, &err), 0);
		assert_int_equal(g->n, 2);
		assert_int_equal(source->read(g, first, &err), 0);
		assert_int_equal(first[0].value, 0); /* it has not been started */
		assert_int_equal(first[1].value, 0);
		assert_int_equal(source->start(g, &err), 0);
		assert_int_equal(source->read(g, first, &err), 0);
		spin_ns(1000000);
		assert_int_equal(source->read(g, second, &err), 0);
		for (size_t k = 0; k < 2; k++) {
			assert_true(second[k].value > first[k].value);
			assert_true(second[k].enabled_ns > first[k].enabled_ns);
			assert_true(second[k].running_ns <= second[k].enabled_ns);
			assert_int_equal(second[k].error, 0);
		}
		source->close(g);
		source->close(NULL);
	}
}

static void no_source_opens_a_package_on_a_task(void **state)
{
	int cpus[] = {0};
	struct event_code package = task_clock;
	(void)state;
	package.system = true;
	package.cpus = cpus;
	package.n_cpus = 1;
	for (size_t i = 0; counter_sources[i]; i++) {
		struct counter_group *g = NULL;
		struct err err = ERR_NONE;
		assert_int_equal(counter_sources[i]->open(&self, &package, &g, &err), -EINVAL);
		assert_null(g);
	}
}

static void perf_says_what_the_kernel_says(void **state)
{
	struct counter_group *g = NULL;
	struct err err = ERR_NONE;
	struct event_code unknown = {.type = 77};
	struct counter_target gone = {.pid = 0x3ffffff, .cpu = -1}, far = {.pid = -1, .cpu = 4000};
	(void)state;
	assert_int_equal(counter_perf.open(&self, &unknown, &g, &err), -ENOENT);
	assert_int_equal(counter_perf.open(&gone, &task_clock, &g, &err), -ESRCH);
	int r = counter_perf.open(&far, &task_clock, &g, &err);
	assert_true(r == -EINVAL || r == -ENODEV || r == -EACCES);
}

static void on_cpu(int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set) < 0)
		skip();
}

/* An event that counts only while the thread is on CPU 0, and the thread is there half of the
 * time: just what multiplexing looks like, without its noise. */
static void perf_times_tell_how_long_it_counted(void **state)
{
	struct counter_target on_cpu_0 = {.pid = 0, .cpu = 0};
	struct counter_group *g = NULL;
	struct counter_value v[4];
	struct count count;
	struct err err = ERR_NONE;
	cpu_set_t before;
	(void)state;
	sched_getaffinity(0, sizeof(before), &before);
	on_cpu(1);
	assert_int_equal(counter_perf.open(&on_cpu_0, &task_clock, &g, &err), 0);
	assert_int_equal(counter_perf.start(g, &err), 0);
	assert_int_equal(counter_perf.read(g, &v[0], &err), 0);
	spin_ns(20000000);
	assert_int_equal(counter_perf.read(g, &v[1], &err), 0);
	on_cpu(0);
	assert_int_equal(counter_perf.read(g, &v[2], &err), 0);
	spin_ns(20000000);
	assert_int_equal(counter_perf.read(g, &v[3], &err), 0);
	sched_setaffinity(0, sizeof(before), &before);
	count_between(&v[0], &v[1], &count);
	if (count.state == COUNT_NOT_RUNNING) {
		print_message("this kernel does not count time elsewhere as enabled\n");
		counter_perf.close(g);
		skip();
	}
	assert_int_equal(count.state, COUNT_NOT_COUNTED);
	count_between(&v[2], &v[3], &count);
	assert_int_equal(count.state, COUNT_EXACT);
	count_between(&v[0], &v[3], &count);
	assert_int_equal(count.state, COUNT_SCALED);
	double enabled_ns = (double)(v[3].enabled_ns - v[0].enabled_ns);
	if (fabs(count.value - enabled_ns) > 0.001 * enabled_ns)
		fail_msg("scaled to %g of %g ns", count.value, enabled_ns);
	counter_perf.close(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_whole),
		cmocka_unit_test(every_source_keeps_the_contract),
		cmocka_unit_test(no_source_opens_a_package_on_a_task),
		cmocka_unit_test(perf_says_what_the_kernel_says),
		cmocka_unit_test(perf_times_tell_how_long_it_counted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
