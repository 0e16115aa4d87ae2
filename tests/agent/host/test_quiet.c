// SPDX-License-Identifier: GPL-3.0-or-later
/* The quiet gate against a machine whose /proc/stat a thread writes, and snapshots. */
#include "agent/host/host.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent/host/ticks.h"
#include "proto/base/mem.h"
#include "tests/fixtures/hosts/hosts.h"

/* A machine of 8 CPUs: 800 ticks a second, busy for the first part of its life, then idle. */
struct machine {
	pthread_t thread;
	uint64_t begun_ns;
	uint64_t busy_for_ns;
	unsigned busy_pct;
	atomic_bool stop;
};

static void write_stat(uint64_t total, uint64_t busy)
{
	char text[128];
	snprintf(text, sizeof(text), "cpu  %llu 0 0 %llu 0 0 0 0 0 0\ncpu0 1 0 0 0 0 0 0 0 0 0\n",
		 (unsigned long long)busy, (unsigned long long)(total - busy));
	hosts_put("vm", "proc/stat", text);
}

static void *live(void *arg)
{
	struct machine *m = arg;
	while (!m->stop) {
		uint64_t age_ns = clock_monotonic_ns() - m->begun_ns;
		uint64_t busy_ns = age_ns < m->busy_for_ns ? age_ns : m->busy_for_ns;
		uint64_t tick_ns = NSEC_PER_SEC / 800;
		write_stat(10000 + age_ns / tick_ns, 500 + busy_ns * m->busy_pct / 100 / tick_ns);
		usleep(5000);
	}
	return NULL;
}

static void machine_start(struct machine *m)
{
	m->begun_ns = clock_monotonic_ns();
	m->stop = false;
	write_stat(10000, 500);
	assert_int_equal(pthread_create(&m->thread, NULL, live, m), 0);
}

static void machine_stop(struct machine *m)
{
	m->stop = true;
	pthread_join(m->thread, NULL);
}

static const char *fact(const struct attempt *a, const char *name)
{
	for (size_t i = 0; i < a->n_facts; i++)
		if (strcmp(a->facts[i].name, name) == 0)
			return a->facts[i].value;
	return NULL;
}

static double fact_number(const struct attempt *a, const char *name)
{
	const char *value = fact(a, name);
	assert_non_null(value);
	return strtod(value, NULL);
}

static const struct {
	uint64_t busy_for_ns;
	unsigned busy_pct;
	struct quiet_spec spec;
	enum verdict verdict;
	double waited_from_s, waited_to_s;
	const char *why;
} waits[] = {
	{0,
	 0,
	 {2.0, 10 * NSEC_PER_SEC},
	 VERDICT_VALID,
	 0.9,
	 1.9,
	 "quiet from the start: one window"},
	{60 * NSEC_PER_SEC, 30, {50.0, 0}, VERDICT_VALID, 0.9, 10, "30 % is allowed here"},
	{1500 * NSEC_PER_MSEC,
	 90,
	 {2.0, 20 * NSEC_PER_SEC},
	 VERDICT_VALID,
	 2.5,
	 6.0,
	 "becomes quiet after 1.5 s"},
	{60 * NSEC_PER_SEC, 40, {2.0, 1500 * NSEC_PER_MSEC}, VERDICT_FLAGGED, 1.5, 10, "gives up"},
	{60 * NSEC_PER_SEC, 40, {2.0, 0}, VERDICT_FLAGGED, 0.9, 10, "no waiting: one look"},
};

