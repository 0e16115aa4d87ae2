// SPDX-License-Identifier: GPL-3.0-or-later
/* Attempts of the memory back-end: their life, and the walks over what they left. */
#include "controller/store/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"

int memory_host(struct store *store, const struct host_info *host, struct err *err)
{
	struct memory_store *m = (struct memory_store *)store;
	struct memory_host *h = NULL;
	(void)err;
	for (size_t i = 0; !h && i < m->n_hosts; i++)
		if (strcmp(m->hosts[i].fingerprint, host->fingerprint) == 0)
			h = &m->hosts[i];
	if (!h)
		h = ARRAY_PUSH(m->hosts, m->n_hosts);
	STRCPY_FIXED(h->fingerprint, host->fingerprint);
	STRCPY_FIXED(h->name, host->name);
	return 0;
}

static const char *host_name(const struct memory_store *m, const char *host)
{
	for (size_t i = 0; i < m->n_hosts; i++)
		if (strcmp(m->hosts[i].fingerprint, host) == 0)
			return m->hosts[i].name;
	return host;
}

int memory_lease(struct store *store, const char *campaign, const char *run_key, const char *agent,
		 uint32_t *ret_attempt, struct err *err)
{
	struct memory_run *run = memory_find_run((struct memory_store *)store, campaign, run_key,
						 err);
	(void)agent;
	if (!run)
		return -ENOENT;
	struct memory_attempt *a = ARRAY_PUSH(run->attempts, run->n_attempts);
	a->number = ++run->row.attempts;
	run->row.state = RUN_LEASED;
	*ret_attempt = a->number;
	return 0;
}

static struct memory_attempt *find_attempt(const struct memory_run *run, uint32_t number)
{
	for (size_t i = 0; i < run->n_attempts; i++)
		if (run->attempts[i].number == number)
			return &run->attempts[i];
	return NULL;
}

#define COPY_ARRAY(to, from, member)                                                               \
	((to)->member = (from)->n_##member ? xmemdup((from)->member,                               \
						     (from)->n_##member * sizeof(*(from)->member)) \
					   : NULL)

/* Without the artifacts' bytes: those are blobs. */
static struct attempt *copy_attempt(const struct attempt *from)
{
	struct attempt *to = xmemdup(from, sizeof(*from));
	COPY_ARRAY(to, from, marks);
	COPY_ARRAY(to, from, windows);
	COPY_ARRAY(to, from, readings);
	COPY_ARRAY(to, from, reasons);
	COPY_ARRAY(to, from, events);
	COPY_ARRAY(to, from, artifacts);
	COPY_ARRAY(to, from, facts);
	for (size_t i = 0; i < to->n_artifacts; i++)
		to->artifacts[i].bytes = NULL;
	return to;
}

static void keep(struct memory_store *m, struct memory_attempt *place, const struct attempt *a,
		 const char *host)
{
	struct attempt *copy = copy_attempt(a);
	if (place->attempt && !copy->begun.raw_ns)
		copy->begun = place->attempt->begun; /* the controller closes what began */
	attempt_free(place->attempt);
	place->attempt = copy;
	if (host)
		STRCPY_FIXED(place->host, host_name(m, host));
	for (size_t i = 0; i < a->n_artifacts; i++)
		if (a->artifacts[i].bytes)
			memory_blob_put(m, a->artifacts[i].sha256, a->artifacts[i].bytes,
					(size_t)a->artifacts[i].size_bytes);
}

static int find_place(struct memory_store *m, const struct attempt *a, struct memory_run **ret_run,
		      struct memory_attempt **ret, struct err *err)
{
	if (a->attempt == 0)
		return err_say(err, EBADMSG, "attempts count from 1, and one came with 0");
	*ret_run = memory_find_run(m, a->campaign, a->run_key, err);
	if (!*ret_run)
		return -ENOENT;
	*ret = find_attempt(*ret_run, a->attempt);
	if (!*ret) {
		*ret = ARRAY_PUSH((*ret_run)->attempts, (*ret_run)->n_attempts);
		(*ret)->number = a->attempt;
		if (a->attempt > (*ret_run)->row.attempts)
			(*ret_run)->row.attempts = a->attempt;
	}
	return 0;
}

int memory_begun(struct store *store, const struct store_stream *stream,
		 const struct attempt *attempt, const char *host, bool *ret_again, struct err *err)
{
	struct memory_store *m = (struct memory_store *)store;
	struct memory_run *run;
	struct memory_attempt *place;
	if (memory_seen(m, stream)) {
		*ret_again = true;
		return 0;
	}
	int r = find_place(m, attempt, &run, &place, err);
	if (r < 0)
		return r;
	*ret_again = place->ended;
	if (!place->ended)
		keep(m, place, attempt, host);
	memory_commit(m, stream);
	return 0;
}

int memory_ended(struct store *store, const struct store_stream *stream,
		 const struct attempt *attempt, const char *host, bool *ret_again, struct err *err)
{
	struct memory_store *m = (struct memory_store *)store;
	struct memory_run *run;
	struct memory_attempt *place;
	if (memory_seen(m, stream)) {
		*ret_again = true;
		return 0;
	}
	int r = find_place(m, attempt, &run, &place, err);
	if (r < 0)
		return r;
	*ret_again = place->ended && !(stream && place->by_controller);
	memory_commit(m, stream);
	if (*ret_again)
		return 0;
	keep(m, place, attempt, host);
	place->ended = true;
	place->by_controller = !stream;
	if (attempt->attempt >= run->row.attempts)
		run->row.state = RUN_DONE;
	return 0;
}

