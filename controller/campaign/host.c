// SPDX-License-Identifier: GPL-3.0-or-later
/* host - asks an agent of this host what the host is: the same hello that a fleet's agents say. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "controller/campaign/campaign.h"
#include "controller/fleet/embedded.h"
#include "controller/fleet/fleet.h"
#include "proto/base/mem.h"
#include "proto/base/state.h"

static const uint64_t hello_limit_ns = 30 * NSEC_PER_SEC;

struct asker {
	struct loop *loop;
	struct host_info *ret;
	bool heard, ended;
};

static void joined(void *arg, struct fleet_agent *agent)
{
	struct asker *a = arg;
	*a->ret = agent->host;
	agent->host = (struct host_info){0};
	a->heard = true;
	loop_quit(a->loop);
}

static void left(void *arg, struct fleet_agent *agent, const char *why)
{
	(void)arg;
	(void)agent;
	(void)why;
}

static void no_reply(void *arg, struct fleet_agent *agent, const struct msg_preflight_reply *m)
{
	(void)arg;
	(void)agent;
	(void)m;
}

static void no_taken(void *arg, struct fleet_agent *agent, const struct msg_taken *m)
{
	(void)arg;
	(void)agent;
	(void)m;
}

static void no_progress(void *arg, struct fleet_agent *agent, const struct msg_progress *m)
{
	(void)arg;
	(void)agent;
	(void)m;
}

/* Not acknowledged: results of other campaigns stay in the agent's spool. */
static int no_record(void *arg, struct fleet_agent *agent, const struct msg_record *record,
		     struct err *err)
{
	(void)arg;
	(void)agent;
	(void)record;
	return err_say(err, EAGAIN, "nobody here stores records");
}

static uint64_t nothing_committed(void *arg, const char *agent, const char *epoch)
{
	(void)arg;
	(void)agent;
	(void)epoch;
	return 0;
}

static const struct fleet_listener asker_listener = {
	.joined = joined,
	.left = left,
	.preflight = no_reply,
	.taken = no_taken,
	.progress = no_progress,
	.record = no_record,
	.committed = nothing_committed,
};

static void give_up(void *arg)
{
	struct asker *a = arg;
	loop_quit(a->loop);
}

static void agent_ended(void *arg, int fd, uint32_t events)
{
	struct asker *a = arg;
	(void)fd;
	(void)events;
	a->ended = true;
	give_up(a);
}

static int ask(struct asker *a, struct wire *wire, struct embedded *e, const char *root,
	       struct fleet **fleet, struct err *err)
{
	struct key_pair keys, agent;
	struct loop_source *s;
	autofree char *home = state_home(), *folder = xasprintf("%s/keys", home);
	if (keys_load_or_make(folder, "controller", &keys, err) < 0 ||
	    keys_load_or_make(folder, "agent", &agent, err) < 0)
		return err_code(err);
	wire_allow(wire, agent.public_key);
	keys_forget(&agent);
	struct fleet_options options = {.control = e->control,
					.bulk = e->bulk,
					.keys = &keys,
					.listener = &asker_listener,
					.arg = a};
	int r = fleet_new(a->loop, wire, &options, fleet, err);
	if (r == 0)
		r = embedded_start(e, keys.public_key, root, "", err);
	keys_forget(&keys);
	if (r < 0 || loop_add_fd(a->loop, e->exit_fd, EPOLLIN, agent_ended, a, &s, err) < 0 ||
	    loop_add_timer(a->loop, hello_limit_ns, 0, give_up, a, &s, err) < 0)
		return err_code(err);
	if (loop_run(a->loop, err) < 0)
		return err_code(err);
	if (a->heard)
		return 0;
	return err_say(err, EIO, "%s",
		       a->ended ? "the agent ended before it answered; what it said is above"
				: "the agent did not answer within 30 s");
}

int campaign_host(const char *root, struct host_info *ret, struct err *err)
{
	struct asker a = {.ret = ret};
	struct embedded e = {.exit_fd = -1};
	struct wire *wire = NULL;
	struct fleet *fleet = NULL;
	int r = loop_new(&a.loop, err);
	if (r == 0)
		r = wire_new(&wire, err);
	if (r == 0)
		r = embedded_init(&e, err);
	if (r == 0)
		r = ask(&a, wire, &e, root, &fleet, err);
	embedded_done(&e);
	loop_free(a.loop);
	fleet_free(fleet);
	wire_free(wire);
	return r;
}
