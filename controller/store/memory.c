// SPDX-License-Identifier: GPL-3.0-or-later
/* memory - store back-end: plain arrays, gone with the process. For tests of whoever uses a store,
 * and for runs that nobody wants to keep. Searches are linear: thousands of runs, not millions. */
#include "controller/store/memory.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"
#include "proto/base/utf8.h"

static void run_done(struct memory_run *run)
{
	for (size_t i = 0; i < run->n_attempts; i++)
		attempt_free(run->attempts[i].attempt);
	free(run->attempts);
	free(run->row.cell);
	free(run->row.label);
}

static void campaign_done(struct memory_campaign *c)
{
	for (size_t i = 0; i < c->n_runs; i++)
		run_done(&c->runs[i]);
	for (size_t i = 0; i < c->n_agreements; i++) {
		free(c->agreements[i].check);
		free(c->agreements[i].value);
		free(c->agreements[i].run_key);
	}
	free(c->runs);
	free(c->agreements);
	store_campaign_done(&c->row);
}

static void close_memory(struct store *store)
{
	struct memory_store *m = (struct memory_store *)store;
	if (!m)
		return;
	for (size_t i = 0; i < m->n_campaigns; i++)
		campaign_done(&m->campaigns[i]);
	for (size_t i = 0; i < m->n_streams; i++) {
		free(m->streams[i].agent);
		free(m->streams[i].epoch);
	}
	for (size_t i = 0; i < m->n_blobs; i++)
		memory_blob_done(&m->blobs[i]);
	free(m->campaigns);
	free(m->streams);
	free(m->blobs);
	free(m->hosts);
	free(m);
}

/* Nobody else can have it. */
static int memory_claim(struct store *store, const char *campaign, struct err *err)
{
	(void)store;
	(void)campaign;
	(void)err;
	return 0;
}

static int open_memory(const char *where, bool create, struct store **ret, struct err *err)
{
	(void)create;
	if (*where)
		return err_say(err, EINVAL, "memory: has no name after it, and '%s' is there",
			       where);
	struct memory_store *m = xcalloc(1, sizeof(*m));
	m->base.backend = &store_memory;
	*ret = &m->base;
	return 0;
}

struct memory_campaign *memory_find_campaign(struct memory_store *m, const char *id)
{
	for (size_t i = 0; i < m->n_campaigns; i++)
		if (strcmp(m->campaigns[i].row.id, id) == 0)
			return &m->campaigns[i];
	return NULL;
}

struct memory_run *memory_find_run(struct memory_store *m, const char *campaign,
				   const char *run_key, struct err *err)
{
	struct memory_campaign *c = memory_find_campaign(m, campaign);
	for (size_t i = 0; c && i < c->n_runs; i++)
		if (strcmp(c->runs[i].row.key, run_key) == 0)
			return &c->runs[i];
	err_say(err, ENOENT, "there is no run %.16s... of campaign %s", run_key, campaign);
	return NULL;
}

static void copy_campaign(struct store_campaign *to, const struct store_campaign *from)
{
	*to = *from;
	to->name = xstrdup(from->name ? from->name : "");
	to->recipe = xstrdup(from->recipe ? from->recipe : "");
	to->options = xstrdup(from->options ? from->options : "{}");
	to->compare_axis = xstrdup(from->compare_axis);
	to->compare_baseline = xstrdup(from->compare_baseline);
}

static void copy_run(struct store_run *to, const struct store_run *from)
{
	*to = *from;
	to->cell = xstrdup(from->cell);
	to->label = xstrdup(from->label ? from->label : "");
	to->ended = to->lost = false;
	to->verdict = VERDICT_VALID;
}

static int run_order(const void *a, const void *b)
{
	const struct memory_run *x = a, *y = b;
	return x->row.position < y->row.position ? -1 : x->row.position > y->row.position;
}

static int campaign_order(const void *a, const void *b)
{
	const struct memory_campaign *x = a, *y = b;
	return strcmp(x->row.id, y->row.id);
}

static int memory_create(struct store *store, const struct store_campaign *campaign,
			 struct store_run *runs, size_t n, struct err *err)
{
	struct memory_store *m = (struct memory_store *)store;
	if (memory_find_campaign(m, campaign->id))
		return err_say(err, EEXIST, "campaign %s is there already", campaign->id);
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(runs[i].key, runs[j].key) == 0)
				return err_say(err, EEXIST,
					       "campaign %s has two runs with the key %s",
					       campaign->id, runs[i].key);
	struct memory_campaign *c = ARRAY_PUSH(m->campaigns, m->n_campaigns);
	copy_campaign(&c->row, campaign);
	for (size_t i = 0; i < n; i++) {
		runs[i].id = (int64_t)(m->n_campaigns << 32 | (i + 1));
		copy_run(&ARRAY_PUSH(c->runs, c->n_runs)->row, &runs[i]);
	}
	if (n)
		qsort(c->runs, n, sizeof(*c->runs), run_order);
	qsort(m->campaigns, m->n_campaigns, sizeof(*m->campaigns), campaign_order);
	return 0;
}

static int memory_campaign_state(struct store *store, const char *id, enum campaign_state state,
				 struct err *err)
{
	struct memory_campaign *c = memory_find_campaign((struct memory_store *)store, id);
	if (!c)
		return err_say(err, ENOENT, "there is no campaign %s", id);
	c->row.state = state;
	return 0;
}

static bool begins(const char *id, const char *prefix)
{
	for (; *prefix; id++, prefix++)
		if (*id != toupper((unsigned char)*prefix))
			return false;
	return true;
}

