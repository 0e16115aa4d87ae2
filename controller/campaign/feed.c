// SPDX-License-Identifier: GPL-3.0-or-later
/* feed - runs out to the agent, outcomes back into the schedule. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "controller/campaign/life.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

static size_t find_run(const struct campaign *c, const char *run_key)
{
	for (size_t i = 0; i < c->n_runs; i++)
		if (strcmp(c->runs[i].key, run_key) == 0)
			return i;
	return SIZE_MAX;
}

static bool is_over(enum store_run_state state)
{
	return state == RUN_DONE || state == RUN_GIVEN_UP;
}

static uint64_t run_time_ns(const struct campaign *c, size_t run)
{
	const struct cell_time *t = &c->times[c->cell_of[run]];
	return t->n ? t->sum_ns / t->n : t->expected_ns;
}

/* The sum over what is not done; unknown while a cell among it never ran. */
static uint64_t time_left_ns(const struct campaign *c)
{
	uint64_t sum_ns = 0;
	for (size_t i = 0; i < c->n_runs; i++) {
		if (is_over(c->runs[i].state))
			continue;
		uint64_t one_ns = run_time_ns(c, i);
		if (!one_ns)
			return 0;
		sum_ns += one_ns;
	}
	return sum_ns;
}

void life_show(struct campaign *c)
{
	struct campaign_progress *p = &c->progress;
	p->planned = c->n_runs;
	p->done = p->invalid = 0;
	for (size_t i = 0; i < c->n_runs; i++) {
		bool over = is_over(c->runs[i].state);
		p->done += over;
		p->invalid += over && (!c->runs[i].ended || c->runs[i].verdict == VERDICT_INVALID);
	}
	p->eta_ns = time_left_ns(c);
	c->o->listener->progress(c->o->arg, p);
}

/* Also what the agent forgot when it was started again. */
int life_settle(struct campaign *c, struct err *err)
{
	const struct store_backend *db = c->o->store->backend;
	c->n_given = 0;
	for (size_t i = 0; i < c->n_runs; i++) {
		struct store_run *run = &c->runs[i];
		if (run->state != RUN_LEASED)
			continue;
		if (db->run_state(c->o->store, c->id, run->key, RUN_PENDING, err) < 0)
			return err_code(err);
		run->state = RUN_PENDING;
		schedule_add(c->schedule, i, run->position);
	}
	return 0;
}

static int give(struct campaign *c, size_t i, struct err *err)
{
	const struct store_backend *db = c->o->store->backend;
	struct store_run *run = &c->runs[i];
	autoclean(run_spec) struct run_spec *spec = NULL;
	if (recipe_run_spec(&c->matrix.cells[c->cell_of[i]], run->iteration, run->warmup, &spec,
			    err) < 0)
		return err_code(err);
	STRCPY_FIXED(spec->campaign, c->id);
	STRCPY_FIXED(spec->run_key, run->key);
	if (db->lease(c->o->store, c->id, run->key, c->agent->name, &spec->attempt, err) < 0)
		return err_code(err);
	run->state = RUN_LEASED;
	run->attempts = spec->attempt;
	return fleet_offer(c->fleet, c->agent, spec, err);
}

void life_feed(struct campaign *c)
{
	struct err err = ERR_NONE;
	size_t i;
	if (c->phase != RUNNING || !c->agent || c->part_timer || c->interrupted)
		return;
	while (c->n_given < RUNS_AHEAD && schedule_next(c->schedule, &i)) {
		if (c->runs[i].state != RUN_PENDING)
			continue; /* its result came out of the spool after all */
		c->given[c->n_given++] = i;
		int r = give(c, i, &err);
		if (r == -EHOSTUNREACH || r == -EAGAIN)
			life_part(c); /* the run is given out again when an agent is back */
		else if (r < 0)
			life_fail(c, &err);
		if (r < 0)
			return;
	}
	if (!c->n_given)
		life_drain(c, false);
}

static void take_back(struct campaign *c, size_t run)
{
	for (size_t i = 0; i < c->n_given; i++) {
		if (c->given[i] != run)
			continue;
		memmove(&c->given[i], &c->given[i + 1], (--c->n_given - i) * sizeof(c->given[0]));
		return;
	}
}

