// SPDX-License-Identifier: GPL-3.0-or-later
/* refusal - what it means when the kernel refuses a counter, in words that help. */
#ifndef ASSAY_METER_REFUSAL_H
#define ASSAY_METER_REFUSAL_H

#include "agent/meter/event_name.h"

/* One sentence for a positive errno of perf_event_open, with what to do about it. */
void refusal_say(const struct host_root *root, const struct event_code *code, int error, char *ret,
		 size_t size);

bool refusal_has_core_pmu(const struct host_root *root);
bool refusal_is_virtual(const struct host_root *root);
/* kernel.perf_event_paranoid; 99 where it cannot be read. */
int refusal_paranoid(const struct host_root *root);

#endif
