// SPDX-License-Identifier: GPL-3.0-or-later
/* loop - timers keep their raster, quit stops what is due, signals come as events. */
#include "tests/proto/wire/loop_bench.h"

#define ON_ORDER(i)                         \
	static void on_order_##i(void *arg) \
	{                                   \
		struct bench *t = arg;      \
		t->order[t->n_order++] = i; \
		if (t->n_order == t->wish)  \
			loop_quit(t->loop); \
	}
ON_ORDER(0)
ON_ORDER(1)
ON_ORDER(2)

static void test_timers_by_deadline(void **state)
{
	struct bench *t = *state;
	t->wish = 3;
	add_timer(t, 20 * MSEC, 0, on_order_0, 0);
	add_timer(t, 5 * MSEC, 0, on_order_1, 1);
	add_timer(t, 10 * MSEC, 0, on_order_2, 2);
	uint64_t before_ns = clock_monotonic_ns();
	run(t);
	assert_true(clock_monotonic_ns() - before_ns >= 19 * MSEC);
	assert_memory_equal(t->order, ((int[]){1, 2, 0}), 3 * sizeof(int));
}

/* Timer 0 of those that are due together takes the others away: they are not called. */
static void on_kill_due(void *arg)
{
	struct bench *t = arg;
	t->calls[0]++;
	loop_remove(take(t->sources[1]));
	loop_remove(take(t->sources[2]));
	add_timer(t, 5 * MSEC, 0, on_quit, 3);
}

static void test_due_timer_removed_by_another(void **state)
{
	struct bench *t = *state;
	add_timer(t, 0, 0, on_kill_due, 0);
	add_timer(t, 0, 0, on_order_1, 1);
	add_timer(t, 0, MSEC, on_order_2, 2);
	usleep(1000); /* all are due in the first turn */
	run(t);
	assert_int_equal(t->calls[0], 1);
	assert_int_equal(t->n_order, 0);
}

static void on_remove_self(void *arg)
{
	struct bench *t = arg;
	t->calls[0]++;
	loop_remove(take(t->sources[0]));
}

static void test_timer_removes_itself(void **state)
{
	static const uint64_t periods_ns[] = {0, MSEC};
	struct bench *t = *state;
	for (int i = 0; i < 2; i++) {
		add_timer(t, 0, periods_ns[i], on_remove_self, 0);
		add_timer(t, 10 * MSEC, 0, on_quit, 1);
		run(t);
		assert_int_equal(t->calls[0], i + 1);
	}
}

static void on_raster(void *arg)
{
	struct bench *t = arg;
	uint64_t now_ns = clock_monotonic_ns();
	assert_true(now_ns >= t->at_ns + (uint64_t)++t->calls[0] * MSEC);
	if (t->calls[0] == 30)
		loop_quit(t->loop);
}

/* Call n is never before start + n periods. */
static void test_period_is_never_early(void **state)
{
	struct bench *t = *state;
	t->at_ns = clock_monotonic_ns();
	add_timer(t, MSEC, MSEC, on_raster, 0);
	run(t);
}

/* The first call, at 10 ms or later, lasts over the deadlines at 20, 30 and 40 ms: one late call
 * makes up for all three, and the next are at 50 and 60 ms again. */
static void on_slow(void *arg)
{
	static const uint64_t earliest_ms[] = {10, 45, 50, 60};
	struct bench *t = arg;
	uint64_t after_ns = clock_monotonic_ns() - t->at_ns;
	assert_true(after_ns >= earliest_ms[t->calls[0]] * MSEC);
	if (t->calls[0]++ == 0)
		usleep(35 * 1000);
	if (t->calls[0] == 4)
		loop_quit(t->loop);
}

static void test_missed_periods_are_left_out(void **state)
{
	struct bench *t = *state;
	t->at_ns = clock_monotonic_ns();
	add_timer(t, 10 * MSEC, 10 * MSEC, on_slow, 0);
	run(t);
	assert_int_equal(t->calls[0], 4);
}

static void on_block(void *arg)
{
	struct bench *t = arg;
	usleep(17 * 1000);
	t->calls[1]++;
}

static void on_gap(void *arg)
{
	struct bench *t = arg;
	uint64_t now_ns = clock_monotonic_ns();
	t->order[t->n_order++] = (int)((now_ns - t->at_ns) / 1000);
	t->at_ns = now_ns;
	if (t->n_order == 2)
		loop_quit(t->loop);
}

/* A call that came late, at 35 instead of 20 ms, does not move the next one, at 40 ms: less than a
 * period lies between them. A busy machine may hide that, but not every time. */
static void test_late_call_does_not_move_the_raster(void **state)
{
	struct bench *t = *state;
	for (int i = 0; i < 50; i++) {
		t->n_order = 0;
		add_timer(t, 18 * MSEC, 0, on_block, 1);
		add_timer(t, 20 * MSEC, 20 * MSEC, on_gap, 0);
		run(t);
		loop_remove(take(t->sources[0]));
		if (t->order[1] < 19000)
			return;
	}
	fail_msg("no gap was shorter than the period");
}

