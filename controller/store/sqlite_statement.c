// SPDX-License-Identifier: GPL-3.0-or-later
/* Statements, prepared once and found again by the address of their text; transactions; and what
 * SQLite's codes mean to a user.
 *
 * Trap: after SQLITE_FULL or SQLITE_IOERR SQLite may have rolled back by itself already. */
#include "controller/store/sqlite.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/base/utf8.h"

static int say_full(struct sqlite_store *s, struct err *err)
{
	return err_say(err, ENOSPC,
		       "%s: its disk is full; nothing acknowledged is lost; make room and go on "
		       "with 'assay run --resume CAMPAIGN'",
		       s->path);
}

static int say_io(struct sqlite_store *s, struct err *err)
{
	int code = s->db ? sqlite3_system_errno(s->db) : 0;
	if (code == ENOSPC || code == EDQUOT)
		return say_full(s, err);
	return err_say(
		err, EIO, "%s cannot be read or written: %s%s%s; nothing acknowledged is lost",
		s->path, sqlite3_errmsg(s->db), code ? ": " : "", code ? strerror(code) : "");
}

int sqlite_error(struct sqlite_store *s, int rc, struct err *err)
{
	switch (rc & 0xff) {
	case SQLITE_FULL:
		return say_full(s, err);
	case SQLITE_IOERR:
		return say_io(s, err);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return err_say(err, EBUSY,
			       "%s: another program has kept it locked for more than 5 s; end that "
			       "one first",
			       s->path);
	case SQLITE_READONLY:
	case SQLITE_CANTOPEN:
		return err_say(err, EROFS,
			       "%s, or a file beside it, cannot be written (%s); copy it to a "
			       "folder of yours and name that with --db",
			       s->path, sqlite3_errmsg(s->db));
	case SQLITE_NOTADB:
		return err_say(err, EINVAL,
			       "%s is not an SQLite database; name another file with --db",
			       s->path);
	case SQLITE_CORRUPT:
		return err_say(
			err, EUCLEAN,
			"%s is damaged (%s); `sqlite3 FILE .recover` saves what can be saved",
			s->path, sqlite3_errmsg(s->db));
	case SQLITE_CONSTRAINT:
		return err_say(err, EEXIST, "%s: %s", s->path, sqlite3_errmsg(s->db));
	case SQLITE_TOOBIG:
		return err_say(err, EFBIG, "%s: a value is larger than SQLite holds", s->path);
	default:
		return err_say(err, EIO, "%s: %s", s->path, sqlite3_errmsg(s->db));
	}
}

static int prepare(struct sqlite_store *s, const char *sql, sqlite3_stmt **ret, struct err *err)
{
	for (size_t i = 0; i < s->n_statements; i++) {
		if (s->statements[i].sql == sql) {
			*ret = s->statements[i].stmt;
			return 0;
		}
	}
	assert(s->n_statements < SQLITE_STATEMENTS);
	struct sqlite_statement *slot = &s->statements[s->n_statements];
	int rc = sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &slot->stmt, NULL);
	if (rc != SQLITE_OK)
		return sqlite_error(s, rc, err);
	slot->sql = sql;
	s->n_statements++;
	*ret = slot->stmt;
	return 0;
}

static int bind_text(sqlite3_stmt *stmt, int i, const char *text)
{
	autofree char *copy = NULL;
	if (!text)
		return sqlite3_bind_null(stmt, i);
	return sqlite3_bind_text(stmt, i, utf8_clean(text, &copy), -1, SQLITE_TRANSIENT);
}

static int bind(sqlite3_stmt *stmt, int i, const struct sqlite_arg *arg)
{
	switch (arg->kind) {
	case SQLITE_ARG_INT:
		return sqlite3_bind_int64(stmt, i, arg->integer);
	case SQLITE_ARG_REAL:
		return sqlite3_bind_double(stmt, i, arg->real);
	case SQLITE_ARG_TEXT:
		return bind_text(stmt, i, arg->bytes);
	case SQLITE_ARG_BLOB: /* bytes outlive the step: sqlite_do() resets before it returns */
		return sqlite3_bind_blob64(stmt, i, arg->size ? arg->bytes : "", arg->size,
					   SQLITE_STATIC);
	default:
		return sqlite3_bind_null(stmt, i);
	}
}

int sqlite_next(struct sqlite_store *s, sqlite3_stmt *stmt, struct err *err)
{
	int rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : sqlite_error(s, rc, err);
}

int sqlite_query(struct sqlite_store *s, const char *sql, const struct sqlite_arg *args,
		 sqlite3_stmt **ret, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int r = prepare(s, sql, &stmt, err);
	if (r < 0)
		return r;
	sqlite3_reset(stmt);
	*ret = stmt; /* reset by the caller even if it never gave a row */
	for (int i = 0; args && args[i].kind != SQLITE_ARG_END; i++) {
		int rc = bind(stmt, i + 1, &args[i]);
		if (rc != SQLITE_OK)
			return sqlite_error(s, rc, err);
	}
	return sqlite_next(s, stmt, err);
}

int sqlite_do(struct sqlite_store *s, const char *sql, const struct sqlite_arg *args,
	      struct err *err)
{
	autoreset sqlite3_stmt *stmt = NULL;
	int r = sqlite_query(s, sql, args, &stmt, err);
	if (r < 0)
		return r;
	sqlite3_reset(stmt);
	sqlite3_clear_bindings(stmt); /* static blobs end with this call */
	return sqlite3_changes(s->db);
}

int sqlite_exec(struct sqlite_store *s, const char *sql, struct err *err)
{
	int rc = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? 0 : sqlite_error(s, rc, err);
}

int sqlite_begin(struct sqlite_store *s, struct err *err)
{
	int r = sqlite_do(s, "BEGIN IMMEDIATE", NULL, err);
	return r < 0 ? r : 0;
}

int sqlite_end(struct sqlite_store *s, int r, struct err *err)
{
	if (r >= 0) {
		int committed = sqlite_do(s, "COMMIT", NULL, err);
		if (committed >= 0)
			return r;
		r = committed;
	}
	if (!sqlite3_get_autocommit(s->db))
		sqlite_do(s, "ROLLBACK", NULL, NULL); /* err says already what went wrong */
	return r;
}
