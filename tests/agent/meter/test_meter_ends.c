// SPDX-License-Identifier: GPL-3.0-or-later
/* How a run of the meter can end, and what is reported of what could not be measured. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

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
	gated_sleep_us(5000); /* so that the console is read before the exit is seen */
}

static void guest_sleep(uint64_t ms)
{
	gated_say("READY\n");
	gated_sleep_us(ms * 1000);
}

static const struct {
	const char *name;
	void (*run)(uint64_t number);
} guests[] = {
	{"faults", guest_faults}, {"spin", guest_spin},	  {"flood", guest_flood},
	{"words", guest_words},	  {"sleep", guest_sleep},
};

static int guest_main(char **argv)
{
	for (size_t i = 0; i < ARRAY_SIZE(guests); i++)
		if (strcmp(argv[2], guests[i].name) == 0)
			guests[i].run(strtoull(argv[3], NULL, 10));
	return 0;
}

static void a_window_without_marks_has_no_readings(void **state)
{
	struct metered r;
	(void)state;
	metered_open(&r);
	strv_push(&r.spec->measure.counters, "page-faults");
	r.spec->measure.memory_every_ns = 10000000;
	strv_push(&r.spec->measure.energy, "package");
	metered_window(&r, "bench", "BENCHMARK_START", "NEVER_SAID");
	metered_run(&r, "faults", 100);
	const struct reason *why = metered_reason(&r, "no-mark");
	assert_non_null(why);
	assert_int_equal(why->level, VERDICT_INVALID);
	assert_non_null(strstr(why->text, "window bench"));
	assert_non_null(strstr(why->text, "NEVER_SAID"));
	assert_non_null(strstr(why->text, "38 bytes in 3 lines"));
	static const char *const metrics[] = {"wall",	  "page-faults", "rss",
					      "rss/peak", "pss",	 "energy/package"};
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
		assert_false(metered_find(&r, "bench", metrics[i])->present);
		assert_true(metered_find(&r, "bench", metrics[i])->note[0]);
	}
	assert_true(metered_find(&r, "whole", "page-faults")->present);
	metered_close(&r);
}

static void hardware_events_are_counted_or_explained(void **state)
{
	struct metered r;
	(void)state;
	metered_open(&r);
	strv_push(&r.spec->measure.counters, "cycles");
	strv_push(&r.spec->measure.counters, "nosuch_pmu/event/");
	strv_push(&r.spec->measure.counters, "task-clock");
	metered_run(&r, "spin", 50);
	const struct reading *cycles = metered_find(&r, "whole", "cycles");
	if (cycles->present)
		assert_true(cycles->value > 1e6);
	else
		assert_non_null(strstr(cycles->note, "PMU"));
	assert_false(metered_find(&r, "whole", "nosuch_pmu/event/")->present);
	assert_non_null(
		strstr(metered_find(&r, "whole", "nosuch_pmu/event/")->note, "no PMU nosuch_pmu"));
	assert_true(metered_find(&r, "whole", "task-clock")->present);
	metered_close(&r);
}

static void unknown_events_are_refused(void **state)
{
	struct metered r;
	struct err err = ERR_NONE;
	struct meter *m = NULL;
	(void)state;
	metered_open(&r);
	strv_push(&r.spec->measure.counters, "page-fautls");
	assert_int_equal(meter_open(&r.root, r.spec, &m, &err), -ENOENT);
	assert_non_null(strstr(err.text, "did you mean 'page-faults'"));
	assert_null(m);
	metered_close(&r);
}

static void output_limit_ends_a_flood(void **state)
{
	struct metered r;
	(void)state;
	metered_open(&r);
	r.spec->output_limit_bytes = 1 << 20;
	metered_window(&r, "bench", "BENCHMARK_START", NULL);
	uint64_t began_ns = clock_monotonic_ns();
	metered_run(&r, "flood", 1024);
	assert_int_equal(r.end, METER_OUTPUT_LIMIT);
	assert_true(clock_monotonic_ns() - began_ns < 2 * NSEC_PER_SEC);
	assert_string_equal(r.attempt->artifacts[0].name, "console");
	assert_int_equal(r.attempt->artifacts[0].size_bytes, 1 << 20);
	const char *bytes = r.attempt->artifacts[0].bytes;
	assert_true(bytes[0] == 'x' && bytes[65535] == '\n' && bytes[(1 << 20) - 1] == '\n');
	assert_non_null(metered_mark(&r, "end"));
	metered_close(&r);
}

static void as_much_as_the_limit_is_fine(void **state)
{
	static const struct {
		uint64_t limit_bytes;
		enum meter_end end;
	} cases[] = {{14, METER_EXITED}, {13, METER_OUTPUT_LIMIT}};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct metered r;
		metered_open(&r);
		r.spec->output_limit_bytes = cases[i].limit_bytes;
		metered_run(&r, "words", 0);
		assert_int_equal(r.end, cases[i].end);
		assert_int_equal(r.attempt->artifacts[0].size_bytes, cases[i].limit_bytes);
		metered_close(&r);
	}
}

