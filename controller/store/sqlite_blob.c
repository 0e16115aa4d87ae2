// SPDX-License-Identifier: GPL-3.0-or-later
/* Blobs: each content once, by its sha256; in parts while they are on their way.
 *
 * Parts belong to a stream, so one agent cannot spoil another's. The hash is taken when the last
 * part is here, over what the database holds, and the blob is put together by incremental I/O: the
 * parts are never all in memory. Source: sqlite.org/c3ref/blob_open.html. */
#include "controller/store/sqlite.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"

static int blob_there(struct sqlite_store *s, const char *sha256, struct err *err)
{
	autoreset sqlite3_stmt *row = NULL;
	return sqlite_query(s, "SELECT 1 FROM blob WHERE sha256 = ?1", ARGS(A_TEXT(sha256)), &row,
			    err);
}

int sqlite_blob_put(struct sqlite_store *s, const char *sha256, const void *bytes, size_t size,
		    struct err *err)
{
	char real[HASH_HEX_SIZE];
	if (size > STORE_BLOB_LIMIT_BYTES)
		return err_say(err, EFBIG, "an artifact of %zu bytes is past the limit of %d", size,
			       STORE_BLOB_LIMIT_BYTES);
	hash_bytes(bytes, size, real);
	if (strcmp(real, sha256) != 0)
		return err_say(err, EBADMSG, "an artifact's bytes hash to %.16s..., not %.16s...",
			       real, sha256);
	return sqlite_do(s,
			 "INSERT OR IGNORE INTO blob (sha256, size_bytes, encoding, bytes)"
			 " VALUES (?1, ?2, 'plain', ?3)",
			 ARGS(A_TEXT(sha256), A_U64(size), A_BLOB(bytes, size)), err);
}

struct chunk {
	const struct store_stream *stream;
	const char *sha256;
	uint64_t total_bytes;
	uint64_t offset_bytes;
	const void *bytes;
	size_t size;
};

static int drop_parts(struct sqlite_store *s, const struct chunk *c, struct err *err)
{
	int r = sqlite_do(
		s, "DELETE FROM blob_part WHERE agent = ?1 AND epoch = ?2 AND sha256 = ?3",
		ARGS(A_TEXT(c->stream->agent), A_TEXT(c->stream->epoch), A_TEXT(c->sha256)), err);
	return r < 0 ? r : 0;
}

static int received_bytes(struct sqlite_store *s, const struct chunk *c, uint64_t *ret,
			  struct err *err)
{
	autoreset sqlite3_stmt *row = NULL;
	int r = sqlite_query(
		s,
		"SELECT offset_bytes + length(bytes) FROM blob_part WHERE agent = ?1"
		" AND epoch = ?2 AND sha256 = ?3 ORDER BY offset_bytes DESC LIMIT 1",
		ARGS(A_TEXT(c->stream->agent), A_TEXT(c->stream->epoch), A_TEXT(c->sha256)), &row,
		err);
	if (r < 0)
		return r;
	*ret = r > 0 ? sqlite_u64(row, 0) : 0;
	return 0;
}

/* The reasons why this can never become the blob; *ret_wrong then holds the sentence. */
static int check_chunk(struct sqlite_store *s, const struct chunk *c, struct err *ret_wrong,
		       struct err *err)
{
	uint64_t received = 0;
	int r = c->offset_bytes ? received_bytes(s, c, &received, err) : 0;
	if (r < 0)
		return r;
	if (store_check_sha256(c->sha256, NULL) < 0)
		err_say(ret_wrong, EBADMSG, "'%.70s' is not a sha256", c->sha256);
	else if (c->total_bytes > STORE_BLOB_LIMIT_BYTES)
		err_say(ret_wrong, EFBIG,
			"an artifact of %" PRIu64 " bytes is past the limit of %d", c->total_bytes,
			STORE_BLOB_LIMIT_BYTES);
	else if (c->offset_bytes > c->total_bytes || c->size > c->total_bytes - c->offset_bytes ||
		 (c->size == 0 && c->total_bytes != 0))
		err_say(ret_wrong, EBADMSG,
			"blob %.16s...: %zu bytes at %" PRIu64 " do not fit its %" PRIu64 " bytes",
			c->sha256, c->size, c->offset_bytes, c->total_bytes);
	else if (c->offset_bytes != received)
		err_say(ret_wrong, EBADMSG,
			"blob %.16s...: a part at %" PRIu64 " came where %" PRIu64 " was next",
			c->sha256, c->offset_bytes, received);
	return 0;
}

