// SPDX-License-Identifier: GPL-3.0-or-later
/* roundtrip - what is decoded is what was encoded, for random contents. The seed is printed; set
 * ASSAY_TEST_SEED to have the same contents again. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "tests/proto/wire/same.h"
#include "tests/proto/wire/sample.h"

enum { ROUNDS = 300 };

static uint64_t make_seed(void)
{
	const char *given = getenv("ASSAY_TEST_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 10) : clock_real_ns();
	print_message("seed: ASSAY_TEST_SEED=%llu\n", (unsigned long long)seed);
	return seed;
}

static void test_messages(void **state)
{
	struct sample s = sample_from(make_seed());
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		int kind = 1 + i % (MESSAGE_KIND_COUNT - 1);
		struct message m, back;
		struct err err = ERR_NONE;
		autofree void *bytes = NULL;
		size_t size;
		memset(&m, 0, sizeof(m));
		memset(&back, 0, sizeof(back));
		sample_message(&s, (enum message_kind)kind, &m);
		message_encode(&m, &bytes, &size);
		if (message_decode(bytes, size, &back, &err) < 0)
			fail_msg("round %d: %s", i, err.text);
		if (!same_message(&m, &back))
			fail_msg("round %d: %s is not the same after a round trip", i,
				 message_kind_name(m.kind));
		message_done(&m);
		message_done(&back);
	}
}

static void test_attempts(void **state)
{
	struct sample s = sample_from(make_seed());
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		autoclean(attempt) struct attempt *a = sample_attempt(&s);
		autoclean(attempt) struct attempt *back = NULL;
		struct err err = ERR_NONE;
		autofree void *bytes = NULL;
		size_t size;
		record_encode_attempt(a, &bytes, &size);
		if (record_decode_attempt(bytes, size, &back, &err) < 0)
			fail_msg("round %d: %s", i, err.text);
		if (!same_attempt(a, back))
			fail_msg("round %d: the attempt is not the same", i);
	}
}

static void test_specs(void **state)
{
	struct sample s = sample_from(make_seed());
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		autoclean(run_spec) struct run_spec *r = sample_spec(&s);
		autoclean(run_spec) struct run_spec *back = NULL;
		struct err err = ERR_NONE;
		autofree void *bytes = NULL, *again = NULL;
		size_t size, again_size;
		spec_encode(r, &bytes, &size);
		if (spec_decode(bytes, size, &back, &err) < 0)
			fail_msg("round %d: %s", i, err.text);
		if (!same_spec(r, back))
			fail_msg("round %d: the spec is not the same", i);
		spec_encode(back, &again, &again_size);
		if (!same_bytes(bytes, size, again, again_size))
			fail_msg("round %d: equal specs have different bytes", i);
	}
}

/* Samples have none, so that the golden bytes stay those of a protocol without it. */
static void test_stamps_travel_where_they_are(void **state)
{
	struct sample s = sample_from(make_seed());
	autoclean(run_spec) struct run_spec *r = sample_spec(&s);
	autoclean(run_spec) struct run_spec *back = NULL, *without = NULL;
	struct err err = ERR_NONE;
	autofree void *bytes = NULL, *plain = NULL;
	size_t size, plain_size;
	(void)state;
	spec_encode(r, &plain, &plain_size);
	assert_int_equal(spec_decode(plain, plain_size, &without, &err), 0);
	assert_int_equal(without->measure.stamps, 0);
	r->measure.stamps = STAMPS_MAX;
	spec_encode(r, &bytes, &size);
	assert_true(size > plain_size);
	assert_int_equal(spec_decode(bytes, size, &back, &err), 0);
	assert_true(same_spec(r, back));
	assert_false(same_spec(r, without));
}

static void test_blobs(void **state)
{
	struct sample s = sample_from(make_seed());
	(void)state;
	for (int i = 0; i < ROUNDS; i++) {
		struct blob_chunk c = sample_blob(&s), back = {0};
		struct err err = ERR_NONE;
		autofree void *bytes = NULL;
		size_t size;
		record_encode_blob(&c, &bytes, &size);
		if (record_decode_blob(bytes, size, &back, &err) < 0)
			fail_msg("round %d: %s", i, err.text);
		if (!same_blob(&c, &back))
			fail_msg("round %d: the chunk is not the same", i);
		blob_chunk_done(&c);
		blob_chunk_done(&back);
	}
}

