// SPDX-License-Identifier: GPL-3.0-or-later
/* QEMU as a driver: threads, facts, ends and disks of a real, very small VM. */
#include <dirent.h>
#include <signal.h>
#include <sys/stat.h>

#include "tests/agent/guest/guest_bench.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
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
