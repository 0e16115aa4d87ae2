// SPDX-License-Identifier: GPL-3.0-or-later
/* clock - nanoseconds, and which clock they are of.
 *
 * Durations and marks are CLOCK_MONOTONIC_RAW: NTP slews CLOCK_MONOTONIC by up to 500 ppm.
 * Timers are CLOCK_MONOTONIC, since that is what the kernel sleeps on. The wall clock is only a
 * label. A bracket ties the three together at one instant. */
#ifndef ASSAY_BASE_CLOCK_H
#define ASSAY_BASE_CLOCK_H

#include <stdint.h>

#define NSEC_PER_SEC  1000000000ull
#define NSEC_PER_MSEC 1000000ull
#define NSEC_PER_USEC 1000ull

uint64_t clock_raw_ns(void);	   /* marks, durations */
uint64_t clock_monotonic_ns(void); /* timers, deadlines */
uint64_t clock_real_ns(void);	   /* labels: since 1970-01-01 UTC */

struct clock_bracket {
	uint64_t raw_ns;
	uint64_t monotonic_ns;
	uint64_t real_ns;
	uint64_t width_ns; /* RAW before to RAW after: how far apart the three can be */
};

void clock_bracket(struct clock_bracket *ret);

#endif
