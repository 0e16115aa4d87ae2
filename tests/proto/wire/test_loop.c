// SPDX-License-Identifier: GPL-3.0-or-later
/* loop - of sockets and descriptors no event is lost, none comes after its source is gone. */
#include "tests/proto/wire/loop_bench.h"

static void add_socket(struct bench *t, void *socket, loop_socket_f *f, int i)
{
	assert_int_equal(loop_add_socket(t->loop, socket, f, t, &t->sources[i], NULL), 0);
}

static int take_one(void *socket)
{
	int value = -1;
	assert_int_equal(zmq_recv(socket, &value, sizeof(value), ZMQ_DONTWAIT), sizeof(value));
	return value;
}

static void put_one(void *socket, int value)
{
	assert_int_equal(zmq_send(socket, &value, sizeof(value), ZMQ_DONTWAIT), sizeof(value));
}

static void on_ping(void *arg, void *socket)
{
	struct bench *t = arg;
	int value = take_one(socket);
	t->calls[socket == t->b]++;
	if (value == t->wish)
		loop_quit(t->loop);
	else
		put_one(socket, value + 1);
}

/* Each handler sends into a socket of the same loop, which takes wake-ups away from its ZMQ_FD. */
static void test_ping_pong_loses_nothing(void **state)
{
	struct bench *t = *state;
	t->wish = 10000;
	add_socket(t, t->a, on_ping, 0);
	add_socket(t, t->b, on_ping, 1);
	put_one(t->a, 1);
	run(t);
	assert_int_equal(t->calls[0] + t->calls[1], 10000);
}

static void on_echo(void *arg, void *socket)
{
	struct bench *t = arg;
	int value = take_one(socket);
	t->calls[0]++;
	put_one(socket, value);
}

/* Takes one message, and looks at the socket's other side by sending two more. */
static void on_spread(void *arg, void *socket)
{
	struct bench *t = arg;
	take_one(socket);
	t->calls[1]++;
	if (t->calls[1] >= t->wish)
		loop_quit(t->loop);
	else if (t->calls[1] < 1000) {
		put_one(socket, 1);
		put_one(socket, 1);
	}
}

static void test_bursts_lose_nothing(void **state)
{
	struct bench *t = *state;
	t->wish = 1 + 2 * 999;
	add_socket(t, t->a, on_echo, 0);
	add_socket(t, t->b, on_spread, 1);
	put_one(t->b, 1);
	run(t);
	assert_int_equal(t->calls[1], t->wish);
}

static void on_kick_socket(void *arg)
{
	struct bench *t = arg;
	/* Both calls read the mailbox of b: its ZMQ_FD is silent afterwards, a message waits. */
	int events;
	size_t size = sizeof(events);
	put_one(t->a, t->wish);
	zmq_getsockopt(t->b, ZMQ_EVENTS, &events, &size);
	assert_true(events & ZMQ_POLLIN);
}

static void test_timer_that_takes_the_wake_up_away(void **state)
{
	struct bench *t = *state;
	add_socket(t, t->b, on_ping, 1);
	add_timer(t, 5 * MSEC, 0, on_kick_socket, 2);
	run(t);
	assert_int_equal(t->calls[1], 1);
}

static void on_flood(void *arg, void *socket)
{
	struct bench *t = arg;
	take_one(socket);
	t->calls[0]++;
	put_one(t->b, 1); /* never ends */
}

static void on_flood_timer(void *arg)
{
	struct bench *t = arg;
	if (++t->calls[1] == 3)
		loop_quit(t->loop);
}

static void on_flood_fd(void *arg, int fd, uint32_t events)
{
	struct bench *t = arg;
	(void)fd;
	assert_true(events & EPOLLIN);
	t->calls[2]++;
}

static void test_busy_socket_starves_nobody(void **state)
{
	struct bench *t = *state;
	eventfd_write(t->fd, 1);
	add_socket(t, t->a, on_flood, 0);
	add_timer(t, MSEC, MSEC, on_flood_timer, 1);
	loop_add_fd(t->loop, t->fd, EPOLLIN, on_flood_fd, t, &t->sources[2], NULL);
	put_one(t->b, 1);
	run(t);
	assert_true(t->calls[0] > 0 && t->calls[2] > 0);
}

static void test_message_from_before_the_loop(void **state)
{
	struct bench *t = *state;
	t->wish = 1;
	put_one(t->a, 1);
	add_socket(t, t->b, on_ping, 1);
	run(t);
	assert_int_equal(t->calls[1], 1);
}