static void test_waits(void **state)
{
	(void)state;
	struct host_root root;
	hosts_open("vm", &root);
	for (size_t i = 0; i < ARRAY_SIZE(waits); i++) {
		struct machine m = {.busy_for_ns = waits[i].busy_for_ns,
				    .busy_pct = waits[i].busy_pct};
		struct err err = ERR_NONE;
		autoclean(attempt) struct attempt *a = attempt_new();
		machine_start(&m);
		int r = host_quiet(&root, &waits[i].spec, -1, a, &err);
		machine_stop(&m);
		assert_int_equal(r, 0);
		double waited_s = fact_number(a, "quiet.waited_ns") / 1e9;
		if (attempt_verdict(a) != waits[i].verdict || waited_s < waits[i].waited_from_s ||
		    waited_s > waits[i].waited_to_s)
			fail_msg("%s: %s after %.2f s, %s %% busy", waits[i].why,
				 verdict_name(attempt_verdict(a)), waited_s,
				 fact(a, "quiet.busy_pct"));
		if (waits[i].verdict == VERDICT_FLAGGED) {
			assert_string_equal(a->reasons[0].code, "not-quiet");
			double busy_pct = fact_number(a, "quiet.busy_pct");
			assert_true(busy_pct > 35 && busy_pct < 45); /* the truth is 40 */
		}
	}
	host_root_close(&root);
}

static void test_no_gate(void **state)
{
	(void)state;
	struct host_root root;
	struct quiet_spec spec = {.busy_pct = -1, .wait_ns = NSEC_PER_SEC};
	autoclean(attempt) struct attempt *a = attempt_new();
	hosts_open("vm", &root);
	uint64_t begun_ns = clock_monotonic_ns();
	assert_int_equal(host_quiet(&root, &spec, -1, a, NULL), 0);
	assert_true(clock_monotonic_ns() - begun_ns < 500 * NSEC_PER_MSEC);
	assert_int_equal(a->n_facts, 0);
	host_root_close(&root);
}

static void test_cancel(void **state)
{
	(void)state;
	struct host_root root;
	struct quiet_spec spec = {.busy_pct = 2, .wait_ns = 60 * NSEC_PER_SEC};
	struct err err = ERR_NONE;
	int pipe_fds[2];
	autoclean(attempt) struct attempt *a = attempt_new();
	hosts_open("vm", &root);
	assert_int_equal(pipe(pipe_fds), 0);
	assert_int_equal(write(pipe_fds[1], "x", 1), 1);
	uint64_t begun_ns = clock_monotonic_ns();
	assert_int_equal(host_quiet(&root, &spec, pipe_fds[0], a, &err), -ECANCELED);
	assert_true(clock_monotonic_ns() - begun_ns < 500 * NSEC_PER_MSEC);
	assert_int_equal(err.code, ECANCELED);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	host_root_close(&root);
}

/* Not knowing is not being quiet, and no number is made up for it. */
static void test_unknown(void **state)
{
	static const char *const stats[] = {NULL, "", "cpu  1 2 3\n", "intr 1\n",
					    "cpu  1 0 0 9 0 0 0 0 0 0\n" /* stands still */};
	(void)state;
	struct quiet_spec spec = {.busy_pct = 2, .wait_ns = 60 * NSEC_PER_SEC};
	struct host_root root;
	hosts_open("one", &root);
	for (size_t i = 0; i < ARRAY_SIZE(stats); i++) {
		struct err err = ERR_NONE;
		autoclean(attempt) struct attempt *a = attempt_new();
		hosts_put("one", "proc/stat", stats[i]);
		assert_int_equal(host_quiet(&root, &spec, -1, a, &err), 0);
		assert_int_equal(attempt_verdict(a), VERDICT_FLAGGED);
		assert_string_equal(a->reasons[0].code, "not-quiet");
		assert_non_null(strstr(a->reasons[0].text, "/proc/stat"));
		assert_int_equal(a->n_facts, 0);
	}
	host_root_close(&root);
}

