// SPDX-License-Identifier: GPL-3.0-or-later
/* agent - the child that a campaign has its runs done by: started, awaited, and started again when
 * it ends before its time. An agent of somebody else's is only awaited. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>

#include "controller/campaign/life.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"

/* The agent's own lock patience is 10 s; past this it will not come. */
static const uint64_t join_limit_ns = 30 * NSEC_PER_SEC;
/* An agent that was told to end restores its host within this. */
static const uint64_t part_limit_ns = 10 * NSEC_PER_SEC;

static void on_no_agent(void *arg)
{
	struct campaign *c = arg;
	struct err err = ERR_NONE;
	c->join_timer = NULL; /* it fires once, and is gone then */
	err_say(&err, ETIMEDOUT, "the agent did not say hello within %llu s",
		(unsigned long long)(join_limit_ns / NSEC_PER_SEC));
	life_fail(c, &err);
}

static int await(struct campaign *c, struct err *err)
{
	loop_remove(take(c->join_timer));
	return loop_add_timer(c->loop, join_limit_ns, 0, on_no_agent, c, &c->join_timer, err);
}

static void on_agent_ended(void *arg, int fd, uint32_t events)
{
	struct campaign *c = arg;
	struct err err = ERR_NONE;
	char how[100];
	bool clean;
	(void)fd;
	(void)events;
	loop_remove(take(c->watch));
	loop_remove(take(c->part_timer));
	embedded_reap(&c->embedded, how, sizeof(how), &clean);
	bool expected = c->phase == DRAINING || c->interrupted;
	c->phase = expected ? DRAINING : JOINING;
	fleet_forget(c->fleet, NULL, how);
	if (expected) {
		life_over(c);
	} else if (!c->planned || ++c->restarts > RESTARTS_MAX) {
		err_say(&err, ECHILD, "the agent %s%s", how,
			c->planned ? " too often without a result in between"
				   : "; what it said is above");
		life_fail(c, &err);
	} else {
		life_note(c, "the agent %s; it is started again", how);
		if (life_start_agent(c, &err) < 0)
			life_fail(c, &err);
	}
}

int life_start_agent(struct campaign *c, struct err *err)
{
	if (await(c, err) < 0)
		return err_code(err);
	if (c->o->control)
		return 0;
	const char *where = store_path(c->o->where);
	if (embedded_start(&c->embedded, c->keys.public_key, c->o->root, where, err) < 0)
		return err_code(err);
	return loop_add_fd(c->loop, c->embedded.exit_fd, EPOLLIN, on_agent_ended, c, &c->watch,
			   err);
}

/* Its keeper ends the guest, and the next agent restores the host. */
static void on_still_there(void *arg)
{
	struct campaign *c = arg;
	c->part_timer = NULL;
	if (!c->embedded.pid)
		return;
	life_note(c, "the agent does not answer and does not end; it is killed");
	kill(c->embedded.pid, SIGKILL); /* on_agent_ended() goes on from here */
}

void life_part(struct campaign *c)
{
	struct err err = ERR_NONE;
	int r = 0;
	if (c->o->control) {
		c->phase = JOINING;
		r = await(c, &err);
	} else if (c->embedded.pid && !c->part_timer) {
		r = loop_add_timer(c->loop, part_limit_ns, 0, on_still_there, c, &c->part_timer,
				   &err);
	}
	if (r < 0)
		life_fail(c, &err);
}
