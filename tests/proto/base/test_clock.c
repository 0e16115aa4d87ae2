// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

static void test_never_back(void **state)
{
	(void)state;
	uint64_t raw_ns = 0, monotonic_ns = 0;
	for (int i = 0; i < 100000; i++) {
		uint64_t raw_now_ns = clock_raw_ns(), monotonic_now_ns = clock_monotonic_ns();
		assert_true(raw_now_ns >= raw_ns && monotonic_now_ns >= monotonic_ns);
		raw_ns = raw_now_ns;
		monotonic_ns = monotonic_now_ns;
	}
}

/* Nanoseconds, not ticks of something else: against the kernel's own sleep. */
static void test_unit(void **state)
{
	(void)state;
	const struct timespec tenth = {.tv_nsec = 100 * 1000 * 1000};
	uint64_t raw_ns = clock_raw_ns(), monotonic_ns = clock_monotonic_ns();
	nanosleep(&tenth, NULL);
	raw_ns = clock_raw_ns() - raw_ns;
	monotonic_ns = clock_monotonic_ns() - monotonic_ns;
	assert_true(monotonic_ns >= 100 * NSEC_PER_MSEC && monotonic_ns < 10 * NSEC_PER_SEC);
	/* NTP slews one of the two, by 500 ppm at the most. */
	assert_true(raw_ns > 99 * NSEC_PER_MSEC && raw_ns < 10 * NSEC_PER_SEC);
}

static void test_real(void **state)
{
	(void)state;
	uint64_t now_s = (uint64_t)time(NULL), real_s = clock_real_ns() / NSEC_PER_SEC;
	assert_true(real_s >= now_s && real_s <= now_s + 1);
}

static void test_bracket(void **state)
{
	(void)state;
	struct clock_bracket b;
	uint64_t raw_ns = clock_raw_ns(), monotonic_ns = clock_monotonic_ns();
	uint64_t real_ns = clock_real_ns();
	clock_bracket(&b);
	assert_true(b.raw_ns >= raw_ns && b.raw_ns <= clock_raw_ns());
	assert_true(b.monotonic_ns >= monotonic_ns && b.monotonic_ns <= clock_monotonic_ns());
	assert_true(b.real_ns >= real_ns);
	assert_true(b.width_ns <= clock_raw_ns() - raw_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_back),
		cmocka_unit_test(test_unit),
		cmocka_unit_test(test_real),
		cmocka_unit_test(test_bracket),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
