// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/campaign/campaign.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "controller/campaign/life.h"
#include "proto/base/file.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/state.h"

void life_note(struct campaign *c, const char *fmt, ...)
{
	char text[700];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->o->listener->note(c->o->arg, text);
}

void life_over(struct campaign *c)
{
	c->phase = OVER;
	loop_quit(c->loop);
}

void life_fail(struct campaign *c, const struct err *err)
{
	if (!c->err.code)
		c->err = *err;
	life_drain(c, true);
}

void life_drain(struct campaign *c, bool now)
{
	if (c->phase == OVER)
		return;
	c->phase = DRAINING;
	if (!c->agent || fleet_drain(c->fleet, c->agent, now, NULL) < 0)
		life_over(c); /* nobody to wait for; embedded_done() ends what is left */
}

bool life_settled(struct campaign *c)
{
	uint64_t committed = 0;
	if (!c->agent)
		return false;
	c->o->store->backend->sequence(c->o->store, c->agent->name, c->agent->epoch, &committed,
				       NULL);
	return committed >= c->agent->spooled;
}

static void begin_running(struct campaign *c)
{
	struct err err = ERR_NONE;
	if (life_close_forgotten(c, &err) < 0 || life_settle(c, &err) < 0) {
		life_fail(c, &err);
		return;
	}
	if (c->phase != SETTLING)
		return; /* a store that failed while what was forgotten was closed */
	c->phase = RUNNING;
	life_show(c);
	life_feed(c);
}

/* What the agent's spool still held may be results of this very campaign: first they come in,
 * then what is missing is given out. */
static void settle_or_wait(struct campaign *c)
{
	c->phase = SETTLING;
	if (life_settled(c))
		begin_running(c);
}

/* A child that says hello again did not hear the welcome in time: had it been started anew, the end
 * of the former one would have been seen. Of another agent nobody can tell. */
static bool is_echo(const struct campaign *c, const struct fleet_agent *agent)
{
	return c->agent == agent && c->embedded.pid;
}

static void on_joined(void *arg, struct fleet_agent *agent)
{
	struct campaign *c = arg;
	struct err err = ERR_NONE;
	if (is_echo(c, agent))
		return;
	c->agent = agent;
	loop_remove(take(c->join_timer));
	if (c->interrupted || c->phase == DRAINING) {
		life_drain(c, c->interrupted);
		return;
	}
	if (c->planned) { /* it came back */
		settle_or_wait(c);
		return;
	}
	c->phase = PREFLIGHT;
	int r = c->o->store->backend->host(c->o->store, &agent->host, &err);
	if (r == 0)
		r = life_ask(c, &err);
	if (r == -EHOSTUNREACH || r == -EAGAIN)
		life_part(c);
	else if (r < 0)
		life_fail(c, &err);
}

static void on_left(void *arg, struct fleet_agent *agent, const char *why)
{
	struct campaign *c = arg;
	(void)agent;
	log_info("left why=\"%s\"", why);
	c->agent = NULL;
	if (c->phase == DRAINING)
		life_over(c);
	else
		life_part(c);
}

static void on_preflight(void *arg, struct fleet_agent *agent,
			 const struct msg_preflight_reply *reply)
{
	struct campaign *c = arg;
	struct err err = ERR_NONE;
	(void)agent;
	life_answer(c, reply);
	if (c->phase != PREFLIGHT || c->replies < c->matrix.n)
		return;
	if (c->errors->n) {
		err_say(&err, EINVAL, "this host cannot do what the recipe asks for");
		life_fail(c, &err);
	} else if (life_make_plan(c, &err) < 0) {
		life_fail(c, &err);
	} else {
		settle_or_wait(c);
	}
}

static void on_taken(void *arg, struct fleet_agent *agent, const struct msg_taken *taken)
{
	struct campaign *c = arg;
	struct err err = ERR_NONE;
	(void)agent;
	if (!taken->refused[0] || c->phase != RUNNING)
		return;
	if (c->embedded.pid) { /* somebody told it to end; the next one will take the run */
		life_part(c);
		return;
	}
	err_say(&err, EBUSY, "the agent refused a run: %s", taken->refused);
	life_fail(c, &err);
}

static void on_progress(void *arg, struct fleet_agent *agent, const struct msg_progress *p)
{
	struct campaign *c = arg;
	(void)agent;
	for (size_t i = 0; i < c->n_given; i++) {
		const struct store_run *run = &c->runs[c->given[i]];
		if (strcmp(run->key, p->run_key) != 0)
			continue;
		c->progress.label = run->label;
		c->progress.iteration = run->iteration;
		c->progress.warmup = run->warmup;
		c->progress.state = p->state;
		life_show(c);
	}
}

