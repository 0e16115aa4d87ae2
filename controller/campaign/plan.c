// SPDX-License-Identifier: GPL-3.0-or-later
/* plan - from the answers of the preflight to a stored plan, or to the plan of a campaign that is
 * resumed: then the runs that the recipe gives now must be the ones that were stored. */
#include "controller/plan/plan.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "controller/campaign/life.h"
#include "proto/base/mem.h"
#include "proto/base/state.h"

static uint64_t fresh_seed(void)
{
	uint32_t seed; /* fits SQLite, JSON and people's memory */
	randombytes_buf(&seed, sizeof(seed));
	return seed ? seed : 1;
}

int campaign_plan(const struct recipe *recipe, const struct host_info *host, uint64_t seed,
		  struct matrix *ret_matrix, struct plan *ret_plan, struct recipe_errors *errors,
		  struct err *err)
{
	const struct recipe_head *head = recipe_head(recipe);
	autofree char *cache = state_home();
	struct matrix matrix = {0};
	if (recipe_matrix(recipe, host, cache, &matrix, errors) < 0)
		return err_say(err, EINVAL, "%s", "the recipe has errors");
	if (!seed)
		seed = head->seed ? head->seed : fresh_seed();
	if (plan_make(head, &matrix, host ? host->fingerprint : "", seed, ret_plan, err) < 0) {
		matrix_done(&matrix);
		return err_code(err);
	}
	*ret_matrix = matrix;
	return 0;
}

static void complain(struct campaign *c, const char *key, const char *text)
{
	struct recipe_error *e = ARRAY_PUSH(c->errors->items, c->errors->n);
	recipe_where(c->o->recipe, key, e->where, sizeof(e->where));
	STRCPY_FIXED(e->text, text);
}

static bool complained(const struct campaign *c, const char *text)
{
	for (size_t i = 0; i < c->errors->n; i++)
		if (strcmp(c->errors->items[i].text, text) == 0)
			return true;
	return false;
}

int life_ask(struct campaign *c, struct err *err)
{
	autofree char *cache = state_home();
	if (recipe_hosts_match(c->o->recipe, &c->agent->host, err) < 0)
		return err_code(err);
	matrix_done(&c->matrix);
	if (recipe_matrix(c->o->recipe, &c->agent->host, cache, &c->matrix, c->errors) < 0)
		return err_say(err, EINVAL, "%s", "the recipe has errors");
	free(c->answers);
	free(c->answered);
	c->answers = xcalloc(c->matrix.n, sizeof(*c->answers));
	c->answered = xcalloc(c->matrix.n, sizeof(*c->answered));
	c->replies = 0;
	for (size_t i = 0; i < c->matrix.n; i++)
		if (fleet_preflight(c->fleet, c->agent, i, c->matrix.cells[i].spec, err) < 0)
			return err_code(err);
	return 0;
}

void life_answer(struct campaign *c, const struct msg_preflight_reply *reply)
{
	if (c->phase != PREFLIGHT || reply->id >= c->matrix.n || c->answered[reply->id])
		return;
	c->answered[reply->id] = true;
	c->replies++;
	c->answers[reply->id] = *reply;
	c->answers[reply->id].problems = NULL; /* the message's own */
	c->answers[reply->id].n_problems = 0;
	for (size_t i = 0; i < reply->n_problems; i++) {
		const struct preflight_problem *p = &reply->problems[i];
		if (p->fatal && !complained(c, p->text))
			complain(c, p->key, p->text);
		else if (!p->fatal)
			life_note(c, "%s", p->text);
	}
}

static void choose_accelerators(struct campaign *c)
{
	struct accel_choice choice = accel_choose(&c->matrix, c->answers);
	if (choice.spoiler)
		life_note(c,
			  "accel: auto is tcg for every guest of this recipe, so that they stay"
			  " comparable: %s does not run under KVM here",
			  choice.spoiler);
	if (choice.kvm && choice.tcg)
		life_note(c,
			  "%s runs under KVM and %s under TCG, which is slower many times over;"
			  " to compare guests give them one accel",
			  choice.kvm, choice.tcg);
}

static size_t cell_by_axes(const struct matrix *matrix, const char *axes)
{
	for (size_t i = 0; i < matrix->n; i++)
		if (strcmp(matrix->cells[i].axes, axes) == 0)
			return i;
	return SIZE_MAX;
}

static void make_runs(struct campaign *c, const struct plan *plan)
{
	c->n_runs = plan->n;
	c->runs = xcalloc(plan->n, sizeof(*c->runs));
	for (size_t i = 0; i < plan->n; i++) {
		const struct planned_run *p = &plan->runs[i];
		const struct cell *cell = &c->matrix.cells[p->cell];
		struct store_run *r = &c->runs[i];
		STRCPY_FIXED(r->key, p->key);
		r->cell = xstrdup(cell->axes);
		r->label = xstrdup(cell->label);
		r->iteration = p->iteration;
		r->warmup = p->warmup;
		r->position = p->position;
	}
}

