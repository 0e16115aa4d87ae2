// SPDX-License-Identifier: GPL-3.0-or-later
/* golden - the bytes of protocol 1, one file a message kind and one a record body.
 *
 * A failure here means that an end of the wire, or a spool on disk, would no longer be read: do
 * not write the files again, but repair the code or start a new version beside them. The files
 * were made with ASSAY_GOLDEN_WRITE=1, which only makes those that are missing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/base/file.h"
#include "tests/proto/wire/same.h"
#include "tests/proto/wire/sample.h"

#define GOLDEN_FOLDER ASSAY_SOURCE_DIR "/tests/proto/wire/golden/v1"

/* Everything that has bytes of its own: kinds of messages first, then these. */
enum { BODY_SPEC = MESSAGE_KIND_COUNT, BODY_ATTEMPT, BODY_BLOB, BODIES };

static const char *body_name(int body)
{
	static const char *const names[] = {"spec", "attempt", "blob"};
	return body < MESSAGE_KIND_COUNT ? message_kind_name((enum message_kind)body)
					 : names[body - MESSAGE_KIND_COUNT];
}

static void encode_sample(int body, void **ret, size_t *ret_size)
{
	struct sample s = sample_from(0);
	if (body == BODY_SPEC) {
		autoclean(run_spec) struct run_spec *spec = sample_spec(&s);
		spec_encode(spec, ret, ret_size);
	} else if (body == BODY_ATTEMPT) {
		autoclean(attempt) struct attempt *attempt = sample_attempt(&s);
		record_encode_attempt(attempt, ret, ret_size);
	} else if (body == BODY_BLOB) {
		struct blob_chunk chunk = sample_blob(&s);
		record_encode_blob(&chunk, ret, ret_size);
		blob_chunk_done(&chunk);
	} else {
		struct message m;
		memset(&m, 0, sizeof(m));
		sample_message(&s, (enum message_kind)body, &m);
		message_encode(&m, ret, ret_size);
		message_done(&m);
	}
}

/* Whether the bytes decode to the fixed sample. *ret: 0 or what decoding said. */
static bool decodes_to_sample(int body, const void *bytes, size_t size, struct err *err)
{
	struct sample s = sample_from(0);
	bool same = false;
	if (body == BODY_SPEC) {
		autoclean(run_spec) struct run_spec *want = sample_spec(&s);
		autoclean(run_spec) struct run_spec *got = NULL;
		same = spec_decode(bytes, size, &got, err) == 0 && same_spec(want, got);
	} else if (body == BODY_ATTEMPT) {
		autoclean(attempt) struct attempt *want = sample_attempt(&s);
		autoclean(attempt) struct attempt *got = NULL;
		same = record_decode_attempt(bytes, size, &got, err) == 0 &&
		       same_attempt(want, got);
	} else if (body == BODY_BLOB) {
		struct blob_chunk want = sample_blob(&s), got = {0};
		same = record_decode_blob(bytes, size, &got, err) == 0 && same_blob(&want, &got);
		blob_chunk_done(&want);
		blob_chunk_done(&got);
	} else {
		struct message want, got;
		memset(&want, 0, sizeof(want));
		memset(&got, 0, sizeof(got));
		sample_message(&s, (enum message_kind)body, &want);
		same = message_decode(bytes, size, &got, err) == 0 && same_message(&want, &got);
		message_done(&want);
		message_done(&got);
	}
	return same;
}

/* The bytes of a golden file: hex in lines of 64 digits. Owned by the caller. */
static uint8_t *load(int body, size_t *ret_size)
{
	autofree char *path = xasprintf("%s/%s.hex", GOLDEN_FOLDER, body_name(body));
	autofree char *hex = NULL;
	struct err err = ERR_NONE;
	size_t digits = 0;
	if (file_read(path, 1 << 20, &hex, NULL, &err) < 0)
		fail_msg("%s", err.text);
	for (const char *p = hex; *p; p++)
		if (*p != '\n')
			hex[digits++] = *p;
	hex[digits] = '\0';
	uint8_t *bytes = xmalloc(digits / 2);
	if (text_unhex(hex, bytes, digits / 2, &err) < 0)
		fail_msg("%s: %s", path, err.text);
	*ret_size = digits / 2;
	return bytes;
}

