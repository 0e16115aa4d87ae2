// SPDX-License-Identifier: GPL-3.0-or-later
/* fleet - the agents of this controller: who is there, in which state, and what they say. It
 * speaks the wire and knows nothing of campaigns; what is said is handed to its listener. */
#ifndef ASSAY_FLEET_FLEET_H
#define ASSAY_FLEET_FLEET_H

#include "proto/wire/loop.h"
#include "proto/wire/socket.h"

struct fleet;

/* Public facts of an agent; borrowed, until `left` was called for it. */
struct fleet_agent {
	char name[NAME_SIZE];
	char epoch[ULID_SIZE];
	uint64_t spooled; /* last sequence that its spool held when it said hello; 0: none */
	struct host_info host;
	uint64_t heard_ns; /* MONOTONIC: when it last said anything */
};

/* All are required; arg is the listener's own. */
struct fleet_listener {
	/* Said hello, was welcomed. Again for an agent that came back: what it was told before
	 * that and had not begun, it has forgotten. */
	void (*joined)(void *arg, struct fleet_agent *agent);
	void (*left)(void *arg, struct fleet_agent *agent, const char *why);
	void (*preflight)(void *arg, struct fleet_agent *agent,
			  const struct msg_preflight_reply *reply);
	void (*taken)(void *arg, struct fleet_agent *agent, const struct msg_taken *taken);
	void (*progress)(void *arg, struct fleet_agent *agent, const struct msg_progress *progress);
	/* Commit the record: 0 means it is durable and may be acknowledged. After another answer
	 * nothing past that record is handed over until it comes again and is committed. */
	int (*record)(void *arg, struct fleet_agent *agent, const struct msg_record *record,
		      struct err *err);
	/* Last committed sequence of that stream. */
	uint64_t (*committed)(void *arg, const char *agent, const char *epoch);
};

struct fleet_options {
	const char *control; /* endpoints to listen on */
	const char *bulk;
	const struct key_pair *keys;
	const struct fleet_listener *listener;
	void *arg;
};

int fleet_new(struct loop *loop, struct wire *wire, const struct fleet_options *options,
	      struct fleet **ret, struct err *err);
void fleet_free(struct fleet *fleet); /* NULL is fine */
CLEANUP_DEFINE(fleet, struct fleet *, fleet_free)

/* To one agent; -EAGAIN or -EHOSTUNREACH where it cannot be told now. */
int fleet_offer(struct fleet *fleet, struct fleet_agent *agent, struct run_spec *spec,
		struct err *err);
int fleet_preflight(struct fleet *fleet, struct fleet_agent *agent, uint64_t id,
		    struct run_spec *spec, struct err *err);
int fleet_cancel(struct fleet *fleet, struct fleet_agent *agent, const char *run_key,
		 const char *why, struct err *err);
int fleet_drain(struct fleet *fleet, struct fleet_agent *agent, bool now, struct err *err);
/* Known to be gone (its process ended): `left` is called at once. NULL name: every agent. */
void fleet_forget(struct fleet *fleet, const char *name, const char *why);

#endif
