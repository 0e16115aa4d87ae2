// SPDX-License-Identifier: GPL-3.0-or-later
/* qemu - a guest that is a VM: QEMU, held before its first instruction, steered over QMP.
 *
 * The QMP socket is one end of a pair that QEMU inherits, so there is no file, no race to connect
 * and no other client; its end is QEMU's end. By the greeting all vCPU threads exist.
 * Trap: QEMU ends with status 0 also where its guest panicked or rebooted (-no-reboot). Only the
 * events that it sent on its way out tell; stop() reads them. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "agent/guest/deadline.h"
#include "agent/guest/guest.h"
#include "agent/guest/launch.h"
#include "agent/guest/qemu_args.h"
#include "agent/guest/qemu_probe.h"
#include "agent/guest/qemu_tsc.h"
#include "agent/guest/qmp.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

enum {
	VCPUS_MOST = 4096,
	GO_NS = 10000000000,  /* a QEMU that is up answers at once */
	END_NS = 1000000000,  /* from the end of its socket to its exit */
	DRAIN_NS = 200000000, /* its last events, where it is still there */
	/* A panic stops the VM first and ends QEMU right after; the reason comes with the end. */
	STOPPED_NS = 200000000,
};

struct qemu {
	struct guest base;
	struct child *child; /* owned */
	int qmp_fd;	     /* owned until qmp is there */
	struct qmp *qmp;     /* owned; NULL until start */
	struct guest_place place;
	char accel[8]; /* as asked */
	pid_t *vcpus;  /* thread of each; owned */
	size_t n_vcpus;
	bool stopped, shut_down; /* as events said */
};

static struct qemu *qemu_of(struct guest *guest)
{
	return (struct qemu *)guest;
}

static const char *text_of(const json_t *data, const char *key)
{
	const char *s = json_string_value(json_object_get(data, key));
	return s ? s : "unknown";
}

static bool has_reason(const struct guest *guest, const char *code)
{
	for (size_t i = 0; i < guest->n_reasons; i++)
		if (strcmp(guest->reasons[i].code, code) == 0)
			return true;
	return false;
}

/* Once: QEMU may say the same in several events. */
static void reason_once(struct qemu *q, enum verdict level, const char *code, const char *text)
{
	if (!has_reason(&q->base, code))
		guest_reason(&q->base, level, code, "%s", text);
}

static void on_shutdown(struct qemu *q, const json_t *data)
{
	const char *reason = text_of(data, "reason");
	if (!q->shut_down)
		guest_fact(&q->base, "vmm.shutdown", "%s", reason);
	q->shut_down = true;
	if (strcmp(reason, "guest-reset") == 0)
		reason_once(q, VERDICT_FLAGGED, "guest-reset",
			    "the guest asked for a reboot, which ended it; a kernel that panics "
			    "does so too where it was told to (panic=)");
	else if (strcmp(reason, "guest-panic") == 0)
		reason_once(q, VERDICT_INVALID, "guest-panic", "the guest's kernel panicked");
	else if (strcmp(reason, "host-error") == 0)
		reason_once(q, VERDICT_INVALID, "vmm-error", "QEMU gave up on an error of its own");
}

static void on_event(void *arg, const char *event, const json_t *data)
{
	struct qemu *q = arg;
	char text[160];
	if (strcmp(event, "SHUTDOWN") == 0) {
		on_shutdown(q, data);
	} else if (strcmp(event, "STOP") == 0) {
		q->stopped = true;
	} else if (strcmp(event, "RESUME") == 0) {
		q->stopped = false;
	} else if (strcmp(event, "GUEST_PANICKED") == 0) {
		reason_once(q, VERDICT_INVALID, "guest-panic", "the guest's kernel panicked");
	} else if (strcmp(event, "WATCHDOG") == 0) {
		reason_once(q, VERDICT_INVALID, "watchdog", "the guest's watchdog ran out");
	} else if (strcmp(event, "BLOCK_IO_ERROR") == 0) {
		snprintf(text, sizeof(text), "a disk failed to %.40s: %.80s",
			 text_of(data, "operation"), text_of(data, "reason"));
		reason_once(q, VERDICT_INVALID, "disk-error", text);
	} else if (strcmp(event, "MEMORY_FAILURE") == 0) {
		reason_once(q, VERDICT_INVALID, "memory-failure",
			    "the host's memory failed under the guest");
	}
}

/* The kernel's command line as QEMU is to give it; owned by the caller, NULL: none. */
static char *append_of(struct qemu *q, const struct guest_spec *spec)
{
	uint64_t khz = qemu_tsc_is_needed(spec) ? qemu_tsc_host_khz() : 0;
	if (!khz)
		return xstrdup(spec->append);
	guest_fact(&q->base, "guest.tsc_early_khz", "%llu", (unsigned long long)khz);
	return xasprintf("%s%stsc_early_khz=%llu", spec->append ? spec->append : "",
			 spec->append && *spec->append ? " " : "", (unsigned long long)khz);
}

