// SPDX-License-Identifier: GPL-3.0-or-later
/* qemu_args - one VM as QEMU's argv.
 *
 * Nothing that the spec does not name is in the machine: no default devices, no user's
 * configuration file, no display. It starts stopped (-S) and ends where a guest reboots.
 * The console is a file of its own on the pipe that is our stdout: opened anew, because QEMU makes
 * the description that it is given non-blocking, and others hold that one.
 * Source: qemu-system-x86_64(1); QEMU's option parser takes ",," for a comma inside a value. */
#include "agent/guest/qemu_args.h"

#include <errno.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"

static const char default_program[] = "qemu-system-x86_64";

static bool is_given(const char *s)
{
	return s && *s;
}

static bool is_auto(const char *s)
{
	return !is_given(s) || strcmp(s, "auto") == 0;
}

bool qemu_args_is_microvm(const struct guest_spec *spec)
{
	const char *m = spec->machine ? spec->machine : "";
	return strncmp(m, "microvm", 7) == 0 && (m[7] == '\0' || m[7] == ',');
}

/* A PCI bus for devices that need one. */
static bool has_pci(const struct guest_spec *spec)
{
	return !qemu_args_is_microvm(spec) || strstr(spec->machine, ",pcie=on");
}

static int check_disk(const struct guest_spec *spec, const struct disk_spec *d, struct err *err)
{
	if (!is_given(d->file))
		return err_say(err, EINVAL, "disk: it has no file or image");
	if (strcmp(d->format, "raw") != 0 && strcmp(d->format, "qcow2") != 0)
		return err_say(err, EINVAL, "disk.format: '%s' is neither raw nor qcow2",
			       d->format);
	if (strcmp(d->bus, "virtio") != 0 && strcmp(d->bus, "nvme") != 0)
		return err_say(err, EINVAL, "disk.bus: '%s' is neither virtio nor nvme", d->bus);
	if (strcmp(d->bus, "nvme") == 0 && !has_pci(spec))
		return err_say(
			err, EINVAL,
			"disk.bus: nvme needs PCI, which this microvm lacks; use bus: virtio, "
			"or machine: 'microvm,pcie=on'");
	return 0;
}

static int check_boot(const struct guest_spec *spec, struct err *err)
{
	if (!is_given(spec->kernel) && is_given(spec->initrd))
		return err_say(err, EINVAL, "initrd: QEMU loads it beside a kernel; give kernel");
	if (!is_given(spec->kernel) && is_given(spec->append))
		return err_say(err, EINVAL,
			       "append: QEMU gives it to a kernel that it loads; give kernel");
	if (!is_given(spec->kernel) && !spec->n_disks && !(spec->args && spec->args[0]))
		return err_say(err, EINVAL, "kernel: nothing to boot; give kernel or disk");
	for (size_t i = 0; i < spec->n_disks; i++)
		if (check_disk(spec, &spec->disks[i], err) < 0)
			return err_code(err);
	return 0;
}

static int check_foreign(const struct guest_spec *spec, struct err *err)
{
	if (spec->env && spec->env[0])
		return err_say(
			err, EINVAL,
			"env: a VM has no environment; it is for the process driver (give the "
			"guest words with append)");
	if (strv_count(spec->command) > 1)
		return err_say(
			err, EINVAL,
			"command: the qemu driver takes QEMU's program and nothing more; give "
			"arguments as args");
	return 0;
}

int qemu_args_check(const struct guest_spec *spec, struct err *err)
{
	if (check_foreign(spec, err) < 0)
		return err_code(err);
	if (!is_given(spec->machine))
		return err_say(err, EINVAL, "machine: give one, such as q35, pc or microvm");
	if (!spec->vcpus)
		return err_say(err, EINVAL, "vcpus: a VM needs at least 1");
	if (spec->memory_bytes < 1 << 20 || spec->memory_bytes % 4096)
		return err_say(
			err, EINVAL,
			"memory: %llu bytes is not a whole number of pages of 1 MiB or more; "
			"write 512M",
			(unsigned long long)spec->memory_bytes);
	if (!is_auto(spec->accel) && strcmp(spec->accel, "kvm") != 0 &&
	    strcmp(spec->accel, "tcg") != 0)
		return err_say(err, EINVAL, "accel: '%.40s' is none of kvm, tcg, auto",
			       spec->accel);
	return check_boot(spec, err);
}

const char *qemu_args_cpu(const struct guest_spec *spec)
{
	if (!is_auto(spec->cpu))
		return spec->cpu;
	return spec->accel && strcmp(spec->accel, "kvm") == 0 ? "host" : "max";
}