static int on_record(void *arg, struct fleet_agent *agent, const struct msg_record *record,
		     struct err *err)
{
	struct campaign *c = arg;
	int r = life_ingest(c, agent, record, err);
	if (r < 0) {
		life_fail(c, err); /* not acknowledged: the agent's spool keeps it */
		return r;
	}
	if (c->phase == SETTLING && life_settled(c))
		begin_running(c);
	else
		life_feed(c);
	return 0;
}

static uint64_t on_committed(void *arg, const char *agent, const char *epoch)
{
	struct campaign *c = arg;
	uint64_t sequence = 0;
	c->o->store->backend->sequence(c->o->store, agent, epoch, &sequence, NULL);
	return sequence;
}

static const struct fleet_listener listener = {
	.joined = on_joined,
	.left = on_left,
	.preflight = on_preflight,
	.taken = on_taken,
	.progress = on_progress,
	.record = on_record,
	.committed = on_committed,
};

static void on_signal(void *arg, int signal)
{
	struct campaign *c = arg;
	(void)signal;
	if (c->interrupted) { /* asked twice: embedded_done() insists */
		life_over(c);
		return;
	}
	c->interrupted = true;
	life_note(c, "%s",
		  c->planned ? "ending the running guest and restoring the host; what was measured"
			       " is kept"
			     : "ending; nothing was measured yet");
	life_drain(c, true);
}

static int open_wire(struct campaign *c, struct err *err)
{
	char agent_key[KEY_TEXT_SIZE];
	struct key_pair agent;
	autofree char *home = state_home();
	autofree char *keys = xasprintf("%s/keys", home);
	if (keys_load_or_make(keys, "controller", &c->keys, err) < 0 ||
	    keys_load_or_make(keys, "agent", &agent, err) < 0)
		return err_code(err);
	STRCPY_FIXED(agent_key, agent.public_key);
	keys_forget(&agent);
	if (wire_new(&c->wire, err) < 0)
		return err_code(err);
	wire_allow(c->wire, agent_key);
	struct fleet_options options = {
		.control = c->o->control ? c->o->control : c->embedded.control,
		.bulk = c->o->control ? c->o->bulk : c->embedded.bulk,
		.keys = &c->keys,
		.listener = &listener,
		.arg = c,
	};
	return fleet_new(c->loop, c->wire, &options, &c->fleet, err);
}

static int set_up(struct campaign *c, struct err *err)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	struct loop_source *s;
	if (c->o->resume && c->o->store->backend->claim(c->o->store, c->o->resume, err) < 0)
		return err_code(err);
	if (loop_new(&c->loop, err) < 0)
		return err_code(err);
	/* Signals first: libzmq's threads must be born with them blocked. */
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (loop_add_signal(c->loop, signals[i], on_signal, c, &s, err) < 0)
			return err_code(err);
	if (!c->o->control && embedded_init(&c->embedded, err) < 0)
		return err_code(err);
	return open_wire(c, err) < 0 ? err_code(err) : life_start_agent(c, err);
}

/* Runs that the agent had and never began are pending again. */
static void close_books(struct campaign *c, struct campaign_outcome *ret, struct err *err)
{
	bool all = true;
	if (!c->planned)
		return;
	STRCPY_FIXED(ret->id, c->id);
	life_settle(c, err);
	for (size_t i = 0; i < c->n_runs; i++)
		all &= c->runs[i].state == RUN_DONE || c->runs[i].state == RUN_GIVEN_UP;
	c->o->store->backend->campaign_state(c->o->store, c->id,
					     all ? CAMPAIGN_DONE : CAMPAIGN_INTERRUPTED, err);
	c->progress.label = "";
	life_show(c);
	ret->planned = c->progress.planned;
	ret->done = c->progress.done;
	ret->invalid = c->progress.invalid;
}

static void tear_down(struct campaign *c)
{
	embedded_done(&c->embedded);
	loop_free(c->loop);
	fleet_free(c->fleet);
	wire_free(c->wire);
	keys_forget(&c->keys);
	matrix_done(&c->matrix);
	store_runs_free(c->runs, c->n_runs);
	schedule_free(c->schedule);
	recipe_free(c->other);
	free(c->answers);
	free(c->answered);
	free(c->cell_of);
	free(c->lost);
	free(c->times);
}

int campaign_run(const struct campaign_options *options, struct campaign_outcome *ret,
		 struct recipe_errors *errors, struct err *err)
{
	struct campaign c = {
		.o = options,
		.head = recipe_head(options->recipe),
		.errors = errors,
		.embedded = {.exit_fd = -1},
		.progress = {.label = ""},
	};
	*ret = (struct campaign_outcome){0};
	int r = set_up(&c, err);
	if (r == 0)
		r = loop_run(c.loop, err);
	if (r == 0 && c.err.code) {
		*err = c.err;
		r = -err->code;
	}
	struct err closing = ERR_NONE;
	close_books(&c, ret, &closing);
	if (r == 0 && closing.code) {
		*err = closing;
		r = -err->code;
	}
	ret->interrupted = c.interrupted;
	tear_down(&c);
	return r;
}
