// SPDX-License-Identifier: GPL-3.0-or-later
/* hostile - what decoding refuses, and in which words. A good message is unpacked into what
 * protobuf-c generated, one thing in it is spoiled, and it is packed again. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proto/base/text.h"
#include "proto/wire/codec.h"
#include "tests/proto/wire/sample.h"

/* Strings that are put into places; those that are too long are filled by main(). */
static char empty[] = "", newline[] = "a\nb", escape[] = "\x1b[2J", c1[] = "a\xc2\x9b",
	    latin1[] = "caf\xe9", overlong[] = "\xc0\xaf", surrogate[] = "\xed\xa0\x80",
	    short_hash[] = "abc", no_ulid[] = "01ARZ3NDEKTSV4RRFFQ69G5FAI",
	    upper_hash[] = "AB00000000000000000000000000000000000000000000000000000000000000",
	    slash_hash[] = "../../../../../../../../../../../../../../../../../../etc/passwd0";
static char long_name[NAME_SIZE + 1], long_string[WIRE_STRING_LIMIT_BYTES + 2];
static char *many_strings[WIRE_STRINGS_MAX + 1];

typedef void spoil_f(void *message);

struct hostile {
	const char *why;
	spoil_f *spoil;
	const char *says; /* part of the sentence */
};

#define ATTEMPT(name, change)                    \
	static void name(void *message)          \
	{                                        \
		Assay__V1__Attempt *a = message; \
		change;                          \
	}
ATTEMPT(a_no_campaign, a->campaign = empty)
ATTEMPT(a_bad_campaign, a->campaign = no_ulid)
ATTEMPT(a_no_key, a->run_key = empty)
ATTEMPT(a_short_key, a->run_key = short_hash)
ATTEMPT(a_path_key, a->run_key = slash_hash)
ATTEMPT(a_state, a->reached = RUN_STATE_COUNT)
ATTEMPT(a_state_big, a->reached = UINT32_MAX)
ATTEMPT(a_exit_code, a->exit_code = 256)
ATTEMPT(a_exit_code_negative, a->exit_code = -1)
ATTEMPT(a_exit_signal, a->exit_signal = 65)
ATTEMPT(a_no_begun, a->begun = NULL)
ATTEMPT(a_mark_unnamed, a->marks[1]->name = empty)
ATTEMPT(a_metric_newline, a->readings[1]->metric = newline)
ATTEMPT(a_metric_escape, a->readings[0]->metric = escape)
ATTEMPT(a_metric_c1, a->readings[0]->metric = c1)
ATTEMPT(a_metric_latin1, a->readings[0]->metric = latin1)
ATTEMPT(a_metric_overlong, a->readings[0]->metric = overlong)
ATTEMPT(a_metric_surrogate, a->readings[0]->metric = surrogate)
ATTEMPT(a_metric_long, a->readings[0]->metric = long_name)
ATTEMPT(a_unit_long, a->readings[0]->unit = long_name)
ATTEMPT(a_value_nan, a->readings[0]->value = (double)NAN)
ATTEMPT(a_value_infinite, a->readings[0]->value = (double)INFINITY)
ATTEMPT(a_share_infinite, a->readings[0]->running_share = -(double)INFINITY)
ATTEMPT(a_level_none, a->reasons[0]->level = ASSAY__V1__LEVEL__LEVEL_NONE)
ATTEMPT(a_level_new, a->reasons[0]->level = (Assay__V1__Level)7)
ATTEMPT(a_level_negative, a->reasons[0]->level = (Assay__V1__Level)-1)
ATTEMPT(a_artifact_hash, a->artifacts[0]->sha256 = upper_hash)

