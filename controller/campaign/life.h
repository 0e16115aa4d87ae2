// SPDX-License-Identifier: GPL-3.0-or-later
/* life - the inside of a campaign, shared by the files of this room only.
 *
 * Phases: joining (an agent is awaited) -> preflight (each cell is asked for) -> settling (what
 * the agent's spool still holds comes in) -> running -> draining -> over. An agent that dies on
 * the way takes a campaign back to joining. */
#ifndef ASSAY_CAMPAIGN_LIFE_H
#define ASSAY_CAMPAIGN_LIFE_H

#include "controller/campaign/campaign.h"
#include "controller/fleet/embedded.h"
#include "controller/fleet/fleet.h"
#include "controller/schedule/schedule.h"

enum {
	RUNS_AHEAD = 2, /* one that runs and one that waits at the agent, so that it never waits */
	RESTARTS_MAX = 5, /* of the agent without a result in between */
};

enum phase { JOINING, PREFLIGHT, SETTLING, RUNNING, DRAINING, OVER };

struct cell_time { /* how long its attempts took, for the estimate of what is left */
	uint64_t sum_ns;
	size_t n;
	uint64_t expected_ns; /* from earlier campaigns; 0: never ran */
};

struct campaign {
	const struct campaign_options *o; /* borrowed */
	const struct recipe_head *head;	  /* borrowed from the recipe */
	struct recipe_errors *errors;	  /* borrowed */
	struct err err;			  /* why it ended, code 0: in order */
	char id[ULID_SIZE];

	struct loop *loop;
	struct wire *wire;
	struct key_pair keys;
	struct fleet *fleet;
	struct embedded embedded;
	struct loop_source *watch; /* of the embedded agent's process */
	struct loop_source *join_timer;
	struct loop_source *part_timer; /* until an agent that left, but did not end, is killed */
	unsigned restarts;

	enum phase phase;
	struct fleet_agent *agent; /* borrowed from the fleet; NULL: none is there */
	bool interrupted;
	bool planned;			     /* the plan is stored, and all below is there */
	size_t replies;			     /* of the preflight: cells that were answered for */
	bool *answered;			     /* of each cell */
	struct msg_preflight_reply *answers; /* one a cell, once they are in */

	struct matrix matrix;
	struct store_run *runs; /* by position */
	size_t n_runs;
	size_t *cell_of; /* of each run */
	uint32_t *lost;	 /* attempts of each run that were lost */
	struct cell_time *times;
	struct schedule *schedule;
	size_t given[RUNS_AHEAD]; /* runs that the agent has */
	size_t n_given;
	struct campaign_progress progress;

	char other_id[ULID_SIZE]; /* a campaign of the same store whose records still came */
	struct recipe *other;	  /* its recipe: what its output means */
};

/* plan.c: preflight answers to a stored plan, or to the plan of a campaign that is resumed. */
int life_ask(struct campaign *c, struct err *err);
void life_answer(struct campaign *c, const struct msg_preflight_reply *reply);
int life_make_plan(struct campaign *c, struct err *err);

/* accel.c: gives every cell the accelerator and CPU model that it will have. */
struct accel_choice {
	const char
		*spoiler; /* label of a guest for which all with accel: auto are tcg; NULL: none */
	const char *kvm, *tcg; /* labels of guests of either kind, where there are both */
};
struct accel_choice accel_choose(struct matrix *matrix, const struct msg_preflight_reply *answers);

/* agent.c: the agent is started, awaited, and started again. */
int life_start_agent(struct campaign *c, struct err *err);
void life_part(struct campaign *c); /* it left, or takes no more: it ends soon or is ended */

/* feed.c: runs out to the agent, outcomes back to the schedule. */
/* What was leased and is not at an agent any more is pending again. */
int life_settle(struct campaign *c, struct err *err);
/* Closes attempts that began and that no spool knows; only once the spool said all it had. */
int life_close_forgotten(struct campaign *c, struct err *err);
void life_feed(struct campaign *c);
void life_ended(struct campaign *c, const struct attempt *attempt);
void life_show(struct campaign *c);

/* ingest.c: a record of an agent's spool into the store. 0: committed. */
int life_ingest(struct campaign *c, struct fleet_agent *agent, const struct msg_record *record,
		struct err *err);

/* campaign.c */
void life_over(struct campaign *c);
void life_fail(struct campaign *c, const struct err *err); /* ends it; the first reason stays */
void life_drain(struct campaign *c, bool now);
void life_note(struct campaign *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
bool life_settled(struct campaign *c); /* all that the spool held at hello is committed */

#endif