static const struct {
	struct ticks before, after;
	double busy_pct, steal_pct; /* -1: not known */
	const char *why;
} shares[] = {
	{{1000, 900, 0}, {2000, 1800, 0}, 10, 0, "a tenth busy"},
	{{1000, 900, 10}, {2000, 1800, 30}, 10, 2, "stolen time is busy"},
	{{1000, 900, 0}, {2000, 899, 0}, 100, 0, "iowait goes back a tick"},
	{{1000, 900, 0}, {2000, 1901, 0}, 0, 0, "idle grew more than the total by rounding"},
	{{1000, 900, 0}, {1000, 900, 0}, -1, -1, "no time passed"},
	{{1000, 900, 0}, {900, 800, 0}, -1, -1, "time went back"},
};

static void test_shares(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shares); i++) {
		double busy_pct = -1, steal_pct = -1;
		bool busy = ticks_busy_pct(&shares[i].before, &shares[i].after, &busy_pct);
		bool steal = ticks_steal_pct(&shares[i].before, &shares[i].after, &steal_pct);
		assert_int_equal(busy, shares[i].busy_pct >= 0);
		assert_int_equal(steal, shares[i].steal_pct >= 0);
		if (busy_pct != shares[i].busy_pct || steal_pct != shares[i].steal_pct)
			fail_msg("%s: %f %f", shares[i].why, busy_pct, steal_pct);
	}
}

/* One captured second, changed by one thing at a time. */
static const struct {
	struct host_snapshot after;
	const char *reason; /* NULL: valid */
	const char *fact, *value;
	const char *why;
} compared[] = {
	{.after = {.clocks = {.raw_ns = NSEC_PER_SEC,
			      .monotonic_ns = NSEC_PER_SEC,
			      .real_ns = NSEC_PER_SEC},
		   .cpu_total_ticks = 1000,
		   .cpu_idle_ticks = 750,
		   .have_stat = true,
		   .have_vmstat = true},
	 .fact = "host.busy_pct",
	 .value = "25.00",
	 .why = "nothing disturbed"},
	{.after = {.clocks = {.monotonic_ns = NSEC_PER_SEC, .real_ns = NSEC_PER_SEC},
		   .cpu_total_ticks = 1000,
		   .cpu_idle_ticks = 500,
		   .cpu_steal_ticks = 9,
		   .have_stat = true},
	 .fact = "host.steal_pct",
	 .value = "0.90",
	 .why = "a little steal is a fact"},
	{.after = {.clocks = {.monotonic_ns = NSEC_PER_SEC, .real_ns = NSEC_PER_SEC},
		   .cpu_total_ticks = 1000,
		   .cpu_idle_ticks = 500,
		   .cpu_steal_ticks = 10,
		   .have_stat = true},
	 .reason = "steal",
	 .fact = "host.steal_pct",
	 .value = "1.00",
	 .why = "1 % is too much"},
	{.after = {.clocks = {.monotonic_ns = NSEC_PER_SEC, .real_ns = NSEC_PER_SEC},
		   .swap_in_pages = 1,
		   .have_vmstat = true},
	 .reason = "swap",
	 .fact = "host.swap_in_pages",
	 .value = "1",
	 .why = "a page came back"},
	{.after = {.clocks = {.monotonic_ns = NSEC_PER_SEC, .real_ns = NSEC_PER_SEC},
		   .swap_out_pages = 3,
		   .have_vmstat = true},
	 .reason = "swap",
	 .fact = "host.swap_out_pages",
	 .value = "3",
	 .why = "pages went"},
	{.after = {.clocks = {.monotonic_ns = NSEC_PER_SEC,
			      .real_ns = NSEC_PER_SEC + 9 * NSEC_PER_MSEC}},
	 .fact = "host.clock_step_ns",
	 .why = "9 ms may be how the clocks were read"},
	{.after = {.clocks = {.monotonic_ns = NSEC_PER_SEC,
			      .real_ns = NSEC_PER_SEC + 11 * NSEC_PER_MSEC}},
	 .reason = "clock-step",
	 .fact = "host.clock_step_ns",
	 .value = "11000000",
	 .why = "forward"},
	{.after = {.clocks = {.monotonic_ns = 3600 * NSEC_PER_SEC, .real_ns = 3599 * NSEC_PER_SEC}},
	 .reason = "clock-step",
	 .fact = "host.clock_step_ns",
	 .value = "-1000000000",
	 .why = "back: a leap second"},
	{.after = {.clocks = {.monotonic_ns = NSEC_PER_SEC,
			      .width_ns = 50 * NSEC_PER_MSEC,
			      .real_ns = NSEC_PER_SEC + 40 * NSEC_PER_MSEC}},
	 .fact = "host.clock_step_ns",
	 .why = "the agent lost its CPU between two clocks"},
	{.after = {.clocks = {.monotonic_ns = NSEC_PER_SEC, .real_ns = NSEC_PER_SEC},
		   .swap_in_pages = 5,
		   .cpu_total_ticks = 1000,
		   .cpu_steal_ticks = 500},
	 .fact = "host.swap_in_pages",
	 .why = "what could not be read is not compared"},
};

