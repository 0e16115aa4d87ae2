// SPDX-License-Identifier: GPL-3.0-or-later
/* The order of runs:
 *
 *	blocks      each round holds every cell once and is shuffled on its own; rounds of warm-ups
 *	            come first
 *	random      all warm-ups shuffled together, then all measured runs
 *	sequential  cell by cell, as a shell script would: its warm-ups, then its measured runs
 *
 * Iterations of a cell are numbered in the order in which they are run, warm-ups on their own. */
#include "controller/plan/plan.h"

#include <errno.h>

#include "controller/plan/shuffle.h"
#include "proto/base/mem.h"

enum { RUNS_MAX = 2000000 }; /* about 200 MB of plan; a month of one-second runs */

struct planner {
	const struct recipe_head *head;
	const struct matrix *matrix;
	const char *host;
	struct shuffler shuffler;
	uint32_t *done; /* of each cell: the next iteration; owned */
	struct plan plan;
};

static void add_run(struct planner *p, size_t cell, bool warmup)
{
	struct planned_run *run = &p->plan.runs[p->plan.n];
	run->cell = cell;
	run->iteration = p->done[cell]++;
	run->warmup = warmup;
	run->position = (uint32_t)p->plan.n++;
	plan_run_key(p->matrix->cells[cell].spec, p->host, run->iteration, warmup, run->key);
}

static void begin_numbering(struct planner *p)
{
	memset(p->done, 0, p->matrix->n * sizeof(*p->done));
}

/* `rounds` times every cell, shuffled round by round, or all rounds together. */
static void add_shuffled(struct planner *p, uint32_t rounds, bool warmup, bool together)
{
	size_t per_shuffle = p->matrix->n * (together ? rounds : 1);
	size_t *order = xcalloc(per_shuffle + 1, sizeof(*order));
	begin_numbering(p);
	for (uint32_t round = 0; round < (together ? rounds > 0 : rounds); round++) {
		for (size_t i = 0; i < per_shuffle; i++)
			order[i] = i % p->matrix->n;
		shuffle(&p->shuffler, order, per_shuffle);
		for (size_t i = 0; i < per_shuffle; i++)
			add_run(p, order[i], warmup);
	}
	free(order);
}

static void add_cell(struct planner *p, size_t cell, uint32_t runs, bool warmup)
{
	p->done[cell] = 0;
	for (uint32_t i = 0; i < runs; i++)
		add_run(p, cell, warmup);
}

static void add_sequential(struct planner *p)
{
	for (size_t cell = 0; cell < p->matrix->n; cell++) {
		add_cell(p, cell, p->head->warmup, true);
		add_cell(p, cell, p->head->iterations, false);
	}
}

static void add_all(struct planner *p)
{
	bool together = p->head->order == ORDER_RANDOM;
	if (p->head->order == ORDER_SEQUENTIAL) {
		add_sequential(p);
		return;
	}
	add_shuffled(p, p->head->warmup, true, together);
	add_shuffled(p, p->head->iterations, false, together);
}

int plan_make(const struct recipe_head *head, const struct matrix *matrix, const char *host,
	      uint64_t seed, struct plan *ret, struct err *err)
{
	struct planner p = {
		.head = head,
		.matrix = matrix,
		.host = host,
		.shuffler = {.state = seed},
		.plan = {.seed = seed},
	};
	uint64_t per_cell = (uint64_t)head->iterations + head->warmup;
	if (matrix->n && per_cell > RUNS_MAX / matrix->n)
		return err_say(err, E2BIG,
			       "%zu cells with %u runs and %u warm-ups each are more than %d runs; "
			       "lower runs.iterations or split the recipe",
			       matrix->n, head->iterations, head->warmup, RUNS_MAX);
	p.plan.runs = xcalloc(matrix->n * per_cell + 1, sizeof(*p.plan.runs));
	p.done = xcalloc(matrix->n + 1, sizeof(*p.done));
	add_all(&p);
	free(p.done);
	*ret = p.plan;
	return 0;
}

void plan_done(struct plan *plan)
{
	free(plan->runs);
	*plan = (struct plan){0};
}