static void on_again(void *arg)
{
	struct bench *t = arg;
	if (++t->calls[0] == 1000)
		loop_quit(t->loop);
	else
		add_timer(t, 0, 0, on_again, 0);
}

static void test_timer_added_in_a_handler(void **state)
{
	struct bench *t = *state;
	add_timer(t, 0, 0, on_again, 0);
	run(t);
	assert_int_equal(t->calls[0], 1000);
}

static void test_timer_of_centuries_is_refused(void **state)
{
	struct bench *t = *state;
	struct loop_source *s;
	assert_int_equal(loop_add_timer(t->loop, UINT64_MAX, 0, on_quit, t, &s, NULL), -ERANGE);
	assert_int_equal(loop_add_timer(t->loop, 0, UINT64_MAX, on_quit, t, &s, NULL), -ERANGE);
}

static void test_quit_stops_what_is_due(void **state)
{
	struct bench *t = *state;
	t->wish = 1;
	add_timer(t, 0, 0, on_order_0, 0);
	add_timer(t, 0, 0, on_order_1, 1);
	usleep(1000);
	run(t);
	assert_int_equal(t->n_order, 1);
	t->wish = 2; /* it was due, and is still */
	run(t);
	assert_memory_equal(t->order, ((int[]){0, 1}), 2 * sizeof(int));
}

static void on_fd_quit(void *arg, int fd, uint32_t events)
{
	struct bench *t = arg;
	eventfd_t value;
	(void)events;
	eventfd_read(fd, &value);
	t->calls[0]++;
	loop_quit(t->loop);
}

static void test_quit_stops_descriptors(void **state)
{
	struct bench *t = *state;
	autoclose int second = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	eventfd_write(t->fd, 1);
	loop_add_fd(t->loop, t->fd, EPOLLIN, on_fd_quit, t, &t->sources[0], NULL);
	loop_add_fd(t->loop, second, EPOLLIN, on_fd_quit, t, &t->sources[1], NULL);
	for (int i = 1; i <= 2; i++) {
		run(t);
		assert_int_equal(t->calls[0], i);
	}
	loop_remove(t->sources[1]);
}

static void test_quit_before_run(void **state)
{
	struct bench *t = *state;
	add_timer(t, 0, MSEC, on_order_0, 0);
	loop_quit(t->loop);
	run(t);
	assert_int_equal(t->n_order, 0);
}

static void on_signal(void *arg, int signal)
{
	struct bench *t = arg;
	t->calls[0] = signal;
	loop_quit(t->loop);
}

static void on_raise(void *arg)
{
	(void)arg;
	kill(getpid(), SIGTERM);
}

static bool is_blocked(int signal)
{
	sigset_t now;
	pthread_sigmask(SIG_SETMASK, NULL, &now);
	return sigismember(&now, signal);
}

static void test_signal(void **state)
{
	struct bench *t = *state;
	struct loop_source *second;
	assert_int_equal(loop_add_signal(t->loop, SIGTERM, on_signal, t, &t->sources[0], NULL), 0);
	assert_int_equal(loop_add_signal(t->loop, SIGTERM, on_signal, t, &second, NULL), -EEXIST);
	assert_int_equal(loop_add_signal(t->loop, 9999, on_signal, t, &second, NULL), -EINVAL);
	add_timer(t, MSEC, 0, on_raise, 1);
	assert_true(is_blocked(SIGTERM));
	run(t);
	assert_int_equal(t->calls[0], SIGTERM);
	loop_remove(t->sources[0]);
	assert_false(is_blocked(SIGTERM));
}

static void ignore(int signal)
{
	(void)signal;
}

static void on_interrupt(void *arg)
{
	struct bench *t = arg;
	t->calls[0]++;
	alarm(0);
	loop_quit(t->loop);
}

/* A signal that nobody watches interrupts the wait; the loop goes on waiting. */
static void test_interrupted_wait_goes_on(void **state)
{
	struct bench *t = *state;
	struct sigaction action = {.sa_handler = ignore}, before;
	sigaction(SIGUSR1, &action, &before);
	pid_t parent = getpid(), child = fork();
	if (child == 0) {
		for (int i = 0; i < 20; i++) {
			usleep(2000);
			kill(parent, SIGUSR1);
		}
		_exit(0);
	}
	add_timer(t, 60 * MSEC, 0, on_interrupt, 0);
	run(t);
	assert_int_equal(t->calls[0], 1);
	sigaction(SIGUSR1, &before, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_timers_by_deadline),
		TEST(test_due_timer_removed_by_another),
		TEST(test_timer_removes_itself),
		TEST(test_period_is_never_early),
		TEST(test_missed_periods_are_left_out),
		TEST(test_late_call_does_not_move_the_raster),
		TEST(test_timer_added_in_a_handler),
		TEST(test_timer_of_centuries_is_refused),
		TEST(test_quit_stops_what_is_due),
		TEST(test_quit_stops_descriptors),
		TEST(test_quit_before_run),
		TEST(test_signal),
		TEST(test_interrupted_wait_goes_on),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
