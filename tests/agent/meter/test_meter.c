// SPDX-License-Identifier: GPL-3.0-or-later
/* The whole meter around a guest that this program makes itself: what it counted is compared with
 * what the guest was told to do. */
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/meter/counters.h"
#include "agent/meter/meter.h"
#include "agent/meter/refusal.h"
#include "proto/base/mem.h"
#include "tests/agent/meter/gated.h"

/* ---- what the guest can do ---- */

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

static void guest_flood(uint64_t megabytes)
{
	static char line[1 << 16];
	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (uint64_t i = 0; i < megabytes * 16; i++)
		if (write(1, line, sizeof(line)) < 0)
			_exit(5);
}

static void guest_words(uint64_t unused)
{
	(void)unused;
	gated_say("to the console");
	if (write(2, "to stderr\n", 10) != 10)
		_exit(5);
}

static void guest_sleep(uint64_t ms)
{
	gated_say("READY\n");
	gated_sleep_us(ms * 1000);
}

static void guest_hold(uint64_t pages)
{
	gated_say("BENCHMARK_START\n");
	gated_touch(gated_room(pages), pages);
	gated_sleep_us(150000);
	gated_say("BENCHMARK_END\n");
	gated_sleep_us(50000);
}

static const struct {
	const char *name;
	void (*run)(uint64_t number);
} guests[] = {
	{"faults", guest_faults}, {"spin", guest_spin},	  {"switches", guest_switches},
	{"flood", guest_flood},	  {"words", guest_words}, {"sleep", guest_sleep},
	{"hold", guest_hold},
};

static int guest_main(char **argv)
{
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++)
		if (strcmp(argv[2], guests[i].name) == 0)
			guests[i].run(strtoull(argv[3], NULL, 10));
	return 0;
}

/* ---- a run ---- */

struct run {
	struct host_root root;
	struct run_spec *spec;
	struct attempt *attempt;
	struct rusage usage;
	enum meter_end end;
	int cancel_fd;
	uint64_t timeout_ms;
	bool stop_at_first_mark;
};

static void run_init(struct run *r)
{
	struct err err = ERR_NONE;
	*r = (struct run){.cancel_fd = -1, .timeout_ms = 20000};
	assert_int_equal(host_root_open("/", &r->root, &err), 0);
	r->spec = run_spec_new();
	r->attempt = attempt_new();
}

static void run_done(struct run *r)
{
	run_spec_free(r->spec);
	attempt_free(r->attempt);
	host_root_close(&r->root);
}

static void add_window(struct run *r, const char *name, const char *from, const char *to)
{
	struct window_spec *w = ARRAY_PUSH(r->spec->windows, r->spec->n_windows);
	STRCPY_FIXED(w->name, name);
	w->from = (struct mark_spec){from ? MARK_CONSOLE : MARK_START, xstrdup(from)};
	w->to = (struct mark_spec){to ? MARK_CONSOLE : MARK_EXIT, xstrdup(to)};
}

static void on_cpu(pid_t pid, int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(pid, sizeof(set), &set);
}

static void run_it(struct run *r, const char *what, uint64_t number)
{
	struct err err = ERR_NONE;
	autoclean(meter) struct meter *m = NULL;
	int r_open = meter_open(&r->root, r->spec, &m, &err);
	if (r_open < 0)
		fail_msg("%s", err.text);
	struct gated g = gated_start(meter_console_fd(m), meter_stderr_fd(m), what, number);
	meter_guest_started(m);
	on_cpu(g.pid, 1);
	on_cpu(0, 0);
	assert_int_equal(meter_attach(m, g.pid, &err), 0);
	meter_mark(m, MARK_START);
	meter_mark(m, MARK_RESUME);
	gated_go(&g);
	struct meter_wait wait = {
		.pid = g.pid,
		.exit_fd = g.exit_fd,
		.cancel_fd = r->cancel_fd,
		.deadline_ns = clock_monotonic_ns() + r->timeout_ms * NSEC_PER_MSEC,
		.stop_at_first_mark = r->stop_at_first_mark,
	};
	assert_int_equal(meter_run(m, &wait, &r->end, &err), 0);
	gated_end(&g, &r->usage);
	meter_finish(m, (uint64_t)r->usage.ru_maxrss * 1024, r->attempt);
}