static int spawn(struct qemu *q, const struct guest_env *env, const struct guest_spec *spec,
		 struct err *err)
{
	autofree char *append = append_of(q, spec);
	autostrv char **argv = NULL;
	autostrv char **child_env = launch_env(env->folder, NULL);
	int pair[2];
	if (qemu_args_build(spec, append, &argv, err) < 0)
		return err_code(err);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "make QEMU's QMP socket");
	q->qmp_fd = pair[0];
	autoclose int its = pair[1];
	return launch_prepare(&q->base, env, argv, child_env, &its, 1, &q->child, err);
}

static void qemu_destroy(struct guest *guest, struct guest_exit *ret)
{
	if (!guest)
		return;
	struct qemu *q = qemu_of(guest);
	launch_end(q->child, ret);
	cleanup_close(&q->qmp_fd);
	qmp_close(q->qmp);
	free(q->vcpus);
	free(q);
}

static int qemu_prepare(const struct guest_env *env, const struct run_spec *spec,
			struct guest **ret, struct err *err)
{
	struct qemu *q = xcalloc(1, sizeof(*q));
	q->base.driver = &guest_qemu;
	q->base.exit_fd = q->base.event_fd = q->qmp_fd = -1;
	q->place = env->place;
	STRCPY_FIXED(q->accel, spec->guest.accel);
	if (spawn(q, env, &spec->guest, err) < 0) {
		qemu_destroy(&q->base, NULL);
		return err_code(err);
	}
	guest_fact(&q->base, "vmm", "qemu");
	guest_fact(&q->base, "guest.machine", "%s", spec->guest.machine);
	guest_fact(&q->base, "guest.cpu", "%s", qemu_args_cpu(&spec->guest));
	*ret = &q->base;
	return 0;
}

/* QEMU that ends instead of talking has said why on stderr, which the run has. */
static int explain_end(struct qemu *q, struct err *err)
{
	struct child_status status;
	if (err->code != ECONNRESET ||
	    child_wait(q->child, clock_monotonic_ns() + END_NS, &status, NULL) < 0)
		return err_wrap(err, "start QEMU");
	if (status.signal)
		return err_say(err, ECONNRESET, "QEMU was killed by signal %d (%s) at its start",
			       status.signal, strsignal(status.signal));
	return err_say(err, ECONNRESET, "QEMU ended at its start with status %d", status.code);
}

static int explain_missing(struct err *err)
{
	struct err why = *err;
	if (why.code == ENOENT)
		err_say(err, ENOENT, "%.400s; install the Debian package qemu-system-x86",
			why.text);
	return err_code(err);
}

static int ask_accelerator(struct qemu *q, const struct guest_wait *wait, struct err *err)
{
	autojson json_t *kvm = NULL;
	if (qmp_command(q->qmp, "query-kvm", wait, &kvm, err) < 0)
		return err_code(err);
	const json_t *enabled = json_object_get(kvm, "enabled");
	if (!json_is_boolean(enabled))
		return err_say(err, EPROTO, "QMP: query-kvm does not say whether KVM is in use");
	const char *found = json_is_true(enabled) ? "kvm" : "tcg";
	guest_fact(&q->base, "accelerator", "%s", found);
	if (strcmp(found, q->accel) != 0)
		guest_reason(&q->base, VERDICT_INVALID, "accelerator",
			     "QEMU runs the guest with %s, not with %s as asked", found, q->accel);
	return 0;
}

static int ask_vcpus(struct qemu *q, const struct guest_wait *wait, struct err *err)
{
	autojson json_t *cpus = NULL;
	if (qmp_command(q->qmp, "query-cpus-fast", wait, &cpus, err) < 0)
		return err_code(err);
	size_t n = json_array_size(cpus);
	if (!n || n > VCPUS_MOST)
		return err_say(err, EPROTO, "QMP: query-cpus-fast lists %zu vCPUs", n);
	q->vcpus = xcalloc(n, sizeof(*q->vcpus));
	for (size_t i = 0; i < n; i++) {
		const json_t *cpu = json_array_get(cpus, i);
		json_int_t thread = json_integer_value(json_object_get(cpu, "thread-id"));
		json_int_t index = json_integer_value(json_object_get(cpu, "cpu-index"));
		if (thread <= 0 || thread > INT32_MAX || index < 0 || index >= (json_int_t)n)
			return err_say(err, EPROTO, "QMP: query-cpus-fast makes no sense");
		q->vcpus[index] = (pid_t)thread;
	}
	q->n_vcpus = n;
	return 0;
}

static int qemu_start(struct guest *guest, const struct guest_wait *wait, struct err *err)
{
	struct qemu *q = qemu_of(guest);
	if (child_go(q->child, err) < 0)
		return explain_missing(err);
	if (qmp_open(take_fd(q->qmp_fd), on_event, q, wait, &q->qmp, err) < 0)
		return explain_end(q, err);
	guest->event_fd = qmp_fd(q->qmp);
	guest_fact(guest, "vmm.version", "%s", qmp_version(q->qmp));
	if (ask_accelerator(q, wait, err) < 0 || ask_vcpus(q, wait, err) < 0)
		return explain_end(q, err);
	return 0;
}

