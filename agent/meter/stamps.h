// SPDX-License-Identifier: GPL-3.0-or-later
/* stamps - the ring that a guest process stamps named instants into, as events of its attempt.
 *
 * The agent makes it, hands its descriptor to the guest, and reads it once the guest's whole tree
 * is gone. The guest can write anything anywhere in it but not change its size, so nothing of it is
 * believed: what makes no sense is left out, counted, and the run is flagged. Layout and client:
 * proto/stamp/assay_stamp.h. Times are CLOCK_MONOTONIC_RAW. */
#ifndef ASSAY_METER_STAMPS_H
#define ASSAY_METER_STAMPS_H

#include "proto/base/sysfs.h"
#include "proto/measure/result.h"

struct stamps;

/* capacity: records, a power of two up to STAMPS_MAX (spec.h), else -EINVAL. Every page is there at
 * once: the guest's first stamp finds it. */
int stamps_open(const struct host_root *root, uint32_t capacity, struct stamps **ret,
		struct err *err);
void stamps_close(struct stamps *stamps); /* NULL is fine */
CLEANUP_DEFINE(stamps, struct stamps *, stamps_close)

int stamps_fd(const struct stamps *stamps); /* borrowed */

/* Events in the order of their times, for stamps within [from_ns, to_ns]; reasons "stamps-lost" and
 * "stamps-dropped", FLAGGED, for what there is no event of. */
void stamps_report(const struct stamps *stamps, uint64_t from_ns, uint64_t to_ns,
		   struct attempt *attempt);

/* The same from a copy of a ring's bytes; fewer than its capacity needs are all dropped. */
void stamps_read(const void *bytes, size_t size, uint32_t capacity, uint64_t from_ns,
		 uint64_t to_ns, struct attempt *attempt);

#endif
