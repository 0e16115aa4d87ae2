// SPDX-License-Identifier: GPL-3.0-or-later
/* codec - what all encoders and decoders of this room share. Private to proto/wire.
 *
 * A message family lists the fields of a struct once, as an X-macro of (KIND, field...) rows;
 * CODEC_DEFINE makes both directions from that list, so they cannot disagree. The C struct and
 * the message of assay.proto name their fields alike. Kinds, with what decoding demands:
 *
 *	SAME(f)           a number or a bool, taken over
 *	FINITE(f)         a double that is neither infinite nor NaN
 *	RANGE(f, first, end)  an enum or number in [first, end)
 *	NAME(f)           a fixed array; 1 or more characters, none of them a control character
 *	LABEL(f)          the same, but may be empty
 *	LINE(f)           a fixed array for people to read: control characters become spaces, what
 *is not UTF-8 becomes '?', what is too long is cut HASH(f)           64 lower-case hex digits;
 *HASH_MAYBE: or empty ULID(f)           a ULID; ULID_MAYBE: or empty STRING(f)         a char *
 *that must not be empty STRING_MAYBE(f)   a char *: empty on the wire is NULL here and the other
 *way round STRINGS(f)        a NULL-ended array of at most WIRE_STRINGS_MAX strings; NULL where
 *empty INSIDE(f, word)   a struct inside this one; missing is refused EACH(f, word, max)  an array
 *f with its count n_f; more than max are refused BYTES(data, f, size)  `bytes data` of assay.proto;
 *f is NULL where size is 0
 *
 * Refusals are sentences that start with the field; callers put what they decoded in front. */
#ifndef ASSAY_WIRE_CODEC_H
#define ASSAY_WIRE_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/mem.h"
#include "proto/measure/host.h"
#include "proto/measure/result.h"
#include "proto/measure/spec.h"
#include "proto/wire/assay.pb-c.h"
#include "proto/wire/message.h"

/* Memory that lives as long as one encoding or decoding, released in one go. Where it has a limit,
 * an allocation past it fails (and only then): so much and no more can hostile bytes cost. */
struct arena_chunk;
struct arena {
	struct arena_chunk *chunks; /* owned */
	size_t used_bytes;
	size_t limit_bytes; /* 0: none, and allocating cannot fail */
};
void *arena_alloc(struct arena *arena, size_t size); /* zeroed, aligned for anything */
void arena_done(struct arena *arena);

static inline void cleanup_arena(struct arena *arena)
{
	arena_done(arena);
}
#define autoarena autoclean(arena)

/* The message inside the arena, or NULL with -EBADMSG in err: too large, malformed, or more than
 * the arena may hold. Sets the arena's limit. `what` starts the sentence. */
void *codec_unpack(struct arena *arena, const ProtobufCMessageDescriptor *type, const char *what,
		   const void *bytes, size_t size, struct err *err);
/* The bytes of the message, owned by the caller. */
void codec_pack(const ProtobufCMessage *message, void **ret, size_t *ret_size);

/* C to protobuf-c: borrows s. NULL is the empty string. */
char *put_string(const char *s);
char **put_strings(struct arena *arena, char *const *v, size_t *ret_n);

/* protobuf-c to C; each refuses with -EBADMSG and a sentence that starts with the field. */
int get_name(const char *s, const char *field, bool may_be_empty, char *ret, size_t size,
	     struct err *err);
void get_line(const char *s, char *ret, size_t size);
int get_hash(const char *s, const char *field, bool may_be_empty, char ret[HASH_HEX_SIZE],
	     struct err *err);
int get_ulid(const char *s, const char *field, bool may_be_empty, char ret[ULID_SIZE],
	     struct err *err);
int get_string(const char *s, const char *field, bool may_be_empty, char **ret, struct err *err);
int get_strings(char *const *v, size_t n, const char *field, char ***ret, struct err *err);
int get_finite(double value, const char *field, struct err *err);
int get_range(int64_t value, int64_t first, int64_t end, const char *field, struct err *err);
int get_count(size_t n, size_t max, const char *field, struct err *err);
int get_missing(const char *field, struct err *err);
/* Room for n elements and for ARRAY_PUSH() after them, zeroed; NULL where n is 0. */
void *get_array(size_t n, size_t size);

#define ENCODE(kind, ...) ENCODE_##kind(__VA_ARGS__)
#define DECODE(kind, ...) DECODE_##kind(__VA_ARGS__)

#define ENCODE_SAME(f)	       to->f = from->f;
#define ENCODE_FINITE(f)       to->f = from->f;
#define ENCODE_RANGE(f, a, b)  to->f = (typeof(to->f))from->f;
#define ENCODE_NAME(f)	       to->f = put_string(from->f);
#define ENCODE_LABEL(f)	       to->f = put_string(from->f);
#define ENCODE_LINE(f)	       to->f = put_string(from->f);
#define ENCODE_HASH(f)	       to->f = put_string(from->f);
#define ENCODE_HASH_MAYBE(f)   to->f = put_string(from->f);
#define ENCODE_ULID(f)	       to->f = put_string(from->f);
#define ENCODE_ULID_MAYBE(f)   to->f = put_string(from->f);
#define ENCODE_STRING(f)       to->f = put_string(from->f);
#define ENCODE_STRING_MAYBE(f) to->f = put_string(from->f);
#define ENCODE_STRINGS(f)      to->f = put_strings(arena, from->f, &to->n_##f);
#define ENCODE_INSIDE(f, word)                      \
	to->f = arena_alloc(arena, sizeof(*to->f)); \
	encode_##word(arena, &from->f, to->f);
