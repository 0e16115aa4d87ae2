// SPDX-License-Identifier: GPL-3.0-or-later
/* What only the SQLite back-end has: the file, its views, its versions, and what it refuses. The
 * views are read through a connection of the test's own, as users do. */
#include "tests/controller/store/sample.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "controller/store/sqlite.h"

static struct store *open_new(const char *path)
{
	struct err space = ERR_NONE, *err = &space;
	struct store *s = NULL;
	ASSERT_OK(store_open(path, true, &s, err));
	return s;
}

/* One value of the file, as text; owned. */
static char *ask(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *row = NULL;
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, sql, -1, &row, NULL) != SQLITE_OK)
		fail_msg("%s: %s", sql, sqlite3_errmsg(db));
	char *value = NULL;
	if (sqlite3_step(row) == SQLITE_ROW)
		value = xstrdup((const char *)sqlite3_column_text(row, 0));
	sqlite3_finalize(row);
	sqlite3_close(db);
	return value ? value : xstrdup("NULL");
}

static void assert_says(const char *path, const char *sql, const char *expect)
{
	autofree char *value = ask(path, sql);
	if (strcmp(value, expect) != 0)
		fail_msg("%s: '%s', not '%s'", sql, value, expect);
}

static void change(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	char *why = NULL;
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
		fail_msg("%s: %s", sql, why);
	sqlite3_close(db);
}

static void views_have_the_promised_columns(void **state)
{
	(void)state;
	autofolder char *folder = sample_folder();
	autofree char *path = file_join(folder, "db");
	store_close(open_new(path));
	static const struct {
		const char *table, *columns; /* what is after them may grow */
	} cases[] = {
		{"results", "campaign,host,axes,iteration,attempt,warmup,window,metric,scope,value,"
			    "unit,verdict,reasons,source,running_share,uncertainty,note,run_key"},
		{"absent", "campaign,host,axes,iteration,attempt,warmup,window,metric,scope,unit,"
			   "note,verdict,run_key"},
		{"attempts", "campaign,host,axes,iteration,attempt,warmup,state,verdict,reasons,"
			     "accepted"},
		{"campaign", "id,name,created_ns,seed,state,recipe"},
		{"artifacts", "campaign,axes,iteration,attempt,warmup,name,sha256,size_bytes,"
			      "missing,run_key"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *sql = xasprintf(
			"SELECT group_concat(name, ',') FROM pragma_table_info('%s')",
			cases[i].table);
		autofree char *columns = ask(path, sql);
		if (!text_starts(columns, cases[i].columns))
			fail_msg("%s: %s", cases[i].table, columns);
	}
	static const char *const tables[] = {
		"host",	  "fact",     "campaign", "cell",      "run",	  "attempt",
		"window", "series",   "chunk",	  "event",     "blob",	  "reason",
		"mark",	  "artifact", "stream",	  "agreement", "reading",
	};
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		autofree char *sql = xasprintf("SELECT count(*) FROM %s", tables[i]);
		assert_says(path, sql, "0");
	}
	assert_says(path, "PRAGMA journal_mode", "wal");
	assert_says(path, "PRAGMA user_version", "1");
}

