// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/spool.h"

#include <errno.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/file.h"
#include "proto/base/mem.h"

struct spool {
	sqlite3 *db;
	char *path;
	char epoch[ULID_SIZE];
	pthread_mutex_t lock;
	uint64_t last;	       /* given out */
	uint64_t acknowledged; /* committed elsewhere */
	uint64_t deleted;      /* of those, gone from the file */
};

static const char schema[] =
	"PRAGMA journal_mode=WAL;"
	"PRAGMA synchronous=FULL;"
	"CREATE TABLE IF NOT EXISTS spool(key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;"
	"CREATE TABLE IF NOT EXISTS record(sequence INTEGER PRIMARY KEY AUTOINCREMENT,"
	" kind INTEGER NOT NULL, body BLOB NOT NULL);"
	"CREATE TABLE IF NOT EXISTS open_attempt(campaign TEXT, run_key TEXT, attempt INTEGER,"
	" body BLOB NOT NULL, PRIMARY KEY(campaign, run_key, attempt)) WITHOUT ROWID;";

static int db_error(struct spool *s, struct err *err, const char *what)
{
	int code = sqlite3_errcode(s->db) & 0xff;
	int as_errno = code == SQLITE_FULL ? ENOSPC : code == SQLITE_BUSY ? EBUSY : EIO;
	/* "disk I/O error" says little; the system call that failed says it */
	int system_errno = code == SQLITE_IOERR ? sqlite3_system_errno(s->db) : 0;
	return err_say(err, system_errno ? system_errno : as_errno, "%s in the spool %s: %s%s%s",
		       what, s->path, sqlite3_errmsg(s->db), system_errno ? ": " : "",
		       system_errno ? strerror(system_errno) : "");
}

static int db_exec(struct spool *s, const char *sql, struct err *err)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) == SQLITE_OK ? 0
								       : db_error(s, err, "write");
}

static void finalize(sqlite3_stmt **statement)
{
	sqlite3_finalize(*statement);
}
#define autostatement __attribute__((cleanup(finalize)))

static int prepare(struct spool *s, const char *sql, sqlite3_stmt **ret, struct err *err)
{
	if (sqlite3_prepare_v2(s->db, sql, -1, ret, NULL) != SQLITE_OK)
		return db_error(s, err, "prepare");
	return 0;
}

static int step_done(struct spool *s, sqlite3_stmt *statement, struct err *err)
{
	return sqlite3_step(statement) == SQLITE_DONE ? 0 : db_error(s, err, "write");
}

static int load_epoch(struct spool *s, struct err *err)
{
	autostatement sqlite3_stmt *get = NULL, *set = NULL;
	if (prepare(s, "SELECT value FROM spool WHERE key='epoch'", &get, err) < 0)
		return err_code(err);
	if (sqlite3_step(get) == SQLITE_ROW &&
	    ulid_valid((const char *)sqlite3_column_text(get, 0))) {
		STRCPY_FIXED(s->epoch, (const char *)sqlite3_column_text(get, 0));
		return 0;
	}
	ulid_make(s->epoch);
	if (prepare(s, "INSERT OR REPLACE INTO spool VALUES('epoch', ?)", &set, err) < 0)
		return err_code(err);
	sqlite3_bind_text(set, 1, s->epoch, -1, SQLITE_STATIC);
	return step_done(s, set, err);
}

static int query_u64(struct spool *s, const char *sql, uint64_t *ret, struct err *err)
{
	autostatement sqlite3_stmt *q = NULL;
	if (prepare(s, sql, &q, err) < 0)
		return err_code(err);
	*ret = sqlite3_step(q) == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(q, 0) : 0;
	return 0;
}

static int load_sequences(struct spool *s, struct err *err)
{
	uint64_t first;
	if (query_u64(s, "SELECT seq FROM sqlite_sequence WHERE name='record'", &s->last, err) <
		    0 ||
	    query_u64(s, "SELECT coalesce(min(sequence), 0) FROM record", &first, err) < 0)
		return err_code(err);
	s->acknowledged = s->deleted = first ? first - 1 : s->last;
	return 0;
}

int spool_open(const char *path, struct spool **ret, struct err *err)
{
	autoclean(spool) struct spool *s = xcalloc(1, sizeof(*s));
	s->path = xstrdup(path);
	pthread_mutex_init(&s->lock, NULL);
	if (sqlite3_open(path, &s->db) != SQLITE_OK)
		return db_error(s, err, "open");
	sqlite3_busy_timeout(s->db, 5000);
	sqlite3_extended_result_codes(s->db, 0);
	if (db_exec(s, schema, err) < 0 || load_epoch(s, err) < 0 || load_sequences(s, err) < 0)
		return err_code(err);
	*ret = take(s);
	return 0;
}

