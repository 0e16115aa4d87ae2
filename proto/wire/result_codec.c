// SPDX-License-Identifier: GPL-3.0-or-later
/* result_codec - bodies of records: an attempt, and a chunk of a blob.
 *
 * Records are spooled as these bytes and may be decoded by a later version: fields are only ever
 * added. What the agent's spool holds must be acceptable to the controller, else it would be sent
 * for ever; so encoding an attempt cuts what decoding would refuse, and says so in a reason. */
#include "proto/wire/codec.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>

_Static_assert((int)ASSAY__V1__LEVEL__LEVEL_FLAGGED == (int)VERDICT_FLAGGED, "as on the wire");
_Static_assert((int)ASSAY__V1__LEVEL__LEVEL_INVALID == (int)VERDICT_INVALID, "as on the wire");

/* A number that is not finite is no number: the reading travels as absent. */
#define ENCODE_NUMBERS()                                                        \
	bool finite = isfinite(from->value) && isfinite(from->running_share) && \
		      isfinite(from->uncertainty);                              \
	to->present = from->present && finite;                                  \
	to->value = to->present ? from->value : 0;                              \
	to->running_share = finite ? from->running_share : 0;                   \
	to->uncertainty = finite ? from->uncertainty : 0;                       \
	if (from->present && !finite)                                           \
		to->note = put_string("the number that was measured is not finite");
#define DECODE_NUMBERS()             \
	DECODE_SAME(present)         \
	DECODE_FINITE(value)         \
	DECODE_FINITE(running_share) \
	DECODE_FINITE(uncertainty) to->value = to->present ? to->value : 0;

#define CLOCKS_FIELDS(F) F(SAME, raw_ns) F(SAME, monotonic_ns) F(SAME, real_ns) F(SAME, width_ns)

#define MARK_FIELDS(F)         \
	F(NAME, name)          \
	F(SAME, lower_ns)      \
	F(SAME, t_ns)          \
	F(SAME, read_ns)       \
	F(SAME, console_bytes) \
	F(SAME, console_lines)

#define WINDOW_FIELDS(F)        \
	F(NAME, name)           \
	F(SAME, from_ns)        \
	F(SAME, to_ns)          \
	F(SAME, uncertainty_ns) \
	F(SAME, console_bytes)  \
	F(SAME, console_lines)

#define READING_FIELDS(F) \
	F(NAME, window)   \
	F(NAME, metric)   \
	F(LABEL, scope)   \
	F(LABEL, unit)    \
	F(LABEL, source)  \
	F(LINE, note)     \
	F(NUMBERS)

#define REASON_FIELDS(F) F(NAME, code) F(RANGE, level, VERDICT_FLAGGED, VERDICTS) F(LINE, text)

#define EVENT_FIELDS(F) F(NAME, name) F(SAME, t_ns)

#define ARTIFACT_FIELDS(F) F(NAME, name) F(HASH, sha256) F(SAME, size_bytes)

#define ATTEMPT_FIELDS(F)                                \
	F(ULID, campaign)                                \
	F(HASH, run_key)                                 \
	F(SAME, attempt)                                 \
	F(RANGE, reached, 0, RUN_STATE_COUNT)            \
	F(INSIDE, begun, clocks)                         \
	F(INSIDE, ended, clocks)                         \
	F(SAME, exited)                                  \
	F(RANGE, exit_code, 0, 256)                      \
	F(RANGE, exit_signal, 0, 65)                     \
	F(SAME, guest_life_ns)                           \
	F(EACH, marks, mark, WIRE_MARKS_MAX)             \
	F(EACH, windows, window, WIRE_WINDOWS_MAX)       \
	F(EACH, readings, reading, WIRE_READINGS_MAX)    \
	F(EACH, reasons, reason, WIRE_REASONS_MAX)       \
	F(EACH, events, event, WIRE_EVENTS_MAX)          \
	F(EACH, artifacts, artifact, WIRE_ARTIFACTS_MAX) \
	F(EACH, facts, fact, WIRE_FACTS_MAX)

#define BLOB_FIELDS(F) \
	F(HASH, sha256) F(SAME, total_bytes) F(SAME, offset_bytes) F(BYTES, data, bytes, size)

CODEC_DEFINE(static, clocks, struct clock_bracket, Clocks, CLOCKS_FIELDS)
CODEC_DEFINE(static, mark, struct mark, Mark, MARK_FIELDS)
CODEC_DEFINE(static, window, struct window, Window, WINDOW_FIELDS)
CODEC_DEFINE(static, reading, struct reading, Reading, READING_FIELDS)
CODEC_DEFINE(static, reason, struct reason, Reason, REASON_FIELDS)
CODEC_DEFINE(static, event, struct event, Event, EVENT_FIELDS)
CODEC_DEFINE(static, artifact, struct artifact, Artifact, ARTIFACT_FIELDS)
CODEC_DEFINE(static, attempt, struct attempt, Attempt, ATTEMPT_FIELDS)
CODEC_DEFINE(static, blob, struct blob_chunk, Blob, BLOB_FIELDS)

