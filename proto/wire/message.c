// SPDX-License-Identifier: GPL-3.0-or-later
/* message - the envelope and what it holds. A message is the list of its fields, and MESSAGE_KINDS
 * makes the cases of the envelope: a new one is a line in message.h, one in assay.proto, and its
 * fields here. */
#include "proto/wire/message.h"

#include <assert.h>
#include <errno.h>

#include "proto/wire/codec.h"

#define X(id, name) [MESSAGE_##id] = #name,
static const char *const kinds[MESSAGE_KIND_COUNT] = {[MESSAGE_NONE] = "none", MESSAGE_KINDS(X)};
#undef X

const char *message_kind_name(enum message_kind kind)
{
	return kind < MESSAGE_KIND_COUNT ? kinds[kind] : "unknown";
}

_Static_assert((int)ASSAY__V1__RECORD_KIND__RECORD_BEGUN == (int)RECORD_BEGUN, "as on the wire");
_Static_assert((int)ASSAY__V1__RECORD_KIND__RECORD_BLOB == (int)RECORD_BLOB, "as on the wire");
_Static_assert((int)ASSAY__V1__RECORD_KIND__RECORD_ENDED == (int)RECORD_ENDED, "as on the wire");

/* A run_spec by pointer, owned. */
#define ENCODE_SPEC(f)                              \
	to->f = arena_alloc(arena, sizeof(*to->f)); \
	encode_run_spec(arena, from->f, to->f);