static struct attempt *roundtrip(const struct attempt *a, size_t *ret_size)
{
	struct attempt *back = NULL;
	struct err err = ERR_NONE;
	autofree void *bytes = NULL;
	record_encode_attempt(a, &bytes, ret_size);
	if (record_decode_attempt(bytes, *ret_size, &back, &err) < 0)
		fail_msg("%s", err.text);
	return back;
}

static void fill(char *name, size_t size)
{
	memset(name, 'x', size - 1);
}

/* The largest that an agent can make, as far as names and counts go. */
static struct attempt *largest(size_t readings)
{
	struct sample s = sample_from(0);
	struct attempt *a = sample_attempt(&s);
	const uint64_t big = UINT64_MAX;
	for (size_t n = a->n_readings; n < readings; n++) {
		struct reading *r = attempt_reading(a, "", "", "", "", "", 0.1);
		fill(r->window, sizeof(r->window));
		fill(r->metric, sizeof(r->metric));
		fill(r->scope, sizeof(r->scope));
		fill(r->unit, sizeof(r->unit));
		fill(r->source, sizeof(r->source));
		fill(r->note, sizeof(r->note));
		r->uncertainty = r->running_share = 0.1;
	}
	while (a->n_marks < WIRE_MARKS_MAX) {
		struct mark *m = ARRAY_PUSH(a->marks, a->n_marks);
		*m = (struct mark){"", big, big, big, big, big};
		fill(m->name, sizeof(m->name));
	}
	while (a->n_windows < WIRE_WINDOWS_MAX) {
		struct window *w = ARRAY_PUSH(a->windows, a->n_windows);
		*w = (struct window){"", big, big, big, big, big};
		fill(w->name, sizeof(w->name));
	}
	while (a->n_reasons < WIRE_REASONS_MAX) {
		attempt_reason(a, VERDICT_INVALID, "", "%s", "");
		fill(a->reasons[a->n_reasons - 1].code, sizeof(a->reasons->code));
		fill(a->reasons[a->n_reasons - 1].text, sizeof(a->reasons->text));
	}
	while (a->n_events < WIRE_EVENTS_MAX) {
		attempt_event(a, "", big);
		fill(a->events[a->n_events - 1].name, sizeof(a->events->name));
	}
	while (a->n_artifacts < WIRE_ARTIFACTS_MAX) {
		struct artifact *f = ARRAY_PUSH(a->artifacts, a->n_artifacts);
		*f = a->artifacts[0];
		fill(f->name, sizeof(f->name));
		f->size_bytes = big;
	}
	while (a->n_facts < WIRE_FACTS_MAX) {
		attempt_fact(a, "", "%s", "");
		fill(a->facts[a->n_facts - 1].name, sizeof(a->facts->name));
		fill(a->facts[a->n_facts - 1].value, sizeof(a->facts->value));
	}
	return a;
}

static void test_largest_attempt_fits_into_a_record(void **state)
{
	autoclean(attempt) struct attempt *a = largest(WIRE_READINGS_MAX);
	size_t size;
	(void)state;
	autoclean(attempt) struct attempt *back = roundtrip(a, &size);
	assert_true(same_attempt(a, back));
	struct message m = {.kind = MESSAGE_RECORD}, copy;
	autofree void *frame = NULL;
	size_t frame_size;
	strcpy(m.record.epoch, a->campaign);
	m.record.sequence = 1;
	m.record.kind = RECORD_ENDED;
	record_encode_attempt(a, &m.record.body, &m.record.body_size);
	message_encode(&m, &frame, &frame_size);
	assert_true(frame_size > WIRE_MESSAGE_LIMIT_BYTES * 9ull / 10); /* else limits are stale */
	assert_int_equal(message_decode(frame, frame_size, &copy, NULL), 0);
	message_done(&copy);
	message_done(&m);
}

