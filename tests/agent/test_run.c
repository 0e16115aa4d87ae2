// SPDX-License-Identifier: GPL-3.0-or-later
/* A run, whichever state it fails in: the reason is there, and everything is given back. */
#include <sched.h>
#include <sqlite3.h>
#include <time.h>

#include "agent/guest/guest.h"
#include "tests/agent/guest/boot_sector.h"
#include "tests/agent/run_bench.h"

struct trace {
	enum run_state states[RUN_STATE_COUNT];
	size_t n;
};

static void on_state(void *arg, enum run_state state)
{
	struct trace *t = arg;
	assert_true(t->n < RUN_STATE_COUNT);
	t->states[t->n++] = state;
}

struct affinity {
	cpu_set_t set;
};

static struct affinity own_affinity(void)
{
	struct affinity a;
	assert_int_equal(sched_getaffinity(0, sizeof(a.set), &a.set), 0);
	return a;
}

/* Runs it, and proves what holds for every run. */
static struct attempt *run(struct bench *b, const struct run_spec *spec, enum run_mode mode)
{
	struct attempt *a = attempt_new();
	struct trace t = {0};
	struct affinity before = own_affinity();
	size_t fds = count_entries("/proc/self/fd", "");
	struct run_env env = {
		.root = &b->root,
		.keeper = b->keeper,
		.spool = b->spool,
		.state_folder = b->folder,
		.hash_cache = b->hash_cache,
		.cancel_fd = b->cancel_fd,
		.on_state = on_state,
		.arg = &t,
	};
	run_execute(&env, spec, mode, a);
	struct affinity after = own_affinity();
	assert_true(CPU_EQUAL(&before.set, &after.set));
	assert_int_equal(count_entries("/proc/self/fd", ""), fds);
	assert_int_equal(count_entries(b->folder, "run-"), 0);
	assert_string_equal(a->run_key, spec->run_key);
	assert_true(a->ended.raw_ns > a->begun.raw_ns);
	/* every state once, in order; then, wherever that was, out the same way */
	assert_true(t.n >= 3);
	for (size_t i = 0; i < t.n - 2; i++)
		assert_int_equal(t.states[i], i);
	assert_int_equal(t.states[t.n - 3], a->reached);
	assert_int_equal(t.states[t.n - 2], RUN_CLOSING);
	assert_int_equal(t.states[t.n - 1], RUN_RESTORING);
	return a;
}