#define DECODE_SPEC(f)                                  \
	if (!from->f)                                   \
		return get_missing(#f, err);            \
	to->f = run_spec_new();                         \
	if (decode_run_spec(from->f, to->f, err) < 0) { \
		err_wrap(err, #f);                      \
		return -EBADMSG;                        \
	}

/* Preflight asks about a run that may have no ids yet; one that is to be done has them. */
#define ENCODE_IDS(f)
#define DECODE_IDS(f)                                     \
	if (!*to->f->campaign)                            \
		return get_missing(#f ": campaign", err); \
	if (!*to->f->run_key)                             \
		return get_missing(#f ": run_key", err);

#define HELLO_FIELDS(F)      \
	F(SAME, protocol)    \
	F(LABEL, version)    \
	F(NAME, agent)       \
	F(ULID, epoch)       \
	F(SAME, spooled)     \
	F(STRINGS, features) \
	F(INSIDE, host, host_info)

#define WELCOME_FIELDS(F)          \
	F(SAME, protocol)          \
	F(LABEL, version)          \
	F(SAME, heartbeat_ns)      \
	F(SAME, bulk_window_bytes) \
	F(SAME, committed)

#define REFUSED_FIELDS(F) F(LINE, why)

#define HEARTBEAT_FIELDS(F) F(SAME, count) F(SAME, spooled)

#define PREFLIGHT_FIELDS(F) F(SAME, id) F(SPEC, spec)

#define PROBLEM_FIELDS(F) F(LINE, key) F(SAME, fatal) F(LINE, text)

#define PREFLIGHT_REPLY_FIELDS(F) \
	F(SAME, id)               \
	F(LABEL, accel)           \
	F(LABEL, cpu)             \
	F(EACH, problems, problem, WIRE_PROBLEMS_MAX)

#define OFFER_FIELDS(F) F(SPEC, spec) F(IDS, spec)

#define TAKEN_FIELDS(F) F(ULID, campaign) F(HASH, run_key) F(SAME, attempt) F(LINE, refused)

#define CANCEL_FIELDS(F) F(HASH_MAYBE, run_key) F(LINE, why)

#define PROGRESS_FIELDS(F) F(HASH, run_key) F(SAME, attempt) F(RANGE, state, 0, RUN_STATE_COUNT)

#define DRAIN_FIELDS(F) F(SAME, now)

#define BYE_FIELDS(F) F(LINE, why)

#define RECORD_FIELDS(F)                           \
	F(ULID, epoch)                             \
	F(RANGE, sequence, 1, INT64_MAX)           \
	F(RANGE, kind, RECORD_BEGUN, RECORD_KINDS) \
	F(BYTES, body, body, body_size)

#define ACK_FIELDS(F) F(ULID, epoch) F(SAME, sequence)

CODEC_DEFINE(static, problem, struct preflight_problem, Problem, PROBLEM_FIELDS)
CODEC_DEFINE(static, hello, struct msg_hello, Hello, HELLO_FIELDS)
CODEC_DEFINE(static, welcome, struct msg_welcome, Welcome, WELCOME_FIELDS)
CODEC_DEFINE(static, refused, struct msg_refused, Refused, REFUSED_FIELDS)
CODEC_DEFINE(static, heartbeat, struct msg_heartbeat, Heartbeat, HEARTBEAT_FIELDS)
CODEC_DEFINE(static, preflight, struct msg_preflight, Preflight, PREFLIGHT_FIELDS)
CODEC_DEFINE(static, preflight_reply, struct msg_preflight_reply, PreflightReply,
	     PREFLIGHT_REPLY_FIELDS)
CODEC_DEFINE(static, offer, struct msg_offer, Offer, OFFER_FIELDS)
CODEC_DEFINE(static, taken, struct msg_taken, Taken, TAKEN_FIELDS)
CODEC_DEFINE(static, cancel, struct msg_cancel, Cancel, CANCEL_FIELDS)
CODEC_DEFINE(static, progress, struct msg_progress, Progress, PROGRESS_FIELDS)
CODEC_DEFINE(static, drain, struct msg_drain, Drain, DRAIN_FIELDS)
CODEC_DEFINE(static, bye, struct msg_bye, Bye, BYE_FIELDS)
CODEC_DEFINE(static, record, struct msg_record, Record, RECORD_FIELDS)
CODEC_DEFINE(static, ack, struct msg_ack, Ack, ACK_FIELDS)

void message_encode(const struct message *message, void **ret, size_t *ret_size)
{
	autoarena struct arena arena = {0};
	Assay__V1__Envelope envelope = ASSAY__V1__ENVELOPE__INIT;
	assert(message->kind > MESSAGE_NONE && message->kind < MESSAGE_KIND_COUNT);
	switch (message->kind) {
#define X(id, name)                                                          \
	case MESSAGE_##id:                                                   \
		envelope.body_case = ASSAY__V1__ENVELOPE__BODY_##id;         \
		envelope.name = arena_alloc(&arena, sizeof(*envelope.name)); \
		encode_##name(&arena, &message->name, envelope.name);        \
		break;
		MESSAGE_KINDS(X)
#undef X
	case MESSAGE_NONE:
	case MESSAGE_KIND_COUNT:
		break;
	}
	codec_pack(&envelope.base, ret, ret_size);
}

static int decode_body(const Assay__V1__Envelope *envelope, struct message *to, struct err *err)
{
	switch ((int)envelope->body_case) {
#define X(id, name)                          \
	case ASSAY__V1__ENVELOPE__BODY_##id: \
		to->kind = MESSAGE_##id;     \
		return decode_##name(envelope->name, &to->name, err);
		MESSAGE_KINDS(X)
#undef X
	default:
		err_say(err, EBADMSG, "holds nothing that protocol %d knows", WIRE_PROTOCOL);
		return -EBADMSG;
	}
}

int message_decode(const void *bytes, size_t size, struct message *ret, struct err *err)
{
	autoarena struct arena arena = {0};
	struct message message;
	memset(&message, 0, sizeof(message)); /* all of the union, not just its first member */
	const Assay__V1__Envelope *envelope = codec_unpack(&arena, &assay__v1__envelope__descriptor,
							   "message", bytes, size, err);
	if (!envelope)
		return -EBADMSG;
	if (decode_body(envelope, &message, err) < 0) {
		err_wrap(err, "%s", message.kind ? message_kind_name(message.kind) : "message");
		message_done(&message);
		return -EBADMSG;
	}
	*ret = message;
	return 0;
}

void message_done(struct message *message)
{
	switch (message->kind) {
	case MESSAGE_HELLO:
		strv_free(message->hello.features);
		host_info_done(&message->hello.host);
		break;
	case MESSAGE_PREFLIGHT:
		run_spec_free(message->preflight.spec);
		break;
	case MESSAGE_PREFLIGHT_REPLY:
		free(message->preflight_reply.problems);
		break;
	case MESSAGE_OFFER:
		run_spec_free(message->offer.spec);
		break;
	case MESSAGE_RECORD:
		free(message->record.body);
		break;
	default: /* the others own nothing */
		break;
	}
	*message = (struct message){0};
}