static const struct hostile attempts[] = {
	{"every attempt belongs to a campaign", a_no_campaign, "attempt: campaign: is missing"},
	{"I is no digit of a ULID", a_bad_campaign, "campaign: '01ARZ3NDEKTSV4RRFFQ69G5FAI'"},
	{"every attempt is of a run", a_no_key, "run_key: is missing"},
	{"a hash has 64 digits", a_short_key, "run_key: 'abc' is not 64 lower-case hex digits"},
	{"keys become file names", a_path_key, "is not 64 lower-case hex digits"},
	{"one past the last state", a_state, "reached: 10 is not in 0..9"},
	{"as an int it would be negative", a_state_big, "reached: 4294967295 is not in 0..9"},
	{"wait(2) gives 8 bits", a_exit_code, "exit_code: 256 is not in 0..255"},
	{"wait(2) gives no sign", a_exit_code_negative, "exit_code: -1"},
	{"Linux has 64 signals", a_exit_signal, "exit_signal: 65 is not in 0..64"},
	{"clocks are there always", a_no_begun, "begun: is missing"},
	{"a mark without a name", a_mark_unnamed, "attempt: marks[1]: name: is missing"},
	{"names are one line", a_metric_newline, "readings[1]: metric: byte 1 is a control"},
	{"names reach terminals", a_metric_escape, "readings[0]: metric: byte 0 is a control"},
	{"C1 controls reach terminals", a_metric_c1, "metric: byte 1 is a control character"},
	{"names are UTF-8", a_metric_latin1, "metric: byte 3 is not UTF-8"},
	{"overlong forms hide characters", a_metric_overlong, "metric: byte 0 is not UTF-8"},
	{"surrogates are not characters", a_metric_surrogate, "metric: byte 0 is not UTF-8"},
	{"one too long", a_metric_long, "metric: is 64 bytes long; at most 63"},
	{"units are shorter", a_unit_long, "unit: is 64 bytes long; at most 15"},
	{"NaN would poison statistics", a_value_nan, "readings[0]: value: is not a finite"},
	{"so would infinity", a_value_infinite, "readings[0]: value: is not a finite"},
	{"shares too", a_share_infinite, "running_share: is not a finite"},
	{"a reason has a level", a_level_none, "reasons[0]: level: 0 is not in 1..2"},
	{"a newer peer's level", a_level_new, "reasons[0]: level: 7 is not in 1..2"},
	{"enums are signed on the wire", a_level_negative, "is not in 1..2"},
	{"upper case names another file", a_artifact_hash, "artifacts[0]: sha256: 'AB0"},
};

#define SPEC(name, change)                       \
	static void name(void *message)          \
	{                                        \
		Assay__V1__RunSpec *r = message; \
		change;                          \
	}
SPEC(s_no_guest, r->guest = NULL)
SPEC(s_no_quiet, r->quiet = NULL)
SPEC(s_no_from, r->windows[1]->from = NULL)
SPEC(s_kind, r->windows[0]->from->kind = (Assay__V1__MarkKind)4)
SPEC(s_no_pattern, r->windows[0]->to->pattern = empty)
SPEC(s_busy, r->quiet->busy_pct = (double)NAN)
SPEC(s_no_driver, r->guest->driver = empty)
SPEC(s_disk, r->guest->disks[0]->file = empty)
SPEC(s_image, r->guest->images[1]->sha256 = empty)
SPEC(s_long, r->guest->append = long_string)
SPEC(s_long_arg, r->guest->args[1] = long_string)
SPEC(s_many, (r->guest->command = many_strings, r->guest->n_command = WIRE_STRINGS_MAX + 1))

static const struct hostile specs[] = {
	{"a run needs a guest", s_no_guest, "run_spec: guest: is missing"},
	{"0 would be a gate of its own", s_no_quiet, "quiet: is missing"},
	{"a window needs both ends", s_no_from, "windows[1]: from: is missing"},
	{"a mark that this version has not", s_kind, "from: kind: 4 is not in 0..3"},
	{"it would never match", s_no_pattern, "windows[0]: to: pattern: is missing"},
	{"nothing is below NaN", s_busy, "quiet: busy_pct: is not a finite number"},
	{"no driver, no guest", s_no_driver, "guest: driver: is missing"},
	{"a disk is a file", s_disk, "guest: disks[0]: file: is missing"},
	{"an image is its hash", s_image, "guest: images[1]: sha256: is missing"},
	{"one too long", s_long, "guest: append: is 65537 bytes long; at most 65536"},
	{"one too long in a list", s_long_arg, "guest: args[1]: is 65537 bytes long"},
	{"one too many", s_many, "guest: command: has 1025 elements; at most 1024"},
};

static void check(const struct hostile *c, int r, const struct err *err)
{
	if (r == 0)
		fail_msg("%s: accepted", c->why);
	if (r != -EBADMSG || err->code != EBADMSG || !strstr(err->text, c->says))
		fail_msg("%s: says '%s' instead of '%s'", c->why, err->text, c->says);
}

static void test_attempts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(attempts); i++) {
		autoarena struct arena arena = {0};
		struct sample s = sample_from(0);
		autoclean(attempt) struct attempt *good = sample_attempt(&s), *got = NULL;
		autofree void *bytes = NULL, *spoiled = NULL;
		struct err err = ERR_NONE;
		size_t size;
		record_encode_attempt(good, &bytes, &size);
		ProtobufCMessage *pb = codec_unpack(&arena, &assay__v1__attempt__descriptor, "",
						    bytes, size, &err);
		assert_non_null(pb);
		attempts[i].spoil(pb);
		codec_pack(pb, &spoiled, &size);
		check(&attempts[i], record_decode_attempt(spoiled, size, &got, &err), &err);
	}
}

