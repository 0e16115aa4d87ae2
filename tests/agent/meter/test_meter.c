// SPDX-License-Identifier: GPL-3.0-or-later
/* What the whole meter counts, compared with what the guest was told to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/meter/counters.h"
#include "agent/meter/refusal.h"
#include "tests/agent/meter/metered.h"

static void guest_faults(uint64_t pages)
{
	char *room = gated_room(pages + 1000);
	gated_touch(room, 1000);
	gated_say("booting\nBENCHMARK_START\n");
	gated_sleep_us(20000);
	gated_touch(room + (size_t)1000 * 4096, pages);
	gated_say("BENCHMARK_END\n");
	gated_sleep_us(20000);
	gated_touch(gated_room(3000), 3000);
}

static void guest_spin(uint64_t ms)
{
	gated_spin_ms(20);
	gated_say("BENCHMARK_START\n");
	gated_spin_ms(ms);
	gated_say("BENCHMARK_END\n");
	gated_spin_ms(20);
}

static void guest_switches(uint64_t times)
{
	gated_say("BENCHMARK_START\n");
	gated_sleep_us(20000);
	for (uint64_t i = 0; i < times; i++)
		gated_sleep_us(100);
	gated_say("BENCHMARK_END\n");
	gated_sleep_us(20000);
}

static uint64_t raw_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Says after the window how long it was by its own clock, which is the meter's too. */
static void guest_timed(uint64_t ms)
{
	char text[64];
	gated_sleep_us(5000);
	uint64_t from_ns = raw_ns();
	gated_say("BENCHMARK_START\n");
	gated_sleep_us(ms * 1000);
	uint64_t to_ns = raw_ns();
	gated_say("BENCHMARK_END\n");
	gated_sleep_us(5000);
	snprintf(text, sizeof(text), "%llu", (unsigned long long)(to_ns - from_ns));
	gated_say(text);
}

static void guest_hold(uint64_t pages)
{
	gated_say("BENCHMARK_START\n");
	gated_touch(gated_room(pages), pages);
	gated_sleep_us(150000);
	gated_say("BENCHMARK_END\n");
	gated_sleep_us(50000);
}

/* A child that ends inside the window and one that outlives it, each with half of the pages; the
 * second says through a pipe that it has them, however long that takes on a busy host. */
static void guest_tree(uint64_t pages)
{
	char *room = gated_room(pages), done = 0;
	int pipe_fds[2];
	if (pipe(pipe_fds) < 0)
		_exit(1);
	gated_say("BENCHMARK_START\n");
	gated_sleep_us(20000);
	for (int i = 0; i < 2; i++) {
		pid_t pid = fork();
		if (pid == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
			gated_touch(room, pages / 2);
			if (i == 1 && write(pipe_fds[1], &done, 1) == 1)
				gated_sleep_us(60000);
			_exit(0);
		}
		if (i == 0)
			waitpid(pid, NULL, 0);
	}
	if (read(pipe_fds[0], &done, 1) != 1)
		_exit(1);
	gated_say("BENCHMARK_END\n");
	while (wait(NULL) > 0)
		;
}

static const struct {
	const char *name;
	void (*run)(uint64_t number);
} guests[] = {
	{"faults", guest_faults}, {"spin", guest_spin}, {"switches", guest_switches},
	{"timed", guest_timed},	  {"hold", guest_hold}, {"tree", guest_tree},
};

static int guest_main(char **argv)
{
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++)
		if (strcmp(argv[2], guests[i].name) == 0)
			guests[i].run(strtoull(argv[3], NULL, 10));
	return 0;
}

static void counts_page_faults_of_the_window(void **state)
{
	struct metered r;
	(void)state;
	metered_open(&r);
	strv_push(&r.spec->measure.counters, "page-faults");
	strv_push(&r.spec->measure.counters, "minor-faults");
	metered_window(&r, "bench", "BENCHMARK_START", "BENCHMARK_END");
	metered_run(&r, "faults", 20000);
	assert_int_equal(r.end, METER_EXITED);
	assert_true(metered_near("page-faults", metered_value(&r, "bench", "page-faults"), 20000,
				 0.01, 0));
	assert_true(metered_near("minor-faults", metered_value(&r, "bench", "minor-faults"), 20000,
				 0.01, 0));
	assert_true(metered_value(&r, "whole", "page-faults") > 24000);
	assert_string_equal(metered_find(&r, "bench", "page-faults")->source, "perf");
	assert_string_equal(metered_find(&r, "bench", "page-faults")->scope, "guest");
	assert_int_equal(attempt_verdict(r.attempt), VERDICT_VALID);
	metered_close(&r);
}

