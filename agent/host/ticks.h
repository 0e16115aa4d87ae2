// SPDX-License-Identifier: GPL-3.0-or-later
/* ticks - how all CPUs together spent their time since boot, from the first line of /proc/stat.
 *
 * Unit: USER_HZ ticks (10 ms), so a difference over less than a second is coarse. iowait and idle
 * may go back a little. Guest time is inside user time already. Source: proc(5), and
 * Linux Documentation/filesystems/proc.rst 1.7. */
#ifndef ASSAY_HOST_TICKS_H
#define ASSAY_HOST_TICKS_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/sysfs.h"

struct ticks {
	uint64_t total;
	uint64_t idle; /* with iowait */
	uint64_t steal;
};

int ticks_read(const struct host_root *root, struct ticks *ret, struct err *err);

/* Shares of the time between the two. False where no time passed: *ret is untouched. */
bool ticks_busy_pct(const struct ticks *before, const struct ticks *after, double *ret);
bool ticks_steal_pct(const struct ticks *before, const struct ticks *after, double *ret);

#endif
