// SPDX-License-Identifier: GPL-3.0-or-later
/* loop - epoll over descriptors, one timerfd for all timers, signalfds, and ZeroMQ's sockets.
 *
 * Trap: a socket's ZMQ_FD says only that something has happened since it was last asked. Any call
 * on the socket, a send too, may take that signal away while messages wait. So before each sleep
 * all sockets are asked for ZMQ_EVENTS, and the loop sleeps only when a whole round of them, with
 * no handler called in between, had nothing to receive.
 *
 * A removed source stays in the list, dead, until the turn that may still point at it has ended.
 * Source: zmq_getsockopt(3) on ZMQ_FD and ZMQ_EVENTS, epoll(7), timerfd_create(2). */
#include "proto/wire/loop.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"

enum {
	SOCKET_TURN = 64, /* messages of one socket before others have their turn */
	EVENTS_TURN = 64, /* descriptors of one wait; more are found by the next */
};

enum source_kind { SOURCE_FD, SOURCE_SOCKET, SOURCE_TIMER, SOURCE_SIGNAL };

struct loop_source {
	struct loop *loop; /* borrowed: its owner */
	struct loop_source *next;
	struct loop_source *later; /* timers: the next in order of deadline */
	enum source_kind kind;
	bool dead;
	bool due; /* timers: to be called in this turn */
	void *arg;
	int fd;	      /* borrowed; a signal's is owned; a timer has none: -1 */
	void *socket; /* borrowed */
	int signal;   /* and whether it was blocked before */
	bool was_blocked;
	uint64_t deadline_ns; /* CLOCK_MONOTONIC */
	uint64_t period_ns;
	union {
		loop_fd_f *on_fd;
		loop_socket_f *on_socket;
		loop_timer_f *on_timer;
		loop_signal_f *on_signal;
	};
};

struct loop {
	int epoll_fd;
	int timer_fd;
	uint64_t armed_ns; /* what timer_fd is set to; 0: nothing */
	bool running;
	bool quit;
	bool buried;		     /* some source is dead */
	struct loop_source *sources; /* owned */
	struct loop_source *timers;  /* live ones, by deadline */
};

