// SPDX-License-Identifier: GPL-3.0-or-later
/* Campaigns, their cells and runs: made at once, then read and moved from state to state. */
#include "controller/store/sqlite.h"

#include <errno.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"

static int put_campaign(struct sqlite_store *s, const struct store_campaign *c, struct err *err)
{
	char seed[24]; /* past 2^63-1 it would be another number as an integer */
	snprintf(seed, sizeof(seed), "%llu", (unsigned long long)c->seed);
	return sqlite_do(s, "INSERT INTO campaign VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
			 ARGS(A_TEXT(c->id), A_TEXT(c->name ? c->name : ""), A_U64(c->created_ns),
			      c->seed > INT64_MAX ? A_TEXT(seed) : A_U64(c->seed),
			      A_TEXT(campaign_state_name(c->state)),
			      A_TEXT(c->recipe ? c->recipe : ""),
			      A_TEXT(c->options ? c->options : "{}"), A_TEXT(c->compare_axis),
			      A_TEXT(c->compare_baseline)),
			 err);
}

static int cell_id(struct sqlite_store *s, const char *campaign, const struct store_run *run,
		   int64_t *ret, struct err *err)
{
	autoreset sqlite3_stmt *row = NULL;
	int r = sqlite_query(s, "SELECT id FROM cell WHERE campaign = ?1 AND axes = ?2",
			     ARGS(A_TEXT(campaign), A_TEXT(run->cell)), &row, err);
	if (r < 0)
		return r;
	if (r > 0) {
		*ret = sqlite3_column_int64(row, 0);
		return 0;
	}
	r = sqlite_do(
		s, "INSERT INTO cell (campaign, axes, label) VALUES (?1, ?2, ?3)",
		ARGS(A_TEXT(campaign), A_TEXT(run->cell), A_TEXT(run->label ? run->label : "")),
		err);
	if (r < 0)
		return r;
	*ret = sqlite3_last_insert_rowid(s->db);
	return 0;
}

static int put_run(struct sqlite_store *s, const char *campaign, const struct store_run *run,
		   int64_t *ret_id, struct err *err)
{
	int64_t cell;
	int r = cell_id(s, campaign, run, &cell, err);
	if (r < 0)
		return r;
	r = sqlite_do(s,
		      "INSERT INTO run (campaign, cell_id, key, iteration, warmup, position, state,"
		      " attempts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
		      ARGS(A_TEXT(campaign), A_INT(cell), A_TEXT(run->key), A_INT(run->iteration),
			   A_INT(run->warmup), A_INT(run->position),
			   A_TEXT(store_run_state_name(run->state)), A_INT(run->attempts)),
		      err);
	if (r == -EEXIST)
		return err_say(err, EEXIST, "campaign %s has two runs with the key %s", campaign,
			       run->key);
	if (r < 0)
		return r;
	*ret_id = sqlite3_last_insert_rowid(s->db);
	return 0;
}

static int put_all(struct sqlite_store *s, const struct store_campaign *campaign,
		   const struct store_run *runs, size_t n, int64_t *ids, struct err *err)
{
	int r = put_campaign(s, campaign, err);
	if (r == -EEXIST)
		return err_say(err, EEXIST, "%s: campaign %s is there already", s->path,
			       campaign->id);
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = put_run(s, campaign->id, &runs[i], &ids[i], err);
	return r < 0 ? r : 0;
}