static void add_value(struct text *t, const char *value)
{
	for (; *value; value++)
		text_add_bytes(t, *value == ',' ? ",," : value, *value == ',' ? 2 : 1);
}

static void push2(char ***argv, const char *option, const char *value)
{
	strv_push(argv, option);
	strv_push(argv, value);
}

static void push_machine(char ***argv, const struct guest_spec *spec)
{
	autotext struct text name = {0};
	autofree char *machine = xasprintf("%s,accel=%s", spec->machine, spec->accel);
	autofree char *vcpus = xasprintf("%u", spec->vcpus);
	bool whole = spec->memory_bytes % (1 << 20) == 0;
	autofree char *memory = xasprintf(
		"%llu%s", (unsigned long long)(spec->memory_bytes >> (whole ? 20 : 10)),
		whole ? "M" : "K");
	text_add(&name, "guest=");
	add_value(&name, spec->name);
	text_add(&name, ",debug-threads=on"); /* vCPU threads can be told in ps and perf */
	push2(argv, "-name", name.data);
	push2(argv, "-machine", machine);
	push2(argv, "-cpu", qemu_args_cpu(spec));
	push2(argv, "-smp", vcpus);
	push2(argv, "-m", memory);
}

static void push_fixed(char ***argv)
{
	autofree char *qmp = xasprintf("socket,id=assay-qmp,fd=%d", QEMU_QMP_FD);
	strv_push(argv, "-nodefaults");
	strv_push(argv, "-no-user-config");
	push2(argv, "-display", "none");
	push2(argv, "-chardev", "file,id=assay-console,path=/dev/fd/1");
	push2(argv, "-serial", "chardev:assay-console");
	push2(argv, "-chardev", qmp);
	push2(argv, "-mon", "chardev=assay-qmp,mode=control");
	strv_push(argv, "-S");
	strv_push(argv, "-no-reboot");
}

static void push_disk(char ***argv, const struct guest_spec *spec, size_t i)
{
	const struct disk_spec *d = &spec->disks[i];
	autotext struct text drive = {0};
	autotext struct text device = {0};
	text_add(&drive, "file=");
	add_value(&drive, d->file);
	/* The disk is not what is measured, and it need not survive the host's crash.
	 * snapshot=on: writes go to an unlinked file in TMPDIR, the run's folder. */
	text_addf(&drive, ",if=none,id=disk%zu,format=%s,cache=unsafe%s", i, d->format,
		  d->fresh ? ",snapshot=on" : "");
	if (strcmp(d->bus, "nvme") == 0)
		text_addf(&device, "nvme,drive=disk%zu,serial=disk%zu", i, i);
	else
		text_addf(&device, "virtio-blk-%s,drive=disk%zu",
			  qemu_args_is_microvm(spec) ? "device" : "pci", i);
	push2(argv, "-drive", drive.data);
	push2(argv, "-device", device.data);
}

/* QEMU would take "nbd:..." or "fat:..." for a protocol, and "x" for a file of the run's folder. */
static int check_path(const char *key, const char *path, struct err *err)
{
	if (!is_given(path) || path[0] == '/')
		return 0;
	return err_say(err, EINVAL, "%s: '%.200s' is not an absolute path", key, path);
}

static int check_paths(const struct guest_spec *spec, struct err *err)
{
	if (check_path("kernel", spec->kernel, err) < 0 ||
	    check_path("initrd", spec->initrd, err) < 0)
		return err_code(err);
	for (size_t i = 0; i < spec->n_disks; i++)
		if (check_path("disk", spec->disks[i].file, err) < 0)
			return err_code(err);
	return 0;
}

int qemu_args_build(const struct guest_spec *spec, const char *append, char ***ret, struct err *err)
{
	if (qemu_args_check(spec, err) < 0 || check_paths(spec, err) < 0)
		return err_code(err);
	if (is_auto(spec->accel))
		return err_say(err, EINVAL,
			       "accel: still 'auto' when the guest is to start; write kvm or tcg");
	char **argv = NULL;
	strv_push(&argv, spec->command && spec->command[0] ? spec->command[0] : default_program);
	push_machine(&argv, spec);
	push_fixed(&argv);
	if (is_given(spec->kernel))
		push2(&argv, "-kernel", spec->kernel);
	if (is_given(spec->initrd))
		push2(&argv, "-initrd", spec->initrd);
	if (is_given(append))
		push2(&argv, "-append", append);
	for (size_t i = 0; i < spec->n_disks; i++)
		push_disk(&argv, spec, i);
	for (char **a = spec->args; a && *a; a++)
		strv_push(&argv, *a);
	*ret = argv;
	return 0;
}
