// SPDX-License-Identifier: GPL-3.0-or-later
/* QEMU's command line: what a spec becomes, and which specs are refused. */
#include "agent/guest/qemu_args.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/guest/qemu_tsc.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

#define MIB ((uint64_t)1 << 20)

static char q35[] = "q35", microvm[] = "microvm", microvm_pcie[] = "microvm,pcie=on";
static char tcg[] = "tcg", kvm[] = "kvm", automatic[] = "auto", xen[] = "xen", qemu64[] = "qemu64";
static char kernel[] = "/boot/vm,linuz", initrd[] = "/boot/initrd", append[] = "a=1,2 b";
static char relative[] = "boot/vmlinuz", protocol[] = "nbd:localhost:1";
static char disk_path[] = "/images/a,b.img", program[] = "/opt/qemu/bin/qemu", word[] = "-v";
static char device[] = "-device", pvpanic[] = "pvpanic", variable[] = "A=1";
static char *args[] = {device, pvpanic, NULL};
static char *command[] = {program, NULL}, *long_command[] = {program, word, NULL};
static char *env[] = {variable, NULL};

static struct disk_spec fresh_virtio = {disk_path, true, "virtio", "raw"};
static struct disk_spec kept_nvme = {disk_path, false, "nvme", "qcow2"};
static struct disk_spec odd_bus = {disk_path, true, "scsi", "raw"};
static struct disk_spec odd_format = {disk_path, true, "virtio", "vmdk"};
static struct disk_spec no_file = {NULL, true, "virtio", "raw"};
static struct disk_spec by_protocol = {protocol, true, "virtio", "raw"};
static struct disk_spec two_disks[2];

#define BASE                                                                              \
	.name = "g", .vcpus = 1, .memory_bytes = 512 * MIB, .machine = q35, .accel = tcg, \
	.kernel = kernel

/* Pieces are options with their values, "|" between words; "!" in front: must not be there. */
static const struct {
	const char *why;
	struct guest_spec spec;
	const char *pieces[9];
} cases[] = {
	{"a kernel on q35",
	 {BASE, .append = append},
	 {"qemu-system-x86_64|-name|guest=g,debug-threads=on|-machine|q35,accel=tcg|-cpu|max|-smp|"
	  "1|"
	  "-m|512M|",
	  "-kernel|/boot/vm,linuz|", "-append|a=1,2 b|", "!-initrd", "!-drive", "|-S|",
	  "|-no-reboot|", "|-nodefaults|-no-user-config|-display|none|"}},
	{"the console and QMP",
	 {BASE},
	 {"-chardev|file,id=assay-console,path=/dev/fd/1|-serial|chardev:assay-console|",
	  "-chardev|socket,id=assay-qmp,fd=3|-mon|chardev=assay-qmp,mode=control|", "!-append"}},
	{"kvm and its CPU",
	 {.name = "g",
	  .vcpus = 4,
	  .memory_bytes = 1536 * MIB,
	  .machine = q35,
	  .accel = kvm,
	  .cpu = automatic,
	  .kernel = kernel,
	  .initrd = initrd},
	 {"-machine|q35,accel=kvm|-cpu|host|-smp|4|-m|1536M|", "-initrd|/boot/initrd|"}},
	{"a CPU as asked", {BASE, .cpu = qemu64}, {"-cpu|qemu64|"}},
	{"memory that is not whole MiB",
	 {.name = "g",
	  .vcpus = 1,
	  .memory_bytes = MIB + 4096,
	  .machine = q35,
	  .accel = tcg,
	  .kernel = kernel},
	 {"-m|1028K|"}},
	{"a fresh disk, a comma in its name",
	 {BASE, .disks = &fresh_virtio, .n_disks = 1},
	 {"-drive|file=/images/a,,b.img,if=none,id=disk0,format=raw,cache=unsafe,snapshot=on|",
	  "-device|virtio-blk-pci,drive=disk0|"}},
	{"a disk on microvm",
	 {.name = "g",
	  .vcpus = 1,
	  .memory_bytes = MIB,
	  .machine = microvm,
	  .accel = tcg,
	  .disks = &fresh_virtio,
	  .n_disks = 1},
	 {"-machine|microvm,accel=tcg|", "-device|virtio-blk-device,drive=disk0|", "!-kernel"}},
	{"two disks, the second kept, on NVMe",
	 {BASE, .disks = two_disks, .n_disks = 2},
	 {"id=disk0,", "id=disk1,format=qcow2,cache=unsafe|",
	  "-device|nvme,drive=disk1,serial=disk1|"}},
	{"NVMe on a microvm with PCI",
	 {.name = "g",
	  .vcpus = 1,
	  .memory_bytes = MIB,
	  .machine = microvm_pcie,
	  .accel = tcg,
	  .disks = &kept_nvme,
	  .n_disks = 1},
	 {"-machine|microvm,pcie=on,accel=tcg|", "nvme,drive=disk0"}},
	{"arguments as they are, last", {BASE, .args = args}, {"|-device|pvpanic|\n"}},
	{"another QEMU", {BASE, .command = command}, {"/opt/qemu/bin/qemu|-name|"}},
	{"a name with a comma",
	 {.name = "a,b",
	  .vcpus = 1,
	  .memory_bytes = MIB,
	  .machine = q35,
	  .accel = tcg,
	  .kernel = kernel},
	 {"guest=a,,b,debug-threads=on|"}},
};

