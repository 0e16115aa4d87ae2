// SPDX-License-Identifier: GPL-3.0-or-later
/* guest_bench - a keeper, a run's folder, and one small guest of each driver, for their tests. */
#ifndef ASSAY_TESTS_GUEST_BENCH_H
#define ASSAY_TESTS_GUEST_BENCH_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/guest/deadline.h"
#include "agent/guest/guest.h"
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

static inline int set_up(void **state)
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

static inline int tear_down(void **state)
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

static inline bool can_run(const struct bench *b, const struct guest_driver *driver)
{
	char name[NAME_SIZE];
	snprintf(name, sizeof(name), "guest.%.40s", driver->name);
	const struct capability *c = host_capability_find(&b->info, name);
	assert_non_null(c); /* every driver says */
	if (!c->present)
		print_message("   %s skipped: %s\n", driver->name, c->detail);
	return c->present;
}

static inline void words(char ***v, const char *first, ...)
{
	va_list ap;
	va_start(ap, first);
	for (const char *s = first; s; s = va_arg(ap, const char *))
		strv_push(v, s);
	va_end(ap);
}

static inline void spec_vm(struct bench *b, struct run_spec *s, const char *text, enum boot_end end)
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
static inline struct run_spec *spec_for(struct bench *b, const struct guest_driver *driver,
					enum life life)
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

static inline struct life_state prepare(struct bench *b, const struct guest_driver *driver,
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

static inline struct guest_wait within(uint64_t ns)
{
	return (struct guest_wait){.deadline_ns = clock_monotonic_ns() + ns, .cancel_fd = -1};
}

static inline void start(const struct life_state *l)
{
	struct err err = ERR_NONE;
	struct guest_wait wait = within(20ull * SECOND_NS);
	if (l->guest->driver->start(l->guest, &wait, &err) < 0)
		fail_msg("%s: start: %s", l->guest->driver->name, err.text);
	if (l->guest->driver->pin)
		assert_int_equal(l->guest->driver->pin(l->guest, &err), 0);
}

static inline void go(const struct life_state *l)
{
	struct err err = ERR_NONE;
	if (l->guest->driver->go(l->guest, &err) < 0)
		fail_msg("%s: go: %s", l->guest->driver->name, err.text);
}

/* What the console says, until it has said `text` or is at its end. */
static inline char *read_until(int fd, const char *text)
{
	autotext struct text t = {0};
	char byte;
	while ((!t.data || !strstr(t.data, text)) &&
	       deadline_wait_readable(fd, clock_monotonic_ns() + 20ull * SECOND_NS, -1) == 0 &&
	       read(fd, &byte, 1) == 1)
		text_add_bytes(&t, &byte, 1);
	return text_take(&t);
}

static inline bool is_over(const struct guest *guest, uint64_t ns)
{
	return deadline_wait_readable(guest->exit_fd, clock_monotonic_ns() + ns, -1) == 0;
}

static inline struct guest_exit destroy(struct life_state *l)
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

static inline int last_cpu(void)
{
	cpu_set_t own;
	int cpu = -1;
	assert_int_equal(sched_getaffinity(0, sizeof(own), &own), 0);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &own))
			cpu = i;
	return cpu;
}

#define GUEST_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