const char *spool_epoch(const struct spool *s)
{
	return s->epoch;
}

static int insert_record(struct spool *s, enum record_kind kind, const void *body, size_t size,
			 struct err *err)
{
	autostatement sqlite3_stmt *q = NULL;
	if (prepare(s, "INSERT INTO record(kind, body) VALUES(?, ?)", &q, err) < 0)
		return err_code(err);
	sqlite3_bind_int(q, 1, (int)kind);
	sqlite3_bind_blob64(q, 2, body, size, SQLITE_STATIC);
	return step_done(s, q, err);
}

static int insert_attempt(struct spool *s, enum record_kind kind, const struct attempt *a,
			  struct err *err)
{
	autofree void *body = NULL;
	size_t size;
	record_encode_attempt(a, &body, &size);
	return insert_record(s, kind, body, size, err);
}

static int insert_blob(struct spool *s, const struct artifact *a, struct err *err)
{
	for (uint64_t offset = 0; a->bytes && offset < a->size_bytes;
	     offset += WIRE_BLOB_CHUNK_BYTES) {
		struct blob_chunk chunk = {
			.total_bytes = a->size_bytes,
			.offset_bytes = offset,
			.bytes = (char *)a->bytes + offset,
			.size = WIRE_BLOB_CHUNK_BYTES,
		};
		if (chunk.size > a->size_bytes - offset)
			chunk.size = a->size_bytes - offset;
		STRCPY_FIXED(chunk.sha256, a->sha256);
		autofree void *body = NULL;
		size_t size;
		record_encode_blob(&chunk, &body, &size);
		if (insert_record(s, RECORD_BLOB, body, size, err) < 0)
			return err_code(err);
	}
	return 0;
}

static int mark_open(struct spool *s, const struct attempt *a, struct err *err)
{
	autostatement sqlite3_stmt *q = NULL;
	autofree void *body = NULL;
	size_t size;
	if (prepare(s, "INSERT OR REPLACE INTO open_attempt VALUES(?, ?, ?, ?)", &q, err) < 0)
		return err_code(err);
	record_encode_attempt(a, &body, &size);
	sqlite3_bind_text(q, 1, a->campaign, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 2, a->run_key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, a->attempt);
	sqlite3_bind_blob64(q, 4, body, size, SQLITE_STATIC);
	return step_done(s, q, err);
}

static int mark_closed(struct spool *s, const struct attempt *a, struct err *err)
{
	autostatement sqlite3_stmt *q = NULL;
	if (prepare(s, "DELETE FROM open_attempt WHERE campaign=? AND run_key=? AND attempt=?", &q,
		    err) < 0)
		return err_code(err);
	sqlite3_bind_text(q, 1, a->campaign, -1, SQLITE_STATIC);
	sqlite3_bind_text(q, 2, a->run_key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 3, a->attempt);
	return step_done(s, q, err);
}

static int delete_acknowledged(struct spool *s, struct err *err)
{
	autostatement sqlite3_stmt *q = NULL;
	if (s->deleted == s->acknowledged)
		return 0;
	if (prepare(s, "DELETE FROM record WHERE sequence<=?", &q, err) < 0)
		return err_code(err);
	sqlite3_bind_int64(q, 1, (sqlite3_int64)s->acknowledged);
	return step_done(s, q, err);
}

static int write_begin(struct spool *s, const struct attempt *a, struct err *err)
{
	if (delete_acknowledged(s, err) < 0 || mark_open(s, a, err) < 0)
		return err_code(err);
	return insert_attempt(s, RECORD_BEGUN, a, err);
}

static int write_end(struct spool *s, const struct attempt *a, struct err *err)
{
	if (delete_acknowledged(s, err) < 0 || mark_closed(s, a, err) < 0)
		return err_code(err);
	for (size_t i = 0; i < a->n_artifacts; i++)
		if (insert_blob(s, &a->artifacts[i], err) < 0)
			return err_code(err);
	return insert_attempt(s, RECORD_ENDED, a, err);
}

typedef int write_f(struct spool *s, const struct attempt *a, struct err *err);

static int commit(struct spool *s, write_f *write, const struct attempt *a, struct err *err)
{
	if (db_exec(s, "BEGIN IMMEDIATE", err) < 0)
		return err_code(err);
	if (write(s, a, err) < 0 || db_exec(s, "COMMIT", err) < 0) {
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
		return err_code(err);
	}
	s->deleted = s->acknowledged;
	return query_u64(s, "SELECT seq FROM sqlite_sequence WHERE name='record'", &s->last, err);
}