#define ENCODE_EACH(f, word, max)                                \
	to->n_##f = from->n_##f;                                 \
	to->f = arena_alloc(arena, to->n_##f * sizeof(*to->f));  \
	for (size_t i_ = 0; i_ < to->n_##f; i_++) {              \
		to->f[i_] = arena_alloc(arena, sizeof(**to->f)); \
		encode_##word(arena, &from->f[i_], to->f[i_]);   \
	}
#define ENCODE_BYTES(data_f, f, size_f) \
	to->data_f.data = from->f;      \
	to->data_f.len = from->size_f;

#define DECODE_TRY(call)           \
	do {                       \
		int r_ = (call);   \
		if (r_ < 0)        \
			return r_; \
	} while (0);
#define DECODE_SAME(f)	 to->f = from->f;
#define DECODE_FINITE(f) DECODE_TRY(get_finite(from->f, #f, err)) to->f = from->f;
#define DECODE_RANGE(f, first, end)                                      \
	DECODE_TRY(get_range((int64_t)from->f, (first), (end), #f, err)) \
	to->f = (typeof(to->f))from->f;
#define DECODE_NAME(f)	       DECODE_TRY(get_name(from->f, #f, false, to->f, sizeof(to->f), err))
#define DECODE_LABEL(f)	       DECODE_TRY(get_name(from->f, #f, true, to->f, sizeof(to->f), err))
#define DECODE_LINE(f)	       get_line(from->f, to->f, sizeof(to->f));
#define DECODE_HASH(f)	       DECODE_TRY(get_hash(from->f, #f, false, to->f, err))
#define DECODE_HASH_MAYBE(f)   DECODE_TRY(get_hash(from->f, #f, true, to->f, err))
#define DECODE_ULID(f)	       DECODE_TRY(get_ulid(from->f, #f, false, to->f, err))
#define DECODE_ULID_MAYBE(f)   DECODE_TRY(get_ulid(from->f, #f, true, to->f, err))
#define DECODE_STRING(f)       DECODE_TRY(get_string(from->f, #f, false, &to->f, err))
#define DECODE_STRING_MAYBE(f) DECODE_TRY(get_string(from->f, #f, true, &to->f, err))
#define DECODE_STRINGS(f)      DECODE_TRY(get_strings(from->f, from->n_##f, #f, &to->f, err))
#define DECODE_INSIDE(f, word)                         \
	if (!from->f)                                  \
		return get_missing(#f, err);           \
	if (decode_##word(from->f, &to->f, err) < 0) { \
		err_wrap(err, #f);                     \
		return -EBADMSG;                       \
	}
#define DECODE_EACH(f, word, max)                                      \
	DECODE_TRY(get_count(from->n_##f, (max), #f, err))             \
	to->f = get_array(from->n_##f, sizeof(*to->f));                \
	to->n_##f = from->n_##f;                                       \
	for (size_t i_ = 0; i_ < to->n_##f; i_++) {                    \
		if (decode_##word(from->f[i_], &to->f[i_], err) < 0) { \
			err_wrap(err, #f "[%zu]", i_);                 \
			return -EBADMSG;                               \
		}                                                      \
	}
#define DECODE_BYTES(data_f, f, size_f) \
	to->size_f = from->data_f.len;  \
	to->f = to->size_f ? xmemdup(from->data_f.data, to->size_f) : NULL;

/* encode_<word>(arena, const type *, pb_type *) and decode_<word>(const pb_type *, type *, err).
 * `to` of decode is zeroed before; on failure it holds what its owner's done releases. */
#define CODEC_DEFINE(scope, word, type, pb_type, fields)                                          \
	scope void encode_##word(struct arena *arena, const type *from, Assay__V1__##pb_type *to) \
	{                                                                                         \
		(void)arena;                                                                      \
		assay__v1__##word##__init(to);                                                    \
		fields(ENCODE)                                                                    \
	}                                                                                         \
	scope int decode_##word(const Assay__V1__##pb_type *from, type *to, struct err *err)      \
	{                                                                                         \
		(void)err;                                                                        \
		fields(DECODE) return 0;                                                          \
	}

/* The families that other families hold. */
void encode_fact(struct arena *arena, const struct fact *from, Assay__V1__Fact *to);
int decode_fact(const Assay__V1__Fact *from, struct fact *to, struct err *err);
void encode_host_info(struct arena *arena, const struct host_info *from, Assay__V1__HostInfo *to);
int decode_host_info(const Assay__V1__HostInfo *from, struct host_info *to, struct err *err);
void encode_run_spec(struct arena *arena, const struct run_spec *from, Assay__V1__RunSpec *to);
int decode_run_spec(const Assay__V1__RunSpec *from, struct run_spec *to, struct err *err);

#endif