const struct memory_attempt *memory_accepted(const struct memory_run *run)
{
	const struct memory_attempt *last = NULL, *usable = NULL;
	for (size_t i = 0; i < run->n_attempts; i++) {
		const struct memory_attempt *a = &run->attempts[i];
		if (!a->ended)
			continue;
		if (!last || a->number > last->number)
			last = a;
		if (attempt_verdict(a->attempt) != VERDICT_INVALID &&
		    (!usable || a->number > usable->number))
			usable = a;
	}
	return usable ? usable : last;
}

static int walk_readings(const char *campaign, const struct memory_run *run,
			 const struct memory_attempt *a,
			 int (*each)(const struct store_result *, void *arg), void *arg)
{
	autofree char *reasons = store_reasons_json(a->attempt);
	int r = 0;
	for (size_t i = 0; r == 0 && i < a->attempt->n_readings; i++) {
		const struct reading *g = &a->attempt->readings[i];
		bool usable = g->present && isfinite(g->value);
		const struct store_result result = {
			.campaign = campaign,
			.host = a->host,
			.axes = run->row.cell,
			.iteration = run->row.iteration,
			.attempt = a->number,
			.warmup = run->row.warmup,
			.window = g->window,
			.metric = g->metric,
			.scope = g->scope,
			.unit = g->unit,
			.present = usable,
			.value = usable ? g->value : 0,
			.running_share = isfinite(g->running_share) ? g->running_share : 0,
			.source = g->source,
			.note = g->present && !usable ? "its value was not a finite number"
						      : g->note,
			.verdict = attempt_verdict(a->attempt),
			.reasons = reasons,
		};
		r = each(&result, arg);
	}
	return r;
}

int memory_results(struct store *store, const char *campaign,
		   int (*each)(const struct store_result *, void *arg), void *arg, struct err *err)
{
	struct memory_campaign *c = memory_find_campaign((struct memory_store *)store, campaign);
	int r = 0;
	(void)err;
	for (size_t i = 0; r == 0 && c && i < c->n_runs; i++) {
		const struct memory_attempt *a = memory_accepted(&c->runs[i]);
		if (a)
			r = walk_readings(campaign, &c->runs[i], a, each, arg);
	}
	return r;
}

static int show_attempt(const struct memory_run *run, const struct memory_attempt *a,
			int (*each)(const struct store_attempt *, void *arg), void *arg)
{
	autofree char *reasons = store_reasons_json(a->attempt);
	const struct store_attempt shown = {
		.run_key = run->row.key,
		.axes = run->row.cell,
		.label = run->row.label,
		.host = a->host,
		.iteration = run->row.iteration,
		.attempt = a->number,
		.warmup = run->row.warmup,
		.ended = a->ended,
		.verdict = a->ended ? attempt_verdict(a->attempt) : VERDICT_INVALID,
		.reasons = reasons,
		.begun_ns = a->attempt ? a->attempt->begun.real_ns : 0,
		.ended_ns = a->ended ? a->attempt->ended.real_ns : 0,
	};
	return each(&shown, arg);
}

int memory_attempts(struct store *store, const char *campaign,
		    int (*each)(const struct store_attempt *, void *arg), void *arg,
		    struct err *err)
{
	struct memory_campaign *c = memory_find_campaign((struct memory_store *)store, campaign);
	int r = 0;
	(void)err;
	for (size_t i = 0; c && i < c->n_runs; i++)
		for (size_t j = 0; r == 0 && j < c->runs[i].n_attempts; j++)
			r = show_attempt(&c->runs[i], &c->runs[i].attempts[j], each, arg);
	return r;
}

int memory_artifact(struct store *store, const char *campaign, const char *run_key,
		    uint32_t attempt, const char *name, char ret_sha256[HASH_HEX_SIZE],
		    struct err *err)
{
	struct memory_run *run = memory_find_run((struct memory_store *)store, campaign, run_key,
						 err);
	const struct memory_attempt *a = run ? find_attempt(run, attempt) : NULL;
	for (size_t i = 0; a && a->attempt && i < a->attempt->n_artifacts; i++) {
		if (strcmp(a->attempt->artifacts[i].name, name) == 0) {
			mem_strcpy(ret_sha256, HASH_HEX_SIZE, a->attempt->artifacts[i].sha256);
			return 0;
		}
	}
	return err_say(err, ENOENT, "attempt %" PRIu32 " of run %.16s... left no '%s'", attempt,
		       run_key, name);
}

static int u64_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

static void add_durations(const struct memory_run *run, uint64_t **took_ns, size_t *n)
{
	for (size_t i = 0; i < run->n_attempts; i++) {
		const struct attempt *a = run->attempts[i].attempt;
		if (run->attempts[i].ended && attempt_verdict(a) != VERDICT_INVALID &&
		    a->begun.raw_ns && a->ended.raw_ns > a->begun.raw_ns)
			*ARRAY_PUSH(*took_ns, *n) = a->ended.raw_ns - a->begun.raw_ns;
	}
}

int memory_expected_ns(struct store *store, const char *recipe, const char *cell, uint64_t *ret_ns,
		       struct err *err)
{
	struct memory_store *m = (struct memory_store *)store;
	autofree uint64_t *took_ns = NULL;
	size_t n = 0;
	(void)err;
	for (size_t i = 0; i < m->n_campaigns; i++) {
		const struct memory_campaign *c = &m->campaigns[i];
		for (size_t j = 0; strcmp(c->row.name, recipe) == 0 && j < c->n_runs; j++)
			if (strcmp(c->runs[j].row.cell, cell) == 0)
				add_durations(&c->runs[j], &took_ns, &n);
	}
	if (n)
		qsort(took_ns, n, sizeof(*took_ns), u64_order);
	*ret_ns = n ? took_ns[n / 2] : 0;
	return 0;
}
