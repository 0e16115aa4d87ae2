// SPDX-License-Identifier: GPL-3.0-or-later
/* Every row of the drivers' table through the life that guest.h promises. */
#include "agent/guest/guest.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/guest/deadline.h"
#include "agent/guest/keeper.h"
#include "agent/guest/procs.h"
#include "proto/base/clock.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"
#include "tests/agent/guest/boot_sector.h"

enum { SECOND_NS = 1000000000 };

struct bench {
	struct keeper *keeper;
	struct host_root root;
	struct host_info info;
	char folder[40]; /* as a run's */
	char disk[64];	 /* beside it */
};

static int set_up(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	struct err err = ERR_NONE;
	strcpy(b->folder, "/tmp/assay-guest-XXXXXX");
	if (keeper_start("test-drivers", &b->keeper, &err) < 0 ||
	    host_root_open("/", &b->root, &err) < 0 || !mkdtemp(b->folder))
		return -1;
	snprintf(b->disk, sizeof(b->disk), "%s.disk", b->folder);
	for (const struct guest_driver *const *d = guest_drivers; *d; d++)
		(*d)->probe(&b->root, &b->info);
	*state = b;
	return 0;
}

static int tear_down(void **state)
{
	struct bench *b = *state;
	keeper_stop(b->keeper);
	host_root_close(&b->root);
	host_info_done(&b->info);
	file_remove_tree(b->folder, NULL);
	unlink(b->disk);
	free(b);
	return 0;
}

static bool can_run(const struct bench *b, const struct guest_driver *driver)
{
	char name[NAME_SIZE];
	snprintf(name, sizeof(name), "guest.%.40s", driver->name);
	const struct capability *c = host_capability_find(&b->info, name);
	assert_non_null(c); /* every driver says */
	if (!c->present)
		print_message("   %s skipped: %s\n", driver->name, c->detail);
	return c->present;
}

static void words(char ***v, const char *first, ...)
{
	va_list ap;
	va_start(ap, first);
	for (const char *s = first; s; s = va_arg(ap, const char *))
		strv_push(v, s);
	va_end(ap);
}

static void spec_vm(struct bench *b, struct run_spec *s, const char *text, enum boot_end end)
{
	assert_int_equal(boot_disk_make(b->disk, text, end), 0);
	s->guest.vcpus = 1;
	s->guest.memory_bytes = 32 << 20;
	s->guest.machine = xstrdup("q35");
	s->guest.accel = xstrdup("tcg");
	struct disk_spec *d = ARRAY_PUSH(s->guest.disks, s->guest.n_disks);
	d->file = xstrdup(b->disk);
	d->fresh = true;
	STRCPY_FIXED(d->bus, "virtio");
	STRCPY_FIXED(d->format, "raw");
	words(&s->guest.args, "-device", "isa-debug-exit,iobase=0xf4,iosize=4", NULL);
}

enum life { PRINTS_AND_ENDS, STAYS };

/* The same small guest for each driver: prints "ready", and ends with 33 or stays. */
static struct run_spec *spec_for(struct bench *b, const struct guest_driver *driver, enum life life)
{
	struct run_spec *s = run_spec_new();
	STRCPY_FIXED(s->guest.name, "small");
	STRCPY_FIXED(s->guest.driver, driver->name);
	if (driver == &guest_process)
		words(&s->guest.command, "/bin/sh", "-c",
		      life == STAYS ? "echo ready; sleep 600 & wait" : "echo ready; exit 33", NULL);
	else if (driver == &guest_fake)
		words(&s->guest.command, "print=ready", life == STAYS ? "hang" : "exit=33", NULL);
	else if (driver == &guest_qemu)
		spec_vm(b, s, "ready\n", life == STAYS ? BOOT_HANG : BOOT_EXIT);
	else
		fail_msg("%s: this test has no guest for it", driver->name);
	return s;
}

struct life_state {
	struct guest *guest;
	int console; /* our end */
	struct guest_exit exit;
};

