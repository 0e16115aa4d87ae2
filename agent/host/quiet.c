// SPDX-License-Identifier: GPL-3.0-or-later
/* quiet - waits until nothing else keeps the machine busy.
 *
 * Busy is what /proc/stat counts as neither idle nor waiting for I/O, over all CPUs, in windows of
 * one second; time that a hypervisor stole is busy. The load average is no measure of quiet: it
 * remembers the last minutes, the previous run among them. Deadlines are CLOCK_MONOTONIC. */
#include "agent/host/host.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "agent/host/ticks.h"

#define WINDOW_NS NSEC_PER_SEC

/* Sleeps until the deadline; -ECANCELED when cancel_fd (-1: none) becomes readable. */
static int sleep_until(uint64_t deadline_ns, int cancel_fd, struct err *err)
{
	struct pollfd cancel = {.fd = cancel_fd, .events = POLLIN};
	for (;;) {
		uint64_t now_ns = clock_monotonic_ns();
		if (now_ns >= deadline_ns)
			return 0;
		uint64_t left_ns = deadline_ns - now_ns;
		struct timespec left = {.tv_sec = (time_t)(left_ns / NSEC_PER_SEC),
					.tv_nsec = (long)(left_ns % NSEC_PER_SEC)};
		int n = ppoll(&cancel, 1, &left, NULL);
		if (n > 0)
			return err_say(err, ECANCELED, "cancelled while waiting for a quiet host");
		if (n < 0 && errno != EINTR)
			return err_sys(err, errno, "wait for a quiet host");
	}
}

static int measure(const struct host_root *root, int cancel_fd, struct ticks *before,
		   double *ret_busy_pct, struct err *err)
{
	struct ticks after;
	int r = sleep_until(clock_monotonic_ns() + WINDOW_NS, cancel_fd, err);
	if (r == 0)
		r = ticks_read(root, &after, err);
	if (r < 0)
		return r;
	if (!ticks_busy_pct(before, &after, ret_busy_pct))
		return err_say(err, ENODATA, "/proc/stat did not advance within a second");
	*before = after;
	return 0;
}

static void report(struct attempt *attempt, double busy_pct, uint64_t waited_ns)
{
	attempt_fact(attempt, "quiet.busy_pct", "%.2f", busy_pct);
	attempt_fact(attempt, "quiet.waited_ns", "%llu", (unsigned long long)waited_ns);
}

static void give_up(struct attempt *attempt, const struct quiet_spec *spec, double busy_pct,
		    uint64_t waited_ns)
{
	attempt_reason(
		attempt, VERDICT_FLAGGED, "not-quiet",
		"the host was still %.1f %% busy after waiting %.0f s, above %.1f %%; stop what "
		"runs on it, or raise host.quiet.busy_pct or host.quiet.wait",
		busy_pct, (double)waited_ns / 1e9, spec->busy_pct);
}

int host_quiet(const struct host_root *root, const struct quiet_spec *spec, int cancel_fd,
	       struct attempt *attempt, struct err *err)
{
	uint64_t begun_ns = clock_monotonic_ns(), waited_ns;
	struct ticks before;
	double busy_pct;
	struct err why;
	if (spec->busy_pct < 0)
		return 0;
	int r = ticks_read(root, &before, &why);
	while (r == 0) {
		r = measure(root, cancel_fd, &before, &busy_pct, &why);
		waited_ns = clock_monotonic_ns() - begun_ns;
		if (r == 0 && (busy_pct <= spec->busy_pct || waited_ns >= spec->wait_ns)) {
			report(attempt, busy_pct, waited_ns);
			if (busy_pct > spec->busy_pct)
				give_up(attempt, spec, busy_pct, waited_ns);
			return 0;
		}
	}
	if (r == -ECANCELED)
		return err_say(err, ECANCELED, "%s", why.text);
	attempt_reason(attempt, VERDICT_FLAGGED, "not-quiet",
		       "nobody knows whether the host was quiet: %s", why.text);
	return 0;
}
