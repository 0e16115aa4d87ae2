// SPDX-License-Identifier: GPL-3.0-or-later
/* Artifacts and their bytes, whole and in parts, over every row of store_backends. */
#include "tests/controller/store/lab.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { BLOB_SIZE = 100000 };

static void fill(unsigned char *bytes, size_t size, unsigned seed)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)(seed = seed * 1664525u + 1013904223u, seed >> 24);
}

static void assert_blob(struct lab *lab, const char *sha256, const void *bytes, size_t size)
{
	void *back = NULL;
	size_t back_size = 0;
	struct err *err = lab->err;
	ASSERT_OK(lab->b->blob(lab->store, sha256, &back, &back_size, err));
	assert_int_equal(back_size, size);
	assert_memory_equal(back, bytes, size);
	assert_int_equal(((char *)back)[size], 0);
	free(back);
}

static void assert_no_blob(struct lab *lab, const char *sha256)
{
	void *back;
	size_t size;
	assert_int_equal(lab->b->blob(lab->store, sha256, &back, &size, lab->err), -ENOENT);
}

static void artifacts_bring_their_bytes(void **state)
{
	LAB;
	const struct store_stream one = {"agent-1", EPOCH, 1}, two = {"agent-1", EPOCH, 2};
	autoclean(attempt) struct attempt *a = sample_attempt(CAMPAIGN, 1, 1);
	autoclean(attempt) struct attempt *same = sample_attempt(CAMPAIGN, 2, 1);
	char sha256[HASH_HEX_SIZE], gone[HASH_HEX_SIZE];
	bool again;
	attempt_artifact(a, "console", xstrdup("hello\n"), 6);
	attempt_artifact(a, "stderr", xstrdup(""), 0);
	hash_bytes("gone", 4, gone);
	struct artifact *dangling = ARRAY_PUSH(a->artifacts, a->n_artifacts);
	STRCPY_FIXED(dangling->name, "core");
	STRCPY_FIXED(dangling->sha256, gone);
	dangling->size_bytes = 4;
	attempt_artifact(same, "console", xstrdup("hello\n"), 6);
	ASSERT_OK(b->ended(s, &one, a, FINGERPRINT, &again, err));
	ASSERT_OK(b->ended(s, &two, same, FINGERPRINT, &again, err));

	ASSERT_OK(b->artifact(s, CAMPAIGN, a->run_key, 1, "console", sha256, err));
	assert_string_equal(sha256, a->artifacts[0].sha256);
	assert_blob(lab, sha256, "hello\n", 6);
	ASSERT_OK(b->artifact(s, CAMPAIGN, a->run_key, 1, "stderr", sha256, err));
	assert_blob(lab, sha256, "", 0);
	ASSERT_OK(b->artifact(s, CAMPAIGN, a->run_key, 1, "core", sha256, err));
	assert_string_equal(sha256, gone);
	assert_no_blob(lab, sha256);
	assert_int_equal(b->artifact(s, CAMPAIGN, a->run_key, 1, "trace", sha256, err), -ENOENT);
	assert_int_equal(b->artifact(s, CAMPAIGN, a->run_key, 2, "console", sha256, err), -ENOENT);
	assert_int_equal(b->artifact(s, OTHER, a->run_key, 1, "console", sha256, err), -ENOENT);
}

/* Sends bytes in parts of random size as agent's stream; the last part's answer. */
static int send_parts(struct lab *lab, struct store_stream *stream, const char *sha256,
		      const unsigned char *bytes, size_t size, unsigned *seed)
{
	int r = 0;
	bool again;
	for (size_t at = 0, n; r == 0 && at < size; at += n) {
		n = 1 + (size_t)rand_r(seed) % 40000;
		n = n > size - at ? size - at : n;
		stream->sequence++;
		r = lab->b->blob_chunk(lab->store, stream, sha256, size, at, bytes + at, n, &again,
				       lab->err);
	}
	return r;
}

static void parts_make_the_blob(void **state)
{
	LAB;
	unsigned seed = (unsigned)time(NULL);
	autofree unsigned char *bytes = xmalloc(BLOB_SIZE);
	char sha256[HASH_HEX_SIZE];
	uint64_t sequence;
	print_message("seed %u\n", seed);
	fill(bytes, BLOB_SIZE, seed);
	hash_bytes(bytes, BLOB_SIZE, sha256);
	struct store_stream stream = {"agent-1", EPOCH, 0};
	ASSERT_OK(send_parts(lab, &stream, sha256, bytes, BLOB_SIZE, &seed));
	assert_blob(lab, sha256, bytes, BLOB_SIZE);
	ASSERT_OK(b->sequence(s, "agent-1", EPOCH, &sequence, err));
	assert_true(sequence == stream.sequence);
	/* once more, for another attempt that printed the same */
	ASSERT_OK(send_parts(lab, &stream, sha256, bytes, BLOB_SIZE, &seed));
	assert_blob(lab, sha256, bytes, BLOB_SIZE);
}

static void parts_come_again(void **state)
{
	LAB;
	struct store_stream stream = {"agent-1", EPOCH, 1};
	char sha256[HASH_HEX_SIZE];
	bool again = true;
	hash_bytes("abcdef", 6, sha256);
	ASSERT_OK(b->blob_chunk(s, &stream, sha256, 6, 0, "abc", 3, &again, err));
	assert_false(again);
	ASSERT_OK(b->blob_chunk(s, &stream, sha256, 6, 0, "abc", 3, &again, err));
	assert_true(again);
	assert_no_blob(lab, sha256);
	stream.sequence = 2;
	ASSERT_OK(b->blob_chunk(s, &stream, sha256, 6, 3, "def", 3, &again, err));
	assert_false(again);
	assert_blob(lab, sha256, "abcdef", 6);
}

