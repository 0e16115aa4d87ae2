// SPDX-License-Identifier: GPL-3.0-or-later
/* spec_codec - what one run is. The bytes are canonical: equal specs give equal bytes, since
 * protobuf-c packs fields in the order of their numbers and the schema has no maps. */
#include "proto/wire/codec.h"

#include <errno.h>

_Static_assert((int)ASSAY__V1__MARK_KIND__MARK_START == (int)MARK_START, "as on the wire");
_Static_assert((int)ASSAY__V1__MARK_KIND__MARK_RESUME == (int)MARK_RESUME, "as on the wire");
_Static_assert((int)ASSAY__V1__MARK_KIND__MARK_EXIT == (int)MARK_EXIT, "as on the wire");
_Static_assert((int)ASSAY__V1__MARK_KIND__MARK_CONSOLE == (int)MARK_CONSOLE, "as on the wire");

/* A console mark without a pattern would match nothing and end every run in a timeout. */
#define ENCODE_PATTERN(f) ENCODE_STRING_MAYBE(f)
#define DECODE_PATTERN(f) DECODE_TRY(get_string(from->f, #f, to->kind != MARK_CONSOLE, &to->f, err))

/* JSON of the axes: there always, for what prints it. */
#define ENCODE_CELL(f) ENCODE_STRING(f)
#define DECODE_CELL(f) DECODE_TRY(get_string(*from->f ? from->f : "{}", #f, false, &to->f, err))

#define MARK_SPEC_FIELDS(F) F(RANGE, kind, MARK_START, MARK_KINDS) F(PATTERN, pattern)

#define WINDOW_SPEC_FIELDS(F) F(NAME, name) F(INSIDE, from, mark_spec) F(INSIDE, to, mark_spec)

#define IMAGE_REF_FIELDS(F) F(NAME, name) F(HASH, sha256) F(SAME, size_bytes) F(STRING_MAYBE, path)

#define DISK_SPEC_FIELDS(F) F(STRING, file) F(SAME, fresh) F(LABEL, bus) F(LABEL, format)

#define GUEST_SPEC_FIELDS(F)                      \
	F(NAME, name)                             \
	F(NAME, driver)                           \
	F(STRINGS, command)                       \
	F(STRINGS, env)                           \
	F(SAME, vcpus)                            \
	F(SAME, memory_bytes)                     \
	F(STRING_MAYBE, machine)                  \
	F(STRING_MAYBE, accel)                    \
	F(STRING_MAYBE, cpu)                      \
	F(STRING_MAYBE, kernel)                   \
	F(STRING_MAYBE, initrd)                   \
	F(STRING_MAYBE, append)                   \
	F(EACH, disks, disk_spec, WIRE_DISKS_MAX) \
	F(STRINGS, args)                          \
	F(EACH, images, image_ref, WIRE_IMAGES_MAX)

#define MEASURE_SPEC_FIELDS(F) \
	F(STRINGS, counters) F(STRINGS, energy) F(SAME, memory_every_ns) F(SAME, stamps)

#define PLACE_SPEC_FIELDS(F) F(SAME, guest_cores) F(SAME, vmm_cores)

#define QUIET_SPEC_FIELDS(F) F(FINITE, busy_pct) F(SAME, wait_ns)

#define RUN_SPEC_FIELDS(F)                                   \
	F(ULID_MAYBE, campaign)                              \
	F(HASH_MAYBE, run_key)                               \
	F(SAME, attempt)                                     \
	F(SAME, iteration)                                   \
	F(SAME, warmup)                                      \
	F(CELL, cell)                                        \
	F(INSIDE, guest, guest_spec)                         \
	F(EACH, windows, window_spec, WIRE_WINDOW_SPECS_MAX) \
	F(INSIDE, measure, measure_spec)                     \
	F(INSIDE, place, place_spec)                         \
	F(INSIDE, quiet, quiet_spec)                         \
	F(SAME, timeout_ns)                                  \
	F(SAME, output_limit_bytes)

CODEC_DEFINE(static, mark_spec, struct mark_spec, MarkSpec, MARK_SPEC_FIELDS)
CODEC_DEFINE(static, window_spec, struct window_spec, WindowSpec, WINDOW_SPEC_FIELDS)
CODEC_DEFINE(static, image_ref, struct image_ref, ImageRef, IMAGE_REF_FIELDS)
CODEC_DEFINE(static, disk_spec, struct disk_spec, DiskSpec, DISK_SPEC_FIELDS)
CODEC_DEFINE(static, guest_spec, struct guest_spec, GuestSpec, GUEST_SPEC_FIELDS)
CODEC_DEFINE(static, measure_spec, struct measure_spec, MeasureSpec, MEASURE_SPEC_FIELDS)
CODEC_DEFINE(static, place_spec, struct place_spec, PlaceSpec, PLACE_SPEC_FIELDS)
CODEC_DEFINE(static, quiet_spec, struct quiet_spec, QuietSpec, QUIET_SPEC_FIELDS)
CODEC_DEFINE(, run_spec, struct run_spec, RunSpec, RUN_SPEC_FIELDS)

void spec_encode(const struct run_spec *spec, void **ret, size_t *ret_size)
{
	autoarena struct arena arena = {0};
	Assay__V1__RunSpec message;
	encode_run_spec(&arena, spec, &message);
	codec_pack(&message.base, ret, ret_size);
}

int spec_decode(const void *bytes, size_t size, struct run_spec **ret, struct err *err)
{
	autoarena struct arena arena = {0};
	const Assay__V1__RunSpec *message = codec_unpack(&arena, &assay__v1__run_spec__descriptor,
							 "run_spec", bytes, size, err);
	if (!message)
		return -EBADMSG;
	autoclean(run_spec) struct run_spec *spec = run_spec_new();
	if (decode_run_spec(message, spec, err) < 0) {
		err_wrap(err, "run_spec");
		return -EBADMSG;
	}
	*ret = take(spec);
	return 0;
}
