// SPDX-License-Identifier: GPL-3.0-or-later
/* rows - TEST CODE: rows of a campaign as a store would give them, and a store row named "fake"
 * that gives these and can do nothing else. */
#ifndef ASSAY_TESTS_REPORT_ROWS_H
#define ASSAY_TESTS_REPORT_ROWS_H

#include <errno.h>
#include <stdio.h>

#include "controller/store/store.h"
#include "proto/base/mem.h"

struct rows {
	struct store_campaign campaign;
	struct store_run *runs;
	size_t n_runs;
	struct store_attempt *attempts;
	size_t n_attempts;
	struct store_result *results;
	size_t n_results;
	char **strings; /* what the rows borrow */
	size_t n_strings;
};

static inline const char *rows_keep(struct rows *rows, char *s)
{
	*ARRAY_PUSH(rows->strings, rows->n_strings) = s;
	return s;
}

static inline void rows_done(struct rows *rows)
{
	for (size_t i = 0; i < rows->n_strings; i++)
		free(rows->strings[i]);
	free(rows->strings);
	free(rows->runs);
	free(rows->attempts);
	free(rows->results);
	*rows = (struct rows){0};
}

/* A planned run; gives its key, borrowed from the rows. */
static inline const char *rows_run(struct rows *rows, const char *axes, uint32_t iteration,
				   bool warmup)
{
	struct store_run *run = ARRAY_PUSH(rows->runs, rows->n_runs);
	run->cell = (char *)(uintptr_t)axes;
	run->iteration = iteration;
	run->warmup = warmup;
	run->position = (uint32_t)rows->n_runs - 1;
	snprintf(run->key, sizeof(run->key), "key-%03zu", rows->n_runs - 1);
	return rows_keep(rows, xstrdup(run->key));
}

static inline struct store_attempt *rows_attempt(struct rows *rows, const char *key,
						 const char *axes, const char *host,
						 uint32_t iteration, uint32_t attempt,
						 enum verdict verdict, const char *reasons)
{
	struct store_attempt *a = ARRAY_PUSH(rows->attempts, rows->n_attempts);
	*a = (struct store_attempt){
		.run_key = key,
		.axes = axes,
		.label = axes,
		.host = host,
		.iteration = iteration,
		.attempt = attempt,
		.ended = true,
		.verdict = verdict,
		.reasons = reasons,
	};
	return a;
}

/* A reading of the attempt that was added last. */
static inline struct store_result *rows_result(struct rows *rows, const char *window,
					       const char *metric, const char *unit, double value)
{
	const struct store_attempt *a = &rows->attempts[rows->n_attempts - 1];
	struct store_result *r = ARRAY_PUSH(rows->results, rows->n_results);
	*r = (struct store_result){
		.campaign = rows->campaign.id,
		.host = a->host,
		.axes = a->axes,
		.iteration = a->iteration,
		.attempt = a->attempt,
		.warmup = a->warmup,
		.window = window,
		.metric = metric,
		.scope = "guest",
		.unit = unit,
		.present = true,
		.value = value,
		.running_share = 1,
		.source = "fake",
		.note = "",
		.verdict = a->verdict,
		.reasons = a->reasons,
	};
	return r;
}

static inline void rows_absent(struct rows *rows, const char *window, const char *metric,
			       const char *unit, const char *note)
{
	struct store_result *r = rows_result(rows, window, metric, unit, 0);
	r->present = false;
	r->note = note;
}

/* The store: borrows the rows. Members that a report does not use are not there. */
struct fake_store {
	struct store base;
	const struct rows *rows; /* NULL: an empty database */
};

static inline const struct rows *fake_rows(struct store *store)
{
	return ((struct fake_store *)store)->rows;
}

static inline void fake_copy(const struct store_campaign *from, struct store_campaign *ret)
{
	*ret = *from;
	ret->name = xstrdup(from->name);
	ret->recipe = xstrdup(from->recipe);
	ret->options = xstrdup(from->options);
	ret->compare_axis = xstrdup(from->compare_axis);
	ret->compare_baseline = xstrdup(from->compare_baseline);
}

static inline int fake_campaign(struct store *store, const char *id, struct store_campaign *ret,
				struct err *err)
{
	const struct rows *rows = fake_rows(store);
	if (!rows || (id && strncmp(rows->campaign.id, id, strlen(id)) != 0))
		return err_say(err, ENOENT, "no campaign");
	fake_copy(&rows->campaign, ret);
	return 0;
}

static inline int fake_campaigns(struct store *store,
				 int (*each)(const struct store_campaign *, const size_t counts[3],
					     void *arg),
				 void *arg, struct err *err)
{
	const struct rows *rows = fake_rows(store);
	const size_t counts[3] = {rows ? rows->n_runs : 0, rows ? rows->n_attempts : 0, 1};
	(void)err;
	return rows ? each(&rows->campaign, counts, arg) : 0;
}

static inline int fake_runs(struct store *store, const char *campaign, struct store_run **ret,
			    size_t *ret_n, struct err *err)
{
	const struct rows *rows = fake_rows(store);
	struct store_run *runs = NULL;
	size_t n = 0;
	(void)campaign;
	(void)err;
	while (n < rows->n_runs) {
		const struct store_run *from = &rows->runs[n];
		struct store_run *run = ARRAY_PUSH(runs, n);
		*run = *from;
		run->cell = xstrdup(from->cell);
		run->label = xstrdup(from->cell);
	}
	*ret = runs;
	*ret_n = n;
	return 0;
}

