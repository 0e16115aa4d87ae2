// SPDX-License-Identifier: GPL-3.0-or-later
/* deadline - waiting that gives up. Deadlines are CLOCK_MONOTONIC, in ns. */
#ifndef ASSAY_GUEST_DEADLINE_H
#define ASSAY_GUEST_DEADLINE_H

#include <stdint.h>

/* Until fd is readable or at its end: 0. -ETIMEDOUT at the deadline, -ECANCELED when cancel_fd
 * (-1: none) is readable first. */
int deadline_wait_readable(int fd, uint64_t deadline_ns, int cancel_fd);

void deadline_pause(uint64_t ns);

#endif
