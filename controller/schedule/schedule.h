// SPDX-License-Identifier: GPL-3.0-or-later
/* schedule - which run is next. A heap of pending runs by position, so that blocks stay whole: a
 * run that is to be tried again goes before everything that was planned after it. Pure. */
#ifndef ASSAY_SCHEDULE_SCHEDULE_H
#define ASSAY_SCHEDULE_SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/cleanup.h"

struct schedule;

struct schedule *schedule_new(void);
void schedule_free(struct schedule *schedule); /* NULL is fine */
CLEANUP_DEFINE(schedule, struct schedule *, schedule_free)

/* run: the caller's index. A run that is pending already is not added twice by the caller. */
void schedule_add(struct schedule *schedule, size_t run, uint32_t position);
/* The pending run of the lowest position, removed; false: nothing is pending. */
bool schedule_next(struct schedule *schedule, size_t *ret_run);
size_t schedule_pending(const struct schedule *schedule);

/* What is to become of a run after an attempt. */
enum after_attempt {
	AFTER_DONE,	/* it has its result, good or bad */
	AFTER_RETRY,	/* the attempt was lost through no fault of the guest's */
	AFTER_GIVE_UP,	/* lost too often */
	AFTER_POSTPONE, /* somebody ended it: it waits for the campaign to be resumed */
};

struct attempt_outcome {
	bool lost;	      /* with its agent */
	bool cancelled;	      /* by a person or a controller */
	uint32_t lost_so_far; /* attempts of this run that were lost, this one included */
};
enum after_attempt schedule_after(const struct attempt_outcome *outcome, uint32_t retries);

#endif