static struct life_state prepare(struct bench *b, const struct guest_driver *driver,
				 const struct run_spec *spec, struct guest_place place)
{
	struct life_state l = {0};
	struct err err = ERR_NONE;
	int console[2];
	assert_int_equal(pipe2(console, O_CLOEXEC), 0);
	struct guest_env env = {.keeper = b->keeper,
				.root = &b->root,
				.folder = b->folder,
				.console_fd = console[1],
				.stderr_fd = 2,
				.place = place};
	if (driver->check(&spec->guest, &err) < 0 ||
	    driver->prepare(&env, spec, &l.guest, &err) < 0)
		fail_msg("%s: prepare: %s", driver->name, err.text);
	close(console[1]);
	l.console = console[0];
	return l;
}

static struct guest_wait within(uint64_t ns)
{
	return (struct guest_wait){.deadline_ns = clock_monotonic_ns() + ns, .cancel_fd = -1};
}

static void start(const struct life_state *l)
{
	struct err err = ERR_NONE;
	struct guest_wait wait = within(20ull * SECOND_NS);
	if (l->guest->driver->start(l->guest, &wait, &err) < 0)
		fail_msg("%s: start: %s", l->guest->driver->name, err.text);
	if (l->guest->driver->pin)
		assert_int_equal(l->guest->driver->pin(l->guest, &err), 0);
}

static void go(const struct life_state *l)
{
	struct err err = ERR_NONE;
	if (l->guest->driver->go(l->guest, &err) < 0)
		fail_msg("%s: go: %s", l->guest->driver->name, err.text);
}

/* What the console says, until it has said `text` or is at its end. */
static char *read_until(int fd, const char *text)
{
	autotext struct text t = {0};
	char byte;
	while ((!t.data || !strstr(t.data, text)) &&
	       deadline_wait_readable(fd, clock_monotonic_ns() + 20ull * SECOND_NS, -1) == 0 &&
	       read(fd, &byte, 1) == 1)
		text_add_bytes(&t, &byte, 1);
	return text_take(&t);
}

static bool is_over(const struct guest *guest, uint64_t ns)
{
	return deadline_wait_readable(guest->exit_fd, clock_monotonic_ns() + ns, -1) == 0;
}

static struct guest_exit destroy(struct life_state *l)
{
	struct guest_exit e = {.code = -1};
	pid_t pid = l->guest->pid;
	struct proc p;
	l->guest->driver->destroy(take(l->guest), &e);
	assert_false(proc_read(pid, &p)); /* reaped */
	close(l->console);
	return e;
}

static const char *fact_of(const struct guest *guest, const char *name)
{
	for (size_t i = 0; i < guest->n_facts; i++)
		if (strcmp(guest->facts[i].name, name) == 0)
			return guest->facts[i].value;
	return "";
}

static const struct reason *reason_of(const struct guest *guest, const char *code)
{
	for (size_t i = 0; i < guest->n_reasons; i++)
		if (strcmp(guest->reasons[i].code, code) == 0)
			return &guest->reasons[i];
	return NULL;
}

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

static int last_cpu(void)
{
	cpu_set_t own;
	int cpu = -1;
	assert_int_equal(sched_getaffinity(0, sizeof(own), &own), 0);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &own))
			cpu = i;
	return cpu;
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

