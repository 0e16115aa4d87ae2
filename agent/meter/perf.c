// SPDX-License-Identifier: GPL-3.0-or-later
/* perf - counter source: perf_event_open(2).
 *
 * Units are the kernel's: ns for clocks, counts for the rest. Traps: a leader waits for exec
 * disabled, its siblings must not be disabled or they stay 0; a sibling that is added after the
 * target has forked breaks reads (ECHILD); PMUs with a cpumask refuse tasks and exclude bits;
 * IOC_RESET does not clear what children counted, so nothing is ever reset. The layout of a group
 * read is {nr, enabled, running, {value, id} * nr}. Source: perf_event_open(2), kernel/events/. */
#include <assert.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "agent/meter/counters.h"
#include "proto/base/mem.h"

enum { GROUP_EVENTS = 64 }; /* in one group; a PMU has about a dozen counters */

struct perf_group {
	struct counter_group base;
	struct counter_target target;
	int fds[GROUP_EVENTS]; /* owned; [0] is the leader */
	uint64_t ids[GROUP_EVENTS];
};

static int perf_event_open(struct perf_event_attr *attr, const struct counter_target *target,
			   int group_fd)
{
	long fd;
	do /* EINTR: somebody held the target's exec lock */
		fd = syscall(SYS_perf_event_open, attr, target->pid, target->cpu, group_fd,
			     PERF_FLAG_FD_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? -errno : (int)fd;
}

static int open_code(const struct event_code *code, const struct counter_target *target,
		     int leader_fd)
{
	struct perf_event_attr attr = {
		.size = sizeof(attr),
		.type = code->type,
		.config = code->config[0],
		.config1 = code->config[1],
		.config2 = code->config[2],
		.read_format = PERF_FORMAT_GROUP | PERF_FORMAT_ID | PERF_FORMAT_TOTAL_TIME_ENABLED |
			       PERF_FORMAT_TOTAL_TIME_RUNNING,
		.inherit = target->inherit,
		.disabled = leader_fd < 0,
		.enable_on_exec = leader_fd < 0 && target->enable_on_exec,
		.exclude_user = code->exclude_user,
		.exclude_kernel = code->exclude_kernel,
	};
	int fd = perf_event_open(&attr, target, leader_fd);
	if (fd == -E2BIG) /* an older kernel: it wrote its own size */
		fd = perf_event_open(&attr, target, leader_fd);
	return fd;
}

static void perf_close(struct counter_group *group)
{
	struct perf_group *g = (struct perf_group *)group;
	if (!g)
		return;
	for (size_t i = g->base.n; i-- > 0;) /* the leader last */
		close(g->fds[i]);
	free(g);
}

static int perf_add(struct counter_group *group, const struct event_code *code, struct err *err)
{
	struct perf_group *g = (struct perf_group *)group;
	assert(group->source == &counter_perf);
	if (g->base.n == GROUP_EVENTS)
		return err_say(err, EINVAL, "more than %d events in a group", GROUP_EVENTS);
	int fd = open_code(code, &g->target, g->base.n ? g->fds[0] : -1);
	if (fd < 0)
		return err_sys(err, -fd, "perf_event_open");
	if (ioctl(fd, PERF_EVENT_IOC_ID, &g->ids[g->base.n]) < 0) {
		int code_errno = errno;
		close(fd);
		return err_sys(err, code_errno, "PERF_EVENT_IOC_ID");
	}
	g->fds[g->base.n++] = fd;
	return 0;
}

static int perf_open(const struct counter_target *target, const struct event_code *code,
		     struct counter_group **ret, struct err *err)
{
	if (code->system && target->pid >= 0)
		return err_say(err, EINVAL, "PMU %s counts a package, not a process", code->pmu);
	struct perf_group *g = xcalloc(1, sizeof(*g));
	g->base.source = &counter_perf;
	g->target = *target;
	int r = perf_add(&g->base, code, err);
	if (r < 0) {
		perf_close(&g->base);
		return r;
	}
	*ret = &g->base;
	return 0;
}

static int perf_start(struct counter_group *group, struct err *err)
{
	struct perf_group *g = (struct perf_group *)group;
	if (ioctl(g->fds[0], PERF_EVENT_IOC_ENABLE, 0) < 0)
		return err_sys(err, errno, "PERF_EVENT_IOC_ENABLE");
	return 0;
}

static int perf_read(struct counter_group *group, struct counter_value *ret, struct err *err)
{
	struct perf_group *g = (struct perf_group *)group;
	struct {
		uint64_t n, enabled_ns, running_ns;
		struct {
			uint64_t value, id;
		} event[GROUP_EVENTS];
	} buffer;
	ssize_t size;
	do
		size = read(g->fds[0], &buffer, sizeof(buffer));
	while (size < 0 && errno == EINTR);
	if (size < 0)
		return err_sys(err, errno, "read counters");
	if (size == 0 || buffer.n != g->base.n)
		return err_say(err, ENODATA, "counters: the kernel put the group aside");
	for (size_t i = 0; i < g->base.n; i++) {
		size_t at = i;
		if (buffer.event[at].id != g->ids[i]) /* order is as opened; believe the ids */
			for (at = 0; at < g->base.n && buffer.event[at].id != g->ids[i];)
				at++;
		if (at == g->base.n)
			return err_say(err, ENODATA, "counters: a group without its event");
		ret[i] = (struct counter_value){
			.value = buffer.event[at].value,
			.enabled_ns = buffer.enabled_ns,
			.running_ns = buffer.running_ns,
		};
	}
	return 0;
}

const struct counter_source counter_perf = {
	.name = "perf",
	.open = perf_open,
	.add = perf_add,
	.start = perf_start,
	.read = perf_read,
	.close = perf_close,
};