static void a_flood_under_the_limit_is_kept_whole(void **state)
{
	struct metered r;
	(void)state;
	metered_open(&r);
	r.spec->output_limit_bytes = 64 << 20;
	metered_run(&r, "flood", 32);
	assert_int_equal(r.end, METER_EXITED);
	assert_int_equal(r.attempt->artifacts[0].size_bytes, 32 << 20);
	metered_close(&r);
}

static void both_streams_are_kept_to_the_end(void **state)
{
	struct metered r;
	(void)state;
	metered_open(&r);
	metered_run(&r, "words", 0);
	assert_int_equal(r.attempt->n_artifacts, 2);
	assert_int_equal(r.attempt->artifacts[0].size_bytes, 14);
	assert_memory_equal(r.attempt->artifacts[0].bytes, "to the console", 14);
	assert_string_equal(r.attempt->artifacts[1].name, "stderr");
	assert_int_equal(r.attempt->artifacts[1].size_bytes, 10);
	metered_close(&r);
}

/* It prints and is gone: the marks lie in the pipe when its end is seen, or are seen just before.
 */
static void a_last_line_without_newline_is_a_mark(void **state)
{
	struct metered r;
	(void)state;
	metered_open(&r);
	strv_push(&r.spec->measure.counters, "page-faults");
	metered_window(&r, "boot", NULL, "console$");
	metered_run(&r, "words", 0);
	assert_non_null(metered_mark(&r, "boot.to"));
	/* that the line was whole, the exit told */
	assert_int_equal(metered_mark(&r, "boot.to")->t_ns, metered_mark(&r, "exit")->t_ns);
	assert_true(metered_mark(&r, "boot.to")->lower_ns <= metered_mark(&r, "boot.to")->t_ns);
	assert_true(metered_value(&r, "boot", "wall") > 0);
	assert_true(metered_find(&r, "boot", "page-faults")->present);
	metered_close(&r);
}

static void marks_in_one_read_make_no_window(void **state)
{
	struct metered r;
	(void)state;
	metered_open(&r);
	metered_window(&r, "tiny", "to the", "console");
	metered_run(&r, "words", 0);
	assert_non_null(metered_mark(&r, "tiny.from"));
	assert_non_null(metered_mark(&r, "tiny.to"));
	assert_false(metered_find(&r, "tiny", "wall")->present);
	assert_non_null(metered_reason(&r, "window-too-short"));
	metered_close(&r);
}

static void times_out(void **state)
{
	struct metered r;
	(void)state;
	metered_open(&r);
	r.timeout_ms = 100;
	strv_push(&r.spec->measure.counters, "task-clock");
	metered_run(&r, "sleep", 10000);
	assert_int_equal(r.end, METER_TIMEOUT);
	/* what there is, is delivered */
	assert_true(metered_value(&r, "whole", "wall") >= 99e6);
	assert_true(metered_value(&r, "whole", "wall") < 1e9);
	assert_int_equal(r.attempt->artifacts[0].size_bytes, 6);
	metered_close(&r);
}

static void is_cancelled(void **state)
{
	struct metered r;
	int ends[2];
	(void)state;
	metered_open(&r);
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(write(ends[1], "x", 1), 1);
	r.cancel_fd = ends[0];
	metered_run(&r, "sleep", 10000);
	assert_int_equal(r.end, METER_CANCELLED);
	close(ends[0]);
	close(ends[1]);
	metered_close(&r);
}

static void a_probe_stops_at_its_first_mark(void **state)
{
	struct metered r;
	(void)state;
	metered_open(&r);
	r.stop_at_first_mark = true;
	metered_window(&r, "bench", "READY", "DONE");
	metered_run(&r, "sleep", 10000);
	assert_int_equal(r.end, METER_STOPPED);
	assert_non_null(metered_mark(&r, "bench.from"));
	assert_null(metered_reason(&r, "no-mark"));
	metered_close(&r);
}

static void absent_energy_says_why(void **state)
{
	struct metered r;
	(void)state;
	metered_open(&r);
	strv_push(&r.spec->measure.energy, "package");
	metered_run(&r, "spin", 250);
	const struct reading *e = metered_find(&r, "whole", "energy/package");
	assert_string_equal(e->scope, "host");
	assert_string_equal(e->unit, "J");
	if (e->present)
		assert_true(e->value > 0);
	else
		assert_true(strlen(e->note) > 20);
	metered_close(&r);
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
		cmocka_unit_test(a_window_without_marks_has_no_readings),
		cmocka_unit_test(hardware_events_are_counted_or_explained),
		cmocka_unit_test(unknown_events_are_refused),
		cmocka_unit_test(output_limit_ends_a_flood),
		cmocka_unit_test(as_much_as_the_limit_is_fine),
		cmocka_unit_test(a_flood_under_the_limit_is_kept_whole),
		cmocka_unit_test(both_streams_are_kept_to_the_end),
		cmocka_unit_test(a_last_line_without_newline_is_a_mark),
		cmocka_unit_test(marks_in_one_read_make_no_window),
		cmocka_unit_test(times_out),
		cmocka_unit_test(is_cancelled),
		cmocka_unit_test(a_probe_stops_at_its_first_mark),
		cmocka_unit_test(absent_energy_says_why),
		cmocka_unit_test(lists_capabilities),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
