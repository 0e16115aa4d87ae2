// SPDX-License-Identifier: GPL-3.0-or-later
/* run - the life of one attempt, and the only place where host, guest and meter meet.
 *
 * received -> fetching -> preparing -> settling -> launching -> running -> closing -> restoring.
 * A state that fails leaves its reason in the attempt; every way out passes closing and restoring,
 * and whatever was measured until then is delivered. Blocks; runs in a thread of its own. */
#ifndef ASSAY_AGENT_RUN_H
#define ASSAY_AGENT_RUN_H

#include "agent/guest/keeper.h"
#include "agent/spool.h"
#include "proto/base/sysfs.h"

/* All borrowed, outlives the run. */
struct run_env {
	const struct host_root *root;
	struct keeper *keeper;
	struct spool *spool;	  /* told when the attempt begins; NULL: a probe, nothing is kept */
	const char *state_folder; /* the run makes a folder of its own in it */
	const char *hash_cache;
	int cancel_fd;					   /* readable: end now */
	void (*on_state)(void *arg, enum run_state state); /* in the run's thread */
	void *arg;
};

enum run_mode {
	RUN_MODE_MEASURE,
	RUN_MODE_PROBE, /* up to the first console mark; ends there */
};

/* A probe that got to its first console mark leaves this event. */
#define RUN_EVENT_REACHED "first-mark"

/* Reasons that a probe tells apart. */
#define RUN_REASON_TIMEOUT "timeout"
#define RUN_REASON_HALTED  "halted"

/* attempt: empty; filled whatever happens, never spooled as ended here. */
void run_execute(const struct run_env *env, const struct run_spec *spec, enum run_mode mode,
		 struct attempt *attempt);

#endif