static int memory_campaign(struct store *store, const char *id, struct store_campaign *ret,
			   struct err *err)
{
	struct memory_store *m = (struct memory_store *)store;
	const struct store_campaign *found = NULL;
	for (size_t i = m->n_campaigns; i-- > 0;) {
		const struct store_campaign *c = &m->campaigns[i].row;
		if (id && !begins(c->id, id))
			continue;
		if (found)
			return err_say(err, ENOTUNIQ,
				       "several campaigns begin with %s, %s among them; write more "
				       "of it",
				       id, found->id);
		found = c;
		if (!id)
			break;
	}
	if (!found)
		return err_say(err, ENOENT, id ? "there is no campaign %s" : "no campaign yet%s",
			       id ? id : "");
	copy_campaign(ret, found);
	return 0;
}

static void count(const struct memory_campaign *c, size_t counts[3])
{
	memset(counts, 0, 3 * sizeof(*counts));
	for (size_t i = 0; i < c->n_runs; i++) {
		const struct memory_attempt *a = memory_accepted(&c->runs[i]);
		enum store_run_state state = c->runs[i].row.state;
		if (c->runs[i].row.warmup)
			continue;
		counts[0]++;
		if (state != RUN_DONE && state != RUN_GIVEN_UP)
			continue;
		counts[1]++;
		counts[2] += !a || attempt_verdict(a->attempt) == VERDICT_INVALID;
	}
}

static int memory_campaigns(struct store *store,
			    int (*each)(const struct store_campaign *, const size_t counts[3],
					void *arg),
			    void *arg, struct err *err)
{
	struct memory_store *m = (struct memory_store *)store;
	int r = 0;
	(void)err;
	for (size_t i = m->n_campaigns; r == 0 && i-- > 0;) {
		size_t counts[3];
		count(&m->campaigns[i], counts);
		r = each(&m->campaigns[i].row, counts, arg);
	}
	return r;
}

static void look_back(const struct memory_run *run, struct store_run *ret)
{
	const struct attempt *last = NULL;
	uint32_t number = 0;
	for (size_t i = 0; i < run->n_attempts; i++) {
		const struct memory_attempt *a = &run->attempts[i];
		if (!a->ended || a->number < number)
			continue;
		number = a->number;
		last = a->attempt;
	}
	if (!last)
		return;
	ret->ended = true;
	ret->verdict = attempt_verdict(last);
	for (size_t i = 0; i < last->n_reasons; i++)
		ret->lost |= store_code_is_lost(last->reasons[i].code);
}

static int memory_runs(struct store *store, const char *campaign, struct store_run **ret,
		       size_t *ret_n, struct err *err)
{
	struct memory_campaign *c = memory_find_campaign((struct memory_store *)store, campaign);
	struct store_run *runs = NULL;
	size_t n = 0;
	(void)err;
	for (size_t i = 0; c && i < c->n_runs; i++) {
		struct store_run *run = ARRAY_PUSH(runs, n);
		copy_run(run, &c->runs[i].row);
		look_back(&c->runs[i], run);
	}
	*ret = runs;
	*ret_n = n;
	return 0;
}

static int memory_run_state(struct store *store, const char *campaign, const char *run_key,
			    enum store_run_state state, struct err *err)
{
	struct memory_run *run = memory_find_run((struct memory_store *)store, campaign, run_key,
						 err);
	if (!run)
		return -ENOENT;
	while (state == RUN_PENDING && run->n_attempts &&
	       !run->attempts[run->n_attempts - 1].attempt)
		run->n_attempts--; /* leased and never begun; they own nothing */
	run->row.attempts = run->n_attempts ? run->attempts[run->n_attempts - 1].number : 0;
	run->row.state = state;
	return 0;
}

static int memory_agree(struct store *store, const char *campaign, const char *check,
			const char *value, const char *run_key, char **ret_first,
			char **ret_first_key, struct err *err)
{
	struct memory_campaign *c = memory_find_campaign((struct memory_store *)store, campaign);
	struct memory_agreement *a = NULL;
	autofree char *copy = NULL;
	if (!c)
		return err_say(err, ENOENT, "there is no campaign %s", campaign);
	for (size_t i = 0; !a && i < c->n_agreements; i++)
		if (strcmp(c->agreements[i].check, check) == 0)
			a = &c->agreements[i];
	if (!a) {
		a = ARRAY_PUSH(c->agreements, c->n_agreements);
		a->check = xstrdup(check);
		a->value = xstrdup(utf8_clean(value, &copy));
		a->run_key = xstrdup(run_key);
	}
	*ret_first = xstrdup(a->value);
	*ret_first_key = xstrdup(a->run_key);
	return 0;
}

const struct store_backend store_memory = {
	.name = "memory",
	.scheme = "memory:",
	.open = open_memory,
	.close = close_memory,
	.host = memory_host,
	.create = memory_create,
	.claim = memory_claim,
	.campaign_state = memory_campaign_state,
	.campaign = memory_campaign,
	.campaigns = memory_campaigns,
	.runs = memory_runs,
	.lease = memory_lease,
	.begun = memory_begun,
	.ended = memory_ended,
	.blob_chunk = memory_blob_chunk,
	.skip_record = memory_skip,
	.sequence = memory_sequence,
	.run_state = memory_run_state,
	.agree = memory_agree,
	.results = memory_results,
	.attempts = memory_attempts,
	.blob = memory_blob,
	.artifact = memory_artifact,
	.expected_ns = memory_expected_ns,
};
