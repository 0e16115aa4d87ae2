// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/meter/refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/cleanup.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

enum { PARANOID_UNKNOWN = 99 };

static const struct {
	int error;
	const char *text;
} sentences[] = {
	{ENODEV, "its PMU is not ready or its CPU is offline"},
	{EOPNOTSUPP, "the PMU cannot count it so; a VM with a mediated vPMU forbids host events: "
		     "start it with pmu=off or set kvm enable_mediated_pmu=0"},
	{EINVAL, "the PMU refuses this configuration"},
	{EMFILE, "too many open files: raise the agent's limit (LimitNOFILE)"},
	{ENFILE, "the machine has too many open files"},
	{ESRCH, "the guest's process is gone"},
	{EBUSY, "another user has the PMU for itself"},
	{ENOSPC, "no counter is left for it"},
	{ENOSYS, "this kernel has no perf events (CONFIG_PERF_EVENTS)"},
};

int refusal_paranoid(const struct host_root *root)
{
	char text[32];
	double level;
	if (sysfs_text(root->proc_fd, text, sizeof(text), NULL, "sys/kernel/perf_event_paranoid") <
		    0 ||
	    text_parse_double(text, &level, NULL) < 0 || level < -99 || level > 99)
		return PARANOID_UNKNOWN;
	return (int)level;
}

bool refusal_has_core_pmu(const struct host_root *root)
{
	struct event_code cores[2];
	return sysfs_exists(root->sys_fd, "bus/event_source/devices/cpu/type") ||
	       sysfs_exists(root->sys_fd, "bus/event_source/devices/armv8_pmuv3_0/type") ||
	       event_sysfs_hybrid(root, cores, ARRAY_SIZE(cores)) > 0;
}

bool refusal_is_virtual(const struct host_root *root)
{
	char start[8192]; /* the flags of the first CPU are within it; the file may be megabytes */
	autoclose int fd = openat(root->proc_fd, "cpuinfo", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, start, sizeof(start) - 1);
	if (n < 0)
		return false;
	start[n] = '\0';
	return strstr(start, " hypervisor") != NULL;
}

static void say_forbidden(const struct host_root *root, const struct event_code *code, char *ret,
			  size_t size)
{
	int level = refusal_paranoid(root);
	snprintf(ret, size,
		 "not allowed: kernel.perf_event_paranoid is %d%s; give the agent CAP_PERFMON%s, "
		 "or lower it",
		 level, code->system ? " and it counts the whole machine" : "",
		 level >= 3 ? " (this kernel may want CAP_SYS_ADMIN)" : "");
}

static void say_missing(const struct host_root *root, const struct event_code *code, char *ret,
			size_t size)
{
	if (code->software || code->system)
		snprintf(ret, size, "this kernel does not know it");
	else if (refusal_has_core_pmu(root))
		snprintf(ret, size, "the PMU of this host's CPU has no such event");
	else if (refusal_is_virtual(root))
		snprintf(ret, size,
			 "no hardware PMU: this host is a virtual machine that was given none; run "
			 "on bare metal or have its hypervisor pass a vPMU");
	else
		snprintf(ret, size, "no hardware PMU: the kernel has no driver for this CPU's");
}

void refusal_say(const struct host_root *root, const struct event_code *code, int error, char *ret,
		 size_t size)
{
	if (error == EACCES || error == EPERM) {
		say_forbidden(root, code, ret, size);
		return;
	}
	if (error == ENOENT) {
		say_missing(root, code, ret, size);
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(sentences); i++) {
		if (sentences[i].error == error) {
			snprintf(ret, size, "%s", sentences[i].text);
			return;
		}
	}
	snprintf(ret, size, "perf_event_open: %s", strerror(error));
}