static int epoll_add(struct loop *loop, int fd, uint32_t events, void *ptr)
{
	struct epoll_event event = {.events = events, .data.ptr = ptr};
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int loop_new(struct loop **ret, struct err *err)
{
	struct loop *loop = xcalloc(1, sizeof(*loop));
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	loop->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	int r = loop->epoll_fd < 0 || loop->timer_fd < 0 ? -errno : 0;
	if (r == 0) /* its pointer is NULL: no source, but deadlines */
		r = epoll_add(loop, loop->timer_fd, EPOLLIN, NULL);
	if (r < 0) {
		loop_free(loop);
		return err_sys(err, -r, "make an event loop");
	}
	*ret = loop;
	return 0;
}

static struct loop_source *add_source(struct loop *loop, enum source_kind kind, int fd, void *arg)
{
	struct loop_source *s = xcalloc(1, sizeof(*s));
	s->loop = loop;
	s->kind = kind;
	s->fd = fd;
	s->arg = arg;
	s->next = loop->sources;
	return loop->sources = s;
}

/* Takes the newest source, which nobody has seen yet, away again. */
static void drop_newest(struct loop *loop)
{
	struct loop_source *s = loop->sources;
	loop->sources = s->next;
	free(s);
}

int loop_add_fd(struct loop *loop, int fd, uint32_t epoll_events, loop_fd_f *handler, void *arg,
		struct loop_source **ret, struct err *err)
{
	struct loop_source *s = add_source(loop, SOURCE_FD, fd, arg);
	int r = epoll_add(loop, fd, epoll_events, s);
	if (r < 0) {
		drop_newest(loop);
		return err_sys(err, -r, "watch descriptor %d", fd);
	}
	s->on_fd = handler;
	*ret = s;
	return 0;
}

int loop_fd_events(struct loop_source *source, uint32_t epoll_events, struct err *err)
{
	struct epoll_event event = {.events = epoll_events, .data.ptr = source};
	if (epoll_ctl(source->loop->epoll_fd, EPOLL_CTL_MOD, source->fd, &event) < 0)
		return err_sys(err, errno, "watch descriptor %d", source->fd);
	return 0;
}

int loop_add_socket(struct loop *loop, void *zmq_socket, loop_socket_f *handler, void *arg,
		    struct loop_source **ret, struct err *err)
{
	int fd;
	size_t size = sizeof(fd);
	if (zmq_getsockopt(zmq_socket, ZMQ_FD, &fd, &size) < 0)
		return err_say(err, errno, "watch a socket: %s", zmq_strerror(errno));
	struct loop_source *s = add_source(loop, SOURCE_SOCKET, fd, arg);
	int r = epoll_add(loop, fd, EPOLLIN, s);
	if (r < 0) {
		drop_newest(loop);
		return err_sys(err, -r, "watch a socket");
	}
	s->socket = zmq_socket;
	s->on_socket = handler;
	*ret = s;
	return 0;
}

/* Behind those of the same deadline: first come, first served. */
static void timer_insert(struct loop_source *s)
{
	struct loop_source **at = &s->loop->timers;
	while (*at && (*at)->deadline_ns <= s->deadline_ns)
		at = &(*at)->later;
	s->later = *at;
	*at = s;
}

static void timer_unlink(struct loop_source *s)
{
	struct loop_source **at = &s->loop->timers;
	while (*at && *at != s)
		at = &(*at)->later;
	if (*at)
		*at = s->later;
}

int loop_add_timer(struct loop *loop, uint64_t after_ns, uint64_t period_ns, loop_timer_f *handler,
		   void *arg, struct loop_source **ret, struct err *err)
{
	const uint64_t longest_ns = 100ull * 365 * 86400 * NSEC_PER_SEC;
	if (after_ns > longest_ns || period_ns > longest_ns)
		return err_say(err, ERANGE, "a timer of more than 100 years");
	struct loop_source *s = add_source(loop, SOURCE_TIMER, -1, arg);
	s->on_timer = handler;
	s->deadline_ns = clock_monotonic_ns() + after_ns;
	s->period_ns = period_ns;
	timer_insert(s);
	*ret = s;
	return 0;
}

static bool signal_watched(const struct loop *loop, int signal)
{
	for (const struct loop_source *s = loop->sources; s; s = s->next)
		if (s->kind == SOURCE_SIGNAL && s->signal == signal && !s->dead)
			return true;
	return false;
}

int loop_add_signal(struct loop *loop, int signal, loop_signal_f *handler, void *arg,
		    struct loop_source **ret, struct err *err)
{
	sigset_t set, before;
	sigemptyset(&set);
	if (sigaddset(&set, signal) < 0)
		return err_say(err, EINVAL, "%d is not a signal", signal);
	if (signal_watched(loop, signal))
		return err_say(err, EEXIST, "signal %d has a handler in this loop", signal);
	int fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		return err_sys(err, errno, "watch signal %d", signal);
	struct loop_source *s = add_source(loop, SOURCE_SIGNAL, fd, arg);
	int r = epoll_add(loop, fd, EPOLLIN, s);
	if (r < 0) {
		drop_newest(loop);
		close(fd);
		return err_sys(err, -r, "watch signal %d", signal);
	}
	pthread_sigmask(SIG_BLOCK, &set, &before);
	s->was_blocked = sigismember(&before, signal) == 1;
	s->signal = signal;
	s->on_signal = handler;
	*ret = s;
	return 0;
}

static void signal_release(struct loop_source *s)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, s->signal);
	if (!s->was_blocked)
		pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	close(s->fd);
}

static void bury(struct loop *loop)
{
	struct loop_source **at = &loop->sources;
	while (loop->buried && *at) {
		struct loop_source *s = *at;
		if (!s->dead) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		free(s);
	}
	loop->buried = false;
}

void loop_remove(struct loop_source *source)
{
	if (!source || source->dead)
		return;
	struct loop *loop = source->loop;
	/* The descriptor may have been closed before its source was removed: nothing to do then. */
	if (source->kind == SOURCE_TIMER)
		timer_unlink(source);
	else
		epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, source->fd, NULL);
	if (source->kind == SOURCE_SIGNAL)
		signal_release(source);
	source->dead = true;
	loop->buried = true;
	if (!loop->running)
		bury(loop);
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	loop->running = false;
	while (loop->sources)
		loop_remove(loop->sources);
	if (loop->timer_fd >= 0)
		close(loop->timer_fd);
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	free(loop);
}

void loop_quit(struct loop *loop)
{
	loop->quit = true;
}