static void an_empty_blob(void **state)
{
	LAB;
	struct store_stream stream = {"agent-1", EPOCH, 1};
	char sha256[HASH_HEX_SIZE];
	bool again;
	hash_bytes("", 0, sha256);
	ASSERT_OK(b->blob_chunk(s, &stream, sha256, 0, 0, NULL, 0, &again, err));
	assert_blob(lab, sha256, "", 0);
}

/* Two agents send one blob at a time, one of them wrong; they do not touch each other. */
static void streams_are_apart(void **state)
{
	LAB;
	struct store_stream good = {"agent-1", EPOCH, 0}, bad = {"agent-2", EPOCH, 0};
	char sha256[HASH_HEX_SIZE];
	bool again;
	hash_bytes("abcdef", 6, sha256);
	good.sequence++;
	ASSERT_OK(b->blob_chunk(s, &good, sha256, 6, 0, "abc", 3, &again, err));
	bad.sequence++;
	ASSERT_OK(b->blob_chunk(s, &bad, sha256, 6, 0, "abX", 3, &again, err));
	bad.sequence++;
	assert_int_equal(b->blob_chunk(s, &bad, sha256, 6, 3, "def", 3, &again, err), -EBADMSG);
	assert_no_blob(lab, sha256);
	good.sequence++;
	ASSERT_OK(b->blob_chunk(s, &good, sha256, 6, 3, "def", 3, &again, err));
	assert_blob(lab, sha256, "abcdef", 6);
}

static void a_first_part_begins_anew(void **state)
{
	LAB;
	struct store_stream stream = {"agent-1", EPOCH, 1};
	char sha256[HASH_HEX_SIZE];
	bool again;
	hash_bytes("abcdef", 6, sha256);
	ASSERT_OK(b->blob_chunk(s, &stream, sha256, 6, 0, "abcd", 4, &again, err));
	stream.sequence++;
	ASSERT_OK(b->blob_chunk(s, &stream, sha256, 6, 0, "ab", 2, &again, err));
	stream.sequence++;
	ASSERT_OK(b->blob_chunk(s, &stream, sha256, 6, 2, "cdef", 4, &again, err));
	assert_blob(lab, sha256, "abcdef", 6);
}

static void wrong_parts_are_consumed(void **state)
{
	LAB;
	static const struct {
		uint64_t total, offset;
		size_t size;
		const char *sha256; /* NULL: of "abcdef" */
		int code;
		const char *why;
	} cases[] = {
		{6, 4, 2, NULL, -EBADMSG, "a gap"},
		{6, 1, 2, NULL, -EBADMSG, "an overlap"},
		{6, 2, 5, NULL, -EBADMSG, "past its end"},
		{6, 7, 0, NULL, -EBADMSG, "begins past its end"},
		{6, UINT64_MAX, 2, NULL, -EBADMSG, "an offset whose end wraps"},
		{6, 2, 0, NULL, -EBADMSG, "nothing in it"},
		{(uint64_t)STORE_BLOB_LIMIT_BYTES + 1, 2, 2, NULL, -EFBIG, "a promise too large"},
		{UINT64_MAX, 2, 2, NULL, -EFBIG, "a promise that is negative in SQLite"},

		{6, 2, 4, NULL, -EBADMSG, "complete, but other bytes"},
		{2, 0, 2, "../../etc/passwd", -EBADMSG, "no hash at all"},
	};
	struct store_stream stream = {"agent-1", EPOCH, 0};
	char abcdef[HASH_HEX_SIZE];
	hash_bytes("abcdef", 6, abcdef);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *sha256 = cases[i].sha256 ? cases[i].sha256 : abcdef;
		bool again = true;
		uint64_t sequence;
		stream.sequence++;
		ASSERT_OK(b->blob_chunk(s, &stream, abcdef, 6, 0, "ab", 2, &again, err));
		stream.sequence++;
		int r = b->blob_chunk(s, &stream, sha256, cases[i].total, cases[i].offset,
				      "xxxxxxxx", cases[i].size, &again, err);
		if (r != cases[i].code)
			fail_msg("%s: %d", cases[i].why, r);
		ASSERT_OK(b->sequence(s, "agent-1", EPOCH, &sequence, err));
		assert_true(sequence == stream.sequence);
		assert_no_blob(lab, abcdef);
		stream.sequence++; /* what was there of it is gone, if it was about it */
		r = b->blob_chunk(s, &stream, abcdef, 6, 2, "cdef", 4, &again, err);
		if (r != (cases[i].sha256 ? 0 : -EBADMSG))
			fail_msg("after %s: %d", cases[i].why, r);
		if (r == 0)
			return; /* the blob is there now: nothing more to spoil */
	}
}

int main(void)
{
	static const struct lab_case cases[] = {
		{"artifacts_bring_their_bytes", artifacts_bring_their_bytes},
		{"parts_make_the_blob", parts_make_the_blob},
		{"parts_come_again", parts_come_again},
		{"an_empty_blob", an_empty_blob},
		{"streams_are_apart", streams_are_apart},
		{"a_first_part_begins_anew", a_first_part_begins_anew},
		{"wrong_parts_are_consumed", wrong_parts_are_consumed},
	};
	return lab_run("blob", cases, ARRAY_SIZE(cases));
}
