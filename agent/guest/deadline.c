// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/guest/deadline.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <time.h>

#include "proto/base/clock.h"

int deadline_wait_readable(int fd, uint64_t deadline_ns, int cancel_fd)
{
	struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = cancel_fd, .events = POLLIN}};
	for (;;) {
		uint64_t now_ns = clock_monotonic_ns();
		uint64_t left_ns = deadline_ns > now_ns ? deadline_ns - now_ns : 0;
		struct timespec t = {.tv_sec = (time_t)(left_ns / NSEC_PER_SEC),
				     .tv_nsec = (long)(left_ns % NSEC_PER_SEC)};
		int n = ppoll(p, 2, &t, NULL);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0)
			return p[0].revents ? 0 : -ECANCELED;
		if (n == 0 && !left_ns)
			return -ETIMEDOUT;
	}
}

void deadline_pause(uint64_t ns)
{
	struct timespec t = {.tv_sec = (time_t)(ns / NSEC_PER_SEC),
			     .tv_nsec = (long)(ns % NSEC_PER_SEC)};
	nanosleep(&t, NULL);
}
