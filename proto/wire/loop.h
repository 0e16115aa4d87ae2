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

/* Sources are owned by the loop. fds and sockets are borrowed, outlive their source. A socket's
 * handler is called while there is something, so it takes at least one message each time. */
int loop_add_fd(struct loop *loop, int fd, uint32_t epoll_events, loop_fd_f *handler, void *arg,
		struct loop_source **ret, struct err *err);
int loop_add_socket(struct loop *loop, void *zmq_socket, loop_socket_f *handler, void *arg,
		    struct loop_source **ret, struct err *err);
/* First after after_ns, then each period_ns on a raster that does not drift; periods that were
 * missed are left out. period_ns 0: once, and the source is gone when its handler returns. */
int loop_add_timer(struct loop *loop, uint64_t after_ns, uint64_t period_ns, loop_timer_f *handler,
		   void *arg, struct loop_source **ret, struct err *err);
/* Blocks the signal in this thread and hands it to the loop by signalfd; removing unblocks it.
 * Children inherit the mask: unblock before exec. Threads that are to leave it alone must block it
 * too, so add signals before starting any. -EEXIST: it has a handler in this loop. */
int loop_add_signal(struct loop *loop, int signal, loop_signal_f *handler, void *arg,
		    struct loop_source **ret, struct err *err);
/* Changes what an fd source waits for; 0 leaves EPOLLERR and EPOLLHUP, which are always there. */
int loop_fd_events(struct loop_source *source, uint32_t epoll_events, struct err *err);
void loop_remove(struct loop_source *source); /* NULL is fine */

/* Until loop_quit(), which also counts when it came before; -errno where waiting itself fails. No
 * handler is called after loop_quit(); what is due then is still due when the loop runs again. */
int loop_run(struct loop *loop, struct err *err);
void loop_quit(struct loop *loop);

#endif
