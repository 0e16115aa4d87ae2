// SPDX-License-Identifier: GPL-3.0-or-later
/* codec - the arena, and the checks of one field. UTF-8 as RFC 3629 has it; control characters
 * are C0, DEL and C1, since names and lines reach terminals. */
#include "proto/wire/codec.h"

#include <errno.h>
#include <math.h>
#include <stdalign.h>
#include <string.h>

#include "proto/base/text.h"

struct arena_chunk {
	struct arena_chunk *next;
	size_t used_bytes;
	size_t size_bytes;
	alignas(max_align_t) char bytes[];
};

enum {
	CHUNK_BYTES = 64 << 10,
	/* What a decoder may spend on size bytes. protobuf-c needs up to 80 bytes of scan state a
	 * field and a struct with a pointer a message, so short facts cost 20 times their size;
	 * honest large messages cost less than 3 times (tests: the largest attempt passes). */
	DECODE_FACTOR = 32,
	DECODE_EXTRA_BYTES = 16 << 10,
	DECODE_MOST_BYTES = 4 * WIRE_MESSAGE_LIMIT_BYTES,
};

static struct arena_chunk *arena_grow(struct arena *arena, size_t size)
{
	size_t room = size > CHUNK_BYTES ? size : CHUNK_BYTES;
	struct arena_chunk *chunk = xmalloc(sizeof(*chunk) + room);
	chunk->next = arena->chunks;
	chunk->used_bytes = 0;
	chunk->size_bytes = room;
	return arena->chunks = chunk;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	enum { ALIGN = alignof(max_align_t) };
	struct arena_chunk *chunk = arena->chunks;
	size_t limit = arena->limit_bytes ? arena->limit_bytes : SIZE_MAX / 2;
	if (size > limit - arena->used_bytes)
		return NULL;
	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	arena->used_bytes = size > limit - arena->used_bytes ? limit : arena->used_bytes + size;
	if (!chunk || size > chunk->size_bytes - chunk->used_bytes)
		chunk = arena_grow(arena, size);
	void *p = chunk->bytes + chunk->used_bytes;
	chunk->used_bytes += size;
	return memset(p, 0, size);
}

void arena_done(struct arena *arena)
{
	while (arena->chunks) {
		struct arena_chunk *next = arena->chunks->next;
		free(arena->chunks);
		arena->chunks = next;
	}
	*arena = (struct arena){0};
}

static void *unpack_alloc(void *arena, size_t size)
{
	return arena_alloc(arena, size);
}

/* The arena goes as a whole: nothing leaks where protobuf-c gives up half way. */
static void unpack_free(void *arena, void *p)
{
	(void)arena;
	(void)p;
}

void *codec_unpack(struct arena *arena, const ProtobufCMessageDescriptor *type, const char *what,
		   const void *bytes, size_t size, struct err *err)
{
	ProtobufCAllocator allocator = {unpack_alloc, unpack_free, arena};
	if (size > WIRE_MESSAGE_LIMIT_BYTES) {
		err_say(err, EBADMSG, "%s: %zu bytes are more than the %d that are allowed", what,
			size, WIRE_MESSAGE_LIMIT_BYTES);
		return NULL;
	}
	size_t limit = DECODE_FACTOR * size + DECODE_EXTRA_BYTES;
	arena->limit_bytes = limit < DECODE_MOST_BYTES ? limit : DECODE_MOST_BYTES;
	void *message = protobuf_c_message_unpack(type, &allocator, size, bytes);
	if (!message)
		err_say(err, EBADMSG, "%s: %zu bytes are malformed, or would take too much memory",
			what, size);
	return message;
}

void codec_pack(const ProtobufCMessage *message, void **ret, size_t *ret_size)
{
	size_t size = protobuf_c_message_get_packed_size(message);
	void *bytes = xmalloc(size);
	*ret_size = protobuf_c_message_pack(message, bytes);
	*ret = bytes;
}

char *put_string(const char *s)
{
	/* protobuf-c has no const in its structs; packing only reads. */
	return (char *)(uintptr_t)(s ? s : "");
}