static void every_state_may_fail(void **state)
{
	static const struct {
		const char *driver, *command;
		enum run_state reached;
		const char *code; /* "": valid */
		const char *text, *why;
	} cases[] = {
		{"fake", "print=ready", RUN_RUNNING, "", "", "nothing fails"},
		{"fake", "raw=no-newline daemon", RUN_RUNNING, "", "", "what it leaves ends too"},
		{"nope", "x", RUN_RECEIVED, "failed", "nope", "no such driver"},
		{"fake", "jump", RUN_RECEIVED, "failed", "jump", "no such word"},
		{"fake", "fail=prepare", RUN_PREPARING, "failed", "told to fail", "prepare"},
		{"fake", "fail=start", RUN_LAUNCHING, "failed", "told to fail", "start"},
		{"fake", "fail=go", RUN_LAUNCHING, "failed", "told to fail", "go"},
		{"process", "/no/such/program", RUN_LAUNCHING, "failed", "/no/such/program",
		 "exec"},
		{"process", "/dev/null", RUN_LAUNCHING, "failed", "/dev/null", "not a program"},
		{"fake", "print=last-words exit=3", RUN_RUNNING, "exit-status", "last-words",
		 "a status"},
		{"fake", "err=complaint exit=3", RUN_RUNNING, "exit-status", "complaint",
		 "stderr where the console is empty"},
		{"fake", "raw=\x01\xff\x02mess exit=3", RUN_RUNNING, "exit-status", "mess",
		 "rubbish is no part of a sentence"},
		{"fake", "signal=9", RUN_RUNNING, "killed", "signal 9", "a signal"},
		{"fake", "halt hang", RUN_RUNNING, "halted", "stopped for good", "a stopped VM"},
		{"fake", "halt err=warning:_no err=broken_here hang", RUN_RUNNING, "halted", "",
		 "whether its words came before it was found is not certain"},
		{"fake", "invalid=odd", RUN_RUNNING, "odd", "", "the driver's own reason"},
		{"process", "/bin/sh -c exec>&-;false", RUN_RUNNING, "exit-status", "",
		 "no console any more"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autoclean(run_spec) struct run_spec *spec = spec_of(cases[i].driver,
								    cases[i].command, (unsigned)i);
		autoclean(attempt) struct attempt *a = run(*state, spec, RUN_MODE_MEASURE);
		const struct reason *r = reason_of(a, cases[i].code);
		if (a->reached != cases[i].reached ||
		    (cases[i].code[0] != '\0') != (attempt_verdict(a) == VERDICT_INVALID) ||
		    (cases[i].code[0] && (!r || !strstr(r->text, cases[i].text))))
			fail_msg("%s: reached %s, %zu reasons, the first '%s' (%s)", cases[i].why,
				 run_state_name(a->reached), a->n_reasons,
				 a->n_reasons ? a->reasons[0].text : "",
				 a->n_reasons ? a->reasons[0].code : "");
		for (const char *c = r ? r->text : ""; *c; c++)
			assert_true(*c >= ' ' && *c < 0x7f);
	}
}

static void time_and_output_have_limits(void **state)
{
	{
		autoclean(run_spec) struct run_spec *spec = spec_of("fake", "print=there hang", 1);
		spec->timeout_ns = 300 * NSEC_PER_MSEC;
		autoclean(attempt) struct attempt *a = run(*state, spec, RUN_MODE_MEASURE);
		assert_non_null(reason_of(a, RUN_REASON_TIMEOUT));
		assert_non_null(strstr(reason_of(a, RUN_REASON_TIMEOUT)->text, "'there'"));
		assert_null(reason_of(a, "killed")); /* that was us */
	}
	{
		autoclean(run_spec) struct run_spec *spec = spec_of("process", "/bin/sh -c yes", 2);
		spec->output_limit_bytes = 10000;
		autoclean(attempt) struct attempt *a = run(*state, spec, RUN_MODE_MEASURE);
		assert_non_null(reason_of(a, "output-limit"));
		for (size_t i = 0; i < a->n_artifacts; i++)
			assert_true(a->artifacts[i].size_bytes <= 10000);
	}
}

/* Cancelled before it was anywhere: it ends in the first state that waits. */
static void cancelling_ends_it(void **state)
{
	static const struct {
		double busy_pct;
		enum run_state reached;
	} cases[] = {{0, RUN_SETTLING}, {-1, RUN_RUNNING}};
	struct bench *b = *state;
	eventfd_t drop;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autoclean(run_spec) struct run_spec *spec = spec_of("fake", "hang", (unsigned)i);
		spec->quiet.busy_pct = (typeof(spec->quiet.busy_pct))cases[i].busy_pct;
		spec->quiet.wait_ns = 60 * NSEC_PER_SEC;
		eventfd_write(b->cancel_fd, 1);
		autoclean(attempt) struct attempt *a = run(b, spec, RUN_MODE_MEASURE);
		eventfd_read(b->cancel_fd, &drop);
		assert_int_equal(a->reached, cases[i].reached);
		assert_non_null(reason_of(a, "cancelled"));
	}
}