static const struct reading *find(const struct run *r, const char *window, const char *metric)
{
	for (size_t i = 0; i < r->attempt->n_readings; i++)
		if (strcmp(r->attempt->readings[i].window, window) == 0 &&
		    strcmp(r->attempt->readings[i].metric, metric) == 0)
			return &r->attempt->readings[i];
	fail_msg("no row for %s of %s", metric, window);
	return NULL;
}

static double value(const struct run *r, const char *window, const char *metric)
{
	const struct reading *row = find(r, window, metric);
	if (!row->present)
		fail_msg("%s of %s is absent: %s", metric, window, row->note);
	return row->value;
}

static const struct reason *find_reason(const struct run *r, const char *code)
{
	for (size_t i = 0; i < r->attempt->n_reasons; i++)
		if (strcmp(r->attempt->reasons[i].code, code) == 0)
			return &r->attempt->reasons[i];
	return NULL;
}

static const struct mark *find_mark(const struct run *r, const char *name)
{
	for (size_t i = 0; i < r->attempt->n_marks; i++)
		if (strcmp(r->attempt->marks[i].name, name) == 0)
			return &r->attempt->marks[i];
	return NULL;
}

static void near(double found, double expected, double share, double floor)
{
	if (fabs(found - expected) > share * expected + floor)
		fail_msg("%g is not within %g %% + %g of %g", found, share * 100, floor, expected);
}

/* ---- cases ---- */

static void counts_page_faults_of_the_window(void **state)
{
	struct run r;
	(void)state;
	run_init(&r);
	strv_push(&r.spec->measure.counters, "page-faults");
	strv_push(&r.spec->measure.counters, "minor-faults");
	add_window(&r, "bench", "BENCHMARK_START", "BENCHMARK_END");
	run_it(&r, "faults", 20000);
	assert_int_equal(r.end, METER_EXITED);
	near(value(&r, "bench", "page-faults"), 20000, 0.01, 0);
	near(value(&r, "bench", "minor-faults"), 20000, 0.01, 0);
	assert_true(value(&r, "whole", "page-faults") > 24000);
	assert_string_equal(find(&r, "bench", "page-faults")->source, "perf");
	assert_string_equal(find(&r, "bench", "page-faults")->scope, "guest");
	assert_int_equal(attempt_verdict(r.attempt), VERDICT_VALID);
	run_done(&r);
}

static void marks_stand_in_order_and_carry_the_console(void **state)
{
	struct run r;
	(void)state;
	run_init(&r);
	strv_push(&r.spec->measure.counters, "task-clock");
	add_window(&r, "bench", "BENCHMARK_START", "BENCHMARK_END");
	run_it(&r, "faults", 100);
	const struct mark *from = find_mark(&r, "bench.from"), *to = find_mark(&r, "bench.to");
	assert_non_null(from);
	assert_non_null(to);
	assert_int_equal(from->console_bytes, 24); /* the second line is seen before its newline */
	assert_int_equal(to->console_bytes - from->console_bytes, 14);
	assert_int_equal(from->console_lines, 2);
	assert_true(find_mark(&r, "start")->t_ns <= from->lower_ns);
	assert_true(from->lower_ns < from->t_ns && from->t_ns <= from->read_ns);
	assert_true(from->t_ns < to->t_ns && to->t_ns < find_mark(&r, "exit")->t_ns);
	near(value(&r, "bench", "wall"), 20e6, 0.1, 3e6); /* it slept 20 ms */
	assert_true(find(&r, "bench", "wall")->uncertainty < 1e6);
	assert_int_equal(r.attempt->n_windows, 2);
	assert_string_equal(r.attempt->windows[0].name, "whole");
	assert_true(r.attempt->guest_life_ns > 40000000);
	run_done(&r);
}