static void views_show_a_run_once(void **state)
{
	struct err space = ERR_NONE, *err = &space;
	autofolder char *folder = sample_folder();
	autofree char *path = file_join(folder, "db");
	autoclean(store) struct store *s = open_new(path);
	uint32_t number;
	bool again;
	char key[HASH_HEX_SIZE];
	(void)state;
	ASSERT_OK(sample_host(s, err));
	ASSERT_OK(sample_create(s, CAMPAIGN, 4, err));
	ASSERT_OK(sample_end(s, CAMPAIGN, 1, 1, 1, VERDICT_VALID, NULL, &again, err));
	ASSERT_OK(sample_end(s, CAMPAIGN, 1, 2, 2, VERDICT_INVALID, "timeout", &again, err));
	ASSERT_OK(sample_end(s, CAMPAIGN, 2, 1, 3, VERDICT_INVALID, "timeout", &again, err));
	sample_key(3, key);
	ASSERT_OK(s->backend->lease(s, CAMPAIGN, key, "agent-1", &number, err));
	/* while the store is open: readers are welcome */
	assert_says(path, "SELECT count(*) FROM results", "4");
	assert_says(path, "SELECT count(DISTINCT run_key) FROM results", "2");
	assert_says(path, "SELECT count(*) FROM absent", "2");
	assert_says(path, "SELECT count(*) FROM attempts", "4");
	assert_says(path, "SELECT count(*) FROM attempts WHERE accepted", "2");
	assert_says(path,
		    "SELECT campaign||'|'||host||'|'||axes||'|'||iteration||'|'||attempt||'|'||"
		    "warmup||'|'||window||'|'||metric||'|'||scope||'|'||value||'|'||unit||'|'||"
		    "verdict||'|'||reasons FROM results WHERE iteration = 0",
		    CAMPAIGN "|epyc|{\"guest\":\"debian\"}|0|1|0|whole|wall|guest|3001.0|ns|valid|"
			     "[]");
	assert_says(path, "SELECT reasons FROM results WHERE verdict = 'invalid'",
		    "[\"timeout: because \\\"timeout\\\"\"]");
	assert_says(path, "SELECT typeof(value) FROM results LIMIT 1", "real");
	assert_says(path, "SELECT note FROM absent LIMIT 1", "no RAPL on this machine");
	assert_says(path,
		    "SELECT state || ifnull(verdict, '-') FROM attempts WHERE verdict IS NULL",
		    "leased-");
	assert_says(path, "SELECT seed FROM campaign", "18446744073709551615");
	assert_says(path, "SELECT value FROM fact WHERE attempt_id IS NOT NULL", "kvm");
	/* one campaign can be thrown away by hand, with all that hangs on it */
	change(path, "PRAGMA foreign_keys = ON; DELETE FROM campaign");
	assert_says(path, "SELECT (SELECT count(*) FROM reading) + (SELECT count(*) FROM attempt)",
		    "0");
}

static void facts_keep_their_past(void **state)
{
	struct err space = ERR_NONE, *err = &space;
	autofolder char *folder = sample_folder();
	autofree char *path = file_join(folder, "db");
	autoclean(store) struct store *s = open_new(path);
	struct host_info upgraded = {.name = "epyc"};
	(void)state;
	STRCPY_FIXED(upgraded.fingerprint, FINGERPRINT);
	host_fact(&upgraded, "cpu.vendor", "AuthenticAMD");
	host_fact(&upgraded, "kernel", "6.12.0");
	ASSERT_OK(sample_host(s, err));
	ASSERT_OK(sample_host(s, err));
	ASSERT_OK(s->backend->host(s, &upgraded, err));
	host_info_done(&upgraded);
	assert_says(path, "SELECT count(*) FROM host", "1");
	assert_says(path, "SELECT group_concat(value) FROM fact WHERE name = 'kernel'",
		    "6.1.0,6.12.0");
	assert_says(path, "SELECT value FROM fact WHERE name = 'kernel' AND until_wall_ns IS NULL",
		    "6.12.0");
	assert_says(path, "SELECT count(*) FROM fact WHERE name = 'cpu.vendor'", "1");
	assert_says(path, "SELECT count(*) FROM capability", "0"); /* as of its last word */
}

