// SPDX-License-Identifier: GPL-3.0-or-later
/* Walks over results and attempts, and how long such a run took before. What is accepted, and how
 * reasons look, is said once: in the views of the schema. */
#include "controller/store/sqlite.h"

#include <errno.h>
#include <string.h>

static int read_verdict(struct sqlite_store *s, sqlite3_stmt *row, int column, enum verdict *ret,
			struct err *err)
{
	const char *name = sqlite_text(row, column);
	int r = verdict_parse(name ? name : "", ret, err);
	return r < 0 ? err_wrap(err, "%s", s->path) : 0;
}

static const char *text_or_empty(sqlite3_stmt *row, int column)
{
	const char *text = sqlite_text(row, column);
	return text ? text : "";
}

static void read_result(sqlite3_stmt *row, struct store_result *ret)
{
	ret->host = text_or_empty(row, 0);
	ret->axes = text_or_empty(row, 1);
	ret->iteration = (uint32_t)sqlite3_column_int64(row, 2);
	ret->attempt = (uint32_t)sqlite3_column_int64(row, 3);
	ret->warmup = sqlite3_column_int(row, 4) != 0;
	ret->window = text_or_empty(row, 5);
	ret->metric = text_or_empty(row, 6);
	ret->scope = text_or_empty(row, 7);
	ret->present = sqlite3_column_type(row, 8) != SQLITE_NULL;
	ret->value = sqlite3_column_double(row, 8);
	ret->unit = text_or_empty(row, 9);
	ret->running_share = sqlite3_column_double(row, 10);
	ret->source = text_or_empty(row, 11);
	ret->note = text_or_empty(row, 12);
	ret->reasons = text_or_empty(row, 14);
}

/* The attempts first, once each with their reasons, then their readings. */
static const char results_sql[] =
	"WITH taken AS MATERIALIZED (SELECT * FROM attempts WHERE campaign = ?1 AND accepted)"
	" SELECT taken.host, taken.axes, taken.iteration, taken.attempt, taken.warmup,"
	" reading.window, reading.metric, reading.scope, reading.value, reading.unit,"
	" reading.running_share, reading.source, reading.note, taken.verdict, taken.reasons"
	" FROM taken JOIN reading ON reading.attempt_id = taken.attempt_id"
	" ORDER BY taken.position, taken.attempt_id, reading.ordinal";

int sqlite_results(struct store *store, const char *campaign,
		   int (*each)(const struct store_result *, void *arg), void *arg, struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	autoreset sqlite3_stmt *row = NULL;
	int r = sqlite_query(s, results_sql, ARGS(A_TEXT(campaign)), &row, err);
	while (r > 0) {
		struct store_result result = {.campaign = campaign};
		read_result(row, &result);
		r = read_verdict(s, row, 13, &result.verdict, err);
		if (r == 0)
			r = each(&result, arg);
		if (r != 0)
			return r;
		r = sqlite_next(s, row, err);
	}
	return r;
}

static int read_attempt(struct sqlite_store *s, sqlite3_stmt *row, struct store_attempt *ret,
			struct err *err)
{
	*ret = (struct store_attempt){
		.run_key = text_or_empty(row, 0),
		.axes = text_or_empty(row, 1),
		.label = text_or_empty(row, 2),
		.host = text_or_empty(row, 3),
		.iteration = (uint32_t)sqlite3_column_int64(row, 4),
		.attempt = (uint32_t)sqlite3_column_int64(row, 5),
		.warmup = sqlite3_column_int(row, 6) != 0,
		.ended = strcmp(text_or_empty(row, 7), "ended") == 0,
		.verdict = VERDICT_INVALID, /* until it has ended it may not be used */
		.reasons = text_or_empty(row, 9),
		.begun_ns = sqlite_u64(row, 10),
		.ended_ns = sqlite_u64(row, 11),
	};
	return ret->ended ? read_verdict(s, row, 8, &ret->verdict, err) : 0;
}

int sqlite_attempts(struct store *store, const char *campaign,
		    int (*each)(const struct store_attempt *, void *arg), void *arg,
		    struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	autoreset sqlite3_stmt *row = NULL;
	int r = sqlite_query(s,
			     "SELECT run_key, axes, label, host, iteration, attempt, warmup, state,"
			     " verdict, reasons, begun_wall_ns, ended_wall_ns FROM attempts"
			     " WHERE campaign = ?1 ORDER BY position, run_key, attempt",
			     ARGS(A_TEXT(campaign)), &row, err);
	while (r > 0) {
		struct store_attempt attempt;
		r = read_attempt(s, row, &attempt, err);
		if (r == 0)
			r = each(&attempt, arg);
		if (r != 0)
			return r;
		r = sqlite_next(s, row, err);
	}
	return r;
}

int sqlite_expected_ns(struct store *store, const char *recipe, const char *cell, uint64_t *ret_ns,
		       struct err *err)
{
	enum { LAST = 32 };
	struct sqlite_store *s = (struct sqlite_store *)store;
	autoreset sqlite3_stmt *row = NULL;
	uint64_t took_ns[LAST];
	size_t n = 0;
	int r = sqlite_query(
		s,
		"SELECT took FROM (SELECT attempt.ended_ns - attempt.begun_ns AS took"
		"  FROM campaign JOIN cell ON cell.campaign = campaign.id"
		"  JOIN run ON run.cell_id = cell.id JOIN attempt ON attempt.run_id = run.id"
		"  WHERE campaign.name = ?1 AND cell.axes = ?2 AND attempt.state = 'ended'"
		"  AND attempt.verdict <> 'invalid' AND attempt.ended_ns > attempt.begun_ns"
		"  ORDER BY attempt.id DESC LIMIT ?3) ORDER BY took",
		ARGS(A_TEXT(recipe), A_TEXT(cell), A_INT(LAST)), &row, err);
	for (; r > 0 && n < LAST; r = sqlite_next(s, row, err))
		took_ns[n++] = sqlite_u64(row, 0);
	if (r < 0)
		return r;
	*ret_ns = n ? took_ns[n / 2] : 0;
	return 0;
}