static void task_clock_agrees_with_rusage(void **state)
{
	struct run r;
	(void)state;
	run_init(&r);
	strv_push(&r.spec->measure.counters, "task-clock");
	strv_push(&r.spec->measure.counters, "msr/tsc/");
	add_window(&r, "bench", "BENCHMARK_START", "BENCHMARK_END");
	run_it(&r, "spin", 200);
	double rusage_ns = (double)(r.usage.ru_utime.tv_sec + r.usage.ru_stime.tv_sec) * 1e9 +
			   (double)(r.usage.ru_utime.tv_usec + r.usage.ru_stime.tv_usec) * 1e3;
	near(value(&r, "bench", "task-clock"), 200e6, 0.03, 2e6);
	near(value(&r, "whole", "task-clock"), rusage_ns, 0.03, 5e6);
	assert_string_equal(find(&r, "whole", "task-clock")->unit, "ns");
	assert_true(find(&r, "bench", "task-clock")->running_share == 1);
	run_done(&r);
}

static void counts_context_switches(void **state)
{
	struct run r;
	(void)state;
	run_init(&r);
	strv_push(&r.spec->measure.counters, "context-switches");
	add_window(&r, "bench", "BENCHMARK_START", "BENCHMARK_END");
	run_it(&r, "switches", 500);
	/* each sleep is one; what else runs on this CPU adds a few */
	near(value(&r, "bench", "context-switches"), 501, 0.1, 20);
	assert_true(value(&r, "bench", "context-switches") >= 500);
	run_done(&r);
}

/* As another user, kernel.perf_event_paranoid 2: what can be counted without the kernel is, and is
 * flagged; what would be a silent 0 is absent. Runs in a child: there is no way back to root. */
