// SPDX-License-Identifier: GPL-3.0-or-later
/* The version of a file's schema (PRAGMA user_version) and the steps that bring it forward.
 *
 * All steps that a file needs happen in one transaction: it is the old version or the new one,
 * nothing between. There is no way back; an older program refuses a newer file in words. */
#include "controller/store/sqlite.h"

#include <errno.h>
#include <inttypes.h>

#include "proto/base/mem.h"

const struct sqlite_migration sqlite_migrations[] = {
	{1, "the first schema", sqlite_schema_1},
};
const size_t sqlite_n_migrations = ARRAY_SIZE(sqlite_migrations);

struct identity {
	int64_t application;
	int64_t version;
	int64_t objects; /* tables and the like */
};

/* A value of the file itself: not cached, since pragmas are compiled against the schema. */
static int ask(struct sqlite_store *s, const char *sql, int64_t *ret, struct err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL);
	if (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
		*ret = sqlite3_column_int64(stmt, 0);
		rc = SQLITE_OK;
	}
	int r = rc == SQLITE_OK ? 0 : sqlite_error(s, rc, err);
	sqlite3_finalize(stmt);
	return r;
}

static int identify(struct sqlite_store *s, struct identity *ret, struct err *err)
{
	int r = ask(s, "PRAGMA application_id", &ret->application, err);
	if (r == 0)
		r = ask(s, "PRAGMA user_version", &ret->version, err);
	if (r == 0)
		r = ask(s, "SELECT count(*) FROM sqlite_master", &ret->objects, err);
	return r;
}

static int refuse(struct sqlite_store *s, const struct identity *id, size_t newest, struct err *err)
{
	bool fresh = id->application == 0 && id->version == 0 && id->objects == 0;
	if (!fresh && id->application != SQLITE_APPLICATION_ID)
		return err_say(err, EINVAL,
			       "%s is an SQLite database, but not one of assay's (application id "
			       "0x%08" PRIx64 "); name another file with --db",
			       s->path, (uint64_t)id->application & 0xffffffff);
	if (id->version < 0 || (uint64_t)id->version > newest)
		return err_say(err, EPROTONOSUPPORT,
			       "%s has schema version %" PRId64
			       ", and this assay knows versions up to %zu; use the assay that "
			       "wrote it or a newer one, or name another file with --db",
			       s->path, id->version, newest);
	return 0;
}

static int step_up(struct sqlite_store *s, const struct sqlite_migration *steps, size_t n,
		   struct err *err)
{
	struct identity id;
	char pragmas[100];
	int r = identify(s, &id, err); /* again: another program may have been faster */
	if (r == 0)
		r = refuse(s, &id, n, err);
	for (size_t i = (size_t)(r == 0 ? id.version : 0); r == 0 && i < n; i++) {
		r = sqlite_exec(s, steps[i].sql, err);
		if (r < 0)
			return err_wrap(err, "migrate %s to schema version %d (%s)", s->path,
					steps[i].version, steps[i].why);
	}
	if (r < 0)
		return r;
	snprintf(pragmas, sizeof(pragmas), "PRAGMA application_id = %d; PRAGMA user_version = %zu",
		 SQLITE_APPLICATION_ID, n);
	return sqlite_exec(s, pragmas, err);
}

int sqlite_migrate(struct sqlite_store *s, const struct sqlite_migration *steps, size_t n,
		   struct err *err)
{
	struct identity id;
	int r = identify(s, &id, err);
	if (r == 0)
		r = refuse(s, &id, n, err);
	if (r < 0)
		return r;
	/* Only a file that is ours is changed. The mode stays with it; a second opener is told
	 * so at once. */
	r = sqlite_exec(s,
			"PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			"PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF",
			err);
	if (r < 0 || (size_t)id.version == n)
		return r;
	r = sqlite_begin(s, err);
	if (r == 0)
		r = step_up(s, steps, n, err);
	return sqlite_end(s, r, err);
}