/* vCPUs and the rest of QEMU's threads, each where it belongs. */
static void test_qemu_places_its_threads(void **state)
{
	struct bench *b = *state;
	const int vcpu_cpu = 0, vmm_cpu = last_cpu();
	if (!can_run(b, &guest_qemu) || vmm_cpu == vcpu_cpu)
		skip();
	autoclean(run_spec) struct run_spec *spec = spec_for(b, &guest_qemu, STAYS);
	spec->guest.vcpus = 2;
	struct guest_place place = {.guest = {&vcpu_cpu, 1}, .vmm = {&vmm_cpu, 1}};
	struct life_state l = prepare(b, &guest_qemu, spec, place);
	start(&l);
	assert_non_null(reason_of(l.guest, "vcpus-share")); /* 2 on 1 */
	go(&l);
	autofree char *path = xasprintf("/proc/%d/task", l.guest->pid);
	DIR *dir = opendir(path);
	int vcpus = 0, others = 0;
	for (struct dirent *e; (e = readdir(dir));) {
		cpu_set_t got;
		autofree char *file = xasprintf("%s/%s/comm", path, e->d_name), *name = NULL;
		if (e->d_name[0] == '.' || file_read(file, 100, &name, NULL, NULL) < 0)
			continue;
		bool vcpu = text_starts(name, "CPU ");
		assert_int_equal(sched_getaffinity(atoi(e->d_name), sizeof(got), &got), 0);
		assert_int_equal(CPU_COUNT(&got), 1);
		assert_true(CPU_ISSET(vcpu ? vcpu_cpu : vmm_cpu, &got));
		vcpus += vcpu;
		others += !vcpu;
	}
	closedir(dir);
	assert_int_equal(vcpus, 2);
	assert_true(others > 0);
	destroy(&l);
}

static void test_qemu_says_what_it_is(void **state)
{
	struct bench *b = *state;
	if (!can_run(b, &guest_qemu))
		skip();
	autoclean(run_spec) struct run_spec *spec = spec_for(b, &guest_qemu, STAYS);
	struct life_state l = prepare(b, &guest_qemu, spec, (struct guest_place){0});
	start(&l);
	assert_string_equal(fact_of(l.guest, "accelerator"), "tcg");
	assert_string_equal(fact_of(l.guest, "vmm"), "qemu");
	assert_string_equal(fact_of(l.guest, "guest.cpu"), "max");
	assert_string_equal(fact_of(l.guest, "vmm.version"),
			    host_fact_value(&b->info, "qemu.version"));
	destroy(&l);
}

/* "accel: kvm" that QEMU overrules by its last -accel is found out. */
static void test_qemu_accelerator_is_as_found(void **state)
{
	struct bench *b = *state;
	if (!can_run(b, &guest_qemu))
		skip();
	autoclean(run_spec) struct run_spec *spec = spec_for(b, &guest_qemu, STAYS);
	free(spec->guest.accel);
	spec->guest.accel = xstrdup("kvm");
	spec->guest.cpu = xstrdup("qemu64");
	words(&spec->guest.args, "-machine", "accel=tcg", NULL);
	struct life_state l = prepare(b, &guest_qemu, spec, (struct guest_place){0});
	start(&l);
	assert_string_equal(fact_of(l.guest, "accelerator"), "tcg");
	assert_non_null(reason_of(l.guest, "accelerator"));
	assert_int_equal(reason_of(l.guest, "accelerator")->level, VERDICT_INVALID);
	destroy(&l);
}

static void test_qemu_tells_how_it_ended(void **state)
{
	struct bench *b = *state;
	static const struct {
		const char *why;
		enum boot_end end;
		bool kill;
		const char *shutdown, *reason;
		int code, signal;
	} cases[] = {
		{"the guest rebooted", BOOT_RESET, false, "guest-reset", "guest-reset", 0, 0},
		{"we stopped it", BOOT_HANG, false, "host-qmp-quit", NULL, 0, 0},
		{"it was killed", BOOT_HANG, true, "", NULL, 0, SIGKILL},
	};
	if (!can_run(b, &guest_qemu))
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autoclean(run_spec) struct run_spec *spec = run_spec_new();
		spec_vm(b, spec, "ready\n", cases[i].end);
		struct life_state l = prepare(b, &guest_qemu, spec, (struct guest_place){0});
		print_message("   %s\n", cases[i].why);
		start(&l);
		go(&l);
		autofree char *text = read_until(l.console, "ready\n");
		assert_non_null(strstr(text, "ready\n"));
		if (cases[i].kill)
			kill(l.guest->pid, SIGKILL);
		if (cases[i].kill || cases[i].end == BOOT_RESET)
			assert_true(is_over(l.guest, 10ull * SECOND_NS));
		guest_qemu.stop(l.guest, 5ull * SECOND_NS);
		assert_string_equal(fact_of(l.guest, "vmm.shutdown"), cases[i].shutdown);
		assert_int_equal(l.guest->n_reasons, cases[i].reason ? 1 : 0);
		if (cases[i].reason)
			assert_non_null(reason_of(l.guest, cases[i].reason));
		struct guest_exit e = destroy(&l);
		assert_int_equal(e.code, cases[i].code);
		assert_int_equal(e.signal, cases[i].signal);
	}
}