static void counts_all_that_descends_from_the_guest(void **state)
{
	struct metered r;
	(void)state;
	metered_open(&r);
	strv_push(&r.spec->measure.counters, "page-faults");
	metered_window(&r, "bench", "BENCHMARK_START", "BENCHMARK_END");
	metered_run(&r, "tree", 20000);
	/* fork itself costs each process some faults: copies of what it writes to */
	assert_true(metered_near("page-faults", metered_value(&r, "bench", "page-faults"), 20000,
				 0.01, 600));
	assert_true(metered_value(&r, "bench", "page-faults") >= 20000);
	metered_close(&r);
}

static void marks_stand_in_order_and_carry_the_console(void **state)
{
	struct metered r;
	(void)state;
	metered_open(&r);
	strv_push(&r.spec->measure.counters, "task-clock");
	metered_window(&r, "bench", "BENCHMARK_START", "BENCHMARK_END");
	metered_run(&r, "faults", 100);
	const struct mark *from = metered_mark(&r, "bench.from"),
			  *to = metered_mark(&r, "bench.to");
	assert_non_null(from);
	assert_non_null(to);
	assert_int_equal(from->console_bytes, 24); /* the second line is seen before its newline */
	assert_int_equal(to->console_bytes - from->console_bytes, 14);
	assert_int_equal(from->console_lines, 2);
	assert_true(metered_mark(&r, "start")->t_ns <= from->lower_ns);
	assert_true(from->lower_ns < from->t_ns && from->t_ns <= from->read_ns);
	assert_true(from->t_ns < to->t_ns && to->t_ns < metered_mark(&r, "exit")->t_ns);
	assert_true(metered_value(&r, "bench", "wall") >= 20e6); /* it slept 20 ms */
	assert_true(metered_find(&r, "bench", "wall")->uncertainty < 1e6);
	assert_int_equal(r.attempt->n_windows, 2);
	assert_string_equal(r.attempt->windows[0].name, "whole");
	assert_true(r.attempt->guest_life_ns > 40000000);
	metered_close(&r);
}

static bool wall_time(void)
{
	struct metered r;
	metered_open(&r);
	metered_window(&r, "bench", "BENCHMARK_START", "BENCHMARK_END");
	metered_run(&r, "timed", 100);
	autofree char *text = xstrndup(r.attempt->artifacts[0].bytes,
				       (size_t)r.attempt->artifacts[0].size_bytes);
	double truth_ns = strtod(strrchr(text, '\n') + 1, NULL);
	assert_true(truth_ns >= 100e6);
	bool ok = metered_near("wall", metered_value(&r, "bench", "wall"), truth_ns, 0.002, 2e5);
	metered_close(&r);
	return ok;
}

static void wall_time_is_the_guests(void **state)
{
	(void)state;
	metered_eventually(wall_time);
}

static bool task_clock(void)
{
	struct metered r;
	metered_open(&r);
	strv_push(&r.spec->measure.counters, "task-clock");
	strv_push(&r.spec->measure.counters, "msr/tsc/");
	metered_window(&r, "bench", "BENCHMARK_START", "BENCHMARK_END");
	metered_run(&r, "spin", 200);
	double rusage_ns = (double)(r.usage.ru_utime.tv_sec + r.usage.ru_stime.tv_sec) * 1e9 +
			   (double)(r.usage.ru_utime.tv_usec + r.usage.ru_stime.tv_usec) * 1e3;
	assert_string_equal(metered_find(&r, "whole", "task-clock")->unit, "ns");
	assert_true(metered_find(&r, "bench", "task-clock")->running_share == 1);
	bool ok = metered_near("task-clock", metered_value(&r, "bench", "task-clock"), 200e6, 0.03,
			       2e6) &&
		  metered_near("task-clock of all", metered_value(&r, "whole", "task-clock"),
			       rusage_ns, 0.03, 5e6);
	metered_close(&r);
	return ok;
}

static void task_clock_agrees_with_rusage(void **state)
{
	(void)state;
	metered_eventually(task_clock);
}

static bool context_switches(void)
{
	struct metered r;
	metered_open(&r);
	strv_push(&r.spec->measure.counters, "context-switches");
	metered_window(&r, "bench", "BENCHMARK_START", "BENCHMARK_END");
	metered_run(&r, "switches", 500);
	/* each sleep is one, and the first; what else runs on this CPU adds a few */
	double n = metered_value(&r, "bench", "context-switches");
	metered_close(&r);
	assert_true(n >= 500);
	return metered_near("context-switches", n, 501, 0.05, 10);
}

static void each_sleep_is_a_context_switch(void **state)
{
	(void)state;
	metered_eventually(context_switches);
}

/* As another user, kernel.perf_event_paranoid 2: what can be counted without the kernel is, and is
 * flagged; what would be a silent 0 is absent. Runs in a child: there is no way back to root. */
