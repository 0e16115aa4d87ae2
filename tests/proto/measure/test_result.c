// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/measure/result.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/mem.h"

static void test_verdict_names(void **state)
{
	(void)state;
	enum verdict verdict = VERDICT_FLAGGED;
	struct err err = ERR_NONE;
	for (int i = 0; i < VERDICTS; i++) {
		assert_int_equal(verdict_parse(verdict_name((enum verdict)i), &verdict, &err), 0);
		assert_int_equal(verdict, i);
	}
	assert_int_equal(verdict_parse("ok", &verdict, &err), -EINVAL);
	assert_string_equal(err.text, "'ok' is not a verdict");
	assert_int_equal(verdict, VERDICT_INVALID); /* untouched */
	assert_string_equal(verdict_name(VERDICTS), "unknown");
}

static void test_state_names(void **state)
{
	(void)state;
	for (int i = 0; i < RUN_STATE_COUNT; i++) {
		const char *name = run_state_name((enum run_state)i);
		assert_non_null(name);
		assert_string_not_equal(name, "unknown");
		for (int j = 0; j < i; j++)
			assert_string_not_equal(name, run_state_name((enum run_state)j));
	}
	assert_string_equal(run_state_name(RUN_STATE_COUNT), "unknown");
}

/* The worst reason decides, in whatever order they come; none is valid. */
static void test_verdict(void **state)
{
	(void)state;
	autoclean(attempt) struct attempt *a = attempt_new();
	assert_int_equal(attempt_verdict(a), VERDICT_VALID);
	attempt_reason(a, VERDICT_FLAGGED, "steal", "%.1f %%", 2.0);
	assert_int_equal(attempt_verdict(a), VERDICT_FLAGGED);
	attempt_reason(a, VERDICT_INVALID, "timeout", "after %d s", 120);
	attempt_reason(a, VERDICT_FLAGGED, "swap", "x");
	assert_int_equal(attempt_verdict(a), VERDICT_INVALID);
	assert_int_equal(a->n_reasons, 3);
	assert_string_equal(a->reasons[0].text, "2.0 %");
	assert_string_equal(a->reasons[1].code, "timeout");
}

/* What could not be had has no number that somebody could take for one. */
static void test_readings(void **state)
{
	(void)state;
	autoclean(attempt) struct attempt *a = attempt_new();
	struct reading *r = attempt_reading(a, "bench", "cycles", "guest", "count", "perf", 42);
	assert_true(r->present);
	assert_true(r->value == 42 && r->running_share == 1 && r->uncertainty == 0);
	assert_string_equal(r->note, "");
	r = attempt_absent(a, "whole", "energy/package", "host", "J", "no RAPL: %s", "a VM");
	assert_false(r->present);
	assert_true(r->value == 0);
	assert_string_equal(r->note, "no RAPL: a VM");
	assert_string_equal(r->source, "");
	assert_int_equal(a->n_readings, 2);
	assert_string_equal(a->readings[0].metric, "cycles");
}

static void test_facts_and_events(void **state)
{
	(void)state;
	autoclean(attempt) struct attempt *a = attempt_new();
	char text[1000];
	memset(text, 'n', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	attempt_fact(a, "accelerator", "%s", "kvm");
	attempt_fact(a, text, "%s", text); /* cut, not overrun */
	attempt_event(a, "ready", 7);
	assert_string_equal(a->facts[0].value, "kvm");
	assert_int_equal(strlen(a->facts[1].name), NAME_SIZE - 1);
	assert_int_equal(strlen(a->facts[1].value), sizeof(a->facts[1].value) - 1);
	assert_int_equal(a->events[0].t_ns, 7);
	attempt_reason(a, VERDICT_FLAGGED, text, "%s", text);
	assert_int_equal(strlen(a->reasons[0].text), sizeof(a->reasons[0].text) - 1);
}

static void test_artifact(void **state)
{
	(void)state;
	autoclean(attempt) struct attempt *a = attempt_new();
	attempt_artifact(a, "console", xmemdup("abc", 3), 3);
	attempt_artifact(a, "stderr", NULL, 0);
	assert_int_equal(a->n_artifacts, 2);
	assert_int_equal(a->artifacts[0].size_bytes, 3);
	assert_string_equal(a->artifacts[0].sha256,
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_string_equal(a->artifacts[1].sha256,
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	attempt_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdict_names),	 cmocka_unit_test(test_state_names),
		cmocka_unit_test(test_verdict),		 cmocka_unit_test(test_readings),
		cmocka_unit_test(test_facts_and_events), cmocka_unit_test(test_artifact),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