static int add_part(struct sqlite_store *s, const struct chunk *c, struct err *err)
{
	int r = c->offset_bytes ? 0 : drop_parts(s, c, err);
	if (r < 0)
		return r;
	return sqlite_do(s, "INSERT INTO blob_part VALUES (?1, ?2, ?3, ?4, ?5)",
			 ARGS(A_TEXT(c->stream->agent), A_TEXT(c->stream->epoch), A_TEXT(c->sha256),
			      A_U64(c->offset_bytes), A_BLOB(c->bytes, c->size)),
			 err);
}

/* Walks the parts in order: hashes them, and writes them into `out` where it is given. */
static int walk_parts(struct sqlite_store *s, const struct chunk *c, sqlite3_blob *out,
		      char ret_sha256[HASH_HEX_SIZE], struct err *err)
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_state state;
	autoreset sqlite3_stmt *row = NULL;
	int at = 0;
	crypto_hash_sha256_init(&state);
	int r = sqlite_query(
		s,
		"SELECT bytes FROM blob_part WHERE agent = ?1 AND epoch = ?2"
		" AND sha256 = ?3 ORDER BY offset_bytes",
		ARGS(A_TEXT(c->stream->agent), A_TEXT(c->stream->epoch), A_TEXT(c->sha256)), &row,
		err);
	for (; r > 0; r = sqlite_next(s, row, err)) {
		const void *bytes = sqlite3_column_blob(row, 0);
		int size = sqlite3_column_bytes(row, 0);
		crypto_hash_sha256_update(&state, bytes, (unsigned long long)size);
		int rc = out && size ? sqlite3_blob_write(out, bytes, size, at) : SQLITE_OK;
		if (rc != SQLITE_OK)
			return sqlite_error(s, rc, err);
		at += size;
	}
	crypto_hash_sha256_final(&state, digest);
	text_hex(digest, sizeof(digest), ret_sha256);
	return r;
}

static int assemble(struct sqlite_store *s, const struct chunk *c, struct err *err)
{
	char real[HASH_HEX_SIZE];
	sqlite3_blob *out = NULL;
	int r = sqlite_do(s,
			  "INSERT INTO blob (sha256, size_bytes, encoding, bytes)"
			  " VALUES (?1, ?2, 'plain', zeroblob(?2))",
			  ARGS(A_TEXT(c->sha256), A_U64(c->total_bytes)), err);
	if (r < 0)
		return r;
	int rc = sqlite3_blob_open(s->db, "main", "blob", "bytes", sqlite3_last_insert_rowid(s->db),
				   1, &out);
	r = rc == SQLITE_OK ? walk_parts(s, c, out, real, err) : sqlite_error(s, rc, err);
	rc = sqlite3_blob_close(out);
	return r < 0 || rc == SQLITE_OK ? r : sqlite_error(s, rc, err);
}

/* The last part is here. */
static int complete(struct sqlite_store *s, const struct chunk *c, struct err *ret_wrong,
		    struct err *err)
{
	char real[HASH_HEX_SIZE] = "";
	int r = walk_parts(s, c, NULL, real, err);
	if (r < 0)
		return r;
	if (strcmp(real, c->sha256) != 0) {
		err_say(ret_wrong, EBADMSG, "blob %.16s...: its bytes hash to %.16s...", c->sha256,
			real);
		return 0;
	}
	r = assemble(s, c, err);
	return r < 0 ? r : drop_parts(s, c, err);
}