static int locked_commit(struct spool *s, write_f *write, const struct attempt *a, struct err *err)
{
	struct err local = ERR_NONE;
	pthread_mutex_lock(&s->lock);
	int r = commit(s, write, a, &local);
	pthread_mutex_unlock(&s->lock);
	if (r < 0 && err)
		*err = local;
	return r;
}

int spool_begin(struct spool *s, const struct attempt *a, struct err *err)
{
	return locked_commit(s, write_begin, a, err);
}

int spool_end(struct spool *s, const struct attempt *a, struct err *err)
{
	return locked_commit(s, write_end, a, err);
}

static int read_next(struct spool *s, uint64_t sequence, struct msg_record *ret, struct err *err)
{
	autostatement sqlite3_stmt *q = NULL;
	if (prepare(s,
		    "SELECT sequence, kind, body FROM record WHERE sequence>?"
		    " ORDER BY sequence LIMIT 1",
		    &q, err) < 0)
		return err_code(err);
	sqlite3_bind_int64(q, 1, (sqlite3_int64)sequence);
	int r = sqlite3_step(q);
	if (r == SQLITE_DONE)
		return err_say(err, ENOENT, "the spool has nothing after %llu",
			       (unsigned long long)sequence);
	if (r != SQLITE_ROW)
		return db_error(s, err, "read");
	*ret = (struct msg_record){
		.sequence = (uint64_t)sqlite3_column_int64(q, 0),
		.kind = (enum record_kind)sqlite3_column_int(q, 1),
		.body_size = (size_t)sqlite3_column_bytes(q, 2),
	};
	STRCPY_FIXED(ret->epoch, s->epoch);
	ret->body = xmemdup(sqlite3_column_blob(q, 2), ret->body_size);
	return 0;
}

int spool_next(struct spool *s, uint64_t sequence, struct msg_record *ret, struct err *err)
{
	pthread_mutex_lock(&s->lock);
	if (sequence < s->acknowledged)
		sequence = s->acknowledged;
	int r = read_next(s, sequence, ret, err);
	pthread_mutex_unlock(&s->lock);
	return r;
}

void spool_acknowledge(struct spool *s, uint64_t sequence)
{
	pthread_mutex_lock(&s->lock);
	if (sequence > s->acknowledged && sequence <= s->last)
		s->acknowledged = sequence;
	pthread_mutex_unlock(&s->lock);
}

uint64_t spool_last(struct spool *s)
{
	pthread_mutex_lock(&s->lock);
	uint64_t last = s->last;
	pthread_mutex_unlock(&s->lock);
	return last;
}

uint64_t spool_pending(struct spool *s)
{
	pthread_mutex_lock(&s->lock);
	uint64_t pending = s->last - s->acknowledged;
	pthread_mutex_unlock(&s->lock);
	return pending;
}

/* One open attempt, as it was when it began. */
static int read_open(struct spool *s, struct attempt **ret, struct err *err)
{
	autostatement sqlite3_stmt *q = NULL;
	if (prepare(s, "SELECT body FROM open_attempt LIMIT 1", &q, err) < 0)
		return err_code(err);
	if (sqlite3_step(q) != SQLITE_ROW) {
		*ret = NULL;
		return 0;
	}
	return record_decode_attempt(sqlite3_column_blob(q, 0), (size_t)sqlite3_column_bytes(q, 0),
				     ret, err);
}

int spool_end_interrupted(struct spool *s, size_t *ret_count, struct err *err)
{
	*ret_count = 0;
	for (;;) {
		autoclean(attempt) struct attempt *a = NULL;
		pthread_mutex_lock(&s->lock);
		int r = read_open(s, &a, err);
		pthread_mutex_unlock(&s->lock);
		if (r < 0 || !a)
			return r;
		attempt_reason(a, VERDICT_INVALID, "agent-lost",
			       "the agent was killed in the middle of this attempt");
		a->reached = RUN_RUNNING;
		clock_bracket(&a->ended);
		if (spool_end(s, a, err) < 0)
			return err_code(err);
		(*ret_count)++;
	}
}

/* What is committed elsewhere must not look as if it were not when the file is opened again: the
 * database may be another one by then. Failing is harmless, replays are ignored. */
void spool_close(struct spool *s)
{
	if (!s)
		return;
	if (s->db)
		delete_acknowledged(s, NULL);
	sqlite3_close(s->db);
	pthread_mutex_destroy(&s->lock);
	free(s->path);
	free(s);
}
