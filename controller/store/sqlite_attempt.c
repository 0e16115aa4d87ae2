// SPDX-License-Identifier: GPL-3.0-or-later
/* The life of an attempt in the database: leased, begun, ended. Each is one transaction together
 * with the sequence of the record that said it, so a crash leaves all of it or nothing. */
#include "controller/store/sqlite.h"

#include <errno.h>
#include <string.h>

#include "proto/base/mem.h"

struct run_row {
	int64_t id;
	uint32_t attempts;
};

static int find_run(struct sqlite_store *s, const char *campaign, const char *run_key,
		    struct run_row *ret, struct err *err)
{
	autoreset sqlite3_stmt *row = NULL;
	int64_t id;
	int r = sqlite_run_id(s, campaign, run_key, &id, err);
	if (r < 0)
		return r;
	r = sqlite_query(s, "SELECT attempts FROM run WHERE id = ?1", ARGS(A_INT(id)), &row, err);
	if (r < 0)
		return r;
	ret->id = id;
	ret->attempts = r > 0 ? (uint32_t)sqlite3_column_int64(row, 0) : 0;
	return 0;
}

static int add_lease(struct sqlite_store *s, const char *campaign, const char *run_key,
		     const char *agent, uint32_t *ret_attempt, struct err *err)
{
	struct run_row run;
	int r = find_run(s, campaign, run_key, &run, err);
	if (r < 0)
		return r;
	uint32_t attempt = run.attempts + 1;
	r = sqlite_do(s, "UPDATE run SET state = 'leased', attempts = ?2 WHERE id = ?1",
		      ARGS(A_INT(run.id), A_INT(attempt)), err);
	if (r < 0)
		return r;
	r = sqlite_do(s,
		      "INSERT INTO attempt (run_id, number, state, agent, leased_wall_ns)"
		      " VALUES (?1, ?2, 'leased', ?3, ?4)",
		      ARGS(A_INT(run.id), A_INT(attempt), A_TEXT(agent), A_U64(clock_real_ns())),
		      err);
	if (r < 0)
		return r;
	*ret_attempt = attempt;
	return 0;
}

int sqlite_lease(struct store *store, const char *campaign, const char *run_key, const char *agent,
		 uint32_t *ret_attempt, struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	uint32_t attempt = 0;
	int r = sqlite_begin(s, err);
	if (r == 0)
		r = add_lease(s, campaign, run_key, agent, &attempt, err);
	r = sqlite_end(s, r, err);
	if (r < 0)
		return r;
	*ret_attempt = attempt;
	return 0;
}

/* What a record is about, as far as the database knows it. */
struct place {
	struct run_row run;
	int64_t attempt; /* row */
	bool closed;	 /* nothing more is expected of it */
};

/* One that was never leased here (a restored database) is made. */
static int add_attempt(struct sqlite_store *s, const struct attempt *a, struct place *place,
		       struct err *err)
{
	int r = sqlite_do(s,
			  "INSERT INTO attempt (run_id, number, state) VALUES (?1, ?2, 'leased')",
			  ARGS(A_INT(place->run.id), A_INT(a->attempt)), err);
	if (r < 0)
		return r;
	place->attempt = sqlite3_last_insert_rowid(s->db);
	if (a->attempt <= place->run.attempts)
		return 0;
	place->run.attempts = a->attempt;
	return sqlite_do(s, "UPDATE run SET attempts = ?2 WHERE id = ?1",
			 ARGS(A_INT(place->run.id), A_INT(a->attempt)), err);
}

/* by_agent: what the controller closed is open to the agent's own word. */
static int find_place(struct sqlite_store *s, const struct attempt *a, bool by_agent,
		      struct place *ret, struct err *err)
{
	autoreset sqlite3_stmt *row = NULL;
	if (a->attempt == 0)
		return err_say(err, EBADMSG, "attempts count from 1, and one came with 0");
	int r = find_run(s, a->campaign, a->run_key, &ret->run, err);
	if (r < 0)
		return r;
	r = sqlite_query(s,
			 "SELECT id, state = 'ended', closed_by IS 'controller' FROM attempt"
			 " WHERE run_id = ?1 AND number = ?2",
			 ARGS(A_INT(ret->run.id), A_INT(a->attempt)), &row, err);
	if (r < 0)
		return r;
	if (r == 0)
		return add_attempt(s, a, ret, err);
	ret->attempt = sqlite3_column_int64(row, 0);
	ret->closed = sqlite3_column_int(row, 1) && !(by_agent && sqlite3_column_int(row, 2));
	return 0;
}

/* A bracket that nobody filled is absent, not the year 1970. */
static struct sqlite_arg known(const struct clock_bracket *clock, uint64_t ns)
{
	return clock->raw_ns ? A_U64(ns) : A_NULL;
}

