// SPDX-License-Identifier: GPL-3.0-or-later
/* loop_bench - a loop, a pair of sockets and a descriptor to try it with. Times in these tests are
 * lower bounds, so that a slow machine fails nothing. */
#ifndef ASSAY_TESTS_WIRE_LOOP_BENCH_H
#define ASSAY_TESTS_WIRE_LOOP_BENCH_H

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include <zmq.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/wire/loop.h"

enum { MSEC = 1000000 };

/* What handlers share. */
struct bench {
	struct loop *loop;
	void *context;
	void *a, *b;			/* a pair of sockets */
	struct loop_source *sources[4]; /* as a test likes */
	int calls[4];			/* of the handler with that number */
	int order[16];			/* numbers of timers as they were called */
	int n_order;
	int fd;
	int wish;	/* quit after so many */
	uint64_t at_ns; /* when the test began */
};

static inline int set_up(void **state)
{
	struct bench *t = xcalloc(1, sizeof(*t));
	struct err err = ERR_NONE;
	if (loop_new(&t->loop, &err) < 0)
		return -1;
	t->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	t->context = zmq_ctx_new();
	t->a = zmq_socket(t->context, ZMQ_PAIR);
	t->b = zmq_socket(t->context, ZMQ_PAIR);
	int unlimited = 0;
	zmq_setsockopt(t->a, ZMQ_SNDHWM, &unlimited, sizeof(unlimited));
	zmq_setsockopt(t->a, ZMQ_RCVHWM, &unlimited, sizeof(unlimited));
	zmq_setsockopt(t->b, ZMQ_SNDHWM, &unlimited, sizeof(unlimited));
	zmq_setsockopt(t->b, ZMQ_RCVHWM, &unlimited, sizeof(unlimited));
	*state = t;
	return zmq_bind(t->a, "inproc://pair") + zmq_connect(t->b, "inproc://pair");
}

static inline int tear_down(void **state)
{
	struct bench *t = *state;
	loop_free(t->loop);
	close(t->fd);
	zmq_close(t->a);
	zmq_close(t->b);
	zmq_ctx_term(t->context);
	free(t);
	return 0;
}

/* A loop that hangs is a failed test, not a hung one. */
static inline void run(struct bench *t)
{
	struct err err = ERR_NONE;
	alarm(60);
	if (loop_run(t->loop, &err) < 0)
		fail_msg("%s", err.text);
	alarm(0);
}

static inline void add_timer(struct bench *t, uint64_t after_ns, uint64_t period_ns,
			     loop_timer_f *f, int i)
{
	int r = loop_add_timer(t->loop, after_ns, period_ns, f, t, &t->sources[i], NULL);
	assert_int_equal(r, 0);
}

static inline void on_quit(void *arg)
{
	struct bench *t = arg;
	loop_quit(t->loop);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