/* 1 or 0: something can be received. A dead context or socket is -errno. */
static int readable(void *socket)
{
	int events;
	size_t size = sizeof(events);
	int r;
	do {
		r = zmq_getsockopt(socket, ZMQ_EVENTS, &events, &size);
	} while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : (events & ZMQ_POLLIN) != 0;
}

/* Calls the handlers of all sockets that have something; *ret_any: there was one. Sources that
 * handlers add are at the head of the list: they have their turn in the next round. */
static int serve_sockets(struct loop *loop, bool *ret_any, struct err *err)
{
	*ret_any = false;
	for (struct loop_source *s = loop->sources; s && !loop->quit; s = s->next) {
		if (s->kind != SOURCE_SOCKET)
			continue;
		for (int n = 0; n < SOCKET_TURN && !s->dead && !loop->quit; n++) {
			int r = readable(s->socket);
			if (r < 0)
				return err_say(err, -r, "watch a socket: %s", zmq_strerror(-r));
			if (r == 0)
				break;
			*ret_any = true;
			s->on_socket(s->arg, s->socket);
		}
	}
	return 0;
}

static int arm_timer(struct loop *loop, struct err *err)
{
	uint64_t next_ns = loop->timers ? loop->timers->deadline_ns : 0;
	if (next_ns == loop->armed_ns)
		return 0;
	struct itimerspec spec = {
		.it_value.tv_sec = (time_t)(next_ns / NSEC_PER_SEC),
		.it_value.tv_nsec = (long)(next_ns % NSEC_PER_SEC),
	};
	if (timerfd_settime(loop->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL) < 0)
		return err_sys(err, errno, "set the timer");
	loop->armed_ns = next_ns;
	return 0;
}

/* A periodic timer keeps its raster: what was missed is left out, and nothing drifts. */
static void call_timer(struct loop_source *s, uint64_t now_ns)
{
	timer_unlink(s);
	s->due = false;
	if (s->period_ns) {
		uint64_t missed = (now_ns - s->deadline_ns) / s->period_ns;
		s->deadline_ns += (missed + 1) * s->period_ns;
		timer_insert(s);
	} else {
		s->dead = true;
		s->loop->buried = true;
	}
	s->on_timer(s->arg);
}

static struct loop_source *next_due(const struct loop *loop)
{
	struct loop_source *s = loop->timers;
	while (s && !s->due)
		s = s->later;
	return s;
}

static void serve_timers(struct loop *loop)
{
	uint64_t now_ns = clock_monotonic_ns();
	for (struct loop_source *s = loop->timers; s && s->deadline_ns <= now_ns; s = s->later)
		s->due = true;
	for (struct loop_source *s; !loop->quit && (s = next_due(loop));)
		call_timer(s, now_ns);
}

static void serve_signal(struct loop_source *s)
{
	struct signalfd_siginfo info;
	if (read(s->fd, &info, sizeof(info)) == (ssize_t)sizeof(info))
		s->on_signal(s->arg, (int)info.ssi_signo);
}

static void serve_event(struct loop *loop, const struct epoll_event *event)
{
	struct loop_source *s = event->data.ptr;
	if (!s) { /* the timer: serve_timers() looks at the clock itself */
		uint64_t expirations;
		if (read(loop->timer_fd, &expirations, sizeof(expirations)) > 0)
			loop->armed_ns = 0;
	} else if (!s->dead && s->kind == SOURCE_FD) {
		s->on_fd(s->arg, s->fd, event->events);
	} else if (!s->dead && s->kind == SOURCE_SIGNAL) {
		serve_signal(s);
	} /* sockets are asked before the next sleep */
}

static int turn(struct loop *loop, struct err *err)
{
	struct epoll_event events[EVENTS_TURN];
	bool any;
	if (serve_sockets(loop, &any, err) < 0 || arm_timer(loop, err) < 0)
		return err_code(err);
	if (loop->quit)
		return 0;
	int n = epoll_wait(loop->epoll_fd, events, EVENTS_TURN, any ? 0 : -1);
	if (n < 0 && errno != EINTR)
		return err_sys(err, errno, "wait for events");
	for (int i = 0; i < n && !loop->quit; i++)
		serve_event(loop, &events[i]);
	serve_timers(loop);
	return 0;
}

int loop_run(struct loop *loop, struct err *err)
{
	struct err inner;
	int r = 0;
	err = err ? err : &inner;
	loop->running = true;
	while (r == 0 && !loop->quit) {
		r = turn(loop, err);
		bury(loop);
	}
	loop->running = false;
	loop->quit = false;
	return r;
}
