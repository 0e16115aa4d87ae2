// SPDX-License-Identifier: GPL-3.0-or-later
/* The contract of store.h, run over every row of store_backends. */
#include "tests/controller/store/lab.h"

#include <errno.h>
#include <string.h>

static void campaign_comes_back(void **state)
{
	LAB;
	struct store_campaign c;
	ASSERT_OK(b->campaign(s, CAMPAIGN, &c, err));
	assert_string_equal(c.id, CAMPAIGN);
	assert_string_equal(c.name, "sample");
	assert_true(c.created_ns == 1700000000000000000);
	assert_true(c.seed == UINT64_MAX); /* past what SQLite calls an integer */
	assert_int_equal(c.state, CAMPAIGN_RUNNING);
	assert_string_equal(c.recipe, "assay: 1\n");
	assert_string_equal(c.options, "{\"runs\":2}");
	assert_string_equal(c.compare_axis, "guest");
	assert_null(c.compare_baseline);
	store_campaign_done(&c);
	ASSERT_OK(b->campaign_state(s, CAMPAIGN, CAMPAIGN_DONE, err));
	ASSERT_OK(b->campaign(s, CAMPAIGN, &c, err));
	assert_int_equal(c.state, CAMPAIGN_DONE);
	store_campaign_done(&c);
	assert_int_equal(b->campaign_state(s, OTHER, CAMPAIGN_DONE, err), -ENOENT);
}

static void campaign_by_prefix(void **state)
{
	LAB;
	static const struct {
		const char *id, *expect;
		int code;
		const char *why;
	} cases[] = {
		{NULL, OTHER, 0, "none named: the newest"},
		{CAMPAIGN, CAMPAIGN, 0, "a whole one"},
		{"01hzzzzzzzzzzzzzzzzzzzzzzb", OTHER, 0, "ULIDs are read in any case"},
		{"01HZ", NULL, -ENOTUNIQ, "both begin so"},
		{"01J", NULL, -ENOENT, "none begins so"},
		{"%", NULL, -ENOENT, "no wildcard of the database's language"},
		{"01HZZZZZZZZZZZZZZZZZZZZZZAA", NULL, -ENOENT, "longer than any"},
	};
	ASSERT_OK(sample_create(s, OTHER, 1, err));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct store_campaign c = {0};
		int r = b->campaign(s, cases[i].id, &c, err);
		if (r != cases[i].code || (r == 0 && strcmp(c.id, cases[i].expect) != 0))
			fail_msg("%s: %d %s", cases[i].why, r, c.id);
		store_campaign_done(&c);
	}
}

static void campaign_only_once(void **state)
{
	LAB;
	assert_int_equal(sample_create(s, CAMPAIGN, 1, err), -EEXIST);
	struct store_campaign c = {.id = OTHER};
	struct store_run twins[2] = {{.cell = (char[]){"{}"}}, {.cell = (char[]){"{}"}}};
	sample_key(7, twins[0].key);
	sample_key(7, twins[1].key);
	assert_int_equal(b->create(s, &c, twins, 2, err), -EEXIST);
	assert_int_equal(b->campaign(s, OTHER, &c, err), -ENOENT); /* nothing of it stayed */
}

struct seen_campaigns {
	size_t n;
	char ids[4][ULID_SIZE];
	size_t counts[4][3];
};

static int see_campaign(const struct store_campaign *c, const size_t counts[3], void *arg)
{
	struct seen_campaigns *seen = arg;
	STRCPY_FIXED(seen->ids[seen->n], c->id);
	memcpy(seen->counts[seen->n++], counts, 3 * sizeof(*counts));
	return 0;
}

static void campaigns_are_counted(void **state)
{
	LAB;
	bool again;
	char key[HASH_HEX_SIZE];
	ASSERT_OK(sample_create(s, OTHER, 1, err));
	ASSERT_OK(sample_end(s, CAMPAIGN, 0, 1, 1, VERDICT_VALID, NULL, &again, err));
	ASSERT_OK(sample_end(s, CAMPAIGN, 1, 1, 2, VERDICT_INVALID, "timeout", &again, err));
	ASSERT_OK(sample_end(s, CAMPAIGN, 2, 1, 3, VERDICT_FLAGGED, "noisy", &again, err));
	sample_key(3, key);
	ASSERT_OK(b->run_state(s, CAMPAIGN, key, RUN_GIVEN_UP, err)); /* never had an attempt */
	struct seen_campaigns seen = {0};
	ASSERT_OK(b->campaigns(s, see_campaign, &seen, err));
	assert_int_equal(seen.n, 2);
	assert_string_equal(seen.ids[0], OTHER); /* newest first */
	assert_int_equal(seen.counts[0][0], 0);	 /* its only run is a warm-up */
	assert_int_equal(seen.counts[1][0], 5);	 /* of six the first is one */
	assert_int_equal(seen.counts[1][1], 3);
	assert_int_equal(seen.counts[1][2], 2);
}