/* Cuts one array of a shallow copy; `cut` collects what was lost. */
static void cut_to(size_t *n, size_t max, const char *what, char *cut, size_t cut_size)
{
	size_t used = strlen(cut);
	if (*n <= max)
		return;
	snprintf(cut + used, cut_size - used, "%s%zu of %zu %s", used ? ", " : "", max, *n, what);
	*n = max;
}

/* Gives the reasons that replace those of `attempt`, owned by the caller, or NULL where nothing
 * had to be cut. */
static struct reason *fit(struct attempt *attempt)
{
	char cut[300] = "";
	cut_to(&attempt->n_marks, WIRE_MARKS_MAX, "marks", cut, sizeof(cut));
	cut_to(&attempt->n_windows, WIRE_WINDOWS_MAX, "windows", cut, sizeof(cut));
	cut_to(&attempt->n_readings, WIRE_READINGS_MAX, "readings", cut, sizeof(cut));
	cut_to(&attempt->n_events, WIRE_EVENTS_MAX, "events", cut, sizeof(cut));
	cut_to(&attempt->n_artifacts, WIRE_ARTIFACTS_MAX, "artifacts", cut, sizeof(cut));
	cut_to(&attempt->n_facts, WIRE_FACTS_MAX, "facts", cut, sizeof(cut));
	cut_to(&attempt->n_reasons, WIRE_REASONS_MAX, "reasons", cut, sizeof(cut));
	if (!*cut)
		return NULL;
	if (attempt->n_reasons == WIRE_REASONS_MAX)
		attempt->n_reasons--;
	struct reason *reasons = xcalloc(attempt->n_reasons + 1, sizeof(*reasons));
	if (attempt->n_reasons)
		memcpy(reasons, attempt->reasons, attempt->n_reasons * sizeof(*reasons));
	struct reason *last = &reasons[attempt->n_reasons++];
	STRCPY_FIXED(last->code, "too-many");
	last->level = VERDICT_INVALID;
	snprintf(last->text, sizeof(last->text), "more than a message carries: kept the first %s",
		 cut);
	return reasons;
}

void record_encode_attempt(const struct attempt *attempt, void **ret, size_t *ret_size)
{
	autoarena struct arena arena = {0};
	struct attempt fitting = *attempt; /* borrows the arrays */
	autofree struct reason *reasons = fit(&fitting);
	if (reasons)
		fitting.reasons = reasons;
	Assay__V1__Attempt message;
	encode_attempt(&arena, &fitting, &message);
	codec_pack(&message.base, ret, ret_size);
}

int record_decode_attempt(const void *bytes, size_t size, struct attempt **ret, struct err *err)
{
	autoarena struct arena arena = {0};
	const Assay__V1__Attempt *message = codec_unpack(&arena, &assay__v1__attempt__descriptor,
							 "attempt", bytes, size, err);
	if (!message)
		return -EBADMSG;
	autoclean(attempt) struct attempt *attempt = attempt_new();
	if (decode_attempt(message, attempt, err) < 0) {
		err_wrap(err, "attempt");
		return -EBADMSG;
	}
	*ret = take(attempt);
	return 0;
}

void record_encode_blob(const struct blob_chunk *chunk, void **ret, size_t *ret_size)
{
	autoarena struct arena arena = {0};
	Assay__V1__Blob message;
	encode_blob(&arena, chunk, &message);
	codec_pack(&message.base, ret, ret_size);
}

static int check_chunk(const struct blob_chunk *c, struct err *err)
{
	if (c->size > WIRE_BLOB_CHUNK_BYTES)
		return err_say(err, EBADMSG, "blob: data: %zu bytes; at most %d are allowed",
			       c->size, WIRE_BLOB_CHUNK_BYTES);
	if (c->offset_bytes > c->total_bytes || c->size > c->total_bytes - c->offset_bytes)
		return err_say(err, EBADMSG, "blob: data: ends past total_bytes");
	return 0;
}

int record_decode_blob(const void *bytes, size_t size, struct blob_chunk *ret, struct err *err)
{
	autoarena struct arena arena = {0};
	struct blob_chunk chunk = {0};
	const Assay__V1__Blob *message = codec_unpack(&arena, &assay__v1__blob__descriptor, "blob",
						      bytes, size, err);
	if (!message)
		return -EBADMSG;
	if (decode_blob(message, &chunk, err) < 0) {
		err_wrap(err, "blob");
		return -EBADMSG;
	}
	if (check_chunk(&chunk, err) < 0) {
		blob_chunk_done(&chunk);
		return -EBADMSG;
	}
	*ret = chunk;
	return 0;
}

void blob_chunk_done(struct blob_chunk *chunk)
{
	free(chunk->bytes);
	*chunk = (struct blob_chunk){0};
}