static void test_too_many_readings_are_cut_and_named(void **state)
{
	autoclean(attempt) struct attempt *a = largest(WIRE_READINGS_MAX + 5);
	size_t size;
	(void)state;
	autoclean(attempt) struct attempt *back = roundtrip(a, &size);
	const struct reason *last = &back->reasons[back->n_reasons - 1];
	assert_int_equal(back->n_readings, WIRE_READINGS_MAX);
	assert_int_equal(back->n_reasons, WIRE_REASONS_MAX);
	assert_string_equal(last->code, "too-many");
	assert_int_equal(last->level, VERDICT_INVALID);
	assert_non_null(strstr(last->text, "12288 of 12293 readings"));
}

static void test_numbers_that_are_none_travel_as_absent(void **state)
{
	const double none[] = {(double)NAN, (double)INFINITY, -(double)INFINITY};
	autoclean(attempt) struct attempt *a = NULL;
	struct sample s = sample_from(0);
	size_t size;
	(void)state;
	a = sample_attempt(&s);
	a->n_readings = 0;
	for (size_t i = 0; i < ARRAY_SIZE(none); i++)
		attempt_reading(a, "whole", "wall", "guest", "ns", "clock", none[i]);
	attempt_reading(a, "whole", "wall", "guest", "ns", "clock", 1)->uncertainty = (double)NAN;
	attempt_reading(a, "whole", "wall", "guest", "ns", "clock", 7);
	autoclean(attempt) struct attempt *back = roundtrip(a, &size);
	assert_int_equal(back->n_readings, 5);
	for (size_t i = 0; i < 4; i++) {
		assert_false(back->readings[i].present);
		assert_non_null(strstr(back->readings[i].note, "not finite"));
	}
	assert_true(back->readings[4].present && back->readings[4].value == 7.0);
}

/* Arrays that were decoded can be added to: ARRAY_PUSH() takes the capacity from the count. */
static void test_decoded_arrays_grow(void **state)
{
	struct sample s = sample_from(0);
	size_t size;
	(void)state;
	for (size_t n = 0; n < 10; n++) {
		autoclean(attempt) struct attempt *a = sample_attempt(&s);
		a->n_reasons = 0;
		for (size_t i = 0; i < n; i++)
			attempt_reason(a, VERDICT_FLAGGED, "code", "reason %zu", i);
		autoclean(attempt) struct attempt *back = roundtrip(a, &size);
		for (size_t i = 0; i < 10; i++)
			attempt_reason(back, VERDICT_INVALID, "more", "reason %zu", n + i);
		assert_int_equal(back->n_reasons, n + 10);
		char want[30];
		snprintf(want, sizeof(want), "reason %zu", n);
		assert_string_equal(back->reasons[n].text, want);
	}
}

static void test_empty_is_null_where_it_may_be_missing(void **state)
{
	autoclean(run_spec) struct run_spec *r = run_spec_new();
	autoclean(run_spec) struct run_spec *back = NULL;
	autofree void *bytes = NULL;
	size_t size;
	struct err err = ERR_NONE;
	(void)state;
	strcpy(r->guest.name, "g");
	strcpy(r->guest.driver, "process");
	r->guest.kernel = xstrdup("");
	r->guest.command = xcalloc(1, sizeof(char *));
	spec_encode(r, &bytes, &size);
	if (spec_decode(bytes, size, &back, &err) < 0)
		fail_msg("%s", err.text);
	assert_null(back->guest.kernel);
	assert_null(back->guest.machine);
	assert_null(back->guest.command);
	assert_string_equal(back->cell, "{}");
	assert_string_equal(back->run_key, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_attempts),
		cmocka_unit_test(test_specs),
		cmocka_unit_test(test_stamps_travel_where_they_are),
		cmocka_unit_test(test_blobs),
		cmocka_unit_test(test_largest_attempt_fits_into_a_record),
		cmocka_unit_test(test_too_many_readings_are_cut_and_named),
		cmocka_unit_test(test_numbers_that_are_none_travel_as_absent),
		cmocka_unit_test(test_decoded_arrays_grow),
		cmocka_unit_test(test_empty_is_null_where_it_may_be_missing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