static void test_specs(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
		autoarena struct arena arena = {0};
		struct sample s = sample_from(0);
		autoclean(run_spec) struct run_spec *good = sample_spec(&s), *got = NULL;
		autofree void *bytes = NULL, *spoiled = NULL;
		struct err err = ERR_NONE;
		size_t size;
		spec_encode(good, &bytes, &size);
		ProtobufCMessage *pb = codec_unpack(&arena, &assay__v1__run_spec__descriptor, "",
						    bytes, size, &err);
		assert_non_null(pb);
		specs[i].spoil(pb);
		codec_pack(pb, &spoiled, &size);
		check(&specs[i], spec_decode(spoiled, size, &got, &err), &err);
	}
}

#define ENVELOPE(name, change)                    \
	static void name(void *message)           \
	{                                         \
		Assay__V1__Envelope *e = message; \
		change;                           \
	}
ENVELOPE(e_nothing, e->body_case = ASSAY__V1__ENVELOPE__BODY__NOT_SET)
ENVELOPE(e_agent, e->hello->agent = empty)
ENVELOPE(e_epoch, e->hello->epoch = empty)
ENVELOPE(e_no_host, e->hello->host = NULL)
ENVELOPE(e_fingerprint, e->hello->host->fingerprint = short_hash)
ENVELOPE(e_no_spec, e->preflight->spec = NULL)
ENVELOPE(e_offer_key, e->offer->spec->run_key = empty)
ENVELOPE(e_offer_campaign, e->offer->spec->campaign = empty)
ENVELOPE(e_state, e->progress->state = 10)
ENVELOPE(e_kind_none, e->record->kind = ASSAY__V1__RECORD_KIND__RECORD_NONE)
ENVELOPE(e_kind_new, e->record->kind = (Assay__V1__RecordKind)4)
ENVELOPE(e_sequence, e->record->sequence = 0)
ENVELOPE(e_cancel, e->cancel->run_key = short_hash)

static const struct {
	enum message_kind kind;
	struct hostile c;
} messages[] = {
	{MESSAGE_DRAIN, {"a kind of a newer peer", e_nothing, "message: holds nothing that"}},
	{MESSAGE_HELLO, {"who is it?", e_agent, "hello: agent: is missing"}},
	{MESSAGE_HELLO, {"of which spool?", e_epoch, "hello: epoch: is missing"}},
	{MESSAGE_HELLO, {"hello introduces a host", e_no_host, "hello: host: is missing"}},
	{MESSAGE_HELLO, {"a hash", e_fingerprint, "hello: host: fingerprint: 'abc'"}},
	{MESSAGE_PREFLIGHT, {"about what?", e_no_spec, "preflight: spec: is missing"}},
	{MESSAGE_OFFER, {"a run to do has a key", e_offer_key, "offer: spec: run_key: is missing"}},
	{MESSAGE_OFFER, {"and a campaign", e_offer_campaign, "offer: spec: campaign: is missing"}},
	{MESSAGE_PROGRESS, {"past the last", e_state, "progress: state: 10 is not in 0..9"}},
	{MESSAGE_RECORD, {"a record is of a kind", e_kind_none, "record: kind: 0 is not in 1..3"}},
	{MESSAGE_RECORD, {"a newer kind", e_kind_new, "record: kind: 4 is not in 1..3"}},
	{MESSAGE_RECORD, {"sequences start at 1", e_sequence, "record: sequence: 0 is not in 1"}},
	{MESSAGE_CANCEL, {"'' is all, this is none", e_cancel, "cancel: run_key: 'abc' is not"}},
};

static void test_messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(messages); i++) {
		autoarena struct arena arena = {0};
		struct sample s = sample_from(0);
		struct message m, got;
		autofree void *bytes = NULL, *spoiled = NULL;
		struct err err = ERR_NONE;
		size_t size;
		memset(&m, 0, sizeof(m));
		sample_message(&s, messages[i].kind, &m);
		message_encode(&m, &bytes, &size);
		message_done(&m);
		ProtobufCMessage *pb = codec_unpack(&arena, &assay__v1__envelope__descriptor, "",
						    bytes, size, &err);
		assert_non_null(pb);
		messages[i].c.spoil(pb);
		codec_pack(pb, &spoiled, &size);
		check(&messages[i].c, message_decode(spoiled, size, &got, &err), &err);
	}
}

static void test_preflight_needs_no_ids(void **state)
{
	struct sample s = sample_from(0);
	struct message m, got;
	autofree void *bytes = NULL;
	size_t size;
	(void)state;
	memset(&m, 0, sizeof(m));
	sample_message(&s, MESSAGE_PREFLIGHT, &m);
	m.preflight.spec->run_key[0] = m.preflight.spec->campaign[0] = '\0';
	message_encode(&m, &bytes, &size);
	assert_int_equal(message_decode(bytes, size, &got, NULL), 0);
	message_done(&m);
	message_done(&got);
}