static inline int fake_attempts(struct store *store, const char *campaign,
				int (*each)(const struct store_attempt *, void *arg), void *arg,
				struct err *err)
{
	const struct rows *rows = fake_rows(store);
	int r = 0;
	(void)campaign;
	(void)err;
	for (size_t i = 0; r == 0 && i < rows->n_attempts; i++)
		r = each(&rows->attempts[i], arg);
	return r;
}

static inline int fake_results(struct store *store, const char *campaign,
			       int (*each)(const struct store_result *, void *arg), void *arg,
			       struct err *err)
{
	const struct rows *rows = fake_rows(store);
	int r = 0;
	(void)campaign;
	(void)err;
	for (size_t i = 0; r == 0 && i < rows->n_results; i++)
		r = each(&rows->results[i], arg);
	return r;
}

static inline struct fake_store fake_store(const struct rows *rows)
{
	static const struct store_backend backend = {
		.name = "fake",
		.campaign = fake_campaign,
		.campaigns = fake_campaigns,
		.runs = fake_runs,
		.attempts = fake_attempts,
		.results = fake_results,
	};
	return (struct fake_store){{&backend}, rows};
}

#define DEBIAN	  "{\"accel\":\"kvm\",\"guest\":\"debian\"}"
#define UNIKERNEL "{\"accel\":\"kvm\",\"guest\":\"unikernel\"}"
#define PMU_NOTE                                                                                   \
	"the CPU of this machine shows no performance counters; run on the metal, or give the VM " \
	"a virtual PMU"

/* Fixed noise around 1, the same for ever: a linear congruence, no seed. */
static inline double rows_noise(uint32_t a, uint32_t b, double relative)
{
	uint32_t x = (a * 2654435761u) ^ (b * 40503u + 12345u);
	for (int i = 0; i < 3; i++)
		x = x * 1664525u + 1013904223u;
	return 1 + relative * ((double)(x >> 8) / 0x1p24 - 0.5);
}

static inline void rows_readings(struct rows *rows, bool unikernel, uint32_t i)
{
	double slow = unikernel ? 0.37 : 1;
	struct store_result *r;
	rows_result(rows, "bench", "wall", "ns", 123.4e6 * slow * rows_noise(i, unikernel, 0.03));
	r = rows_result(rows, "bench", "cycles", "count",
			4.31e8 * slow * rows_noise(i, 2 + unikernel, 0.02));
	r->running_share = 0.72 + 0.01 * i;
	rows_absent(rows, "bench", "cache-misses", "count", PMU_NOTE);
	rows_absent(rows, "bench", "branch-misses", "count", PMU_NOTE);
	r = rows_result(rows, "bench", "energy/package", "J",
			2.7 * (unikernel ? 0.98 : 1) * rows_noise(i, 4 + unikernel, 0.2));
	r->scope = "host";
	if (unikernel)
		rows_absent(rows, "bench", "treebench/ops", "ops/s",
			    "the parser found no line that matches");
	else
		rows_result(rows, "bench", "treebench/ops", "ops/s",
			    746983 * rows_noise(i, 6, 0.05));
	rows_result(rows, "whole", "wall", "ns",
		    (unikernel ? 0.19e9 : 2.31e9) * rows_noise(i, 7 + unikernel, 0.05));
	rows_result(rows, "whole", "rss/peak", "bytes", unikernel ? 98304.0 * 1024 : 536870912);
	rows_result(rows, "whole", "page-faults", "count",
		    (unikernel ? 812 : 20331) + (double)(i % 3));
}

static inline void rows_guest(struct rows *rows, const char *axes, bool unikernel)
{
	const char *key = rows_run(rows, axes, 0, true);
	rows_attempt(rows, key, axes, "zen4", 0, 1, VERDICT_VALID, "[]")->warmup = true;
	rows_result(rows, "bench", "wall", "ns", 1e12);
	for (uint32_t i = 0; i < 10; i++) {
		uint32_t attempt = 1;
		enum verdict verdict = VERDICT_VALID;
		const char *reasons = "[]";
		key = rows_run(rows, axes, i, false);
		if (!unikernel && i == 9)
			continue; /* never ran */
		if (i == 3 || (!unikernel && i == 7)) {
			rows_attempt(rows, key, axes, "zen4", i, attempt++, VERDICT_INVALID,
				     "[\"timeout: no exit within 120 s\"]");
			rows_result(rows, "bench", "wall", "ns", 9e12);
		}
		if (!unikernel && i == 7) {
			rows_attempt(rows, key, axes, "zen4", i, attempt, VERDICT_INVALID,
				     "[\"exit-status: the guest exited with 1\", \"no-mark: the "
				     "console never said 'BENCHMARK_END'\"]");
			continue;
		}
		if (unikernel && i == 5) {
			verdict = VERDICT_FLAGGED;
			reasons = "[\"quiet: the host was still 4.1 % busy after 10 m\"]";
		}
		rows_attempt(rows, key, axes, "zen4", i, attempt, verdict, reasons);
		rows_readings(rows, unikernel, i);
	}
}

/* Two guests, ten runs and a warm-up each, one comparison; everything that can go wrong once. */
static inline void rows_make(struct rows *rows)
{
	*rows = (struct rows){0};
	STRCPY_FIXED(rows->campaign.id, "01J8XM7ZK3V9Q0R1S2T3V4W5X6");
	rows->campaign.name = (char *)(uintptr_t) "unikernel-vs-debian";
	rows->campaign.created_ns = 1756470896123456789u;
	rows->campaign.seed = 17446744073709551557u;
	rows->campaign.state = CAMPAIGN_DONE;
	rows->campaign.compare_axis = (char *)(uintptr_t) "guest";
	rows->campaign.compare_baseline = (char *)(uintptr_t) "debian";
	rows_guest(rows, UNIKERNEL, true);
	rows_guest(rows, DEBIAN, false);
}

#endif
