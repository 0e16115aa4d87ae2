// SPDX-License-Identifier: GPL-3.0-or-later
/* test_stores - reports from the stores there are: each gives the same report of the same
 * campaign, and says in words what it does not have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#include "controller/report/report.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

#define FIRST  "01J8XM7ZK3V9Q0R1S2T3V4W5X6"
#define SECOND "01J8XM7ZK3V9Q0R1S2T3V4W5X7"

enum { RUNS = 2 * (1 + 4) }; /* two guests, a warm-up and four runs each */

static void key_of(const char *campaign, size_t i, char ret[HASH_HEX_SIZE])
{
	autofree char *name = xasprintf("%s %zu", campaign, i);
	hash_bytes(name, strlen(name), ret);
}

static void create(struct store *store, const char *id)
{
	struct err err = ERR_NONE;
	struct store_campaign campaign = {
		.created_ns = 1756470896000000000,
		.seed = UINT64_MAX,
		.state = CAMPAIGN_RUNNING,
		.name = xstrdup("two guests"),
		.recipe = xstrdup("assay: 1\n"),
		.options = xstrdup("{}"),
		.compare_axis = xstrdup("guest"),
		.compare_baseline = xstrdup("debian"),
	};
	STRCPY_FIXED(campaign.id, id);
	struct store_run *runs = xcalloc(RUNS, sizeof(*runs));
	for (size_t i = 0; i < RUNS; i++) {
		key_of(id, i, runs[i].key);
		runs[i].cell = xasprintf("{\"guest\":\"%s\"}", i % 2 ? "debian" : "unikernel");
		runs[i].label = xstrdup(i % 2 ? "debian" : "unikernel");
		runs[i].warmup = i < 2;
		runs[i].iteration = (uint32_t)(i < 2 ? 0 : i / 2 - 1);
		runs[i].position = (uint32_t)i;
	}
	if (store->backend->create(store, &campaign, runs, RUNS, &err) < 0)
		fail_msg("%s", err.text);
	store_runs_free(runs, RUNS);
	store_campaign_done(&campaign);
}

static void end(struct store *store, const char *id, size_t i, uint32_t number, bool timed_out)
{
	static uint64_t sequence;
	const struct store_stream stream = {"agent", "01J8XM7ZK3V9Q0R1S2T3EP0CH0", ++sequence};
	struct err err = ERR_NONE;
	bool again;
	autoclean(attempt) struct attempt *a = attempt_new();
	double wall = timed_out ? 1e12 : (i % 2 ? 2e9 : 1e9) + 1e6 * (double)i;
	STRCPY_FIXED(a->campaign, id);
	key_of(id, i, a->run_key);
	a->attempt = number;
	a->reached = RUN_SPOOLED;
	a->begun = (struct clock_bracket){1000, 2000, 1756470896000000000, 10};
	a->ended = (struct clock_bracket){9000, 9000, 1756470899000000000, 10};
	attempt_reading(a, "whole", "wall", "guest", "ns", "clock", wall);
	attempt_reading(a, "bench", "cycles", "guest", "count", "perf", wall)->running_share = 0.5;
	attempt_absent(a, "bench", "energy/package", "host", "J", "no RAPL on this machine");
	if (timed_out)
		attempt_reason(a, VERDICT_INVALID, "timeout", "no exit within %d s", 120);
	if (store->backend->ended(store, &stream, a, "zen4", &again, &err) < 0)
		fail_msg("%s", err.text);
}

/* Run 2 needs a second attempt, run 9 never came. */
static void fill(struct store *store, const char *id)
{
	create(store, id);
	for (size_t i = 0; i < RUNS - 1; i++) {
		if (i == 2)
			end(store, id, i, 1, true);
		end(store, id, i, i == 2 ? 2 : 1, false);
	}
}

static char *report_of(struct store *store, bool json)
{
	const struct report_options options = {.json = json, .width = 100};
	struct err err = ERR_NONE;
	char *text = NULL;
	size_t size = 0;
	bool failed;
	FILE *out = open_memstream(&text, &size);
	int r = report_campaign(store, &options, out, &failed, &err);
	fclose(out);
	if (r < 0)
		fail_msg("%s", err.text);
	return text;
}

static void assert_has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in:\n%s", part, text);
}

static int refused(struct store *store, const char *id, char *ret, size_t size)
{
	const struct report_options options = {.campaign = id};
	struct err err = ERR_NONE;
	bool failed;
	int r = report_campaign(store, &options, stderr, &failed, &err);
	mem_strcpy(ret, size, err.text);
	return r;
}

static void check(struct store *store, char **ret_text, char **ret_json)
{
	char sentence[500];
	assert_int_equal(refused(store, NULL, sentence, sizeof(sentence)), -ENOENT);
	assert_has(sentence, "no campaign yet");
	fill(store, FIRST);
	*ret_text = report_of(store, false);
	*ret_json = report_of(store, true);
	assert_has(*ret_text, "8 planned, 7 valid, 1 to come (2 warm-ups not counted)");
	assert_has(*ret_text, "unikernel, iteration 0, attempt 1: timeout: no exit within 120 s");
	assert_has(*ret_text, "no RAPL on this machine");
	/* means: unikernel 1e9 + 1e6 * (2 + 4 + 6 + 8) / 4, debian 2e9 + 1e6 * (3 + 5 + 7) / 3 */
	assert_has(*ret_json, "\"mean\": 1005000000.0");
	assert_has(*ret_json, "\"mean\": 2005000000.0");
	create(store, SECOND);
	assert_int_equal(refused(store, "01J8X", sentence, sizeof(sentence)), -ENOTUNIQ);
	assert_has(sentence, "01J8X");
	assert_int_equal(refused(store, "01ZZZ", sentence, sizeof(sentence)), -ENOENT);
	assert_has(sentence, "no campaign '01ZZZ'");
}

static void test_every_store(void **state)
{
	(void)state;
	char folder[] = "/tmp/assay-report-XXXXXX";
	autofree char *first_text = NULL, *first_json = NULL;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; store_backends[i]; i++) {
		const struct store_backend *backend = store_backends[i];
		bool file = strcmp(backend->name, "memory") != 0;
		autofree char *where = file ? file_join(folder, "assay.db") : xstrdup("");
		autofree char *text = NULL, *json = NULL;
		struct store *store = NULL;
		struct err err = ERR_NONE;
		if (backend->open(where, true, &store, &err) < 0)
			fail_msg("%s: %s", backend->name, err.text);
		check(store, &text, &json);
		store_close(store);
		if (i == 0) {
			first_text = take(text);
			first_json = take(json);
			continue;
		}
		assert_string_equal(text, first_text);
		assert_string_equal(json, first_json);
	}
	assert_int_equal(file_remove_tree(folder, NULL), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_store),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