int sqlite_create(struct store *store, const struct store_campaign *campaign,
		  struct store_run *runs, size_t n, struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	autofree int64_t *ids = xcalloc(n, sizeof(*ids));
	int r = sqlite_begin(s, err);
	if (r == 0)
		r = put_all(s, campaign, runs, n, ids, err);
	r = sqlite_end(s, r, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		runs[i].id = ids[i];
	return r;
}

int sqlite_campaign_state(struct store *store, const char *id, enum campaign_state state,
			  struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	int r = sqlite_do(s, "UPDATE campaign SET state = ?2 WHERE id = ?1",
			  ARGS(A_TEXT(id), A_TEXT(campaign_state_name(state))), err);
	if (r == 0)
		return err_say(err, ENOENT, "%s has no campaign %s", s->path, id);
	return r < 0 ? r : 0;
}

#define CAMPAIGN_COLUMNS \
	"id, name, created_ns, seed, state, recipe, options, compare_axis, compare_baseline"

static int read_campaign(struct sqlite_store *s, sqlite3_stmt *row, struct store_campaign *ret,
			 struct err *err)
{
	struct store_campaign c = {0};
	const char *state = sqlite_text(row, 4);
	if (store_campaign_state_parse(state ? state : "", &c.state) < 0)
		return err_say(err, EUCLEAN, "%s: '%s' is not a state of a campaign", s->path,
			       state ? state : "");
	STRCPY_FIXED(c.id, sqlite_text(row, 0));
	c.name = xstrdup(sqlite_text(row, 1));
	c.created_ns = sqlite_u64(row, 2);
	if (sqlite3_column_type(row, 3) != SQLITE_TEXT)
		c.seed = sqlite_u64(row, 3);
	else if (text_parse_u64(sqlite_text(row, 3), &c.seed, NULL) < 0)
		c.seed = 0;
	c.recipe = xstrdup(sqlite_text(row, 5));
	c.options = xstrdup(sqlite_text(row, 6));
	c.compare_axis = xstrdup(sqlite_text(row, 7));
	c.compare_baseline = xstrdup(sqlite_text(row, 8));
	*ret = c;
	return 0;
}

static int not_one(struct sqlite_store *s, const char *id, const char *first, struct err *err)
{
	if (first)
		return err_say(err, ENOTUNIQ,
			       "several campaigns in %s begin with %s, %s among them; write more "
			       "of it",
			       s->path, id, first);
	if (!id)
		return err_say(err, ENOENT, "%s has no campaign yet", s->path);
	return err_say(err, ENOENT, "%s has no campaign %s; 'assay list' shows them", s->path, id);
}

int sqlite_campaign(struct store *store, const char *id, struct store_campaign *ret,
		    struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	autoreset sqlite3_stmt *row = NULL;
	struct store_campaign c = {0};
	int r = sqlite_query(s,
			     "SELECT " CAMPAIGN_COLUMNS " FROM campaign"
			     " WHERE ?1 IS NULL OR substr(id, 1, length(?1)) = upper(?1)"
			     " ORDER BY id DESC",
			     ARGS(A_TEXT(id)), &row, err);
	if (r <= 0)
		return r < 0 ? r : not_one(s, id, NULL, err);
	r = read_campaign(s, row, &c, err);
	if (r == 0 && id)
		r = sqlite_next(s, row, err);
	if (r > 0)
		r = not_one(s, id, c.id, err);
	if (r < 0) {
		store_campaign_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}

int sqlite_campaigns(struct store *store,
		     int (*each)(const struct store_campaign *, const size_t counts[3], void *arg),
		     void *arg, struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	autoreset sqlite3_stmt *row = NULL;
	int r = sqlite_query(
		s,
		"SELECT " CAMPAIGN_COLUMNS ","
		" (SELECT count(*) FROM run WHERE campaign = c.id AND NOT warmup),"
		" (SELECT count(*) FROM run WHERE campaign = c.id AND NOT warmup"
		"  AND state IN ('done', 'given-up')),"
		" (SELECT count(*) FROM run WHERE campaign = c.id AND NOT warmup"
		"  AND state IN ('done', 'given-up') AND NOT EXISTS (SELECT 1 FROM attempt AS a"
		"   WHERE a.run_id = run.id AND a.state = 'ended' AND a.verdict <> 'invalid'))"
		" FROM campaign AS c ORDER BY id DESC",
		NULL, &row, err);
	while (r > 0) {
		struct store_campaign c;
		r = read_campaign(s, row, &c, err);
		if (r < 0)
			return r;
		const size_t counts[3] = {(size_t)sqlite_u64(row, 9), (size_t)sqlite_u64(row, 10),
					  (size_t)sqlite_u64(row, 11)};
		r = each(&c, counts, arg);
		store_campaign_done(&c);
		if (r != 0)
			return r;
		r = sqlite_next(s, row, err);
	}
	return r;
}

static int read_run(struct sqlite_store *s, sqlite3_stmt *row, struct store_run *ret,
		    struct err *err)
{
	const char *state = sqlite_text(row, 7), *verdict = sqlite_text(row, 9);
	if (!state || store_run_state_parse(state, &ret->state) < 0)
		return err_say(err, EUCLEAN, "%s: '%s' is not a state of a run", s->path,
			       state ? state : "");
	ret->ended = verdict != NULL;
	if (verdict && verdict_parse(verdict, &ret->verdict, err) < 0)
		return err_wrap(err, "%s", s->path);
	ret->id = sqlite3_column_int64(row, 0);
	STRCPY_FIXED(ret->key, sqlite_text(row, 1));
	ret->cell = xstrdup(sqlite_text(row, 2));
	ret->label = xstrdup(sqlite_text(row, 3));
	ret->iteration = (uint32_t)sqlite3_column_int64(row, 4);
	ret->warmup = sqlite3_column_int(row, 5) != 0;
	ret->position = (uint32_t)sqlite3_column_int64(row, 6);
	ret->attempts = (uint32_t)sqlite3_column_int64(row, 8);
	ret->lost = sqlite3_column_int(row, 10) != 0;
	return 0;
}

#define LOST_CODE(name) ", '" name "'"

int sqlite_runs(struct store *store, const char *campaign, struct store_run **ret, size_t *ret_n,
		struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	autoreset sqlite3_stmt *row = NULL;
	struct store_run *runs = NULL;
	size_t n = 0;
	int r = sqlite_query(
		s,
		"SELECT run.id, run.key, cell.axes, cell.label, run.iteration, run.warmup,"
		" run.position, run.state, run.attempts, last.verdict,"
		" EXISTS (SELECT 1 FROM reason WHERE reason.attempt_id = last.id"
		"  AND reason.code IN (''" STORE_LOST_CODES(
			LOST_CODE) "))"
				   " FROM run JOIN cell ON cell.id = run.cell_id"
				   " LEFT JOIN attempt AS last ON last.id = (SELECT a.id FROM "
				   "attempt AS a"
				   "  WHERE a.run_id = run.id AND a.state = 'ended' ORDER BY "
				   "a.number DESC LIMIT 1)"
				   " WHERE run.campaign = ?1 ORDER BY run.position, run.id",
		ARGS(A_TEXT(campaign)), &row, err);
	while (r > 0) {
		struct store_run *run = ARRAY_PUSH(runs, n);
		r = read_run(s, row, run, err);
		if (r == 0)
			r = sqlite_next(s, row, err);
	}
	if (r < 0) {
		store_runs_free(runs, n);
		return r;
	}
	*ret = runs;
	*ret_n = n;
	return 0;
}

int sqlite_run_id(struct sqlite_store *s, const char *campaign, const char *run_key, int64_t *ret,
		  struct err *err)
{
	autoreset sqlite3_stmt *row = NULL;
	int r = sqlite_query(s, "SELECT id FROM run WHERE campaign = ?1 AND key = ?2",
			     ARGS(A_TEXT(campaign), A_TEXT(run_key)), &row, err);
	if (r == 0)
		return err_say(err, ENOENT, "%s has no run %.16s... of campaign %s", s->path,
			       run_key, campaign);
	if (r < 0)
		return r;
	*ret = sqlite3_column_int64(row, 0);
	return 0;
}

static int set_run_state(struct sqlite_store *s, int64_t run, enum store_run_state state,
			 struct err *err)
{
	int r = 0;
	if (state == RUN_PENDING)
		r = sqlite_do(s, "DELETE FROM attempt WHERE run_id = ?1 AND state = 'leased'",
			      ARGS(A_INT(run)), err);
	if (r < 0)
		return r;
	r = sqlite_do(s,
		      "UPDATE run SET state = ?2, attempts ="
		      " (SELECT coalesce(max(number), 0) FROM attempt WHERE run_id = ?1)"
		      " WHERE id = ?1",
		      ARGS(A_INT(run), A_TEXT(store_run_state_name(state))), err);
	return r < 0 ? r : 0;
}

int sqlite_run_state(struct store *store, const char *campaign, const char *run_key,
		     enum store_run_state state, struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	int64_t id;
	int r = sqlite_run_id(s, campaign, run_key, &id, err);
	if (r < 0)
		return r;
	r = sqlite_begin(s, err);
	if (r == 0)
		r = set_run_state(s, id, state, err);
	return sqlite_end(s, r, err);
}

int sqlite_agree(struct store *store, const char *campaign, const char *check, const char *value,
		 const char *run_key, char **ret_first, char **ret_first_key, struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	autoreset sqlite3_stmt *row = NULL;
	int r = sqlite_do(s, "INSERT OR IGNORE INTO agreement VALUES (?1, ?2, ?3, ?4)",
			  ARGS(A_TEXT(campaign), A_TEXT(check), A_TEXT(value), A_TEXT(run_key)),
			  err);
	if (r == -EEXIST) /* its foreign key */
		return not_one(s, campaign, NULL, err);
	if (r < 0)
		return r;
	r = sqlite_query(s,
			 "SELECT value, run_key FROM agreement WHERE campaign = ?1 AND name = ?2",
			 ARGS(A_TEXT(campaign), A_TEXT(check)), &row, err);
	if (r <= 0)
		return r < 0 ? r : not_one(s, campaign, NULL, err);
	*ret_first = xstrdup(sqlite_text(row, 0));
	*ret_first_key = xstrdup(sqlite_text(row, 1));
	return 0;
}