static char *join(char *const *argv)
{
	autotext struct text t = {0};
	for (; *argv; argv++)
		text_addf(&t, "%s|", *argv);
	text_add(&t, "\n");
	return text_take(&t);
}

static void test_argv(void **state)
{
	(void)state;
	two_disks[0] = fresh_virtio;
	two_disks[1] = kept_nvme;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_NONE;
		autostrv char **argv = NULL;
		if (qemu_args_build(&cases[i].spec, cases[i].spec.append, &argv, &err) < 0)
			fail_msg("%s: %s", cases[i].why, err.text);
		autofree char *line = join(argv);
		for (const char *const *p = cases[i].pieces; *p; p++)
			if (!!strstr(line, *p + (**p == '!')) == (**p == '!'))
				fail_msg("%s: '%s' and %s", cases[i].why, *p, line);
	}
}

static const struct {
	const char *why;
	struct guest_spec spec;
	const char *says; /* begins with the key */
	bool when_built;  /* check() lets it pass: it is settled later */
} refused[] = {
	{"no machine", {.vcpus = 1, .memory_bytes = MIB, .kernel = kernel}, "machine: ", false},
	{"no vCPU", {.machine = q35, .memory_bytes = MIB, .kernel = kernel}, "vcpus: ", false},
	{"no memory", {.machine = q35, .vcpus = 1, .kernel = kernel}, "memory: 0 bytes", false},
	{"half a page",
	 {.machine = q35, .vcpus = 1, .memory_bytes = MIB + 1, .kernel = kernel},
	 "memory: ",
	 false},
	{"an unknown accelerator",
	 {.machine = q35, .vcpus = 1, .memory_bytes = MIB, .accel = xen, .kernel = kernel},
	 "accel: 'xen'",
	 false},
	{"nothing to boot", {.machine = q35, .vcpus = 1, .memory_bytes = MIB}, "kernel: ", false},
	{"an initrd alone",
	 {.machine = q35, .vcpus = 1, .memory_bytes = MIB, .initrd = initrd},
	 "initrd: ",
	 false},
	{"a command line alone",
	 {.machine = q35,
	  .vcpus = 1,
	  .memory_bytes = MIB,
	  .append = append,
	  .disks = &fresh_virtio,
	  .n_disks = 1},
	 "append: ",
	 false},
	{"the process driver's keys", {BASE, .env = env}, "env: ", false},
	{"more than a program", {BASE, .command = long_command}, "command: ", false},
	{"an unknown bus", {BASE, .disks = &odd_bus, .n_disks = 1}, "disk.bus: 'scsi'", false},
	{"an unknown format",
	 {BASE, .disks = &odd_format, .n_disks = 1},
	 "disk.format: 'vmdk'",
	 false},
	{"a disk without a file", {BASE, .disks = &no_file, .n_disks = 1}, "disk: ", false},
	{"NVMe without PCI",
	 {.machine = microvm, .vcpus = 1, .memory_bytes = MIB, .disks = &kept_nvme, .n_disks = 1},
	 "disk.bus: nvme",
	 false},
	{"an accelerator not decided",
	 {.machine = q35, .vcpus = 1, .memory_bytes = MIB, .accel = automatic, .kernel = kernel},
	 "accel: still 'auto'",
	 true},
	{"a relative path",
	 {.machine = q35, .vcpus = 1, .memory_bytes = MIB, .accel = tcg, .kernel = relative},
	 "kernel: 'boot/vmlinuz'",
	 true},
	{"a protocol of QEMU's for a file",
	 {BASE, .disks = &by_protocol, .n_disks = 1},
	 "disk: 'nbd:",
	 true},
};

