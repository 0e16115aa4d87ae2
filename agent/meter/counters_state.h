// SPDX-License-Identifier: GPL-3.0-or-later
/* counters_state - what a set of counters holds; for the file that opens and reads it and the one
 * that reports it. */
#ifndef ASSAY_METER_COUNTERS_STATE_H
#define ASSAY_METER_COUNTERS_STATE_H

#include "agent/meter/counters.h"

/* Events of one kind can share a group: one PMU, one CPU. */
struct counter_kind {
	bool software;
	uint32_t type;
	int cpu; /* -1: wherever the guest runs */
};

struct counters_group {
	struct counter_group *opened; /* owned */
	struct counter_kind kind;
	size_t first_slot; /* known once all groups are complete */
};

/* Where the value of one code on one CPU is. */
struct counter_place {
	size_t group;
	size_t index;
};

struct counter_row {
	struct event_def def;
	bool opened;
	struct counter_place *places; /* owned */
	size_t n_places;
	char why[240]; /* where it is not opened */
};

struct counters {
	const struct counter_source *source;
	const struct host_root *root; /* borrowed, outlives the counters */
	struct counter_row *rows;
	size_t n_rows;
	struct counters_group *groups;
	size_t n_groups;
	size_t n_slots;
	bool user_only; /* the kernel lets us count in user mode only */
};

#endif