static bool is_vcpu(const struct qemu *q, pid_t thread)
{
	for (size_t i = 0; i < q->n_vcpus; i++)
		if (q->vcpus[i] == thread)
			return true;
	return false;
}

/* Main loop, I/O and worker threads; those that are made later inherit it from these. */
static int pin_others(const struct qemu *q, struct err *err)
{
	char path[32];
	int r = 0;
	if (!q->place.vmm.n)
		return 0;
	snprintf(path, sizeof(path), "/proc/%d/task", q->base.pid);
	DIR *dir = opendir(path);
	if (!dir)
		return err_sys(err, errno, "list QEMU's threads");
	for (struct dirent *entry; r == 0 && (entry = readdir(dir));) {
		pid_t thread = atoi(entry->d_name);
		if (isdigit((unsigned char)entry->d_name[0]) && !is_vcpu(q, thread))
			r = launch_pin(thread, q->place.vmm.cpus, q->place.vmm.n, err);
		if (r == -ESRCH) /* ended since it was listed */
			r = 0;
	}
	closedir(dir);
	return r;
}

static int pin_vcpus(const struct qemu *q, struct err *err)
{
	const struct cpu_list *cpus = &q->place.guest;
	for (size_t i = 0; cpus->n && i < q->n_vcpus; i++)
		if (launch_pin(q->vcpus[i], &cpus->cpus[i % cpus->n], 1, err) < 0)
			return err_wrap(err, "vCPU %zu", i);
	return 0;
}

static int qemu_pin(struct guest *guest, struct err *err)
{
	struct qemu *q = qemu_of(guest);
	const struct cpu_list *cpus = &q->place.guest;
	if (pin_others(q, err) < 0 || pin_vcpus(q, err) < 0)
		guest_reason(guest, VERDICT_FLAGGED, "not-pinned", "%s", err->text);
	if (cpus->n && cpus->n < q->n_vcpus)
		guest_reason(
			guest, VERDICT_FLAGGED, "vcpus-share",
			"%zu vCPUs share %zu CPUs; give the guest more cores (host.cpus.guest)",
			q->n_vcpus, cpus->n);
	return 0;
}

static int qemu_go(struct guest *guest, struct err *err)
{
	struct guest_wait wait = {.deadline_ns = clock_monotonic_ns() + GO_NS, .cancel_fd = -1};
	return qmp_command(qemu_of(guest)->qmp, "cont", &wait, NULL, err);
}

static enum guest_news qemu_listen(struct guest *guest)
{
	struct qemu *q = qemu_of(guest);
	int r = qmp_drain(q->qmp, 0);
	if (q->stopped && !q->shut_down)
		return GUEST_HALTED;
	return r == -ETIMEDOUT ? GUEST_GOES_ON : GUEST_SILENT;
}

static void ask_to_quit(struct qemu *q, uint64_t patience_ns)
{
	uint64_t deadline_ns = clock_monotonic_ns() + patience_ns;
	struct guest_wait wait = {.deadline_ns = deadline_ns, .cancel_fd = -1};
	struct err err = ERR_NONE;
	if (qmp_command(q->qmp, "quit", &wait, NULL, &err) == 0)
		deadline_wait_readable(child_exit_fd(q->child), deadline_ns, -1);
}

static void qemu_stop(struct guest *guest, uint64_t grace_ns)
{
	struct qemu *q = qemu_of(guest);
	bool gone = deadline_wait_readable(child_exit_fd(q->child), 0, -1) == 0;
	if (q->qmp) /* first what it said before we interfere */
		qmp_drain(q->qmp, clock_monotonic_ns() + (gone ? DRAIN_NS : 0));
	if (q->stopped && !q->shut_down)
		qmp_drain(q->qmp, clock_monotonic_ns() + STOPPED_NS);
	if (q->stopped && !q->shut_down)
		reason_once(q, VERDICT_INVALID, "vm-stopped",
			    "QEMU stopped the VM by itself; its stderr may say why");
	if (!gone && q->qmp && grace_ns)
		ask_to_quit(q, grace_ns / 2);
	launch_stop(q->child, gone ? 0 : grace_ns / 2);
	if (q->qmp)
		qmp_drain(q->qmp, clock_monotonic_ns() + DRAIN_NS);
}

const struct guest_driver guest_qemu = {
	.name = "qemu",
	.probe = qemu_probe,
	.check = qemu_args_check,
	.prepare = qemu_prepare,
	.start = qemu_start,
	.pin = qemu_pin,
	.go = qemu_go,
	.listen = qemu_listen,
	.stop = qemu_stop,
	.destroy = qemu_destroy,
};
