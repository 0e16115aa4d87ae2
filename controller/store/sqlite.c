// SPDX-License-Identifier: GPL-3.0-or-later
/* sqlite - store back-end: one file, WAL, every commit on disk before it returns.
 *
 * Beside FILE lie FILE-wal and FILE-shm while it is open; all three belong together. Trap: WAL
 * needs shared memory between its users, so not on a network file system.
 * Source: sqlite.org/wal.html, sqlite.org/pragma.html. */
#include "controller/store/sqlite.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/mem.h"

enum { BUSY_TIMEOUT_MS = 5000 };

static void close_sqlite(struct store *store)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	if (!s)
		return;
	for (size_t i = 0; i < s->n_statements; i++)
		sqlite3_finalize(s->statements[i].stmt);
	sqlite3_close(s->db);
	sqlite_unclaim(s);
	free(s->path);
	free(s);
}

static inline void cleanup_opening(struct sqlite_store **s)
{
	if (*s)
		close_sqlite(&(*s)->base);
}

/* SQLite says only "unable to open database file" of all these. */
static int check_folder(const char *path, struct err *err)
{
	autofree char *folder = xstrdup(path);
	char *slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	if (access(slash ? folder : ".", W_OK | X_OK) == 0)
		return 0;
	return err_say(err, errno,
		       "%s: its folder cannot be written (%s), and SQLite keeps two files beside a "
		       "database; name one in a folder of yours with --db",
		       path, strerror(errno));
}

static int check_path(const char *path, bool create, struct err *err)
{
	struct stat st;
	if (stat(path, &st) < 0) {
		if (errno != ENOENT)
			return err_sys(err, errno, "open %s", path);
		if (create)
			return check_folder(path, err);
		return err_say(err, ENOENT,
			       "there is no database %s; 'assay run RECIPE' makes one, or name "
			       "another with --db",
			       path);
	}
	if (S_ISDIR(st.st_mode))
		return err_say(err, EISDIR, "%s is a folder; name a file in it with --db", path);
	if (!S_ISREG(st.st_mode))
		return err_say(err, EINVAL, "%s is not a file; name one with --db", path);
	if (access(path, R_OK | W_OK) < 0)
		return err_say(err, errno,
			       "%s cannot be read and written (%s); reading needs both; copy it "
			       "and name the copy with --db",
			       path, strerror(errno));
	return check_folder(path, err);
}

static int open_sqlite(const char *where, bool create, struct store **ret, struct err *err)
{
	__attribute__((cleanup(cleanup_opening))) struct sqlite_store *s = NULL;
	if (!*where)
		return err_say(err, EINVAL, "the database has no name; name a file with --db");
	int r = check_path(where, create, err);
	if (r < 0)
		return r;
	s = xcalloc(1, sizeof(*s));
	s->base.backend = &store_sqlite;
	s->path = xstrdup(where);
	/* SQLite takes ":memory:" and the like for something else than files. */
	autofree char *path = where[0] == ':' ? xasprintf("./%s", where) : xstrdup(where);
	int rc = sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (rc != SQLITE_OK)
		return sqlite_error(s, rc, err);
	sqlite3_extended_result_codes(s->db, 1);
	sqlite3_busy_timeout(s->db, BUSY_TIMEOUT_MS);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	r = sqlite_migrate(s, sqlite_migrations, sqlite_n_migrations, err);
	if (r < 0)
		return r;
	*ret = &take(s)->base;
	return 0;
}

const struct store_backend store_sqlite = {
	.name = "sqlite",
	.scheme = "sqlite:",
	.open = open_sqlite,
	.close = close_sqlite,
	.host = sqlite_host,
	.create = sqlite_create,
	.claim = sqlite_claim,
	.campaign_state = sqlite_campaign_state,
	.campaign = sqlite_campaign,
	.campaigns = sqlite_campaigns,
	.runs = sqlite_runs,
	.lease = sqlite_lease,
	.begun = sqlite_begun,
	.ended = sqlite_ended,
	.blob_chunk = sqlite_blob_chunk,
	.skip_record = sqlite_skip,
	.sequence = sqlite_sequence,
	.run_state = sqlite_run_state,
	.agree = sqlite_agree,
	.results = sqlite_results,
	.attempts = sqlite_attempts,
	.blob = sqlite_blob,
	.artifact = sqlite_artifact,
	.expected_ns = sqlite_expected_ns,
};