static struct attempt_outcome outcome_of(struct campaign *c, size_t run, const struct attempt *a)
{
	struct attempt_outcome o = {0};
	for (size_t i = 0; i < a->n_reasons; i++) {
		o.lost |= store_code_is_lost(a->reasons[i].code);
		o.cancelled |= strcmp(a->reasons[i].code, "cancelled") == 0;
	}
	/* What a spool says on joining may have been cancelled by a person: not this run's fault.
	 */
	bool counts = o.lost && !(o.cancelled && c->phase == SETTLING);
	/* Nobody here asked for it: the agent ended it on its own way out. */
	if (c->phase != DRAINING && !c->interrupted)
		o.cancelled = false;
	c->lost[run] += counts && !o.cancelled;
	o.lost_so_far = c->lost[run];
	return o;
}

static int set_state(struct campaign *c, size_t run, enum store_run_state state, struct err *err)
{
	c->runs[run].state = state;
	return c->o->store->backend->run_state(c->o->store, c->id, c->runs[run].key, state, err);
}

static int apply(struct campaign *c, size_t run, const struct attempt *a, struct err *err)
{
	struct attempt_outcome o = outcome_of(c, run, a);
	switch (schedule_after(&o, c->head->retries)) {
	case AFTER_DONE:
		c->runs[run].state = RUN_DONE; /* the store did that with the record */
		return 0;
	case AFTER_RETRY:
		life_note(c, "%s, iteration %u: attempt %u was lost; it is tried again",
			  c->runs[run].label, c->runs[run].iteration, a->attempt);
		schedule_add(c->schedule, run, c->runs[run].position);
		return set_state(c, run, RUN_PENDING, err);
	case AFTER_GIVE_UP:
		life_note(c, "%s, iteration %u: lost %u times; given up", c->runs[run].label,
			  c->runs[run].iteration, o.lost_so_far);
		return set_state(c, run, RUN_GIVEN_UP, err);
	case AFTER_POSTPONE:
		return set_state(c, run, RUN_PENDING, err);
	}
	return 0;
}

void life_ended(struct campaign *c, const struct attempt *a)
{
	struct err err = ERR_NONE;
	size_t run = find_run(c, a->run_key);
	if (run == SIZE_MAX)
		return;
	c->restarts = 0;
	take_back(c, run);
	c->runs[run].ended = true;
	c->runs[run].verdict = attempt_verdict(a);
	if (a->ended.raw_ns > a->begun.raw_ns && c->runs[run].verdict != VERDICT_INVALID) {
		struct cell_time *t = &c->times[c->cell_of[run]];
		t->sum_ns += a->ended.raw_ns - a->begun.raw_ns;
		t->n++;
	}
	c->progress.label = c->runs[run].label;
	c->progress.iteration = c->runs[run].iteration;
	c->progress.warmup = c->runs[run].warmup;
	c->progress.state = RUN_SPOOLED;
	if (apply(c, run, a, &err) < 0)
		life_fail(c, &err);
	life_show(c);
}

struct forgotten {
	struct attempt **items;
	size_t n;
};

static int collect_forgotten(const struct store_attempt *row, void *arg)
{
	struct forgotten *f = arg;
	if (row->ended || !row->begun_ns) /* leases are taken back by life_settle() */
		return 0;
	struct attempt *a = attempt_new();
	STRCPY_FIXED(a->run_key, row->run_key);
	a->attempt = row->attempt;
	a->reached = RUN_FAILED;
	attempt_reason(a, VERDICT_INVALID, "agent-lost",
		       "its agent is back and knows nothing of it: its spool was lost");
	*ARRAY_PUSH(f->items, f->n) = a;
	return 0;
}

static int close_one(struct campaign *c, struct attempt *a, struct err *err)
{
	bool again;
	size_t run = find_run(c, a->run_key);
	STRCPY_FIXED(a->campaign, c->id);
	if (run == SIZE_MAX)
		return 0;
	bool over = is_over(c->runs[run].state);
	if (c->o->store->backend->ended(c->o->store, NULL, a, NULL, &again, err) < 0)
		return err_code(err);
	if (over)
		return set_state(c, run, c->runs[run].state, err);
	life_ended(c, a);
	return 0;
}

int life_close_forgotten(struct campaign *c, struct err *err)
{
	struct forgotten f = {0};
	int r = c->o->store->backend->attempts(c->o->store, c->id, collect_forgotten, &f, err);
	for (size_t i = 0; i < f.n; i++) {
		if (r == 0)
			r = close_one(c, f.items[i], err);
		attempt_free(f.items[i]);
	}
	free(f.items);
	return r;
}