static int as_nobody(void)
{
	struct run r;
	run_init(&r);
	if (setresuid(65534, 65534, 65534) < 0 || prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return 2;
	strv_push(&r.spec->measure.counters, "page-faults");
	strv_push(&r.spec->measure.counters, "context-switches");
	strv_push(&r.spec->measure.counters, "task-clock");
	add_window(&r, "bench", "BENCHMARK_START", "BENCHMARK_END");
	run_it(&r, "faults", 20000);
	const struct reading *faults = find(&r, "bench", "page-faults");
	const struct reading *switches = find(&r, "bench", "context-switches");
	if (!faults->present || fabs(faults->value - 20000) > 200 ||
	    !strstr(faults->note, "user space only"))
		return 3;
	if (switches->present || !strstr(switches->note, "perf_event_paranoid"))
		return 4;
	if (value(&r, "bench", "task-clock") <= 0 || find(&r, "bench", "task-clock")->note[0])
		return 5;
	if (!find_reason(&r, "counters-user-only") || attempt_verdict(r.attempt) != VERDICT_FLAGGED)
		return 6;
	run_done(&r);
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

static void a_window_without_marks_has_no_readings(void **state)
{
	struct run r;
	(void)state;
	run_init(&r);
	strv_push(&r.spec->measure.counters, "page-faults");
	r.spec->measure.memory_every_ns = 10000000;
	strv_push(&r.spec->measure.energy, "package");
	add_window(&r, "bench", "BENCHMARK_START", "NEVER_SAID");
	run_it(&r, "faults", 100);
	const struct reason *why = find_reason(&r, "no-mark");
	assert_non_null(why);
	assert_int_equal(why->level, VERDICT_INVALID);
	assert_non_null(strstr(why->text, "window bench"));
	assert_non_null(strstr(why->text, "NEVER_SAID"));
	assert_non_null(strstr(why->text, "38 bytes in 3 lines"));
	static const char *const metrics[] = {"wall",	  "page-faults", "rss",
					      "rss/peak", "pss",	 "energy/package"};
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
		assert_false(find(&r, "bench", metrics[i])->present);
		assert_true(find(&r, "bench", metrics[i])->note[0]);
	}
	assert_true(find(&r, "whole", "page-faults")->present);
	run_done(&r);
}

static void hardware_events_are_counted_or_explained(void **state)
{
	struct run r;
	(void)state;
	run_init(&r);
	strv_push(&r.spec->measure.counters, "cycles");
	strv_push(&r.spec->measure.counters, "nosuch_pmu/event/");
	strv_push(&r.spec->measure.counters, "task-clock");
	run_it(&r, "spin", 50);
	const struct reading *cycles = find(&r, "whole", "cycles");
	if (cycles->present)
		assert_true(cycles->value > 1e6);
	else
		assert_non_null(strstr(cycles->note, "PMU"));
	assert_false(find(&r, "whole", "nosuch_pmu/event/")->present);
	assert_non_null(strstr(find(&r, "whole", "nosuch_pmu/event/")->note, "no PMU nosuch_pmu"));
	assert_true(find(&r, "whole", "task-clock")->present);
	run_done(&r);
}

static void unknown_events_are_refused(void **state)
{
	struct run r;
	struct err err = ERR_NONE;
	struct meter *m = NULL;
	(void)state;
	run_init(&r);
	strv_push(&r.spec->measure.counters, "page-fautls");
	assert_int_equal(meter_open(&r.root, r.spec, &m, &err), -ENOENT);
	assert_non_null(strstr(err.text, "did you mean 'page-faults'"));
	assert_null(m);
	run_done(&r);
}

static void output_limit_ends_a_flood(void **state)
{
	struct run r;
	(void)state;
	run_init(&r);
	r.spec->output_limit_bytes = 1 << 20;
	add_window(&r, "bench", "BENCHMARK_START", NULL);
	uint64_t began_ns = clock_monotonic_ns();
	run_it(&r, "flood", 1024);
	assert_int_equal(r.end, METER_OUTPUT_LIMIT);
	assert_true(clock_monotonic_ns() - began_ns < 2 * NSEC_PER_SEC);
	assert_string_equal(r.attempt->artifacts[0].name, "console");
	assert_int_equal(r.attempt->artifacts[0].size_bytes, 1 << 20);
	const char *bytes = r.attempt->artifacts[0].bytes;
	assert_true(bytes[0] == 'x' && bytes[65535] == '\n' && bytes[(1 << 20) - 1] == '\n');
	assert_non_null(find_mark(&r, "end"));
	run_done(&r);
}

static void a_flood_under_the_limit_is_kept_whole(void **state)
{
	struct run r;
	(void)state;
	run_init(&r);
	r.spec->output_limit_bytes = 64 << 20;
	run_it(&r, "flood", 32);
	assert_int_equal(r.end, METER_EXITED);
	assert_int_equal(r.attempt->artifacts[0].size_bytes, 32 << 20);
	run_done(&r);
}

static void both_streams_are_kept_to_the_end(void **state)
{
	struct run r;
	(void)state;
	run_init(&r);
	run_it(&r, "words", 0);
	assert_int_equal(r.attempt->n_artifacts, 2);
	assert_int_equal(r.attempt->artifacts[0].size_bytes, 14);
	assert_memory_equal(r.attempt->artifacts[0].bytes, "to the console", 14);
	assert_string_equal(r.attempt->artifacts[1].name, "stderr");
	assert_int_equal(r.attempt->artifacts[1].size_bytes, 10);
	run_done(&r);
}

/* It prints and is gone: the marks lie in the pipe when its end is seen, or are seen just before.
 */
static void a_last_line_without_newline_is_a_mark(void **state)
{
	struct run r;
	(void)state;
	run_init(&r);
	strv_push(&r.spec->measure.counters, "page-faults");
	add_window(&r, "boot", NULL, "console$");
	run_it(&r, "words", 0);
	assert_non_null(find_mark(&r, "boot.to"));
	assert_true(value(&r, "boot", "wall") > 0);
	assert_true(find(&r, "boot", "page-faults")->present);
	run_done(&r);
}

static void marks_in_one_read_make_no_window(void **state)
{
	struct run r;
	(void)state;
	run_init(&r);
	add_window(&r, "tiny", "to the", "console");
	run_it(&r, "words", 0);
	assert_non_null(find_mark(&r, "tiny.from"));
	assert_non_null(find_mark(&r, "tiny.to"));
	assert_false(find(&r, "tiny", "wall")->present);
	assert_non_null(find_reason(&r, "window-too-short"));
	run_done(&r);
}

static void times_out(void **state)
{
	struct run r;
	(void)state;
	run_init(&r);
	r.timeout_ms = 100;
	strv_push(&r.spec->measure.counters, "task-clock");
	run_it(&r, "sleep", 10000);
	assert_int_equal(r.end, METER_TIMEOUT);
	near(value(&r, "whole", "wall"), 100e6, 0.05, 5e6); /* what there is, is delivered */
	assert_int_equal(r.attempt->artifacts[0].size_bytes, 6);
	run_done(&r);
}

static void is_cancelled(void **state)
{
	struct run r;
	int ends[2];
	(void)state;
	run_init(&r);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	r.cancel_fd = ends[0];
	run_it(&r, "sleep", 10000);
	assert_int_equal(r.end, METER_CANCELLED);
	close(ends[0]);
	close(ends[1]);
	run_done(&r);
}

static void a_probe_stops_at_its_first_mark(void **state)
{
	struct run r;
	(void)state;
	run_init(&r);
	r.stop_at_first_mark = true;
	add_window(&r, "bench", "READY", "DONE");
	run_it(&r, "sleep", 10000);
	assert_int_equal(r.end, METER_STOPPED);
	assert_non_null(find_mark(&r, "bench.from"));
	assert_null(find_reason(&r, "no-mark"));
	run_done(&r);
}

static void samples_memory(void **state)
{
	enum { PAGES = 16384 }; /* 64 MiB */
	struct run r;
	(void)state;
	run_init(&r);
	r.spec->measure.memory_every_ns = 10000000;
	add_window(&r, "bench", "BENCHMARK_START", "BENCHMARK_END");
	run_it(&r, "hold", PAGES);
	double held = (double)PAGES * 4096;
	assert_true(value(&r, "bench", "rss/peak") >= held);
	near(value(&r, "bench", "rss/peak"), held, 0.2, 40e6); /* ASan's own share */
	assert_true(value(&r, "bench", "rss") <= value(&r, "bench", "rss/peak"));
	assert_true(value(&r, "whole", "rss/peak") >= held);
	assert_true(value(&r, "whole", "pss") >= held); /* after the window, before the exit */
	run_done(&r);
}

static void absent_energy_says_why(void **state)
{
	struct run r;
	(void)state;
	run_init(&r);
	strv_push(&r.spec->measure.energy, "package");
	run_it(&r, "spin", 250);
	const struct reading *e = find(&r, "whole", "energy/package");
	assert_string_equal(e->scope, "host");
	assert_string_equal(e->unit, "J");
	if (e->present)
		assert_true(e->value > 0);
	else
		assert_true(strlen(e->note) > 20);
	run_done(&r);
}

static void lists_capabilities(void **state)
{
	struct host_root root;
	struct host_info info = {0};
	struct err err = ERR_NONE;
	(void)state;
	assert_int_equal(host_root_open("/", &root, &err), 0);
	meter_capabilities(&root, &info);
	static const char *const names[] = {
		"counters.software", "counters.hardware", "counters.msr", "counters.kernel",
		"energy.package",    "memory.rss",	  "memory.pss"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		const struct capability *c = host_capability_find(&info, names[i]);
		assert_non_null(c);
		assert_true(c->detail[0]);
	}
	assert_true(host_capability_find(&info, "memory.rss")->present);
	assert_non_null(host_fact_value(&info, "perf.paranoid"));
	host_info_done(&info);
	host_root_close(&root);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--guest") == 0)
		return guest_main(argv);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counts_page_faults_of_the_window),
		cmocka_unit_test(marks_stand_in_order_and_carry_the_console),
		cmocka_unit_test(task_clock_agrees_with_rusage),
		cmocka_unit_test(counts_context_switches),
		cmocka_unit_test(counts_what_it_may_without_rights),
		cmocka_unit_test(nothing_is_counted_before_exec),
		cmocka_unit_test(a_window_without_marks_has_no_readings),
		cmocka_unit_test(hardware_events_are_counted_or_explained),
		cmocka_unit_test(unknown_events_are_refused),
		cmocka_unit_test(output_limit_ends_a_flood),
		cmocka_unit_test(a_flood_under_the_limit_is_kept_whole),
		cmocka_unit_test(both_streams_are_kept_to_the_end),
		cmocka_unit_test(a_last_line_without_newline_is_a_mark),
		cmocka_unit_test(marks_in_one_read_make_no_window),
		cmocka_unit_test(times_out),
		cmocka_unit_test(is_cancelled),
		cmocka_unit_test(a_probe_stops_at_its_first_mark),
		cmocka_unit_test(samples_memory),
		cmocka_unit_test(absent_energy_says_why),
		cmocka_unit_test(lists_capabilities),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