static int as_nobody(void)
{
	struct metered r;
	metered_open(&r);
	if (setresuid(65534, 65534, 65534) < 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return 2;
	strv_push(&r.spec->measure.counters, "page-faults");
	strv_push(&r.spec->measure.counters, "context-switches");
	strv_push(&r.spec->measure.counters, "task-clock");
	metered_window(&r, "bench", "BENCHMARK_START", "BENCHMARK_END");
	metered_run(&r, "faults", 20000);
	const struct reading *faults = metered_find(&r, "bench", "page-faults");
	const struct reading *switches = metered_find(&r, "bench", "context-switches");
	if (!faults->present || fabs(faults->value - 20000) > 200 ||
	    !strstr(faults->note, "user space only"))
		return 3;
	if (switches->present || !strstr(switches->note, "perf_event_paranoid"))
		return 4;
	if (metered_value(&r, "bench", "task-clock") <= 0 ||
	    metered_find(&r, "bench", "task-clock")->note[0])
		return 5;
	if (!metered_reason(&r, "counters-user-only") ||
	    attempt_verdict(r.attempt) != VERDICT_FLAGGED)
		return 6;
	metered_close(&r);
	return 0;
}

static void counts_what_it_may_without_rights(void **state)
{
	struct host_root root;
	int status;
	(void)state;
	assert_int_equal(host_root_open("/", &root, NULL), 0);
	int level = refusal_paranoid(&root);
	host_root_close(&root);
	if (geteuid() != 0 || level != 2)
		skip(); /* other levels allow all or nothing */
	pid_t pid = fork();
	if (pid == 0)
		_exit(as_nobody());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void nothing_is_counted_before_exec(void **state)
{
	struct err err = ERR_NONE;
	struct host_root root;
	struct counter_value before, after;
	autoclean(counters) struct counters *c = NULL;
	char event[] = "page-faults", *events[] = {event, NULL};
	(void)state;
	assert_int_equal(host_root_open("/", &root, &err), 0);
	struct gated g = gated_start(1, 2, "faults", 10);
	assert_int_equal(counters_open(&counter_perf, &root, events, &c, &err), 0);
	counters_attach(c, g.pid);
	assert_int_equal(counters_slots(c), 1);
	gated_sleep_us(20000);
	counters_read(c, &before);
	assert_int_equal(before.error, 0);
	assert_int_equal(before.value, 0);
	assert_int_equal(before.enabled_ns, 0);
	close(g.gate_fd); /* the gate's end: the child leaves without exec */
	g.gate_fd = -1;
	gated_sleep_us(20000);
	counters_read(c, &after);
	assert_int_equal(after.value, 0);
	gated_end(&g, NULL);
	host_root_close(&root);
}

static void samples_memory(void **state)
{
	enum { PAGES = 16384 }; /* 64 MiB */
	struct metered r;
	(void)state;
	metered_open(&r);
	r.spec->measure.memory_every_ns = 10000000;
	metered_window(&r, "bench", "BENCHMARK_START", "BENCHMARK_END");
	metered_run(&r, "hold", PAGES);
	double held = (double)PAGES * 4096;
	assert_true(metered_value(&r, "bench", "rss/peak") >= held);
	assert_true(metered_near("rss/peak", metered_value(&r, "bench", "rss/peak"), held, 0.2,
				 40e6)); /* ASan's own share */
	assert_true(metered_value(&r, "bench", "rss") <= metered_value(&r, "bench", "rss/peak"));
	assert_true(metered_value(&r, "whole", "rss/peak") >= held);
	/* taken when the last window was over: as of its end */
	assert_true(metered_value(&r, "whole", "pss") >= held);
	assert_true(metered_value(&r, "bench", "pss") >= held);
	metered_close(&r);
}

/* The expensive sample waits for the end of the windows, and here there is none but the exit. */
static void pss_keeps_out_of_windows(void **state)
{
	struct metered r;
	(void)state;
	metered_open(&r);
	r.spec->measure.memory_every_ns = 10000000;
	metered_window(&r, "bench", "BENCHMARK_START", NULL);
	metered_run(&r, "hold", 1000);
	assert_true(metered_find(&r, "bench", "rss")->present);
	assert_false(metered_find(&r, "bench", "pss")->present);
	metered_close(&r);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--guest") == 0)
		return guest_main(argv);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_page_faults_of_the_window),
		cmocka_unit_test(counts_all_that_descends_from_the_guest),
		cmocka_unit_test(marks_stand_in_order_and_carry_the_console),
		cmocka_unit_test(wall_time_is_the_guests),
		cmocka_unit_test(task_clock_agrees_with_rusage),
		cmocka_unit_test(each_sleep_is_a_context_switch),
		cmocka_unit_test(counts_what_it_may_without_rights),
		cmocka_unit_test(nothing_is_counted_before_exec),
		cmocka_unit_test(samples_memory),
		cmocka_unit_test(pss_keeps_out_of_windows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