/* What could be lost is not begun: a spool that cannot be written keeps the guest from running. */
static void without_a_spool_nothing_runs(void **state)
{
	struct bench *b = *state;
	sqlite3 *db;
	autofree char *trace = xasprintf("%s/it-ran", b->folder);
	autofree char *command = xasprintf("/bin/touch %s", trace);
	assert_int_equal(sqlite3_open(b->spool_path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "DROP TABLE record", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	autoclean(run_spec) struct run_spec *spec = spec_of("process", command, 1);
	autoclean(attempt) struct attempt *a = run(b, spec, RUN_MODE_MEASURE);
	assert_int_equal(a->reached, RUN_LAUNCHING);
	assert_non_null(strstr(reason_of(a, "failed")->text, "nothing is started"));
	assert_int_not_equal(access(trace, F_OK), 0);
}

/* The agent's threads leave the guest's CPUs, and come back; run() proves the latter. */
static void it_makes_room_for_the_guest(void **state)
{
	struct affinity own = own_affinity();
	if (CPU_COUNT(&own.set) < 2)
		skip();
	autoclean(run_spec) struct run_spec *spec = spec_of("fake", "print=x", 1);
	spec->place.guest_cores = 1;
	autoclean(attempt) struct attempt *a = run(*state, spec, RUN_MODE_MEASURE);
	bool placed = false;
	for (size_t i = 0; i < a->n_facts; i++)
		placed |= strcmp(a->facts[i].name, "cpus.guest") == 0;
	if (a->reached == RUN_RUNNING)
		assert_true(placed);
	else /* one core with two threads */
		assert_non_null(strstr(reason_of(a, "failed")->text, "core"));
}

static void a_probe_ends_at_its_first_mark(void **state)
{
	autoclean(run_spec) struct run_spec *spec = spec_of("fake", "print=booted hang", 1);
	struct window_spec *w = ARRAY_PUSH(spec->windows, spec->n_windows);
	STRCPY_FIXED(w->name, "w");
	w->from = (struct mark_spec){MARK_CONSOLE, xstrdup("booted")};
	w->to = (struct mark_spec){MARK_EXIT, NULL};
	autoclean(attempt) struct attempt *a = run(*state, spec, RUN_MODE_PROBE);
	assert_int_equal(a->n_events, 1);
	assert_string_equal(a->events[0].name, RUN_EVENT_REACHED);
}

/* The keeper is killed while it holds a guest: the run ends, and does not claim to know how. */
static void a_lost_keeper_ends_the_run(void **state)
{
	struct bench *b = *state;
	autofree char *command = xasprintf("/bin/kill -9 %d", keeper_pid(b->keeper));
	autoclean(run_spec) struct run_spec *spec = spec_of("process", command, 1);
	autoclean(attempt) struct attempt *a = run(b, spec, RUN_MODE_MEASURE);
	assert_int_equal(attempt_verdict(a), VERDICT_INVALID);
	assert_false(a->exited);
	autoclean(run_spec) struct run_spec *next = spec_of("fake", "print=x", 2);
	autoclean(attempt) struct attempt *second = run(b, next, RUN_MODE_MEASURE);
	assert_int_equal(second->reached, RUN_PREPARING);
	assert_non_null(strstr(reason_of(second, "failed")->text, "keeper"));
}

/* A VM whose QEMU stops it and stays: over at once, not at the time-out. */
static void a_stopped_vm_is_over(void **state)
{
	struct bench *b = *state;
	struct host_info info = {0};
	autofree char *disk = xasprintf("%s/disk", b->folder);
	guest_qemu.probe(&b->root, &info);
	bool present = host_capability_find(&info, "guest.qemu")->present;
	host_info_done(&info);
	if (!present)
		skip();
	assert_int_equal(boot_disk_make(disk, "up\n", BOOT_PANIC), 0);
	autoclean(run_spec) struct run_spec *spec = spec_of("qemu", "", 1);
	strv_free(take(spec->guest.command));
	spec->guest.vcpus = 1;
	spec->guest.memory_bytes = 32 << 20;
	spec->guest.machine = xstrdup("q35");
	spec->guest.accel = xstrdup("tcg");
	struct disk_spec *d = ARRAY_PUSH(spec->guest.disks, spec->guest.n_disks);
	d->file = xstrdup(disk);
	d->fresh = true;
	STRCPY_FIXED(d->bus, "virtio");
	STRCPY_FIXED(d->format, "raw");
	const char *args[] = {"-device", "pvpanic", "-action", "panic=pause"};
	for (size_t i = 0; i < ARRAY_SIZE(args); i++)
		strv_push(&spec->guest.args, args[i]);
	spec->timeout_ns = 60 * NSEC_PER_SEC;
	autoclean(attempt) struct attempt *a = run(b, spec, RUN_MODE_MEASURE);
	if (!reason_of(a, RUN_REASON_HALTED))
		fail_msg("%s", a->n_reasons ? a->reasons[0].text : "no reason");
	assert_non_null(reason_of(a, "guest-panic"));
	assert_null(reason_of(a, RUN_REASON_TIMEOUT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(every_state_may_fail),	       RUN_TEST(time_and_output_have_limits),
		RUN_TEST(cancelling_ends_it),	       RUN_TEST(without_a_spool_nothing_runs),
		RUN_TEST(it_makes_room_for_the_guest), RUN_TEST(a_probe_ends_at_its_first_mark),
		RUN_TEST(a_lost_keeper_ends_the_run),  RUN_TEST(a_stopped_vm_is_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
