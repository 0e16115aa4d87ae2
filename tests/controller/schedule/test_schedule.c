// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/schedule/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "proto/base/mem.h"

static void lowest_position_first(void **state)
{
	autoclean(schedule) struct schedule *s = schedule_new();
	unsigned seed = (unsigned)time(NULL);
	uint32_t last = 0;
	size_t run, n = 0;
	(void)state;
	print_message("seed %u\n", seed);
	for (size_t i = 0; i < 1000; i++)
		schedule_add(s, i, (uint32_t)rand_r(&seed) % 500);
	assert_int_equal(schedule_pending(s), 1000);
	for (; schedule_next(s, &run); n++)
		assert_true(run < 1000);
	assert_int_equal(n, 1000);
	for (uint32_t p = 100; p > 0; p--)
		schedule_add(s, p, p);
	while (schedule_next(s, &run)) {
		assert_true(run > last);
		last = (uint32_t)run;
	}
	assert_int_equal(last, 100);
}

static void a_retry_goes_before_later_blocks(void **state)
{
	autoclean(schedule) struct schedule *s = schedule_new();
	size_t run;
	(void)state;
	for (uint32_t p = 0; p < 10; p++)
		schedule_add(s, p, p);
	for (size_t i = 0; i < 4; i++)
		assert_true(schedule_next(s, &run));
	schedule_add(s, 2, 2);
	assert_true(schedule_next(s, &run));
	assert_int_equal(run, 2);
	assert_true(schedule_next(s, &run));
	assert_int_equal(run, 4);
}

static void what_becomes_of_a_run(void **state)
{
	static const struct {
		struct attempt_outcome outcome;
		uint32_t retries;
		enum after_attempt after;
		const char *why;
	} cases[] = {
		{{0}, 2, AFTER_DONE, "a result, good or bad, is a result"},
		{{.lost = true, .lost_so_far = 1}, 2, AFTER_RETRY, "the first loss"},
		{{.lost = true, .lost_so_far = 2}, 2, AFTER_RETRY, "two retries were granted"},
		{{.lost = true, .lost_so_far = 3}, 2, AFTER_GIVE_UP, "and no third"},
		{{.lost = true, .lost_so_far = 1}, 0, AFTER_GIVE_UP, "none were granted"},
		{{.cancelled = true}, 0, AFTER_POSTPONE, "a person ended it: it waits"},
		{{.cancelled = true, .lost = true, .lost_so_far = 9},
		 2,
		 AFTER_POSTPONE,
		 "a cancelled one never counts as lost"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		enum after_attempt after = schedule_after(&cases[i].outcome, cases[i].retries);
		if (after != cases[i].after)
			fail_msg("%s: %d", cases[i].why, after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lowest_position_first),
		cmocka_unit_test(a_retry_goes_before_later_blocks),
		cmocka_unit_test(what_becomes_of_a_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
