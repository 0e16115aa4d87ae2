// SPDX-License-Identifier: GPL-3.0-or-later
/* snapshot - what happened to the machine during a run that the run did not ask for.
 *
 * Steal: a hypervisor below us ran somebody else. Swap: memory was too small, for whomever. A
 * clock step: the wall clock moved against CLOCK_MONOTONIC. NTP slews both alike, so a slew never
 * shows here; only somebody who sets the clock, a leap second or a suspended machine does. */
#include "agent/host/host.h"

#include <stdio.h>
#include <string.h>

#include "agent/host/ticks.h"
#include "proto/base/cleanup.h"
#include "proto/base/mem.h"

/* Below a share of 1 % steal is the hypervisor's own housekeeping. */
#define STEAL_LIMIT_PCT 1.0
/* Far above the reading of two clocks (microseconds), far below what a person or NTP sets. */
#define STEP_LIMIT_NS (10 * (int64_t)NSEC_PER_MSEC)

enum { VMSTAT_SIZE = 65536 }; /* 5 KB today: one line a counter, whatever the machine */

/* Lines are "name value"; both counters are there or neither (a kernel without swap). */
static bool read_swap(const struct host_root *root, uint64_t *ret_in, uint64_t *ret_out)
{
	autofree char *text = xmalloc(VMSTAT_SIZE);
	bool in = false, out = false;
	if (sysfs_text(root->proc_fd, text, VMSTAT_SIZE, NULL, "vmstat") < 0)
		return false;
	for (const char *line = text; line; line = strchr(line, '\n')) {
		unsigned long long value;
		line += *line == '\n';
		if (sscanf(line, "pswpin %llu", &value) == 1) {
			*ret_in = value;
			in = true;
		} else if (sscanf(line, "pswpout %llu", &value) == 1) {
			*ret_out = value;
			out = true;
		}
	}
	return in && out;
}

void host_snapshot(const struct host_root *root, struct host_snapshot *ret)
{
	struct ticks ticks;
	*ret = (struct host_snapshot){0};
	if (ticks_read(root, &ticks, NULL) == 0) {
		ret->have_stat = true;
		ret->cpu_total_ticks = ticks.total;
		ret->cpu_idle_ticks = ticks.idle;
		ret->cpu_steal_ticks = ticks.steal;
	}
	ret->have_vmstat = read_swap(root, &ret->swap_in_pages, &ret->swap_out_pages);
	clock_bracket(&ret->clocks);
}

static struct ticks ticks_of(const struct host_snapshot *s)
{
	return (struct ticks){
		.total = s->cpu_total_ticks,
		.idle = s->cpu_idle_ticks,
		.steal = s->cpu_steal_ticks,
	};
}

static void compare_ticks(const struct host_snapshot *before, const struct host_snapshot *after,
			  struct attempt *attempt)
{
	struct ticks a = ticks_of(before), b = ticks_of(after);
	double busy_pct, steal_pct;
	if (!before->have_stat || !after->have_stat || !ticks_busy_pct(&a, &b, &busy_pct) ||
	    !ticks_steal_pct(&a, &b, &steal_pct))
		return;
	attempt_fact(attempt, "host.busy_pct", "%.2f", busy_pct);
	attempt_fact(attempt, "host.steal_pct", "%.2f", steal_pct);
	if (steal_pct >= STEAL_LIMIT_PCT)
		attempt_reason(
			attempt, VERDICT_FLAGGED, "steal",
			"a hypervisor below this host took %.1f %% of its CPU time during the "
			"run",
			steal_pct);
}

static uint64_t grown(uint64_t before, uint64_t after)
{
	return after > before ? after - before : 0;
}

static void compare_swap(const struct host_snapshot *before, const struct host_snapshot *after,
			 struct attempt *attempt)
{
	if (!before->have_vmstat || !after->have_vmstat)
		return;
	unsigned long long in = grown(before->swap_in_pages, after->swap_in_pages);
	unsigned long long out = grown(before->swap_out_pages, after->swap_out_pages);
	attempt_fact(attempt, "host.swap_in_pages", "%llu", in);
	attempt_fact(attempt, "host.swap_out_pages", "%llu", out);
	if (in || out)
		attempt_reason(attempt, VERDICT_FLAGGED, "swap",
			       "the host swapped during the run: %llu pages in, %llu out; give it "
			       "less to hold in memory, or swapoff",
			       in, out);
}

static void compare_clocks(const struct clock_bracket *before, const struct clock_bracket *after,
			   struct attempt *attempt)
{
	int64_t real_ns = (int64_t)(after->real_ns - before->real_ns);
	int64_t monotonic_ns = (int64_t)(after->monotonic_ns - before->monotonic_ns);
	int64_t step_ns = real_ns - monotonic_ns;
	/* The clocks of a bracket are read one after the other; the agent may lose its CPU there.
	 */
	int64_t limit_ns = STEP_LIMIT_NS + (int64_t)(before->width_ns + after->width_ns);
	if (step_ns <= limit_ns && step_ns >= -limit_ns)
		return;
	attempt_fact(attempt, "host.clock_step_ns", "%lld", (long long)step_ns);
	attempt_reason(attempt, VERDICT_FLAGGED, "clock-step",
		       "the wall clock jumped by %.3f s during the run: somebody set it, or the "
		       "machine was suspended",
		       (double)step_ns / 1e9);
}

void host_compare(const struct host_snapshot *before, const struct host_snapshot *after,
		  struct attempt *attempt)
{
	compare_ticks(before, after, attempt);
	compare_swap(before, after, attempt);
	compare_clocks(&before->clocks, &after->clocks, attempt);
}
