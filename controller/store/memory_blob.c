// SPDX-License-Identifier: GPL-3.0-or-later
/* Streams and blobs of the memory back-end. */
#include "controller/store/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"

static struct memory_stream *find_stream(struct memory_store *m, const char *agent,
					 const char *epoch)
{
	for (size_t i = 0; i < m->n_streams; i++)
		if (text_equal(m->streams[i].agent, agent) &&
		    text_equal(m->streams[i].epoch, epoch))
			return &m->streams[i];
	return NULL;
}

bool memory_seen(struct memory_store *m, const struct store_stream *stream)
{
	struct memory_stream *s = stream ? find_stream(m, stream->agent, stream->epoch) : NULL;
	return s && stream->sequence <= s->sequence;
}

void memory_commit(struct memory_store *m, const struct store_stream *stream)
{
	struct memory_stream *s = stream ? find_stream(m, stream->agent, stream->epoch) : NULL;
	if (stream && !s) {
		s = ARRAY_PUSH(m->streams, m->n_streams);
		s->agent = xstrdup(stream->agent);
		s->epoch = xstrdup(stream->epoch);
	}
	if (s)
		s->sequence = stream->sequence;
}

int memory_skip(struct store *store, const struct store_stream *stream, struct err *err)
{
	struct memory_store *m = (struct memory_store *)store;
	(void)err;
	if (!memory_seen(m, stream))
		memory_commit(m, stream);
	return 0;
}

int memory_sequence(struct store *store, const char *agent, const char *epoch, uint64_t *ret,
		    struct err *err)
{
	struct memory_stream *s = find_stream((struct memory_store *)store, agent, epoch);
	(void)err;
	*ret = s ? s->sequence : 0;
	return 0;
}

void memory_blob_done(struct memory_blob *blob)
{
	free(blob->agent);
	free(blob->epoch);
	free(blob->bytes);
	*blob = (struct memory_blob){0};
}

/* agent NULL: the whole one. */
static struct memory_blob *find_blob(struct memory_store *m, const char *sha256, const char *agent,
				     const char *epoch)
{
	for (size_t i = 0; i < m->n_blobs; i++)
		if (strcmp(m->blobs[i].sha256, sha256) == 0 &&
		    text_equal(m->blobs[i].agent, agent) && text_equal(m->blobs[i].epoch, epoch))
			return &m->blobs[i];
	return NULL;
}

static void drop_blob(struct memory_store *m, struct memory_blob *blob)
{
	memory_blob_done(blob);
	*blob = m->blobs[--m->n_blobs];
}

static struct memory_blob *add_blob(struct memory_store *m, const char *sha256)
{
	struct memory_blob *b = ARRAY_PUSH(m->blobs, m->n_blobs);
	STRCPY_FIXED(b->sha256, sha256);
	return b;
}

void memory_blob_put(struct memory_store *m, const char *sha256, const void *bytes, size_t size)
{
	if (find_blob(m, sha256, NULL, NULL))
		return;
	struct memory_blob *b = add_blob(m, sha256);
	b->bytes = xmemdup(bytes, size);
	b->size = size;
}

static int check_chunk(const struct memory_blob *part, const char *sha256, uint64_t total_bytes,
		       uint64_t offset_bytes, size_t size, struct err *err)
{
	uint64_t received = part && offset_bytes ? part->size : 0;
	if (store_check_sha256(sha256, NULL) < 0)
		return err_say(err, EBADMSG, "'%.70s' is not a sha256", sha256);
	if (total_bytes > STORE_BLOB_LIMIT_BYTES)
		return err_say(err, EFBIG, "an artifact of %" PRIu64 " bytes is past the limit",
			       total_bytes);
	if (offset_bytes > total_bytes || size > total_bytes - offset_bytes ||
	    (size == 0 && total_bytes != 0))
		return err_say(err, EBADMSG, "blob %.16s...: its parts do not fit", sha256);
	if (offset_bytes != received)
		return err_say(err, EBADMSG,
			       "blob %.16s...: a part at %" PRIu64 " came where %" PRIu64
			       " was next",
			       sha256, offset_bytes, received);
	return 0;
}

static int complete(struct memory_blob *part, struct err *err)
{
	char real[HASH_HEX_SIZE];
	hash_bytes(part->bytes, part->size, real);
	if (strcmp(real, part->sha256) != 0)
		return err_say(err, EBADMSG, "blob %.16s...: its bytes hash to %.16s...",
			       part->sha256, real);
	free(part->agent);
	free(part->epoch);
	part->agent = part->epoch = NULL;
	return 0;
}

static int take_chunk(struct memory_store *m, const struct store_stream *stream, const char *sha256,
		      uint64_t total_bytes, uint64_t offset_bytes, const void *bytes, size_t size,
		      struct err *err)
{
	struct memory_blob *part = find_blob(m, sha256, stream->agent, stream->epoch);
	bool whole = find_blob(m, sha256, NULL, NULL) != NULL;
	int r = whole ? 0 : check_chunk(part, sha256, total_bytes, offset_bytes, size, err);
	if (part && (whole || r < 0 || offset_bytes == 0)) {
		drop_blob(m, part);
		part = NULL;
	}
	if (whole || r < 0)
		return r;
	if (!part) {
		part = add_blob(m, sha256);
		part->agent = xstrdup(stream->agent);
		part->epoch = xstrdup(stream->epoch);
	}
	part->bytes = xreallocarray(part->bytes, part->size + size, 1);
	if (size)
		memcpy(part->bytes + part->size, bytes, size);
	part->size += size;
	r = part->size == total_bytes ? complete(part, err) : 0;
	if (r < 0)
		drop_blob(m, part);
	return r;
}

int memory_blob_chunk(struct store *store, const struct store_stream *stream, const char *sha256,
		      uint64_t total_bytes, uint64_t offset_bytes, const void *bytes, size_t size,
		      bool *ret_again, struct err *err)
{
	struct memory_store *m = (struct memory_store *)store;
	bool again = memory_seen(m, stream);
	int r = again ? 0
		      : take_chunk(m, stream, sha256, total_bytes, offset_bytes, bytes, size, err);
	if (!again)
		memory_commit(m, stream);
	if (r == 0)
		*ret_again = again;
	return r;
}

int memory_blob(struct store *store, const char *sha256, void **ret, size_t *ret_size,
		struct err *err)
{
	struct memory_blob *b = find_blob((struct memory_store *)store, sha256, NULL, NULL);
	if (!b)
		return err_say(err, ENOENT, "the bytes of %.16s... are not here", sha256);
	char *copy = xmalloc(b->size + 1);
	if (b->size)
		memcpy(copy, b->bytes, b->size);
	copy[b->size] = '\0';
	*ret = copy;
	*ret_size = b->size;
	return 0;
}