static int take_chunk(struct sqlite_store *s, const struct chunk *c, struct err *ret_wrong,
		      bool *ret_again, struct err *err)
{
	int r = sqlite_stream_seen(s, c->stream, ret_again, err);
	if (r < 0 || *ret_again)
		return r;
	r = sqlite_stream_commit(s, c->stream, err);
	if (r == 0)
		r = blob_there(s, c->sha256, err);
	if (r != 0)
		return r < 0 ? r : drop_parts(s, c, err); /* its bytes came another way */
	r = check_chunk(s, c, ret_wrong, err);
	if (r >= 0 && !ret_wrong->code)
		r = add_part(s, c, err);
	if (r >= 0 && !ret_wrong->code && c->offset_bytes + c->size == c->total_bytes)
		r = complete(s, c, ret_wrong, err);
	if (r >= 0 && ret_wrong->code)
		r = drop_parts(s, c, err);
	return r < 0 ? r : 0;
}

int sqlite_blob_chunk(struct store *store, const struct store_stream *stream, const char *sha256,
		      uint64_t total_bytes, uint64_t offset_bytes, const void *bytes, size_t size,
		      bool *ret_again, struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	const struct chunk chunk = {stream, sha256, total_bytes, offset_bytes, bytes, size};
	struct err wrong = ERR_NONE;
	bool again = false;
	int r = sqlite_begin(s, err);
	if (r == 0)
		r = take_chunk(s, &chunk, &wrong, &again, err);
	r = sqlite_end(s, r, err);
	if (r < 0)
		return r;
	if (wrong.code)
		return err_say(err, wrong.code, "%s", wrong.text);
	*ret_again = again;
	return 0;
}

int sqlite_blob(struct store *store, const char *sha256, void **ret, size_t *ret_size,
		struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	autoreset sqlite3_stmt *row = NULL;
	int r = sqlite_query(s, "SELECT bytes, encoding FROM blob WHERE sha256 = ?1",
			     ARGS(A_TEXT(sha256)), &row, err);
	if (r == 0)
		return err_say(err, ENOENT, "%s does not have the bytes of %.16s...", s->path,
			       sha256);
	if (r < 0)
		return r;
	if (!text_equal(sqlite_text(row, 1), "plain"))
		return err_say(err, EPROTONOSUPPORT, "%s: blob %.16s... is encoded as '%s'",
			       s->path, sha256, sqlite_text(row, 1));
	const void *bytes = sqlite3_column_blob(row, 0);
	size_t size = (size_t)sqlite3_column_bytes(row, 0);
	char *copy = xmalloc(size + 1);
	if (size)
		memcpy(copy, bytes, size);
	copy[size] = '\0';
	*ret = copy;
	*ret_size = size;
	return 0;
}

int sqlite_artifact(struct store *store, const char *campaign, const char *run_key,
		    uint32_t attempt, const char *name, char ret_sha256[HASH_HEX_SIZE],
		    struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	autoreset sqlite3_stmt *row = NULL;
	int r = sqlite_query(
		s,
		"SELECT artifact.sha256 FROM run JOIN attempt ON attempt.run_id = run.id"
		" JOIN artifact ON artifact.attempt_id = attempt.id"
		" WHERE run.campaign = ?1 AND run.key = ?2 AND attempt.number = ?3"
		" AND artifact.name = ?4 ORDER BY artifact.ordinal LIMIT 1",
		ARGS(A_TEXT(campaign), A_TEXT(run_key), A_INT(attempt), A_TEXT(name)), &row, err);
	if (r == 0)
		return err_say(err, ENOENT, "attempt %" PRIu32 " of run %.16s... left no '%s'",
			       attempt, run_key, name);
	if (r < 0)
		return r;
	mem_strcpy(ret_sha256, HASH_HEX_SIZE, sqlite_text(row, 0));
	return 0;
}
