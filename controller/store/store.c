// SPDX-License-Identifier: GPL-3.0-or-later
/* store - the table of back-ends, opening one by URL, and what all of them share. */
#include "controller/store/store.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/base/table.h"
#include "proto/base/text.h"
#include "proto/base/utf8.h"

const struct store_backend *const store_backends[] = {&store_sqlite, &store_memory, NULL};

static const char *const campaign_state_names[CAMPAIGN_STATES] = {
	[CAMPAIGN_RUNNING] = "running",
	[CAMPAIGN_INTERRUPTED] = "interrupted",
	[CAMPAIGN_DONE] = "done",
};

static const char *const run_state_names[STORE_RUN_STATES] = {
	[RUN_PENDING] = "pending",
	[RUN_LEASED] = "leased",
	[RUN_DONE] = "done",
	[RUN_GIVEN_UP] = "given-up",
};

const char *campaign_state_name(enum campaign_state state)
{
	return state < CAMPAIGN_STATES ? campaign_state_names[state] : "unknown";
}

const char *store_run_state_name(enum store_run_state state)
{
	return state < STORE_RUN_STATES ? run_state_names[state] : "unknown";
}

static int name_index(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -EINVAL;
}

int store_campaign_state_parse(const char *name, enum campaign_state *ret)
{
	int i = name_index(campaign_state_names, CAMPAIGN_STATES, name);
	if (i < 0)
		return i;
	*ret = (enum campaign_state)i;
	return 0;
}

int store_run_state_parse(const char *name, enum store_run_state *ret)
{
	int i = name_index(run_state_names, STORE_RUN_STATES, name);
	if (i < 0)
		return i;
	*ret = (enum store_run_state)i;
	return 0;
}

bool store_code_is_lost(const char *code)
{
#define X(name) name,
	static const char *const codes[] = {STORE_LOST_CODES(X)};
#undef X
	for (size_t i = 0; i < ARRAY_SIZE(codes); i++)
		if (strcmp(codes[i], code) == 0)
			return true;
	return false;
}

void store_campaign_done(struct store_campaign *campaign)
{
	free(campaign->name);
	free(campaign->recipe);
	free(campaign->options);
	free(campaign->compare_axis);
	free(campaign->compare_baseline);
	*campaign = (struct store_campaign){0};
}

void store_runs_free(struct store_run *runs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(runs[i].cell);
		free(runs[i].label);
	}
	free(runs);
}

int store_backends_check(struct err *err)
{
#define M(member) TABLE_MEMBER(struct store_backend, member)
	static const struct table_member required[] = {
		M(scheme),	   M(open),	   M(close),	  M(host),	  M(create),
		M(campaign_state), M(campaign),	   M(campaigns),  M(runs),	  M(lease),
		M(begun),	   M(ended),	   M(blob_chunk), M(skip_record), M(sequence),
		M(run_state),	   M(agree),	   M(results),	  M(attempts),	  M(blob),
		M(artifact),	   M(expected_ns), M(claim),	  {NULL, 0},
	};
#undef M
	return table_check("store", (const void *const *)store_backends, required, err);
}

const char *store_path(const char *where)
{
	for (const struct store_backend *const *b = store_backends; *b; b++)
		if (text_starts(where, (*b)->scheme))
			return where + strlen((*b)->scheme);
	return where;
}

/* "word://" at the start is meant as a kind of database; "word:" alone may be a file's name. */
static size_t url_scheme_length(const char *where)
{
	size_t n = 0;
	while (isalnum((unsigned char)where[n]) || where[n] == '+')
		n++;
	return n && text_starts(where + n, "://") ? n : 0;
}

int store_open(const char *where, bool create, struct store **ret, struct err *err)
{
	if (!*where)
		return err_say(err, EINVAL, "the database has no name; name a file with --db");
	for (const struct store_backend *const *b = store_backends; *b; b++)
		if (text_starts(where, (*b)->scheme))
			return (*b)->open(where + strlen((*b)->scheme), create, ret, err);
	size_t n = url_scheme_length(where);
	if (!n)
		return store_backends[0]->open(where, create, ret, err);
	const void *row;
	autofree char *scheme = xstrndup(where, n);
	int r = table_find((const void *const *)store_backends, "kind of database", scheme, &row,
			   err);
	return r < 0 ? r
		     : err_say(err, EINVAL, "%s: write it without the slashes, as %s:FILE", where,
			       scheme);
}

void store_close(struct store *store)
{
	if (store)
		store->backend->close(store);
}

int store_check_sha256(const char *sha256, struct err *err)
{
	unsigned char digest[(HASH_HEX_SIZE - 1) / 2];
	return text_unhex(sha256, digest, sizeof(digest), err);
}

char *store_reasons_json(const struct attempt *attempt)
{
	json_t *array = json_array();
	for (size_t i = 0; attempt && i < attempt->n_reasons; i++) {
		const struct reason *r = &attempt->reasons[i];
		autofree char *copy = NULL;
		autofree char *line = xasprintf("%s: %s", r->code, r->text);
		json_array_append_new(array, json_string(utf8_clean(line, &copy)));
	}
	char *json = json_dumps(array, JSON_COMPACT);
	json_decref(array);
	return json;
}
