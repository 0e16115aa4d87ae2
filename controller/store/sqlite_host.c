// SPDX-License-Identifier: GPL-3.0-or-later
/* Hosts with their facts over time, and how far each agent's stream is committed. */
#include "controller/store/sqlite.h"

#include <errno.h>

/* A fact that is still true keeps its row; one that changed ends now and begins anew, so that old
 * runs can be read with what was true then. */
static int put_fact(struct sqlite_store *s, int64_t host, const struct fact *fact, uint64_t now_ns,
		    struct err *err)
{
	autoreset sqlite3_stmt *same = NULL;
	int r = sqlite_query(s,
			     "SELECT 1 FROM fact WHERE host_id = ?1 AND name = ?2 AND value = ?3"
			     " AND until_wall_ns IS NULL",
			     ARGS(A_INT(host), A_TEXT(fact->name), A_TEXT(fact->value)), &same,
			     err);
	if (r != 0)
		return r < 0 ? r : 0;
	r = sqlite_do(s,
		      "UPDATE fact SET until_wall_ns = ?3 WHERE host_id = ?1 AND name = ?2"
		      " AND until_wall_ns IS NULL",
		      ARGS(A_INT(host), A_TEXT(fact->name), A_U64(now_ns)), err);
	if (r < 0)
		return r;
	return sqlite_do(s,
			 "INSERT INTO fact (host_id, name, value, since_wall_ns)"
			 " VALUES (?1, ?2, ?3, ?4)",
			 ARGS(A_INT(host), A_TEXT(fact->name), A_TEXT(fact->value), A_U64(now_ns)),
			 err);
}

static int put_capabilities(struct sqlite_store *s, int64_t host, const struct host_info *info,
			    struct err *err)
{
	int r = sqlite_do(s, "DELETE FROM capability WHERE host_id = ?1", ARGS(A_INT(host)), err);
	for (size_t i = 0; r >= 0 && i < info->n_capabilities; i++) {
		const struct capability *c = &info->capabilities[i];
		r = sqlite_do(s, "INSERT OR REPLACE INTO capability VALUES (?1, ?2, ?3, ?4, ?5)",
			      ARGS(A_INT(host), A_TEXT(c->name), A_INT(c->present),
				   A_TEXT(c->detail), A_TEXT(c->remedy)),
			      err);
	}
	return r;
}

static int put_host(struct sqlite_store *s, const struct host_info *host, struct err *err)
{
	autoreset sqlite3_stmt *row = NULL;
	uint64_t now_ns = clock_real_ns();
	int r = sqlite_do(s,
			  "INSERT INTO host (fingerprint, name, seen_ns) VALUES (?1, ?2, ?3)"
			  " ON CONFLICT (fingerprint) DO UPDATE SET name = ?2, seen_ns = ?3",
			  ARGS(A_TEXT(host->fingerprint), A_TEXT(host->name), A_U64(now_ns)), err);
	if (r < 0)
		return r;
	r = sqlite_query(s, "SELECT id FROM host WHERE fingerprint = ?1",
			 ARGS(A_TEXT(host->fingerprint)), &row, err);
	if (r <= 0)
		return r;
	int64_t id = sqlite3_column_int64(row, 0);
	for (size_t i = 0; r >= 0 && i < host->n_facts; i++)
		r = put_fact(s, id, &host->facts[i], now_ns, err);
	return r < 0 ? r : put_capabilities(s, id, host, err);
}

int sqlite_host(struct store *store, const struct host_info *host, struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	int r = sqlite_begin(s, err);
	if (r == 0)
		r = put_host(s, host, err);
	r = sqlite_end(s, r, err);
	return r < 0 ? r : 0;
}

int sqlite_host_id(struct sqlite_store *s, const char *host, int64_t *ret, struct err *err)
{
	autoreset sqlite3_stmt *row = NULL;
	int r = sqlite_query(s,
			     "SELECT id FROM host WHERE fingerprint = ?1 OR name = ?1"
			     " ORDER BY fingerprint = ?1 DESC, seen_ns DESC LIMIT 1",
			     ARGS(A_TEXT(host)), &row, err);
	if (r < 0)
		return r;
	if (r > 0) {
		*ret = sqlite3_column_int64(row, 0);
		return 0;
	}
	r = sqlite_do(s, "INSERT INTO host (fingerprint, name, seen_ns) VALUES (?1, ?1, ?2)",
		      ARGS(A_TEXT(host), A_U64(clock_real_ns())), err);
	if (r < 0)
		return r;
	*ret = sqlite3_last_insert_rowid(s->db);
	return 0;
}

static int last_sequence(struct sqlite_store *s, const char *agent, const char *epoch,
			 uint64_t *ret, struct err *err)
{
	autoreset sqlite3_stmt *row = NULL;
	int r = sqlite_query(s, "SELECT sequence FROM stream WHERE agent = ?1 AND epoch = ?2",
			     ARGS(A_TEXT(agent), A_TEXT(epoch)), &row, err);
	if (r < 0)
		return r;
	*ret = r > 0 ? sqlite_u64(row, 0) : 0;
	return 0;
}

int sqlite_stream_seen(struct sqlite_store *s, const struct store_stream *stream, bool *ret,
		       struct err *err)
{
	uint64_t last = 0;
	int r = stream ? last_sequence(s, stream->agent, stream->epoch, &last, err) : 0;
	if (r < 0)
		return r;
	*ret = stream && stream->sequence <= last;
	return 0;
}

int sqlite_stream_commit(struct sqlite_store *s, const struct store_stream *stream, struct err *err)
{
	if (!stream)
		return 0;
	if (stream->sequence == 1) { /* a new spool: what the old one left unfinished is dead */
		int r = sqlite_do(s, "DELETE FROM blob_part WHERE agent = ?1 AND epoch <> ?2",
				  ARGS(A_TEXT(stream->agent), A_TEXT(stream->epoch)), err);
		if (r < 0)
			return r;
	}
	int r = sqlite_do(
		s,
		"INSERT INTO stream VALUES (?1, ?2, ?3)"
		" ON CONFLICT (agent, epoch) DO UPDATE SET sequence = ?3",
		ARGS(A_TEXT(stream->agent), A_TEXT(stream->epoch), A_U64(stream->sequence)), err);
	return r < 0 ? r : 0;
}

int sqlite_skip(struct store *store, const struct store_stream *stream, struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	bool again = false;
	int r = sqlite_begin(s, err);
	if (r == 0)
		r = sqlite_stream_seen(s, stream, &again, err);
	if (r == 0 && !again)
		r = sqlite_stream_commit(s, stream, err);
	return sqlite_end(s, r, err);
}

int sqlite_sequence(struct store *store, const char *agent, const char *epoch, uint64_t *ret,
		    struct err *err)
{
	return last_sequence((struct sqlite_store *)store, agent, epoch, ret, err);
}