static void agreement_is_the_first_word(void **state)
{
	LAB;
	char *first = NULL, *key = NULL;
	static const struct {
		const char *campaign, *check, *value, *run_key, *first, *first_key;
	} cases[] = {
		{CAMPAIGN, "digest", "abc", "k1", "abc", "k1"},
		{CAMPAIGN, "digest", "xyz", "k2", "abc", "k1"},
		{CAMPAIGN, "digest", "abc", "k3", "abc", "k1"},
		{CAMPAIGN, "commits", "xyz", "k2", "xyz", "k2"},
		{OTHER, "digest", "xyz", "k2", "xyz", "k2"},
	};
	ASSERT_OK(sample_create(s, OTHER, 1, err));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ASSERT_OK(b->agree(s, cases[i].campaign, cases[i].check, cases[i].value,
				   cases[i].run_key, &first, &key, err));
		assert_string_equal(first, cases[i].first);
		assert_string_equal(key, cases[i].first_key);
		free(first);
		free(key);
	}
	assert_int_equal(b->agree(s, "nowhere", "digest", "x", "k", &first, &key, err), -ENOENT);
}

static void expectation_is_the_median(void **state)
{
	LAB;
	uint64_t ns = 99;
	bool again;
	ASSERT_OK(b->expected_ns(s, "sample", "{\"guest\":\"debian\"}", &ns, err));
	assert_true(ns == 0);
	/* run i takes 4000 + 1000 i */
	ASSERT_OK(sample_end(s, CAMPAIGN, 5, 1, 1, VERDICT_VALID, NULL, &again, err));
	ASSERT_OK(sample_end(s, CAMPAIGN, 1, 1, 2, VERDICT_FLAGGED, "x", &again, err));
	ASSERT_OK(sample_end(s, CAMPAIGN, 3, 1, 3, VERDICT_VALID, NULL, &again, err));
	ASSERT_OK(sample_end(s, CAMPAIGN, 4, 1, 4, VERDICT_INVALID, "timeout", &again, err));
	ASSERT_OK(b->expected_ns(s, "sample", "{\"guest\":\"debian\"}", &ns, err));
	assert_true(ns == 7000);
	ASSERT_OK(b->expected_ns(s, "sample", "{\"guest\":\"unikernel\"}", &ns, err));
	assert_true(ns == 0); /* only an invalid one */
	ASSERT_OK(b->expected_ns(s, "other", "{\"guest\":\"debian\"}", &ns, err));
	assert_true(ns == 0);
}

static void open_says_what_is_wrong(void **state)
{
	(void)state;
	static const struct {
		const char *where;
		int code;
		const char *says;
	} cases[] = {
		{"", -EINVAL, "name a file with --db"},
		{"sqlite:", -EINVAL, "name a file with --db"},
		{"memory:x", -EINVAL, "has no name"},
		{"postgresql://lab/assay", -ENOENT, "known are sqlite, memory"},
		{"sqlit://x", -ENOENT, "did you mean 'sqlite'?"},
		{"/nonexistent/x/y.db", -ENOENT, "/nonexistent/x/y.db"},
		{"/tmp", -EISDIR, "/tmp is a folder"},
		{"/dev/null", -EINVAL, "is not a file"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct store *store = NULL;
		struct err err = ERR_NONE;
		int r = store_open(cases[i].where, true, &store, &err);
		if (r != cases[i].code || !strstr(err.text, cases[i].says) || store)
			fail_msg("'%s': %d %s", cases[i].where, r, err.text);
	}
}

static void rows_are_complete(void **state)
{
	struct err err = ERR_NONE;
	(void)state;
	if (store_backends_check(&err) < 0)
		fail_msg("%s", err.text);
	for (int i = 0; i < STORE_RUN_STATES; i++) {
		enum store_run_state back = STORE_RUN_STATES;
		const char *name = store_run_state_name((enum store_run_state)i);
		assert_int_equal(store_run_state_parse(name, &back), 0);
		assert_int_equal(back, i);
	}
	for (int i = 0; i < CAMPAIGN_STATES; i++) {
		enum campaign_state back = CAMPAIGN_STATES;
		const char *name = campaign_state_name((enum campaign_state)i);
		assert_int_equal(store_campaign_state_parse(name, &back), 0);
		assert_int_equal(back, i);
	}
	assert_true(store_code_is_lost("agent-lost"));
	assert_false(store_code_is_lost("timeout"));
}

int main(void)
{
	static const struct CMUnitTest alone[] = {
		cmocka_unit_test(rows_are_complete),
		cmocka_unit_test(open_says_what_is_wrong),
	};
	static const struct lab_case cases[] = {
		{"campaign_comes_back", campaign_comes_back},
		{"campaign_by_prefix", campaign_by_prefix},
		{"campaign_only_once", campaign_only_once},
		{"campaigns_are_counted", campaigns_are_counted},
		{"agreement_is_the_first_word", agreement_is_the_first_word},
		{"expectation_is_the_median", expectation_is_the_median},
	};
	int failed = cmocka_run_group_tests(alone, NULL, NULL);
	return failed + lab_run("store", cases, ARRAY_SIZE(cases));
}