static void write_missing(int body)
{
	autofree char *path = xasprintf("%s/%s.hex", GOLDEN_FOLDER, body_name(body));
	autofree void *bytes = NULL;
	autotext struct text text = {0};
	struct err err = ERR_NONE;
	size_t size;
	if (access(path, F_OK) == 0)
		return;
	encode_sample(body, &bytes, &size);
	for (size_t i = 0; i < size; i += 32) {
		char line[65];
		text_hex((uint8_t *)bytes + i, size - i < 32 ? size - i : 32, line);
		text_addf(&text, "%s\n", line);
	}
	if (file_write_atomic(path, text.data, text.size, 0644, &err) < 0)
		fail_msg("%s", err.text);
}

static void test_bytes_are_golden(void **state)
{
	(void)state;
	for (int body = MESSAGE_NONE + 1; body < BODIES; body++) {
		autofree void *bytes = NULL;
		size_t size, golden_size;
		if (getenv("ASSAY_GOLDEN_WRITE"))
			write_missing(body);
		autofree uint8_t *golden = load(body, &golden_size);
		encode_sample(body, &bytes, &size);
		if (!same_bytes(bytes, size, golden, golden_size))
			fail_msg("%s: encoding no longer gives its golden bytes", body_name(body));
	}
}

static void test_golden_bytes_decode(void **state)
{
	(void)state;
	for (int body = MESSAGE_NONE + 1; body < BODIES; body++) {
		struct err err = ERR_NONE;
		size_t size;
		autofree uint8_t *golden = load(body, &size);
		if (!decodes_to_sample(body, golden, size, &err))
			fail_msg("%s: its golden bytes decode to something else %s",
				 body_name(body), err.text);
	}
}

/* Damaged bytes give a value or -EBADMSG with a sentence; the sanitizers watch the rest. The
 * copy is allocated to its exact size, so that reading past its end is seen. */
static void decode_damaged(int body, const uint8_t *bytes, size_t size)
{
	autofree uint8_t *exact = xmalloc(size);
	struct err err = ERR_NONE;
	memcpy(exact, bytes, size);
	if (!decodes_to_sample(body, exact, size, &err) && err.code)
		assert_true(err.code == EBADMSG && strlen(err.text) > 10);
}

static void test_truncated(void **state)
{
	(void)state;
	for (int body = MESSAGE_NONE + 1; body < BODIES; body++) {
		size_t size;
		autofree uint8_t *golden = load(body, &size);
		for (size_t cut = 0; cut < size; cut++) {
			struct err err = ERR_NONE;
			decode_damaged(body, golden, cut);
			if (decodes_to_sample(body, golden, cut, &err))
				fail_msg("%s: %zu of %zu bytes are as good as all", body_name(body),
					 cut, size);
		}
	}
}

static void test_flipped(void **state)
{
	static const uint8_t masks[] = {0x01, 0x08, 0x80, 0xff};
	(void)state;
	for (int body = MESSAGE_NONE + 1; body < BODIES; body++) {
		size_t size;
		autofree uint8_t *golden = load(body, &size);
		for (size_t i = 0; i < size * ARRAY_SIZE(masks); i++) {
			uint8_t mask = masks[i % ARRAY_SIZE(masks)];
			golden[i / ARRAY_SIZE(masks)] ^= mask;
			decode_damaged(body, golden, size);
			golden[i / ARRAY_SIZE(masks)] ^= mask;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bytes_are_golden),
		cmocka_unit_test(test_golden_bytes_decode),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_flipped),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
