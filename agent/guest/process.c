// SPDX-License-Identifier: GPL-3.0-or-later
/* process - a guest that is a program of the host: an argv, never a shell line.
 *
 * It is the reference that VMs are compared with, so nothing is added to it: no wrapper, no shell,
 * a clean environment. The whole tree that it starts is measured, and ends with it. */
#include <errno.h>
#include <string.h>

#include "agent/guest/guest.h"
#include "agent/guest/launch.h"
#include "proto/base/mem.h"
#include "proto/stamp/assay_stamp.h"

struct process {
	struct guest base;
	struct child *child; /* owned */
	struct cpu_list cpus;
};

static void process_probe(const struct host_root *root, struct host_info *info)
{
	if (root->real)
		host_capability(info, "guest.process", true, "any program of this host", NULL);
	else
		host_capability(info, "guest.process", false, "a captured host runs nothing", NULL);
}

static int refuse(struct err *err, const char *key)
{
	return err_say(err, EINVAL, "%s: the process driver has no use for it; it is for qemu",
		       key);
}

/* "auto" asks for nothing. */
static bool is_given(const char *s)
{
	return s && *s && strcmp(s, "auto") != 0;
}

static int process_check(const struct guest_spec *spec, struct err *err)
{
	const struct {
		const char *key;
		bool given;
	} foreign[] = {
		{"vcpus", spec->vcpus > 0},	      {"memory", spec->memory_bytes > 0},
		{"machine", is_given(spec->machine)}, {"accel", is_given(spec->accel)},
		{"cpu", is_given(spec->cpu)},	      {"kernel", is_given(spec->kernel)},
		{"initrd", is_given(spec->initrd)},   {"append", is_given(spec->append)},
		{"disk", spec->n_disks > 0},	      {"args", spec->args && spec->args[0]},
	};
	if (!spec->command || !spec->command[0] || !spec->command[0][0])
		return err_say(
			err, EINVAL,
			"command: the process driver needs a program and its arguments, as in "
			"command: [sleep, '1']");
	for (size_t i = 0; i < ARRAY_SIZE(foreign); i++)
		if (foreign[i].given)
			return refuse(err, foreign[i].key);
	return launch_check_env(spec->env, err);
}

static int process_prepare(const struct guest_env *env, const struct run_spec *spec,
			   struct guest **ret, struct err *err)
{
	if (process_check(&spec->guest, err) < 0)
		return err_code(err);
	autostrv char **child_env = launch_env(env->folder, spec->guest.env);
	autofree struct process *p = xcalloc(1, sizeof(*p));
	p->base.driver = &guest_process;
	p->cpus = env->place.guest;
	if (env->stamps_fd)
		launch_env_set(&child_env, ASSAY_STAMP_VARIABLE "=fd:3"); /* more_fds begin there */
	if (launch_prepare(&p->base, env, spec->guest.command, child_env, env->stamps_fd,
			   env->stamps_fd ? 1 : 0, &p->child, err) < 0)
		return err_code(err);
	*ret = &take(p)->base;
	return 0;
}

static struct process *process_of(struct guest *guest)
{
	return (struct process *)guest;
}

/* Nothing of it may run before go: it stays at its gate. */
static int process_start(struct guest *guest, const struct guest_wait *wait, struct err *err)
{
	(void)guest;
	(void)wait;
	(void)err;
	return 0;
}

static int process_pin(struct guest *guest, struct err *err)
{
	const struct cpu_list *cpus = &process_of(guest)->cpus;
	if (launch_pin(guest->pid, cpus->cpus, cpus->n, err) < 0)
		guest_reason(guest, VERDICT_FLAGGED, "not-pinned", "%s", err->text);
	return 0;
}

static int process_go(struct guest *guest, struct err *err)
{
	return child_go(process_of(guest)->child, err);
}

static void process_stop(struct guest *guest, uint64_t grace_ns)
{
	launch_stop(process_of(guest)->child, grace_ns);
}

static void process_destroy(struct guest *guest, struct guest_exit *ret)
{
	if (!guest)
		return;
	launch_end(process_of(guest)->child, ret);
	free(guest);
}

const struct guest_driver guest_process = {
	.name = "process",
	.takes_stamps = true,
	.probe = process_probe,
	.check = process_check,
	.prepare = process_prepare,
	.start = process_start,
	.pin = process_pin,
	.go = process_go,
	.stop = process_stop,
	.destroy = process_destroy,
};
