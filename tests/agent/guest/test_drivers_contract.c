// SPDX-License-Identifier: GPL-3.0-or-later
/* Every row of the drivers' table through the life that guest.h promises; process and fake alone.
 */
#include <signal.h>

#include "tests/agent/guest/guest_bench.h"

#define EACH_DRIVER(b, d)                                                                     \
	for (const struct guest_driver *const *row_ = guest_drivers, *d; (d = *row_); row_++) \
		if (can_run(b, d))

static void test_table(void **state)
{
	struct err err = ERR_NONE;
	const struct guest_driver *d = NULL;
	(void)state;
	if (guest_drivers_check(&err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(guest_driver_find("qemu", &d, &err), 0);
	assert_ptr_equal(d, &guest_qemu);
	assert_int_equal(guest_driver_find("qemo", &d, &err), -ENOENT);
	assert_non_null(strstr(err.text, "did you mean 'qemu'"));
}

/* Held after prepare and after start; runs after go; its status, and the size of it. */
static void test_life(void **state)
{
	struct bench *b = *state;
	EACH_DRIVER(b, d)
	{
		autoclean(run_spec) struct run_spec *spec = spec_for(b, d, PRINTS_AND_ENDS);
		struct life_state l = prepare(b, d, spec, (struct guest_place){0});
		print_message("   %s\n", d->name);
		assert_true(l.guest->pid > 0);
		assert_int_equal(
			deadline_wait_readable(l.console, clock_monotonic_ns() + 50000000, -1),
			-ETIMEDOUT);
		start(&l);
		assert_int_equal(
			deadline_wait_readable(l.console, clock_monotonic_ns() + 150000000, -1),
			-ETIMEDOUT);
		assert_false(is_over(l.guest, 0));
		go(&l);
		autofree char *text = read_until(l.console, "ready\n");
		assert_non_null(strstr(text, "ready\n"));
		assert_true(is_over(l.guest, 20ull * SECOND_NS));
		d->stop(l.guest, 0);
		if (l.guest->n_reasons)
			fail_msg("%s: %s", d->name, l.guest->reasons[0].text);
		struct guest_exit e = destroy(&l);
		assert_int_equal(e.code, 33);
		assert_int_equal(e.signal, 0);
		assert_in_range(e.max_rss_bytes, 100 * 1024, 1ull << 30);
	}
}

/* From each state that a run can fail in. */
static void test_stop_at_any_time(void **state)
{
	struct bench *b = *state;
	EACH_DRIVER(b, d)
	for (int reached = 0; reached < 3; reached++) {
		autoclean(run_spec) struct run_spec *spec = spec_for(b, d, STAYS);
		struct life_state l = prepare(b, d, spec, (struct guest_place){0});
		print_message("   %s after %s\n", d->name,
			      (const char *[]){"prepare", "start", "go"}[reached]);
		if (reached > 0)
			start(&l);
		if (reached > 1) {
			go(&l);
			autofree char *text = read_until(l.console, "ready\n");
			assert_non_null(strstr(text, "ready\n"));
			assert_false(is_over(l.guest, 50000000));
		}
		uint64_t from_ns = clock_monotonic_ns();
		d->stop(l.guest, 5ull * SECOND_NS);
		assert_true(is_over(l.guest, 0));
		assert_true(clock_monotonic_ns() - from_ns < 4ull * SECOND_NS); /* it was asked */
		destroy(&l);
	}
	EACH_DRIVER(b, d) /* without being stopped */
	{
		autoclean(run_spec) struct run_spec *spec = spec_for(b, d, STAYS);
		struct life_state l = prepare(b, d, spec, (struct guest_place){0});
		start(&l);
		destroy(&l);
		d->destroy(NULL, NULL);
	}
}

/* What does not run at all is an error of go or start, in words that name it. */
static void test_no_such_program(void **state)
{
	struct bench *b = *state;
	const struct guest_driver *const drivers[] = {&guest_process, &guest_qemu};
	for (size_t i = 0; i < ARRAY_SIZE(drivers); i++) {
		const struct guest_driver *d = drivers[i];
		autoclean(run_spec) struct run_spec *spec = spec_for(b, d, STAYS);
		struct guest_wait wait = within(5ull * SECOND_NS);
		struct err err = ERR_NONE;
		strv_free(spec->guest.command);
		spec->guest.command = NULL;
		words(&spec->guest.command, "/no/such/program", NULL);
		struct life_state l = prepare(b, d, spec, (struct guest_place){0});
		int r = d->start(l.guest, &wait, &err);
		if (r == 0)
			r = d->go(l.guest, &err);
		assert_int_equal(r, -ENOENT);
		assert_non_null(strstr(err.text, "/no/such/program"));
		d->stop(l.guest, SECOND_NS);
		destroy(&l);
	}
}

static void test_pin(void **state)
{
	struct bench *b = *state;
	const int cpu = last_cpu(), absent = 1000;
	EACH_DRIVER(b, d)
	{
		autoclean(run_spec) struct run_spec *spec = spec_for(b, d, STAYS);
		cpu_set_t got;
		struct guest_place place = {.guest = {&cpu, 1}, .vmm = {&cpu, 1}};
		struct life_state l = prepare(b, d, spec, place);
		start(&l);
		assert_int_equal(l.guest->n_reasons, 0);
		assert_int_equal(sched_getaffinity(l.guest->pid, sizeof(got), &got), 0);
		assert_true(CPU_COUNT(&got) == 1 && CPU_ISSET(cpu, &got));
		destroy(&l);
		place = (struct guest_place){.guest = {&absent, 1}};
		l = prepare(b, d, spec, place);
		start(&l);
		assert_non_null(reason_of(l.guest, "not-pinned"));
		assert_int_equal(reason_of(l.guest, "not-pinned")->level, VERDICT_FLAGGED);
		destroy(&l);
	}
}

static void test_process_environment_and_folder(void **state)
{
	struct bench *b = *state;
	autoclean(run_spec) struct run_spec *spec = run_spec_new();
	words(&spec->guest.command, "/bin/sh", "-c",
	      "pwd; echo $HOME $LANG $TERM $WORD $LC_ALL; [ -z \"$SECRET\" ] && echo clean", NULL);
	words(&spec->guest.env, "WORD=a b", "LANG=C", NULL);
	setenv("SECRET", "of the agent", 1);
	struct life_state l = prepare(b, &guest_process, spec, (struct guest_place){0});
	unsetenv("SECRET");
	start(&l);
	go(&l);
	autofree char *text = read_until(l.console, "\n\n");
	autofree char *expected = xasprintf("%s\n%s C dumb a b\nclean\n", b->folder, b->folder);
	assert_string_equal(text, expected);
	destroy(&l);
}

static void test_process_refuses_what_it_would_ignore(void **state)
{
	static char text[] = "x", none[] = "auto", bad[] = "NOVALUE";
	static char *command[] = {text, NULL}, *env[] = {bad, NULL};
	static struct disk_spec disk;
	static const struct {
		const char *key;
		struct guest_spec spec;
	} cases[] = {
		{"command", {.env = NULL}},
		{"vcpus", {.command = command, .vcpus = 1}},
		{"memory", {.command = command, .memory_bytes = 1}},
		{"machine", {.command = command, .machine = text}},
		{"accel", {.command = command, .accel = text}},
		{"cpu", {.command = command, .cpu = text}},
		{"kernel", {.command = command, .kernel = text}},
		{"initrd", {.command = command, .initrd = text}},
		{"append", {.command = command, .append = text}},
		{"disk", {.command = command, .disks = &disk, .n_disks = 1}},
		{"args", {.command = command, .args = command}},
		{"env", {.command = command, .env = env}},
	};
	struct err err = ERR_NONE;
	const struct guest_spec fine = {.command = command, .accel = none, .cpu = none};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *start_of = xasprintf("%s: ", cases[i].key);
		assert_int_equal(guest_process.check(&cases[i].spec, &err), -EINVAL);
		if (!text_starts(err.text, start_of))
			fail_msg("%s: %s", cases[i].key, err.text);
	}
	assert_int_equal(guest_process.check(&fine, &err), 0);
}

static void test_fake_does_as_its_words_say(void **state)
{
	struct bench *b = *state;
	static const struct {
		const char *why, *words[6], *console;
		int code, signal;
	} cases[] = {
		{"lines", {"print=a 'b' $c", "raw=x", "raw=y"}, "a 'b' $c\nxy", 0, 0},
		{"the order counts", {"print=1", "exit=4", "print=2"}, "1\n", 4, 0},
		{"sleep and use", {"life_ms=20", "spin=100", "print=done"}, "done\n", 0, 0},
		{"a signal", {"signal=11"}, "", 0, SIGSEGV},
		{"what it leaves ends with it", {"daemon", "print=left"}, "left\n", 0, 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autoclean(run_spec) struct run_spec *spec = run_spec_new();
		for (const char *const *w = cases[i].words; *w; w++)
			strv_push(&spec->guest.command, *w);
		struct life_state l = prepare(b, &guest_fake, spec, (struct guest_place){0});
		print_message("   %s\n", cases[i].why);
		start(&l);
		go(&l);
		autofree char *text = read_until(l.console, "no such text");
		assert_string_equal(text, cases[i].console);
		struct guest_exit e = destroy(&l);
		assert_int_equal(e.code, cases[i].code);
		assert_int_equal(e.signal, cases[i].signal);
	}
}

static void test_fake_fails_where_it_is_told(void **state)
{
	static char prepare_word[] = "fail=prepare", start_word[] = "fail=start",
		    go_word[] = "fail=go", fact[] = "fact=a.b:c:d", flag[] = "flag=odd",
		    invalid[] = "invalid=bad", unknown[] = "prind=x", huge[] = "exit=256";
	struct bench *b = *state;
	struct guest_env env = {.keeper = b->keeper,
				.root = &b->root,
				.folder = b->folder,
				.console_fd = -1,
				.stderr_fd = -1};
	struct guest_wait wait = within(SECOND_NS);
	struct err err = ERR_NONE;
	struct guest *g = NULL;
	char *at_prepare[] = {prepare_word, NULL}, *at_go[] = {fact, flag, invalid, go_word, NULL},
	     *at_start[] = {start_word, NULL}, *odd[] = {unknown, NULL}, *large[] = {huge, NULL};
	struct run_spec spec = {.guest = {.command = at_prepare}};
	assert_int_equal(guest_fake.prepare(&env, &spec, &g, &err), -EIO);
	spec.guest.command = at_start;
	assert_int_equal(guest_fake.prepare(&env, &spec, &g, &err), 0);
	assert_int_equal(guest_fake.start(g, &wait, &err), -EIO);
	guest_fake.destroy(g, NULL);
	spec.guest.command = at_go;
	assert_int_equal(guest_fake.prepare(&env, &spec, &g, &err), 0);
	assert_int_equal(guest_fake.start(g, &wait, &err), 0);
	assert_int_equal(guest_fake.go(g, &err), -EIO);
	assert_string_equal(fact_of(g, "a.b"), "c:d");
	assert_int_equal(reason_of(g, "odd")->level, VERDICT_FLAGGED);
	assert_int_equal(reason_of(g, "bad")->level, VERDICT_INVALID);
	guest_fake.destroy(g, NULL);
	spec.guest.command = odd;
	assert_int_equal(guest_fake.check(&spec.guest, &err), -EINVAL);
	assert_non_null(strstr(err.text, "'prind=x'"));
	spec.guest.command = large;
	assert_int_equal(guest_fake.check(&spec.guest, &err), -EINVAL);
	assert_non_null(strstr(err.text, "255"));
}

/* A full list keeps what weighs more. */
static void test_reasons_do_not_overflow(void **state)
{
	struct guest g = {.driver = &guest_fake};
	(void)state;
	for (int i = 0; i < 10; i++)
		guest_reason(&g, VERDICT_FLAGGED, "light", "%d", i);
	guest_reason(&g, VERDICT_INVALID, "heavy", "%s", "x");
	for (int i = 0; i < 40; i++)
		guest_fact(&g, "fact", "%d", i);
	assert_int_equal(g.n_reasons, ARRAY_SIZE(g.reasons));
	assert_non_null(reason_of(&g, "heavy"));
	assert_int_equal(g.n_facts, ARRAY_SIZE(g.facts));
	assert_string_equal(g.facts[0].value, "0");
}

static void test_probe(void **state)
{
	struct bench *b = *state;
	const struct capability *kvm = host_capability_find(&b->info, "kvm");
	struct host_root captured = {.sys_fd = -1, .proc_fd = -1, .real = false};
	struct host_info info = {0};
	assert_non_null(kvm);
	assert_true(kvm->detail[0]);
	assert_true(kvm->present == (access("/dev/kvm", R_OK | W_OK) == 0));
	guest_qemu.probe(&captured, &info);
	assert_false(host_capability_find(&info, "guest.qemu")->present);
	assert_false(host_capability_find(&info, "kvm")->present);
	host_info_done(&info);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_reasons_do_not_overflow),
		GUEST_TEST(test_probe),
		GUEST_TEST(test_life),
		GUEST_TEST(test_stop_at_any_time),
		GUEST_TEST(test_no_such_program),
		GUEST_TEST(test_pin),
		GUEST_TEST(test_process_environment_and_folder),
		cmocka_unit_test(test_process_refuses_what_it_would_ignore),
		GUEST_TEST(test_fake_does_as_its_words_say),
		GUEST_TEST(test_fake_fails_where_it_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