static void files_are_refused_in_words(void **state)
{
	(void)state;
	static const struct {
		const char *text, *sql; /* what is in the file, or what makes it */
		int code;
		const char *says[3];
		const char *why;
	} cases[] = {
		{"", NULL, 0, {""}, "an empty file is a new one"},
		{"hello, this is not a database but a letter to you\n",
		 NULL,
		 -EINVAL,
		 {"is not an SQLite database"},
		 "text"},
		{"SQLite format 3", NULL, -EINVAL, {"is not an SQLite database"}, "cut short"},
		{NULL,
		 "CREATE TABLE photo (id)",
		 -EINVAL,
		 {"not one of assay's", "--db"},
		 "another program's"},
		{NULL,
		 "PRAGMA application_id = 77",
		 -EINVAL,
		 {"not one of assay's", "0x0000004d"},
		 "another program's, still empty"},
		{NULL,
		 "PRAGMA user_version = 3",
		 -EINVAL,
		 {"not one of assay's"},
		 "another program's with a version"},
		{NULL,
		 "PRAGMA application_id = 1634956153; PRAGMA user_version = 9",
		 -EPROTONOSUPPORT,
		 {"schema version 9", "up to 1", "the assay that wrote it"},
		 "a newer one"},
		{NULL,
		 "PRAGMA application_id = 1634956153; PRAGMA user_version = -1",
		 -EPROTONOSUPPORT,
		 {"schema version -1"},
		 "nonsense"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct err err = ERR_NONE;
		struct store *s = NULL;
		autofolder char *folder = sample_folder();
		autofree char *path = file_join(folder, "db");
		autofree char *before = NULL, *after = NULL;
		size_t n_before, n_after;
		if (cases[i].text)
			assert_int_equal(file_write_atomic(path, cases[i].text,
							   strlen(cases[i].text), 0644, &err),
					 0);
		else
			change(path, cases[i].sql);
		assert_int_equal(file_read(path, 1 << 20, &before, &n_before, &err), 0);
		int r = store_open(path, false, &s, &err);
		bool said = true;
		for (size_t k = 0; k < 3 && cases[i].says[k]; k++)
			said &= r == 0 || strstr(err.text, cases[i].says[k]) != NULL;
		if (r != cases[i].code || !said || (r < 0 && !strstr(err.text, path)))
			fail_msg("%s: %d %s", cases[i].why, r, err.text);
		store_close(s);
		assert_int_equal(file_read(path, 1 << 20, &after, &n_after, &err), 0);
		if (r < 0 && (n_before != n_after || memcmp(before, after, n_before) != 0))
			fail_msg("%s: what was refused was changed", cases[i].why);
	}
}

static void a_missing_file_is_made_only_when_asked(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	struct store *s = NULL;
	autofolder char *folder = sample_folder();
	autofree char *path = file_join(folder, "db");
	assert_int_equal(store_open(path, false, &s, &err), -ENOENT);
	assert_non_null(strstr(err.text, "there is no database"));
	assert_int_equal(access(path, F_OK), -1);
	store_close(open_new(path));
	assert_int_equal(store_open(path, false, &s, &err), 0);
	store_close(s);
	/* at rest it is one file */
	autofree char *wal = xasprintf("%s-wal", path);
	assert_int_equal(access(wal, F_OK), -1);
}

static struct sqlite_store *raw_open(const char *path)
{
	struct sqlite_store *s = xcalloc(1, sizeof(*s));
	s->base.backend = &store_sqlite;
	s->path = xstrdup(path);
	assert_int_equal(sqlite3_open(path, &s->db), SQLITE_OK);
	return s;
}

static void migrations_go_forward_or_not_at_all(void **state)
{
	(void)state;
	static const struct sqlite_migration steps[] = {
		{1, "the first", "CREATE TABLE a (x)"},
		{2, "a column", "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = 2 * x"},
		{3, "a table", "CREATE TABLE b (z); INSERT INTO b SELECT y FROM a"},
		{4, "a mistake", "UPDATE a SET y = 0; INSERT INTO nowhere VALUES (1)"},
	};
	struct err space = ERR_NONE, *err = &space;
	autofolder char *folder = sample_folder();
	autofree char *path = file_join(folder, "db");
	struct sqlite_store *s = raw_open(path);
	ASSERT_OK(sqlite_migrate(s, steps, 1, err));
	change(path, "INSERT INTO a VALUES (21)");
	ASSERT_OK(sqlite_migrate(s, steps, 3, err)); /* two steps at once */
	assert_says(path, "SELECT z FROM b", "42");
	assert_says(path, "PRAGMA user_version", "3");
	ASSERT_OK(sqlite_migrate(s, steps, 3, err)); /* nothing to do */
	assert_says(path, "SELECT count(*) FROM b", "1");

	assert_true(sqlite_migrate(s, steps, 4, err) < 0);
	assert_non_null(strstr(err->text, "migrate"));
	assert_non_null(strstr(err->text, "a mistake"));
	assert_says(path, "SELECT y FROM a", "42"); /* as before the step */
	assert_says(path, "PRAGMA user_version", "3");

	assert_int_equal(sqlite_migrate(s, steps, 2, err), -EPROTONOSUPPORT); /* an older program */
	assert_non_null(strstr(err->text, "schema version 3"));
	assert_non_null(strstr(err->text, "up to 2"));
	store_close(&s->base);
}

static void the_real_steps_are_in_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sqlite_n_migrations; i++) {
		assert_int_equal(sqlite_migrations[i].version, i + 1);
		assert_non_null(sqlite_migrations[i].why);
	}
}

