// SPDX-License-Identifier: GPL-3.0-or-later
/* loop - one thread, one loop: descriptors, ZeroMQ sockets and monotonic timers. Handlers never
 * block. Due timers are collected first, then called, so that a handler may remove others; a
 * source may be removed inside its own handler. */
#ifndef ASSAY_WIRE_LOOP_H
#define ASSAY_WIRE_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/base/cleanup.h"
#include "proto/base/err.h"

struct loop;
struct loop_source;

typedef void loop_fd_f(void *arg, int fd, uint32_t epoll_events);
typedef void loop_socket_f(void *arg, void *zmq_socket); /* there is something to receive */
typedef void loop_timer_f(void *arg);
typedef void loop_signal_f(void *arg, int signal);

int loop_new(struct loop **ret, struct err *err);
void loop_free(struct loop *loop); /* and all its sources; NULL is fine */
CLEANUP_DEFINE(loop, struct loop *, loop_free)

/* Sources are owned by the loop. fds and sockets are borrowed, outlive their source. */
int loop_add_fd(struct loop *loop, int fd, uint32_t epoll_events, loop_fd_f *handler, void *arg,
		struct loop_source **ret, struct err *err);
int loop_add_socket(struct loop *loop, void *zmq_socket, loop_socket_f *handler, void *arg,
		    struct loop_source **ret, struct err *err);
/* First after after_ns, then each period_ns (0: once, and it is gone then). */
int loop_add_timer(struct loop *loop, uint64_t after_ns, uint64_t period_ns, loop_timer_f *handler,
		   void *arg, struct loop_source **ret, struct err *err);
/* Blocks the signal in this thread and hands it to the loop by signalfd. */
int loop_add_signal(struct loop *loop, int signal, loop_signal_f *handler, void *arg,
		    struct loop_source **ret, struct err *err);
void loop_remove(struct loop_source *source); /* NULL is fine */

/* Until loop_quit(); -errno where waiting itself fails. */
int loop_run(struct loop *loop, struct err *err);
void loop_quit(struct loop *loop);

#endif
