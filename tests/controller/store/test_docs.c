// SPDX-License-Identifier: GPL-3.0-or-later
/* docs/results.md keeps its word: every query in it runs and finds something, and every table and
 * view of the file is in it. */
#include "tests/controller/store/sample.h"

#include <string.h>

#include "controller/store/sqlite.h"

static char *read_page(void)
{
	char *page;
	struct err err = ERR_NONE;
	if (file_read(ASSAY_SOURCE_DIR "/docs/results.md", 1 << 20, &page, NULL, &err) < 0)
		fail_msg("%s", err.text);
	return page;
}

static sqlite3 *open_sample(const char *folder)
{
	struct err space = ERR_NONE, *err = &space;
	autofree char *path = file_join(folder, "db");
	struct store *s = NULL;
	sqlite3 *db = NULL;
	bool again;
	ASSERT_OK(store_open(path, true, &s, err));
	ASSERT_OK(sample_host(s, err));
	ASSERT_OK(sample_create(s, CAMPAIGN, 6, err));
	for (size_t i = 0; i < 6; i++) {
		const struct store_stream stream = {"agent-1", EPOCH, i + 1};
		autoclean(attempt) struct attempt *a = sample_attempt(CAMPAIGN, i, 1);
		a->begun.real_ns = clock_real_ns();
		attempt_artifact(a, "console", xstrdup("hello\n"), 6);
		if (i == 2)
			attempt_reason(a, VERDICT_FLAGGED, "noisy", "busy");
		ASSERT_OK(s->backend->ended(s, &stream, a, FINGERPRINT, &again, err));
	}
	store_close(s);
	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	return db;
}

static void queries_of_the_page_run(void **state)
{
	static const char opening[] = "```sql\n";
	autofolder char *folder = sample_folder();
	sqlite3 *db = open_sample(folder);
	autofree char *page = read_page();
	size_t n = 0;
	(void)state;
	for (char *sql = page; (sql = strstr(sql, opening)) != NULL; n++) {
		sqlite3_stmt *row = NULL;
		sql += strlen(opening);
		char *end = strstr(sql, "```");
		assert_non_null(end);
		if (sqlite3_prepare_v2(db, sql, (int)(end - sql), &row, NULL) != SQLITE_OK)
			fail_msg("%.*s%s", (int)(end - sql), sql, sqlite3_errmsg(db));
		if (sqlite3_step(row) != SQLITE_ROW)
			fail_msg("%.*sfinds nothing", (int)(end - sql), sql);
		sqlite3_finalize(row);
		sql = end;
	}
	assert_true(n >= 5);
	sqlite3_close(db);
}

static void the_page_names_all_there_is(void **state)
{
	autofolder char *folder = sample_folder();
	sqlite3 *db = open_sample(folder);
	autofree char *page = read_page();
	sqlite3_stmt *row = NULL;
	(void)state;
	assert_int_equal(
		sqlite3_prepare_v2(db,
				   "SELECT name FROM sqlite_master"
				   " WHERE type IN ('table', 'view')"
				   " UNION ALL SELECT name FROM pragma_table_info('results')"
				   " UNION ALL SELECT name FROM pragma_table_info('campaign')",
				   -1, &row, NULL),
		SQLITE_OK);
	while (sqlite3_step(row) == SQLITE_ROW) {
		autofree char *quoted = xasprintf("`%s`", sqlite3_column_text(row, 0));
		if (!strstr(page, quoted))
			fail_msg("%s is not on the page", quoted);
	}
	sqlite3_finalize(row);
	sqlite3_close(db);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(queries_of_the_page_run),
		cmocka_unit_test(the_page_names_all_there_is),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