static void a_locked_file_is_named(void **state)
{
	(void)state;
	struct err err = ERR_NONE;
	autofolder char *folder = sample_folder();
	autofree char *path = file_join(folder, "db");
	autoclean(store) struct store *s = open_new(path);
	sqlite3 *other = NULL;
	assert_int_equal(sqlite3_open(path, &other), SQLITE_OK);
	assert_int_equal(sqlite3_exec(other, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_busy_timeout(((struct sqlite_store *)s)->db, 50); /* the test need not wait 5 s */
	assert_int_equal(sample_create(s, CAMPAIGN, 1, &err), -EBUSY);
	assert_non_null(strstr(err.text, path));
	assert_non_null(strstr(err.text, "locked"));
	sqlite3_exec(other, "ROLLBACK", NULL, NULL, NULL);
	sqlite3_close(other);
	assert_int_equal(sample_create(s, CAMPAIGN, 1, &err), 0); /* and all is well again */
}

/* A new spool of an agent: what the old one left half sent will never be whole. */
static void parts_die_with_their_spool(void **state)
{
	(void)state;
	struct err space = ERR_NONE, *err = &space;
	autofolder char *folder = sample_folder();
	autofree char *path = file_join(folder, "db");
	autoclean(store) struct store *s = open_new(path);
	const struct store_stream old = {"agent-1", EPOCH, 1}, other = {"agent-2", EPOCH, 1},
				  new = {"agent-1", "01HZZZZZZZZZZZZZZZZZZZEPC2", 1};
	char sha256[HASH_HEX_SIZE];
	bool again;
	hash_bytes("abcdef", 6, sha256);
	ASSERT_OK(s->backend->blob_chunk(s, &old, sha256, 6, 0, "abc", 3, &again, err));
	ASSERT_OK(s->backend->blob_chunk(s, &other, sha256, 6, 0, "abc", 3, &again, err));
	assert_says(path, "SELECT count(*) FROM blob_part", "2");
	ASSERT_OK(s->backend->skip_record(s, &new, err));
	assert_says(path, "SELECT group_concat(agent) FROM blob_part", "agent-2");
}

/* What follows runs in a child with a mount namespace and a small tmpfs of its own. Exit codes: 0
 * as it should be, 77 no namespace here, else 1 + the line that is wrong modulo 76. */
#define MUST(condition)                           \
	do {                                      \
		if (!(condition))                 \
			_exit(1 + __LINE__ % 76); \
	} while (0)

static void make_mount(const char *folder)
{
	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", folder, "tmpfs", 0, "size=1536k") < 0)
		_exit(77);
}

/* Until a commit is refused; then there is room again. */
static void fill_the_disk(const char *folder, const char *path)
{
	struct err err = ERR_NONE;
	struct store *s = NULL;
	bool again;
	size_t ended = 0;
	int r = 0;
	MUST(store_open(path, true, &s, &err) == 0);
	MUST(sample_create(s, CAMPAIGN, 1000, &err) == 0);
	while (r == 0 && ended < 1000) {
		r = sample_end(s, CAMPAIGN, ended, 1, ended + 1, VERDICT_VALID, NULL, &again, &err);
		ended += r == 0;
	}
	MUST(r == -ENOSPC);
	MUST(strstr(err.text, path) && strstr(err.text, "nothing acknowledged is lost"));
	uint64_t sequence = 0;
	MUST(s->backend->sequence(s, "agent-1", EPOCH, &sequence, &err) == 0);
	MUST(sequence == ended); /* what was committed is there, and no more */
	MUST(mount("tmpfs", folder, "tmpfs", MS_REMOUNT, "size=16m") == 0);
	MUST(sample_end(s, CAMPAIGN, ended, 1, ended + 1, VERDICT_VALID, NULL, &again, &err) == 0);
	MUST(!again);
	store_close(s);
	s = NULL;
	MUST(store_open(path, false, &s, &err) == 0);
	MUST(s->backend->sequence(s, "agent-1", EPOCH, &sequence, &err) == 0);
	MUST(sequence == ended + 1);
	store_close(s);
}

static void make_it_read_only(const char *folder, const char *path)
{
	struct err err = ERR_NONE;
	struct store *s = NULL;
	MUST(store_open(path, true, &s, &err) == 0);
	store_close(s);
	s = NULL;
	MUST(mount("tmpfs", folder, "tmpfs", MS_REMOUNT | MS_RDONLY, NULL) == 0);
	int r = store_open(path, false, &s, &err);
	MUST(r == -EROFS && !s && strstr(err.text, path) && strstr(err.text, "--db"));
	autofree char *new = xasprintf("%s2", path);
	r = store_open(new, true, &s, &err);
	MUST(r == -EROFS && strstr(err.text, new));
}

static void in_a_mount(void (*body)(const char *folder, const char *path))
{
	int status;
	autofolder char *folder = sample_folder();
	autofree char *path = file_join(folder, "db");
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		make_mount(folder);
		body(folder, path);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		print_message("skipped: no mount namespace of one's own here (root is needed)\n");
		skip();
	}
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail_msg("wait status 0x%x", status);
}

static void a_full_disk_loses_nothing(void **state)
{
	(void)state;
	in_a_mount(fill_the_disk);
}

static void a_read_only_disk_is_named(void **state)
{
	(void)state;
	in_a_mount(make_it_read_only);
}

/* Two controllers that give out one campaign's runs would measure each of them twice. */
static void a_campaign_has_one_controller(void **state)
{
	struct err space = ERR_NONE, *err = &space;
	autofolder char *folder = sample_folder();
	autofree char *path = file_join(folder, "db"), *link = file_join(folder, "link");
	autofree char *lock = xasprintf("%s-%s.lock", path, CAMPAIGN);
	struct store *first = open_new(path), *second;
	(void)state;
	assert_int_equal(symlink(path, link), 0);
	second = open_new(link); /* another spelling of the same file */
	ASSERT_OK(first->backend->claim(first, CAMPAIGN, err));
	ASSERT_OK(first->backend->claim(first, CAMPAIGN, err));
	assert_int_equal(second->backend->claim(second, CAMPAIGN, err), -EBUSY);
	assert_non_null(strstr(err->text, CAMPAIGN));
	autofree char *pid = xasprintf("process %d;", getpid());
	assert_non_null(strstr(err->text, pid));
	ASSERT_OK(second->backend->claim(second, OTHER, err));
	store_close(first);
	assert_int_equal(access(lock, F_OK), -1);
	ASSERT_OK(second->backend->claim(second, CAMPAIGN, err));
	store_close(second);
	assert_int_equal(access(lock, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(views_have_the_promised_columns),
		cmocka_unit_test(views_show_a_run_once),
		cmocka_unit_test(facts_keep_their_past),
		cmocka_unit_test(files_are_refused_in_words),
		cmocka_unit_test(a_missing_file_is_made_only_when_asked),
		cmocka_unit_test(migrations_go_forward_or_not_at_all),
		cmocka_unit_test(the_real_steps_are_in_order),
		cmocka_unit_test(a_locked_file_is_named),
		cmocka_unit_test(a_campaign_has_one_controller),
		cmocka_unit_test(parts_die_with_their_spool),
		cmocka_unit_test(a_full_disk_loses_nothing),
		cmocka_unit_test(a_read_only_disk_is_named),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
