// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz_message - what a peer sends, and what a spool holds. The first byte picks the decoder. What
 * was accepted is encoded and decoded again: it is accepted again, and gives the same bytes. A
 * controller would otherwise store an attempt that it cannot send on. */
#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/wire/message.h"

enum { DECODERS = 4 };

/* A refusal is one sentence with its code. */
static int refused(int r, const struct err *err)
{
	assert(r == -EBADMSG && err->code == EBADMSG && strlen(err->text) > 0);
	return r;
}

/* Each gives the bytes of what was accepted, owned by the caller, or refuses. */
static int again_message(const void *bytes, size_t size, void **ret, size_t *ret_size)
{
	struct message m;
	struct err err = ERR_NONE;
	int r = message_decode(bytes, size, &m, &err);
	if (r < 0)
		return refused(r, &err);
	message_encode(&m, ret, ret_size);
	message_done(&m);
	return 0;
}

static int again_attempt(const void *bytes, size_t size, void **ret, size_t *ret_size)
{
	autoclean(attempt) struct attempt *a = NULL;
	struct err err = ERR_NONE;
	int r = record_decode_attempt(bytes, size, &a, &err);
	if (r < 0)
		return refused(r, &err);
	record_encode_attempt(a, ret, ret_size);
	return 0;
}

static int again_blob(const void *bytes, size_t size, void **ret, size_t *ret_size)
{
	struct blob_chunk c;
	struct err err = ERR_NONE;
	int r = record_decode_blob(bytes, size, &c, &err);
	if (r < 0)
		return refused(r, &err);
	record_encode_blob(&c, ret, ret_size);
	blob_chunk_done(&c);
	return 0;
}

static int again_spec(const void *bytes, size_t size, void **ret, size_t *ret_size)
{
	autoclean(run_spec) struct run_spec *s = NULL;
	struct err err = ERR_NONE;
	int r = spec_decode(bytes, size, &s, &err);
	if (r < 0)
		return refused(r, &err);
	spec_encode(s, ret, ret_size);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int (*const again[DECODERS])(const void *, size_t, void **, size_t *) = {
		again_message,
		again_attempt,
		again_blob,
		again_spec,
	};
	autofree void *first = NULL, *second = NULL;
	size_t first_size, second_size;
	if (!size)
		return 0;
	int decoder = data[0] % DECODERS;
	if (again[decoder](data + 1, size - 1, &first, &first_size) < 0)
		return 0;
	int r = again[decoder](first, first_size, &second, &second_size);
	if (r < 0 || first_size != second_size || memcmp(first, second, first_size) != 0)
		abort();
	return 0;
}