static int create(struct campaign *c, const struct plan *plan, struct err *err)
{
	struct store_campaign stored = {
		.name = xstrdup(c->head->name),
		.created_ns = clock_real_ns(),
		.seed = plan->seed,
		.state = CAMPAIGN_RUNNING,
		.recipe = xstrdup(c->head->text),
		.options = submission_to_json(c->o->submission),
		.compare_axis = xstrdup(c->head->compare_axis),
		.compare_baseline = xstrdup(c->head->compare_baseline),
	};
	ulid_make(stored.id);
	STRCPY_FIXED(c->id, stored.id);
	make_runs(c, plan);
	int r = c->o->store->backend->claim(c->o->store, c->id, err);
	if (r == 0)
		r = c->o->store->backend->create(c->o->store, &stored, c->runs, c->n_runs, err);
	store_campaign_done(&stored);
	return r;
}

static bool planned(const struct plan *plan, const char *key)
{
	for (size_t i = 0; i < plan->n; i++)
		if (strcmp(plan->runs[i].key, key) == 0)
			return true;
	return false;
}

/* An attempt that was lost or cancelled may have ended the run in the store while nobody was there
 * to say that it is to be tried again: its record came out of a spool. */
static int reopen_lost(struct campaign *c, struct err *err)
{
	for (size_t i = 0; i < c->n_runs; i++) {
		struct store_run *r = &c->runs[i];
		if (r->state != RUN_DONE || !r->ended || !r->lost)
			continue;
		r->state = RUN_PENDING;
		if (c->o->store->backend->run_state(c->o->store, c->id, r->key, RUN_PENDING, err) <
		    0)
			return err_code(err);
	}
	return 0;
}

static int reload(struct campaign *c, const struct plan *plan, struct err *err)
{
	const struct store_backend *db = c->o->store->backend;
	STRCPY_FIXED(c->id, c->o->resume);
	if (db->runs(c->o->store, c->id, &c->runs, &c->n_runs, err) < 0)
		return err_code(err);
	for (size_t i = 0; i < c->n_runs; i++) {
		const struct store_run *r = &c->runs[i];
		if (!planned(plan, r->key))
			return err_say(err, ESTALE,
				       "campaign %s cannot go on: %s, iteration %u would now be"
				       " another run (another host, image or accelerator than when"
				       " it was planned); run the recipe anew",
				       c->id, r->label, r->iteration);
	}
	return reopen_lost(c, err);
}

static int stored_seed(struct campaign *c, uint64_t *ret, struct err *err)
{
	struct store_campaign stored = {0};
	*ret = 0;
	if (!c->o->resume)
		return 0;
	if (c->o->store->backend->campaign(c->o->store, c->o->resume, &stored, err) < 0)
		return err_code(err);
	*ret = stored.seed;
	store_campaign_done(&stored);
	return 0;
}

static void expect_times(struct campaign *c)
{
	c->times = xcalloc(c->matrix.n, sizeof(*c->times));
	for (size_t i = 0; i < c->matrix.n; i++) /* not knowing is no failure */
		c->o->store->backend->expected_ns(c->o->store, c->head->name,
						  c->matrix.cells[i].axes, &c->times[i].expected_ns,
						  NULL);
}

static int fill_schedule(struct campaign *c, struct err *err)
{
	c->schedule = schedule_new();
	c->cell_of = xcalloc(c->n_runs, sizeof(*c->cell_of));
	c->lost = xcalloc(c->n_runs, sizeof(*c->lost));
	for (size_t i = 0; i < c->n_runs; i++) {
		c->cell_of[i] = cell_by_axes(&c->matrix, c->runs[i].cell);
		if (c->cell_of[i] == SIZE_MAX)
			return err_say(err, ESTALE, "the recipe has no cell %s any more",
				       c->runs[i].cell);
		if (c->runs[i].state == RUN_PENDING)
			schedule_add(c->schedule, i, c->runs[i].position);
	}
	return 0;
}

int life_make_plan(struct campaign *c, struct err *err)
{
	struct plan plan = {0};
	uint64_t seed;
	choose_accelerators(c);
	if (stored_seed(c, &seed, err) < 0)
		return err_code(err);
	if (!seed)
		seed = c->head->seed ? c->head->seed : fresh_seed();
	if (plan_make(c->head, &c->matrix, c->agent->host.fingerprint, seed, &plan, err) < 0)
		return err_code(err);
	int r = c->o->resume ? reload(c, &plan, err) : create(c, &plan, err);
	plan_done(&plan);
	if (r < 0)
		return r;
	if (fill_schedule(c, err) < 0 ||
	    c->o->store->backend->campaign_state(c->o->store, c->id, CAMPAIGN_RUNNING, err) < 0)
		return err_code(err);
	expect_times(c);
	c->planned = true;
	c->o->listener->planned(c->o->arg, c->id, c->n_runs);
	return 0;
}