static void on_take_and_remove(void *arg, void *socket)
{
	struct bench *t = arg;
	take_one(socket);
	t->calls[0]++;
	loop_remove(take(t->sources[0]));
}

static void test_socket_removed_in_its_handler(void **state)
{
	struct bench *t = *state;
	put_one(t->b, 1);
	put_one(t->b, 2);
	add_socket(t, t->a, on_take_and_remove, 0);
	add_timer(t, 5 * MSEC, 0, on_quit, 1);
	run(t);
	assert_int_equal(t->calls[0], 1);
	assert_int_equal(take_one(t->a), 2); /* still there */
}

static void test_closed_context_is_an_error(void **state)
{
	struct bench *t = *state;
	struct err err = ERR_NONE;
	add_socket(t, t->a, on_ping, 0);
	zmq_ctx_shutdown(t->context);
	assert_int_equal(loop_run(t->loop, &err), -ETERM);
	assert_non_null(strstr(err.text, "watch a socket"));
}

static void on_fd_once(void *arg, int fd, uint32_t events)
{
	struct bench *t = arg;
	(void)fd;
	t->calls[0] += (events & EPOLLIN) != 0;
	loop_remove(take(t->sources[0]));
	add_timer(t, 5 * MSEC, 0, on_quit, 1);
}

static void test_fd_removed_in_its_handler(void **state)
{
	struct bench *t = *state;
	eventfd_write(t->fd, 1); /* stays readable */
	loop_add_fd(t->loop, t->fd, EPOLLIN, on_fd_once, t, &t->sources[0], NULL);
	run(t);
	assert_int_equal(t->calls[0], 1);
}

/* Two descriptors are ready in one wait; whoever comes first removes the other and closes it. */
static void on_fd_kills_other(void *arg, int fd, uint32_t events)
{
	struct bench *t = arg;
	int other = fd == t->fd;
	(void)events;
	t->calls[0]++;
	loop_remove(take(t->sources[other]));
	loop_remove(take(t->sources[!other]));
	add_timer(t, 5 * MSEC, 0, on_quit, 2);
}

static void test_fd_removed_by_another(void **state)
{
	struct bench *t = *state;
	autoclose int second = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK);
	eventfd_write(t->fd, 1);
	loop_add_fd(t->loop, t->fd, EPOLLIN, on_fd_kills_other, t, &t->sources[0], NULL);
	loop_add_fd(t->loop, second, EPOLLIN, on_fd_kills_other, t, &t->sources[1], NULL);
	run(t);
	assert_int_equal(t->calls[0], 1);
}

static void on_writable(void *arg, int fd, uint32_t events)
{
	struct bench *t = arg;
	(void)fd;
	if (events & EPOLLOUT) {
		t->calls[0]++;
		loop_fd_events(t->sources[0], EPOLLIN, NULL);
		eventfd_write(t->fd, 1);
	}
	if (events & EPOLLIN) {
		t->calls[1]++;
		loop_quit(t->loop);
	}
}

static void test_fd_interest_changes(void **state)
{
	struct bench *t = *state;
	loop_add_fd(t->loop, t->fd, EPOLLOUT, on_writable, t, &t->sources[0], NULL);
	run(t);
	assert_int_equal(t->calls[0], 1);
	assert_int_equal(t->calls[1], 1);
}

static void test_fd_refusals(void **state)
{
	struct bench *t = *state;
	struct loop_source *s = NULL;
	struct err err = ERR_NONE;
	assert_int_equal(loop_add_fd(t->loop, 987, EPOLLIN, on_fd_once, t, &s, &err), -EBADF);
	assert_non_null(strstr(err.text, "watch descriptor 987"));
	assert_null(s);
	assert_int_equal(loop_add_fd(t->loop, t->fd, EPOLLIN, on_fd_once, t, &s, &err), 0);
	assert_int_equal(loop_add_fd(t->loop, t->fd, EPOLLIN, on_fd_once, t, &s, &err), -EEXIST);
	loop_remove(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_ping_pong_loses_nothing),
		TEST(test_bursts_lose_nothing),
		TEST(test_timer_that_takes_the_wake_up_away),
		TEST(test_busy_socket_starves_nobody),
		TEST(test_message_from_before_the_loop),
		TEST(test_socket_removed_in_its_handler),
		TEST(test_closed_context_is_an_error),
		TEST(test_fd_removed_in_its_handler),
		TEST(test_fd_removed_by_another),
		TEST(test_fd_interest_changes),
		TEST(test_fd_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