static void test_refusals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		struct err err = ERR_NONE;
		char **argv = NULL;
		int checked = qemu_args_check(&refused[i].spec, &err);
		int built = qemu_args_build(&refused[i].spec, NULL, &argv, &err);
		if (checked != (refused[i].when_built ? 0 : -EINVAL) || built != -EINVAL)
			fail_msg("%s: check %d, build %d", refused[i].why, checked, built);
		if (!text_starts(err.text, refused[i].says))
			fail_msg("%s: '%s' does not begin with '%s'", refused[i].why, err.text,
				 refused[i].says);
	}
}

/* Which guests are told the frequency of their TSC. */
static void test_tsc_hint(void **state)
{
	char folder[] = "/tmp/assay-tsc-XXXXXX", root[] = "root=/dev/vda", icount[] = "-icount",
	     said[] = "tsc_early_khz=1", odd[] = "microvms";
	char *on_icount[] = {icount, NULL};
	char image[1024] = {0}, elf[64] = "\177ELF";
	(void)state;
	assert_non_null(mkdtemp(folder));
	autofree char *linux_path = file_join(folder, "bzImage");
	autofree char *elf_path = file_join(folder, "vmlinux");
	memcpy(image + 0x202, "HdrS", 4);
	assert_int_equal(file_write_atomic(linux_path, image, sizeof(image), 0600, NULL), 0);
	assert_int_equal(file_write_atomic(elf_path, elf, sizeof(elf), 0600, NULL), 0);
	const struct {
		const char *why;
		struct guest_spec spec;
		bool needed;
	} tsc[] = {
		{"a bzImage on microvm under TCG",
		 {.machine = microvm, .accel = tcg, .kernel = linux_path},
		 true},
		{"microvm with options",
		 {.machine = microvm_pcie, .accel = tcg, .kernel = linux_path},
		 true},
		{"a vmlinux that boots from a disk",
		 {.machine = microvm, .accel = tcg, .kernel = elf_path, .append = root},
		 true},
		{"an ELF that boots from nothing: a unikernel",
		 {.machine = microvm, .accel = tcg, .kernel = elf_path},
		 false},
		{"KVM", {.machine = microvm, .accel = kvm, .kernel = linux_path}, false},
		{"q35", {.machine = q35, .accel = tcg, .kernel = linux_path}, false},
		{"another machine", {.machine = odd, .accel = tcg, .kernel = linux_path}, false},
		{"said already",
		 {.machine = microvm, .accel = tcg, .kernel = linux_path, .append = said},
		 false},
		{"virtual time",
		 {.machine = microvm, .accel = tcg, .kernel = linux_path, .args = on_icount},
		 false},
		{"no such file", {.machine = microvm, .accel = tcg, .kernel = relative}, false},
		{"no kernel", {.machine = microvm, .accel = tcg}, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(tsc); i++)
		if (qemu_tsc_is_needed(&tsc[i].spec) != tsc[i].needed)
			fail_msg("%s", tsc[i].why);
	file_remove_tree(folder, NULL);
}

/* Two measurements of one clock agree; 100 ppm is ten times what they differ by. */
static void test_tsc_frequency(void **state)
{
	uint64_t a_khz = qemu_tsc_host_khz(), b_khz = qemu_tsc_host_khz();
	(void)state;
#if !defined(__x86_64__)
	skip();
#endif
	print_message("   %llu and %llu kHz\n", (unsigned long long)a_khz,
		      (unsigned long long)b_khz);
	assert_in_range(a_khz, 100000, 20000000);
	assert_in_range(b_khz, a_khz - a_khz / 10000, a_khz + a_khz / 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_argv),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_tsc_hint),
		cmocka_unit_test(test_tsc_frequency),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
