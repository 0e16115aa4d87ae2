// SPDX-License-Identifier: GPL-3.0-or-later
/* sqlite - what the files of this back-end share: statements, arguments with types, transactions,
 * migrations. Private to sqlite*.c and its tests. */
#ifndef ASSAY_STORE_SQLITE_H
#define ASSAY_STORE_SQLITE_H

#include <sqlite3.h>

#include "controller/store/store.h"

enum { SQLITE_STATEMENTS = 96 }; /* more than the back-end has; asserted */

struct sqlite_statement {
	const char *sql; /* the literal itself: found again by its address */
	sqlite3_stmt *stmt;
};

struct sqlite_store {
	struct store base;
	sqlite3 *db;	  /* owned */
	char *path;	  /* as the user named it; owned */
	char *claim_path; /* of the lock that is held; owned; NULL: none */
	int claim_fd;	  /* only where there is one */
	struct sqlite_statement statements[SQLITE_STATEMENTS];
	size_t n_statements;
};

/* Arguments of a statement, ?1 first. Texts are made UTF-8. */
enum sqlite_kind {
	SQLITE_ARG_END,
	SQLITE_ARG_NULL,
	SQLITE_ARG_INT,
	SQLITE_ARG_REAL,
	SQLITE_ARG_TEXT,
	SQLITE_ARG_BLOB
};
struct sqlite_arg {
	enum sqlite_kind kind;
	int64_t integer;
	double real;
	const void *bytes; /* text, blob; borrowed for the call. A text that is NULL is NULL */
	size_t size;	   /* blob */
};

#define A_NULL	     ((struct sqlite_arg){.kind = SQLITE_ARG_NULL})
#define A_INT(i)     ((struct sqlite_arg){.kind = SQLITE_ARG_INT, .integer = (i)})
#define A_U64(u)     ((struct sqlite_arg){.kind = SQLITE_ARG_INT, .integer = sqlite_saturate(u)})
#define A_REAL(d)    ((struct sqlite_arg){.kind = SQLITE_ARG_REAL, .real = (d)})
#define A_TEXT(s)    ((struct sqlite_arg){.kind = SQLITE_ARG_TEXT, .bytes = (s)})
#define A_BLOB(p, n) ((struct sqlite_arg){.kind = SQLITE_ARG_BLOB, .bytes = (p), .size = (n)})
#define ARGS(...)    ((const struct sqlite_arg[]){__VA_ARGS__, {.kind = SQLITE_ARG_END}})

/* SQLite's integers have a sign; nothing honest reaches 2^63. */
static inline int64_t sqlite_saturate(uint64_t u)
{
	return u > INT64_MAX ? INT64_MAX : (int64_t)u;
}

static inline uint64_t sqlite_u64(sqlite3_stmt *stmt, int column)
{
	sqlite3_int64 i = sqlite3_column_int64(stmt, column);
	return i < 0 ? 0 : (uint64_t)i;
}

static inline const char *sqlite_text(sqlite3_stmt *stmt, int column)
{
	return (const char *)sqlite3_column_text(stmt, column);
}

static inline void cleanup_sqlite_reset(sqlite3_stmt **stmt)
{
	if (*stmt)
		sqlite3_reset(*stmt);
}
/* A cached statement that is being walked; done with at the end of its scope. */
#define autoreset __attribute__((cleanup(cleanup_sqlite_reset)))

/* sql: a string literal (cached by address). Binds and steps once: 1 a row, 0 none, or an error.
 * The caller holds *ret in an autoreset variable and goes on with sqlite_next(). */
int sqlite_query(struct sqlite_store *s, const char *sql, const struct sqlite_arg *args,
		 sqlite3_stmt **ret, struct err *err);
int sqlite_next(struct sqlite_store *s, sqlite3_stmt *stmt, struct err *err);
/* A statement that gives no rows. Returns how many rows it changed. */
int sqlite_do(struct sqlite_store *s, const char *sql, const struct sqlite_arg *args,
	      struct err *err);
/* Statements that are run once: pragmas, schemas. */
int sqlite_exec(struct sqlite_store *s, const char *sql, struct err *err);

/* r = sqlite_begin(); if (r == 0) r = work(); return sqlite_end(s, r, err): commits where r >= 0,
 * else takes all of it back and returns r. Writers wait for each other at begin. */
int sqlite_begin(struct sqlite_store *s, struct err *err);
int sqlite_end(struct sqlite_store *s, int r, struct err *err);

/* What SQLite said last, as a code and a sentence that names the file and the remedy. */
int sqlite_error(struct sqlite_store *s, int rc, struct err *err);