static void test_compare(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(compared); i++) {
		struct host_snapshot before = {.have_stat = true, .have_vmstat = true};
		autoclean(attempt) struct attempt *a = attempt_new();
		host_compare(&before, &compared[i].after, a);
		const char *code = a->n_reasons ? a->reasons[0].code : NULL;
		const char *value = fact(a, compared[i].fact);
		if (a->n_reasons > 1 || !code != !compared[i].reason ||
		    (code && strcmp(code, compared[i].reason) != 0))
			fail_msg("%s: reason %s", compared[i].why, code ? code : "(none)");
		if (!value != !compared[i].value ||
		    (value && strcmp(value, compared[i].value) != 0))
			fail_msg("%s: %s is %s", compared[i].why, compared[i].fact,
				 value ? value : "(none)");
		assert_true(!a->n_reasons || a->reasons[0].level == VERDICT_FLAGGED);
	}
}

static void test_snapshot(void **state)
{
	(void)state;
	struct host_root root;
	struct host_snapshot s;
	hosts_put("xeon2s", "proc/vmstat", "pswpin_x 9\npswpin 12\nswap_ra 3\npswpout 34\n");
	hosts_open("xeon2s", &root);
	host_snapshot(&root, &s);
	assert_true(s.have_stat && s.have_vmstat);
	assert_int_equal(s.cpu_total_ticks, 10000);
	assert_int_equal(s.cpu_idle_ticks, 9000); /* idle and iowait */
	assert_int_equal(s.swap_in_pages, 12);
	assert_int_equal(s.swap_out_pages, 34);
	assert_true(s.clocks.raw_ns > 0 && s.clocks.real_ns > 0);
	hosts_put("xeon2s", "proc/vmstat", "pswpin 12\n");
	hosts_put("xeon2s", "proc/stat", NULL);
	host_snapshot(&root, &s);
	assert_false(s.have_stat || s.have_vmstat);
	host_root_close(&root);
}

static void test_this_host(void **state)
{
	(void)state;
	struct host_root root;
	struct host_snapshot before, after;
	autoclean(attempt) struct attempt *a = attempt_new();
	assert_int_equal(host_root_open("/", &root, NULL), 0);
	host_snapshot(&root, &before);
	usleep(200000);
	host_snapshot(&root, &after);
	host_compare(&before, &after, a);
	assert_true(before.have_stat);
	double busy_pct = fact_number(a, "host.busy_pct");
	assert_true(busy_pct >= 0 && busy_pct <= 100);
	host_root_close(&root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_waits),	 cmocka_unit_test(test_no_gate),
		cmocka_unit_test(test_cancel),	 cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_shares),	 cmocka_unit_test(test_compare),
		cmocka_unit_test(test_snapshot), cmocka_unit_test(test_this_host),
	};
	return cmocka_run_group_tests(tests, hosts_setup, hosts_teardown);
}