/* An option that QEMU refuses: it ends before it speaks. */
static void test_qemu_that_does_not_come_up(void **state)
{
	struct bench *b = *state;
	struct err err = ERR_NONE;
	struct guest_wait wait = within(10ull * SECOND_NS);
	if (!can_run(b, &guest_qemu))
		skip();
	autoclean(run_spec) struct run_spec *spec = spec_for(b, &guest_qemu, STAYS);
	words(&spec->guest.args, "-device", "no-such-device", NULL);
	struct life_state l = prepare(b, &guest_qemu, spec, (struct guest_place){0});
	assert_int_equal(guest_qemu.start(l.guest, &wait, &err), -ECONNRESET);
	assert_string_equal(err.text, "QEMU ended at its start with status 1");
	guest_qemu.stop(l.guest, SECOND_NS);
	assert_int_equal(destroy(&l).code, 1);
}

static void test_start_can_be_cancelled(void **state)
{
	struct bench *b = *state;
	struct err err = ERR_NONE;
	int cancel[2];
	if (!can_run(b, &guest_qemu))
		skip();
	autoclean(run_spec) struct run_spec *spec = spec_for(b, &guest_qemu, STAYS);
	struct life_state l = prepare(b, &guest_qemu, spec, (struct guest_place){0});
	assert_int_equal(pipe2(cancel, O_CLOEXEC), 0);
	assert_int_equal(write(cancel[1], "x", 1), 1);
	struct guest_wait wait = within(20ull * SECOND_NS);
	wait.cancel_fd = cancel[0];
	assert_int_equal(guest_qemu.start(l.guest, &wait, &err), -ECANCELED);
	destroy(&l);
	close(cancel[0]);
	close(cancel[1]);
}

/* Writes of a guest go to its fresh disk or to the file, as the spec says; nothing is left. */
static void test_fresh_disks(void **state)
{
	struct bench *b = *state;
	if (!can_run(b, &guest_qemu))
		skip();
	for (int fresh = 1; fresh >= 0; fresh--) {
		autoclean(run_spec) struct run_spec *spec = run_spec_new();
		autofree char *bytes = NULL;
		size_t size;
		spec_vm(b, spec, "ready\n", BOOT_WRITE);
		spec->guest.disks[0].fresh = fresh;
		struct life_state l = prepare(b, &guest_qemu, spec, (struct guest_place){0});
		start(&l);
		go(&l);
		assert_true(is_over(l.guest, 20ull * SECOND_NS));
		guest_qemu.stop(l.guest, 0);
		assert_int_equal(destroy(&l).code, 33);
		assert_int_equal(file_read(b->disk, 2 << 20, &bytes, &size, NULL), 0);
		assert_int_equal(size, BOOT_DISK_BYTES);
		bool written = memcmp(bytes, bytes + 512, 512) == 0;
		assert_int_equal(written, !fresh);
		assert_int_equal(rmdir(b->folder), 0); /* was left empty */
		assert_int_equal(mkdir(b->folder, 0700), 0);
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
#define GUEST_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
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
		GUEST_TEST(test_qemu_places_its_threads),
		GUEST_TEST(test_qemu_says_what_it_is),
		GUEST_TEST(test_qemu_accelerator_is_as_found),
		GUEST_TEST(test_qemu_tells_how_it_ended),
		GUEST_TEST(test_qemu_that_does_not_come_up),
		GUEST_TEST(test_start_can_be_cancelled),
		GUEST_TEST(test_fresh_disks),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