char **put_strings(struct arena *arena, char *const *v, size_t *ret_n)
{
	size_t n = strv_count(v);
	char **copy = arena_alloc(arena, n * sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = put_string(v[i]);
	*ret_n = n;
	return copy;
}

/* The length of the UTF-8 character at s (which ends in NUL), 0 where there is none. */
static size_t utf8_length(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	if (u[0] < 0x80)
		return 1;
	if (u[0] < 0xc2 || u[0] > 0xf4)
		return 0;
	size_t n = u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	for (size_t i = 1; i < n; i++)
		if ((u[i] & 0xc0) != 0x80)
			return 0;
	bool overlong = (u[0] == 0xe0 && u[1] < 0xa0) || (u[0] == 0xf0 && u[1] < 0x90);
	bool surrogate = u[0] == 0xed && u[1] > 0x9f;
	bool too_high = u[0] == 0xf4 && u[1] > 0x8f;
	return overlong || surrogate || too_high ? 0 : n;
}

static bool is_control(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	return u[0] < 0x20 || u[0] == 0x7f || (u[0] == 0xc2 && u[1] >= 0x80 && u[1] < 0xa0);
}

int get_missing(const char *field, struct err *err)
{
	err_say(err, EBADMSG, "%s: is missing", field);
	return -EBADMSG;
}

int get_name(const char *s, const char *field, bool may_be_empty, char *ret, size_t size,
	     struct err *err)
{
	size_t length = strlen(s);
	if (!length && !may_be_empty)
		return get_missing(field, err);
	if (length >= size)
		return err_say(err, EBADMSG, "%s: is %zu bytes long; at most %zu are allowed",
			       field, length, size - 1);
	for (size_t i = 0; i < length;) {
		size_t n = utf8_length(s + i);
		if (!n || is_control(s + i))
			return err_say(err, EBADMSG, "%s: byte %zu is %s", field, i,
				       n ? "a control character" : "not UTF-8");
		i += n;
	}
	memcpy(ret, s, length + 1);
	return 0;
}

void get_line(const char *s, char *ret, size_t size)
{
	size_t used = 0;
	while (*s) {
		size_t n = utf8_length(s);
		size_t step = n ? n : 1;
		bool plain = n && !is_control(s);
		size_t out = plain ? n : 1;
		if (used + out >= size)
			break;
		if (plain)
			memcpy(ret + used, s, n);
		else
			ret[used] = n ? ' ' : '?';
		used += out;
		s += step;
	}
	ret[used] = '\0';
}

int get_hash(const char *s, const char *field, bool may_be_empty, char ret[HASH_HEX_SIZE],
	     struct err *err)
{
	if (!*s && !may_be_empty)
		return get_missing(field, err);
	if (*s &&
	    (strlen(s) != HASH_HEX_SIZE - 1 || strspn(s, "0123456789abcdef") != HASH_HEX_SIZE - 1))
		return err_say(err, EBADMSG, "%s: '%.80s' is not 64 lower-case hex digits", field,
			       s);
	mem_strcpy(ret, HASH_HEX_SIZE, s);
	return 0;
}

int get_ulid(const char *s, const char *field, bool may_be_empty, char ret[ULID_SIZE],
	     struct err *err)
{
	if (!*s && !may_be_empty)
		return get_missing(field, err);
	if (*s && !ulid_valid(s))
		return err_say(err, EBADMSG, "%s: '%.40s' is not a ULID", field, s);
	mem_strcpy(ret, ULID_SIZE, s);
	return 0;
}

int get_string(const char *s, const char *field, bool may_be_empty, char **ret, struct err *err)
{
	size_t length = strlen(s);
	if (!length && !may_be_empty)
		return get_missing(field, err);
	if (length > WIRE_STRING_LIMIT_BYTES)
		return err_say(err, EBADMSG, "%s: is %zu bytes long; at most %d are allowed", field,
			       length, WIRE_STRING_LIMIT_BYTES);
	*ret = length ? xstrdup(s) : NULL;
	return 0;
}

int get_strings(char *const *v, size_t n, const char *field, char ***ret, struct err *err)
{
	int r = get_count(n, WIRE_STRINGS_MAX, field, err);
	if (r < 0 || !n)
		return r;
	autostrv char **copy = xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++) {
		size_t length = strlen(v[i]);
		if (length > WIRE_STRING_LIMIT_BYTES)
			return err_say(err, EBADMSG,
				       "%s[%zu]: is %zu bytes long; at most %d are allowed", field,
				       i, length, WIRE_STRING_LIMIT_BYTES);
		copy[i] = xstrndup(v[i], length);
	}
	*ret = take(copy);
	return 0;
}

int get_finite(double value, const char *field, struct err *err)
{
	return isfinite(value) ? 0 : err_say(err, EBADMSG, "%s: is not a finite number", field);
}

int get_range(int64_t value, int64_t first, int64_t end, const char *field, struct err *err)
{
	if (value >= first && value < end)
		return 0;
	return err_say(err, EBADMSG, "%s: %lld is not in %lld..%lld", field, (long long)value,
		       (long long)first, (long long)end - 1);
}

int get_count(size_t n, size_t max, const char *field, struct err *err)
{
	if (n <= max)
		return 0;
	return err_say(err, EBADMSG, "%s: has %zu elements; at most %zu are allowed", field, n,
		       max);
}

void *get_array(size_t n, size_t size)
{
	size_t capacity = 1;
	while (capacity < n) /* ARRAY_PUSH() reads the capacity off the count */
		capacity *= 2;
	return n ? xcalloc(capacity, size) : NULL;
}