static void test_lines_are_cleaned_and_cut(void **state)
{
	static const struct {
		const char *why, *line, *want;
	} cases[] = {
		{"plain", "all good", "all good"},
		{"no new lines in a log", "a\nb\tc", "a b c"},
		{"no escapes on a terminal", "\x1b[31mred", " [31mred"},
		{"C1 is control too",
		 "a\xc2\x9b"
		 "b",
		 "a b"},
		{"not UTF-8", "caf\xe9!", "caf?!"},
		{"cut between characters", "123456789\xc3\xa9\xc3\xa9", "123456789\xc3\xa9"},
		{"a character cut by who sent it", "ab\xe2\x86", "ab??"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char got[12];
		get_line(cases[i].line, got, sizeof(got));
		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%s: '%s'", cases[i].why, got);
	}
}

/* Bytes that are cheap to send and dear to decode: each of these fields is empty. */
static void test_allocation_is_bounded(void **state)
{
	enum { SIZE = 4 << 20 };
	static const struct {
		const char *why;
		uint8_t tag;
	} cases[] = {
		{"marks", 11 << 3 | 2},	   {"readings", 13 << 3 | 2},
		{"reasons", 14 << 3 | 2},  {"events", 15 << 3 | 2},
		{"campaigns", 1 << 3 | 2}, {"begun, merged again and again", 5 << 3 | 2},
	};
	autofree uint8_t *bytes = xcalloc(SIZE, 1);
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autoarena struct arena arena = {0};
		struct attempt *got;
		struct err err = ERR_NONE;
		for (size_t at = 0; at < SIZE; at += 2)
			bytes[at] = cases[i].tag;
		codec_unpack(&arena, &assay__v1__attempt__descriptor, "", bytes, SIZE, &err);
		if (arena.used_bytes > 4ull * WIRE_MESSAGE_LIMIT_BYTES)
			fail_msg("%s: took %zu bytes", cases[i].why, arena.used_bytes);
		assert_int_equal(record_decode_attempt(bytes, SIZE, &got, &err), -EBADMSG);
		arena_done(&arena);
		codec_unpack(&arena, &assay__v1__attempt__descriptor, "", bytes, 1000, &err);
		if (arena.used_bytes > 32 * 1000 + (16 << 10))
			fail_msg("%s: took %zu bytes for 1000", cases[i].why, arena.used_bytes);
	}
}

static void test_size_limit(void **state)
{
	autofree uint8_t *bytes = xcalloc(WIRE_MESSAGE_LIMIT_BYTES + 1, 1);
	struct message m;
	struct err err = ERR_NONE;
	(void)state;
	assert_int_equal(message_decode(bytes, WIRE_MESSAGE_LIMIT_BYTES + 1, &m, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "8388609 bytes are more than the 8388608"));
}

static void test_chunks_stay_inside_their_blob(void **state)
{
	static char bytes[WIRE_BLOB_CHUNK_BYTES + 1];
	static const struct {
		const char *why;
		uint64_t total, offset;
		size_t size;
		int want;
	} cases[] = {
		{"the whole blob", 10, 0, 10, 0},
		{"its end", 10, 9, 1, 0},
		{"an empty blob", 0, 0, 0, 0},
		{"the largest chunk", 1 << 30, 0, WIRE_BLOB_CHUNK_BYTES, 0},
		{"one past its end", 10, 9, 2, -EBADMSG},
		{"starts after its end", 10, 11, 0, -EBADMSG},
		{"a sum that wraps around", 10, UINT64_MAX, 2, -EBADMSG},
		{"one larger than a chunk", 1 << 30, 0, WIRE_BLOB_CHUNK_BYTES + 1, -EBADMSG},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct blob_chunk c = {"", cases[i].total, cases[i].offset, bytes, cases[i].size};
		struct blob_chunk got = {0};
		autofree void *packed = NULL;
		size_t size;
		hash_bytes("", 0, c.sha256);
		record_encode_blob(&c, &packed, &size);
		if (record_decode_blob(packed, size, &got, NULL) != cases[i].want)
			fail_msg("%s", cases[i].why);
		blob_chunk_done(&got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_specs),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_preflight_needs_no_ids),
		cmocka_unit_test(test_lines_are_cleaned_and_cut),
		cmocka_unit_test(test_allocation_is_bounded),
		cmocka_unit_test(test_size_limit),
		cmocka_unit_test(test_chunks_stay_inside_their_blob),
	};
	memset(long_name, 'n', sizeof(long_name) - 1);
	memset(long_string, 's', sizeof(long_string) - 1);
	for (size_t i = 0; i < ARRAY_SIZE(many_strings); i++)
		many_strings[i] = empty;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