/* Migrations go forward, one step a version, all in one transaction. */
struct sqlite_migration {
	int version; /* the file's after it; steps are in order, without gaps, from 1 */
	const char *why;
	const char *sql;
};
extern const struct sqlite_migration sqlite_migrations[];
extern const size_t sqlite_n_migrations;
extern const char sqlite_schema_1[];
enum { SQLITE_APPLICATION_ID = 0x61737379 }; /* "assy": file(1) and others tell it by this */

/* Refuses files that are not ours or are newer than the last step; makes new ones. */
int sqlite_migrate(struct sqlite_store *s, const struct sqlite_migration *steps, size_t n,
		   struct err *err);

/* The row's id, -ENOENT with a sentence where there is none. */
int sqlite_run_id(struct sqlite_store *s, const char *campaign, const char *run_key, int64_t *ret,
		  struct err *err);

int sqlite_host(struct store *store, const struct host_info *host, struct err *err);
/* The row's id; a host that is not known by fingerprint or name is made. */
int sqlite_host_id(struct sqlite_store *s, const char *host, int64_t *ret, struct err *err);

/* Whether the record was committed before; else room for it is made with sqlite_stream_commit(),
 * in the same transaction. */
int sqlite_stream_seen(struct sqlite_store *s, const struct store_stream *stream, bool *ret,
		       struct err *err);
int sqlite_stream_commit(struct sqlite_store *s, const struct store_stream *stream,
			 struct err *err);
int sqlite_skip(struct store *store, const struct store_stream *stream, struct err *err);
int sqlite_sequence(struct store *store, const char *agent, const char *epoch, uint64_t *ret,
		    struct err *err);

int sqlite_create(struct store *store, const struct store_campaign *campaign,
		  struct store_run *runs, size_t n, struct err *err);
int sqlite_claim(struct store *store, const char *campaign, struct err *err);
void sqlite_unclaim(struct sqlite_store *s); /* where nothing is claimed: nothing happens */
int sqlite_campaign_state(struct store *store, const char *id, enum campaign_state state,
			  struct err *err);
int sqlite_campaign(struct store *store, const char *id, struct store_campaign *ret,
		    struct err *err);
int sqlite_campaigns(struct store *store,
		     int (*each)(const struct store_campaign *, const size_t counts[3], void *arg),
		     void *arg, struct err *err);
int sqlite_runs(struct store *store, const char *campaign, struct store_run **ret, size_t *ret_n,
		struct err *err);
int sqlite_run_state(struct store *store, const char *campaign, const char *run_key,
		     enum store_run_state state, struct err *err);
int sqlite_agree(struct store *store, const char *campaign, const char *check, const char *value,
		 const char *run_key, char **ret_first, char **ret_first_key, struct err *err);

int sqlite_lease(struct store *store, const char *campaign, const char *run_key, const char *agent,
		 uint32_t *ret_attempt, struct err *err);
int sqlite_begun(struct store *store, const struct store_stream *stream,
		 const struct attempt *attempt, const char *host, bool *ret_again, struct err *err);
int sqlite_ended(struct store *store, const struct store_stream *stream,
		 const struct attempt *attempt, const char *host, bool *ret_again, struct err *err);
/* Deletes and writes again what hangs on an attempt. */
int sqlite_put_facts(struct sqlite_store *s, int64_t id, const struct attempt *a, struct err *err);
int sqlite_put_details(struct sqlite_store *s, int64_t id, const struct attempt *a,
		       struct err *err);

int sqlite_blob_put(struct sqlite_store *s, const char *sha256, const void *bytes, size_t size,
		    struct err *err);
int sqlite_blob_chunk(struct store *store, const struct store_stream *stream, const char *sha256,
		      uint64_t total_bytes, uint64_t offset_bytes, const void *bytes, size_t size,
		      bool *ret_again, struct err *err);
int sqlite_blob(struct store *store, const char *sha256, void **ret, size_t *ret_size,
		struct err *err);
int sqlite_artifact(struct store *store, const char *campaign, const char *run_key,
		    uint32_t attempt, const char *name, char ret_sha256[HASH_HEX_SIZE],
		    struct err *err);

int sqlite_results(struct store *store, const char *campaign,
		   int (*each)(const struct store_result *, void *arg), void *arg, struct err *err);
int sqlite_attempts(struct store *store, const char *campaign,
		    int (*each)(const struct store_attempt *, void *arg), void *arg,
		    struct err *err);
int sqlite_expected_ns(struct store *store, const char *recipe, const char *cell, uint64_t *ret_ns,
		       struct err *err);

#endif
