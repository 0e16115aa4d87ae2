// SPDX-License-Identifier: GPL-3.0-or-later
/* The thread that stamps marks shares a CPU with others on a small host; as SCHED_FIFO it runs
 * when the console speaks, and without it a busy guest delays it by milliseconds. Lowest real-time
 * priority: nothing of the kernel's waits for it. */
#include <sched.h>
#include <sys/prctl.h>
#include <time.h>

#include "agent/meter/state.h"

enum {
	LOWEST_PRIORITY = 1,
	WAKES = 3,	  /* each costs its time before every run */
	SLEEP_NS = 40000, /* long enough for the CPU to go idle */
};

void boost_begin(struct boost *ret)
{
	struct sched_param param = {0}, fifo = {.sched_priority = LOWEST_PRIORITY};
	*ret = (struct boost){.policy = sched_getscheduler(0)};
	sched_getparam(0, &param);
	ret->priority = param.sched_priority;
	ret->slack_ns = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
	prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
	ret->fifo = sched_setscheduler(0, SCHED_FIFO, &fifo) == 0;
}

void boost_end(const struct boost *boost)
{
	struct sched_param param = {.sched_priority = boost->priority};
	if (boost->fifo && boost->policy >= 0)
		sched_setscheduler(0, boost->policy, &param);
	if (boost->slack_ns > 0)
		prctl(PR_SET_TIMERSLACK, (unsigned long)boost->slack_ns, 0, 0, 0);
}

uint64_t boost_wake_ns(void)
{
	uint64_t worst_ns = 0;
	for (int i = 0; i < WAKES; i++) {
		uint64_t due_ns = clock_monotonic_ns() + SLEEP_NS;
		struct timespec due = {.tv_sec = (time_t)(due_ns / NSEC_PER_SEC),
				       .tv_nsec = (long)(due_ns % NSEC_PER_SEC)};
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
		uint64_t now_ns = clock_monotonic_ns();
		if (now_ns > due_ns && now_ns - due_ns > worst_ns)
			worst_ns = now_ns - due_ns;
	}
	return worst_ns;
}
