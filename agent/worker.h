// SPDX-License-Identifier: GPL-3.0-or-later
/* worker - the thread in which runs and preflights happen, one at a time. The agent's loop hands
 * it jobs and collects its events; neither ever waits for the other. */
#ifndef ASSAY_AGENT_WORKER_H
#define ASSAY_AGENT_WORKER_H

#include "agent/run.h"

struct worker;

struct worker_job {
	bool preflight;
	uint64_t preflight_id;
	struct run_spec *spec; /* owned */
};

enum worker_event_kind { WORKER_PROGRESS, WORKER_RUN_SPOOLED, WORKER_PREFLIGHT };

struct worker_event {
	enum worker_event_kind kind;
	char run_key[HASH_HEX_SIZE];
	uint32_t attempt;
	enum run_state state;
	struct msg_preflight_reply reply; /* WORKER_PREFLIGHT: its problems are owned */
};

/* env: copied; its cancel_fd, on_state and arg are the worker's own. spool_trouble: called in the
 * worker's thread when a result cannot be spooled, and again (NULL) when it could be after all. */
int worker_start(const struct run_env *env, void (*spool_trouble)(const struct err *err),
		 struct worker **ret, struct err *err);
/* Cancels what runs, waits for it. NULL is fine. */
void worker_stop(struct worker *worker);
CLEANUP_DEFINE(worker, struct worker *, worker_stop)

void worker_submit(struct worker *worker, const struct worker_job *job); /* takes job->spec */
/* The run of that key, or "" for all: what waits is dropped, what runs ends as cancelled. */
void worker_cancel(struct worker *worker, const char *run_key);
size_t worker_load(struct worker *worker); /* waiting and running */
/* A result is in memory and the spool has no room for it: the load may stay for ever. */
bool worker_is_stuck(struct worker *worker);

int worker_event_fd(const struct worker *worker); /* readable: there are events; borrowed */
bool worker_next_event(struct worker *worker, struct worker_event *ret);

#endif
