// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/ulid.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"

enum { COUNT = 100000, THREADS = 4 };

/* One thread's ids are in the order they were made, thousands of them within one millisecond. */
static void test_sorts(void **state)
{
	(void)state;
	char last[ULID_SIZE] = "", id[ULID_SIZE];
	for (int i = 0; i < COUNT; i++) {
		ulid_make(id);
		assert_true(ulid_valid(id));
		if (strcmp(last, id) >= 0)
			fail_msg("%d: %s after %s", i, id, last);
		memcpy(last, id, sizeof(id));
	}
}

static void *make_many(void *arg)
{
	char(*ids)[ULID_SIZE] = arg;
	for (int i = 0; i < COUNT / THREADS; i++)
		ulid_make(ids[i]);
	return NULL;
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void test_unique_over_threads(void **state)
{
	(void)state;
	char(*ids)[ULID_SIZE] = xcalloc(COUNT, ULID_SIZE);
	pthread_t threads[THREADS];
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, make_many, ids + i * (COUNT / THREADS)),
			0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	qsort(ids, COUNT, ULID_SIZE, compare);
	for (int i = 1; i < COUNT; i++)
		assert_string_not_equal(ids[i - 1], ids[i]);
	free(ids);
}

/* The first ten digits are milliseconds since 1970, five bits each. */
static void test_time(void **state)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	(void)state;
	char id[ULID_SIZE];
	uint64_t before_ms = clock_real_ns() / NSEC_PER_MSEC, ms = 0;
	ulid_make(id);
	uint64_t after_ms = clock_real_ns() / NSEC_PER_MSEC;
	for (int i = 0; i < 10; i++)
		ms = ms * 32 + (uint64_t)(strchr(digits, id[i]) - digits);
	assert_true(ms >= before_ms && ms <= after_ms);
}

static void test_valid(void **state)
{
	static const char *const bad[] = {
		"",
		"01ARZ3NDEKTSV4RRFFQ69G5FA",   /* short */
		"01ARZ3NDEKTSV4RRFFQ69G5FAVV", /* long */
		"01arz3ndektsv4rrffq69g5fav",  /* lower case sorts elsewhere */
		"01ARZ3NDEKTSV4RRFFQ69G5FAU",  /* U is no digit */
		"01ARZ3NDEKTSV4RRFFQ69G5FA/",
		"81ARZ3NDEKTSV4RRFFQ69G5FAV", /* more than 128 bits */
	};
	(void)state;
	assert_true(ulid_valid("01ARZ3NDEKTSV4RRFFQ69G5FAV")); /* of the specification */
	assert_true(ulid_valid("7ZZZZZZZZZZZZZZZZZZZZZZZZZ")); /* the largest */
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (ulid_valid(bad[i]))
			fail_msg("'%s' was taken for valid", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_time), /* first: a burst runs ahead of the clock */
		cmocka_unit_test(test_sorts),
		cmocka_unit_test(test_unique_over_threads),
		cmocka_unit_test(test_valid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
