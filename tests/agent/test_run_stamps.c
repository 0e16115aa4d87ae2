// SPDX-License-Identifier: GPL-3.0-or-later
/* Stamps of a whole run: this program is its own guest, and says by its exit status what it found.
 */
#include "proto/stamp/assay_stamp.h"
#include "tests/agent/run_bench.h"

enum { OPENED = 0, NOT_ASKED = 3, NO_RING = 4 };

static int guest(const char *what)
{
	int r = assay_stamp_open();
	if (r <= 0)
		return r == 0 ? NOT_ASKED : NO_RING;
	assay_stamp_name(1, "ready");
	assay_stamp_name(2, "done");
	assay_stamp(1);
	if (strcmp(what, "many") == 0)
		for (int i = 0; i < 10; i++)
			assay_stamp(1);
	assay_stamp(2);
	return OPENED;
}

static struct attempt *run_guest(struct bench *b, const char *driver, const char *what,
				 uint32_t stamps)
{
	char self[512] = "";
	assert_true(readlink("/proc/self/exe", self, sizeof(self) - 1) > 0);
	autofree char *command = xasprintf("%s --guest %s", self, what);
	autoclean(run_spec) struct run_spec *spec = spec_of(
		driver, strcmp(driver, "fake") == 0 ? "print=x" : command, stamps);
	struct attempt *a = attempt_new();
	struct run_env env = {
		.root = &b->root,
		.keeper = b->keeper,
		.spool = b->spool,
		.state_folder = b->folder,
		.hash_cache = b->hash_cache,
		.cancel_fd = b->cancel_fd,
	};
	spec->measure.stamps = stamps;
	size_t fds = count_entries("/proc/self/fd", "");
	run_execute(&env, spec, RUN_MODE_MEASURE, a);
	assert_int_equal(count_entries("/proc/self/fd", ""), fds);
	return a;
}

static const struct mark *mark_of(const struct attempt *a, const char *name)
{
	for (size_t i = 0; i < a->n_marks; i++)
		if (strcmp(a->marks[i].name, name) == 0)
			return &a->marks[i];
	return NULL;
}

static void stamps_are_events_of_the_run(void **state)
{
	autoclean(attempt) struct attempt *a = run_guest(*state, "process", "two", 64);
	if (a->n_reasons)
		fail_msg("%s", a->reasons[0].text);
	assert_int_equal(a->exit_code, OPENED);
	assert_int_equal(a->n_events, 2);
	assert_string_equal(a->events[0].name, "ready");
	assert_string_equal(a->events[1].name, "done");
	assert_true(mark_of(a, "start")->t_ns < a->events[0].t_ns);
	assert_true(a->events[0].t_ns <= a->events[1].t_ns);
	assert_true(a->events[1].t_ns < mark_of(a, "exit")->t_ns);
}

static void what_was_lost_flags_the_run(void **state)
{
	autoclean(attempt) struct attempt *a = run_guest(*state, "process", "many", 4);
	assert_int_equal(a->n_events, 4);
	assert_non_null(reason_of(a, "stamps-lost"));
	assert_int_equal(attempt_verdict(a), VERDICT_FLAGGED);
}

static void nobody_asks(void **state)
{
	autoclean(attempt) struct attempt *a = run_guest(*state, "process", "two", 0);
	assert_int_equal(a->exit_code, NOT_ASKED);
	assert_int_equal(a->n_events, 0);
}

static void a_guest_that_cannot_be_handed_a_ring_says_so(void **state)
{
	autoclean(attempt) struct attempt *a = run_guest(*state, "fake", "", 64);
	bool said = false;
	for (size_t i = 0; i < a->n_facts; i++)
		said = said || strcmp(a->facts[i].name, "stamps") == 0;
	assert_true(said);
	assert_int_equal(a->n_reasons, 0);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		RUN_TEST(stamps_are_events_of_the_run),
		RUN_TEST(what_was_lost_flags_the_run),
		RUN_TEST(nobody_asks),
		RUN_TEST(a_guest_that_cannot_be_handed_a_ring_says_so),
	};
	if (argc > 2 && strcmp(argv[1], "--guest") == 0)
		return guest(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