/* What the controller closes keeps what its agent said when it began. */
static int write_begun(struct sqlite_store *s, const struct store_stream *stream,
		       const struct attempt *a, const char *host, int64_t id, struct err *err)
{
	const struct clock_bracket *c = &a->begun;
	int64_t host_id = 0;
	int r = host ? sqlite_host_id(s, host, &host_id, err) : 0;
	if (r < 0)
		return r;
	return sqlite_do(s,
			 "UPDATE attempt SET state = 'begun', closed_by = NULL, verdict = NULL,"
			 " agent = coalesce(?2, agent), host_id = coalesce(?3, host_id),"
			 " begun_ns = coalesce(?4, begun_ns),"
			 " begun_monotonic_ns = coalesce(?5, begun_monotonic_ns),"
			 " begun_wall_ns = coalesce(?6, begun_wall_ns),"
			 " begun_width_ns = coalesce(?7, begun_width_ns) WHERE id = ?1",
			 ARGS(A_INT(id), A_TEXT(stream ? stream->agent : NULL),
			      host ? A_INT(host_id) : A_NULL, known(c, c->raw_ns),
			      known(c, c->monotonic_ns), known(c, c->real_ns),
			      known(c, c->width_ns)),
			 err);
}

static int write_ended(struct sqlite_store *s, const struct store_stream *stream,
		       const struct attempt *a, int64_t id, struct err *err)
{
	const struct clock_bracket *c = &a->ended;
	autofree char *reasons = store_reasons_json(a);
	bool signalled = a->exited && a->exit_signal != 0;
	int r = sqlite_do(
		s,
		"UPDATE attempt SET state = 'ended', closed_by = ?2, ended_ns = ?3,"
		" ended_monotonic_ns = ?4, ended_wall_ns = ?5, ended_width_ns = ?6, reached = ?7,"
		" exit_code = ?8, exit_signal = ?9, guest_life_ns = ?10, verdict = ?11,"
		" reasons = ?12"
		" WHERE id = ?1",
		ARGS(A_INT(id), A_TEXT(stream ? "agent" : "controller"), known(c, c->raw_ns),
		     known(c, c->monotonic_ns), known(c, c->real_ns), known(c, c->width_ns),
		     A_TEXT(run_state_name(a->reached)),
		     a->exited && !signalled ? A_INT(a->exit_code) : A_NULL,
		     signalled ? A_INT(a->exit_signal) : A_NULL,
		     a->guest_life_ns ? A_U64(a->guest_life_ns) : A_NULL,
		     A_TEXT(verdict_name(attempt_verdict(a))), A_TEXT(reasons)),
		err);
	return r < 0 ? r : sqlite_put_details(s, id, a, err);
}

/* A late record of an earlier attempt does not take the run from a later one. */
static int finish_run(struct sqlite_store *s, const struct place *place, const struct attempt *a,
		      struct err *err)
{
	if (a->attempt < place->run.attempts)
		return 0;
	return sqlite_do(s, "UPDATE run SET state = 'done' WHERE id = ?1",
			 ARGS(A_INT(place->run.id)), err);
}

enum record { RECORD_OF_BEGIN, RECORD_OF_END };

static int write_record(struct sqlite_store *s, enum record what, const struct store_stream *stream,
			const struct attempt *a, const char *host, bool *ret_again, struct err *err)
{
	struct place place = {0};
	int r = sqlite_stream_seen(s, stream, ret_again, err);
	if (r < 0 || *ret_again)
		return r;
	r = find_place(s, a, what == RECORD_OF_END && stream, &place, err);
	if (r < 0)
		return r;
	*ret_again = place.closed;
	if (!place.closed)
		r = write_begun(s, stream, a, host, place.attempt, err);
	if (r >= 0 && !place.closed && what == RECORD_OF_BEGIN)
		r = sqlite_put_facts(s, place.attempt, a, err);
	if (r >= 0 && !place.closed && what == RECORD_OF_END)
		r = write_ended(s, stream, a, place.attempt, err);
	if (r >= 0 && !place.closed && what == RECORD_OF_END)
		r = finish_run(s, &place, a, err);
	return r < 0 ? r : sqlite_stream_commit(s, stream, err);
}

static int commit_record(struct store *store, enum record what, const struct store_stream *stream,
			 const struct attempt *a, const char *host, bool *ret_again,
			 struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	bool again = false;
	int r = sqlite_begin(s, err);
	if (r == 0)
		r = write_record(s, what, stream, a, host, &again, err);
	r = sqlite_end(s, r, err);
	if (r < 0)
		return r;
	*ret_again = again;
	return 0;
}

int sqlite_begun(struct store *store, const struct store_stream *stream,
		 const struct attempt *attempt, const char *host, bool *ret_again, struct err *err)
{
	return commit_record(store, RECORD_OF_BEGIN, stream, attempt, host, ret_again, err);
}

int sqlite_ended(struct store *store, const struct store_stream *stream,
		 const struct attempt *attempt, const char *host, bool *ret_again, struct err *err)
{
	return commit_record(store, RECORD_OF_END, stream, attempt, host, ret_again, err);
}
