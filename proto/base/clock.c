// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/clock.h"

#include <time.h>

static uint64_t now_ns(clockid_t id)
{
	struct timespec ts;
	clock_gettime(id, &ts); /* cannot fail: the three ids exist since Linux 2.6.28 */
	return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

uint64_t clock_raw_ns(void)
{
	return now_ns(CLOCK_MONOTONIC_RAW);
}

uint64_t clock_monotonic_ns(void)
{
	return now_ns(CLOCK_MONOTONIC);
}

uint64_t clock_real_ns(void)
{
	return now_ns(CLOCK_REALTIME);
}

void clock_bracket(struct clock_bracket *ret)
{
	uint64_t before_ns = clock_raw_ns();
	ret->monotonic_ns = clock_monotonic_ns();
	ret->real_ns = clock_real_ns();
	uint64_t after_ns = clock_raw_ns();
	ret->raw_ns = before_ns + (after_ns - before_ns) / 2;
	ret->width_ns = after_ns - before_ns;
}
