// SPDX-License-Identifier: GPL-3.0-or-later
/* watch - the loop of a meter while the guest runs.
 *
 * One thread, one poll over the guest's streams, its end, the caller's wish to stop and one timer.
 * The clock is read right behind the call that brought the news, then everything else. A poll that
 * does not wait goes before each one that does: it tells apart what was waited for from what had
 * been lying there, and until when a pipe was surely empty. */
#include <errno.h>
#include <poll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "agent/meter/state.h"
#include "proto/base/mem.h"

enum { POLL_CONSOLE, POLL_STDERR, POLL_EXIT, POLL_CANCEL, POLL_TIMER, POLL_NEWS, POLLS };
enum { DRAIN_BYTES = 1 << 20 }; /* a pipe holds no more: what came later is of descendants */

struct watch {
	struct meter *meter;
	const struct meter_wait *wait;
	struct pollfd fds[POLLS];
	int timer_fd;
	uint64_t armed_ns; /* MONOTONIC; what the timer is set to */
	uint64_t woke_ns;  /* RAW */
	bool slept;
	bool halted;
};

/* How long before t_ns the news can be, by what is known of this thread. lower_ns is certain, and
 * as old as the last look; when the thread slept until the news came, the delay is that of waking
 * up; and a poll that came back for another reason at idle_ns would have shown it. */
static uint64_t blur(const struct meter *m, uint64_t lower_ns, uint64_t idle_ns, uint64_t t_ns,
		     bool slept)
{
	uint64_t width_ns = t_ns - lower_ns, wake_ns = m->wake_ns;
	uint64_t since_ns = idle_ns < t_ns ? t_ns - idle_ns + wake_ns : width_ns;
	if (slept && wake_ns)
		since_ns = wake_ns;
	return since_ns < width_ns ? since_ns : width_ns;
}

static size_t stamp_piece(struct meter *m)
{
	const struct piece *p = &m->piece;
	uint64_t blur_ns = blur(m, p->lower_ns, m->console_idle_ns, p->t_ns, p->slept);
	if (p->after_exit)
		return meter_stamp_again(m, m->exit_instant, p->lower_ns, blur_ns);
	return meter_stamp(m, p->lower_ns, p->t_ns, blur_ns);
}

static void sample_memory_at(struct meter *m, size_t instant)
{
	bool last = m->spec->n_windows && !m->last_taken && !marks_waiting_windows(m->marks);
	memory_mark(m->memory, m->instants[instant].t_ns, last);
	m->last_taken |= last;
}

static void on_line(void *arg, const struct console_line *line)
{
	struct meter *m = arg;
	if (!marks_search(m->marks, line, m->console.bytes, m->console.lines))
		return;
	bool first = m->piece.instant == (size_t)NO_INSTANT;
	if (first)
		m->piece.instant = stamp_piece(m);
	marks_settle(m->marks, m->piece.instant);
	if (!m->piece.after_exit && (first || !marks_waiting_windows(m->marks)))
		sample_memory_at(m, m->piece.instant);
}

/* Gives how many bytes came. */
static size_t take_console(struct meter *m, bool slept, bool after_exit)
{
	struct piece p = {.slept = slept, .after_exit = after_exit, .instant = (size_t)NO_INSTANT};
	size_t n = capture_read(&m->output, &p.lower_ns, &p.t_ns);
	if (after_exit) {
		/* the guest had said it before it was gone */
		p.t_ns = m->instants[m->exit_instant].t_ns;
		p.lower_ns = p.lower_ns < p.t_ns ? p.lower_ns : p.t_ns;
	}
	if (!n)
		return 0;
	m->piece = p;
	console_feed(&m->console, m->output.bytes + m->output.size - n, n, on_line, m);
	return n;
}

/* A last line without an end is a line all the same. */
static void end_console(struct meter *m)
{
	m->piece.after_exit = true;
	m->piece.slept = false;
	m->piece.instant = (size_t)NO_INSTANT;
	m->piece.t_ns = m->instants[m->exit_instant].t_ns;
	if (m->piece.lower_ns > m->piece.t_ns)
		m->piece.lower_ns = m->piece.t_ns;
	console_end(&m->console, on_line, m);
}

void meter_drain(struct meter *m, bool search)
{
	uint64_t lower_ns, t_ns;
	size_t left = DRAIN_BYTES, n;
	while (left && !m->output.over &&
	       (n = search ? take_console(m, false, true)
			   : capture_read(&m->output, &lower_ns, &t_ns)))
		left -= n < left ? n : left;
	left = DRAIN_BYTES;
	while (left && !m->errors.over && (n = capture_read(&m->errors, &lower_ns, &t_ns)))
		left -= n < left ? n : left;
	if (search)
		end_console(m);
}

static void set_timer(struct watch *w)
{
	const struct meter *m = w->meter;
	uint64_t due_ns = memory_due_ns(m->memory);
	if (m->energy_due_ns < due_ns)
		due_ns = m->energy_due_ns;
	if (w->wait->deadline_ns && w->wait->deadline_ns < due_ns)
		due_ns = w->wait->deadline_ns;
	if (due_ns == w->armed_ns)
		return;
	struct itimerspec spec = {0};
	if (due_ns != UINT64_MAX) {
		due_ns = due_ns ? due_ns : 1; /* 0 would switch it off */
		spec.it_value.tv_sec = (time_t)(due_ns / NSEC_PER_SEC);
		spec.it_value.tv_nsec = (long)(due_ns % NSEC_PER_SEC);
	}
	timerfd_settime(w->timer_fd, TFD_TIMER_ABSTIME, &spec, NULL);
	w->armed_ns = due_ns;
}

static int poll_once(struct watch *w, int timeout_ms)
{
	int n;
	do
		n = poll(w->fds, POLLS, timeout_ms);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int await(struct watch *w, struct err *err)
{
	struct meter *m = w->meter;
	w->fds[POLL_CONSOLE].fd = m->output.read_fd;
	w->fds[POLL_STDERR].fd = m->errors.read_fd;
	uint64_t before_ns = clock_raw_ns();
	int n = poll_once(w, 0);
	w->slept = n == 0;
	if (w->slept) {
		m->output.empty_ns = m->errors.empty_ns = m->alive_ns = before_ns;
		n = poll_once(w, w->halted ? 0 : -1);
	}
	w->woke_ns = clock_raw_ns();
	if (n < 0)
		return err_sys(err, -n, "wait for the guest");
	if (!w->fds[POLL_CONSOLE].revents)
		m->console_idle_ns = w->woke_ns;
	if (!w->fds[POLL_EXIT].revents)
		m->exit_idle_ns = w->woke_ns;
	return 0;
}

static void on_exit_fd(struct watch *w)
{
	struct meter *m = w->meter;
	uint64_t lower_ns = m->alive_ns < w->woke_ns ? m->alive_ns : w->woke_ns;
	m->exit_instant = meter_stamp(m, lower_ns, w->woke_ns,
				      blur(m, lower_ns, m->exit_idle_ns, w->woke_ns, w->slept));
	meter_drain(m, true);
	/* what was drained had been printed before the end */
	marks_reach(m->marks, AT_EXIT, m->console.bytes, m->console.lines);
	marks_settle(m->marks, m->exit_instant);
}

/* The guest lives on, the meter does not. */
static void on_other_end(struct meter *m)
{
	uint64_t now_ns = clock_raw_ns();
	size_t i = meter_stamp(m, now_ns, now_ns, 0);
	sample_memory_at(m, i);
	marks_reach(m->marks, AT_END, m->console.bytes, m->console.lines);
	marks_settle(m->marks, i);
}

static void on_timer(struct watch *w)
{
	struct meter *m = w->meter;
	uint64_t expirations, now_ns = clock_monotonic_ns();
	ssize_t n = read(w->timer_fd, &expirations, sizeof(expirations));
	(void)n; /* non-blocking; whether something is due, the clock says */
	w->armed_ns = 0;
	memory_tick(m->memory, now_ns, marks_open_windows(m->marks) == 0);
	if (now_ns >= m->energy_due_ns) {
		energies_read(m->energies, NULL);
		m->energy_due_ns = now_ns + energies_poll_ns(m->energies);
	}
}

/* What the guest's VMM has to say. */
static void take_news(struct watch *w)
{
	enum meter_news news = w->wait->news(w->wait->arg);
	w->halted |= news == METER_NEWS_HALTED;
	if (news != METER_NEWS_NONE)
		w->fds[POLL_NEWS].fd = -1;
}

/* One round; true: it is over, and *ret says how. */
static bool step(struct watch *w, enum meter_end *ret)
{
	struct meter *m = w->meter;
	if (w->fds[POLL_EXIT].revents) {
		on_exit_fd(w);
		*ret = m->output.over || m->errors.over ? METER_OUTPUT_LIMIT : METER_EXITED;
		return true;
	}
	if (w->fds[POLL_CONSOLE].revents)
		take_console(m, w->slept, false);
	if (w->fds[POLL_STDERR].revents) {
		uint64_t lower_ns, t_ns;
		capture_read(&m->errors, &lower_ns, &t_ns);
	}
	if (w->fds[POLL_TIMER].revents)
		on_timer(w);
	if (w->fds[POLL_NEWS].revents)
		take_news(w);
	if (m->output.over || m->errors.over)
		*ret = METER_OUTPUT_LIMIT;
	else if (w->fds[POLL_CANCEL].revents)
		*ret = METER_CANCELLED;
	else if (w->wait->stop_at_first_mark && marks_console_seen(m->marks))
		*ret = METER_STOPPED;
	else if (w->halted)
		*ret = METER_HALTED;
	else if (w->wait->deadline_ns && clock_monotonic_ns() >= w->wait->deadline_ns)
		*ret = METER_TIMEOUT;
	else
		return false;
	on_other_end(m);
	return true;
}

static int loop(struct watch *w, enum meter_end *ret, struct err *err)
{
	if (w->wait->news)
		take_news(w); /* what came before there was anyone to hear it */
	for (;;) {
		set_timer(w);
		int r = await(w, err);
		if (r < 0)
			return r;
		if (step(w, ret))
			return 0;
	}
}

int meter_run(struct meter *m, const struct meter_wait *wait, enum meter_end *ret, struct err *err)
{
	struct boost boost;
	enum meter_end end = METER_EXITED;
	autoclose int timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (timer_fd < 0)
		return err_sys(err, errno, "make a timer");
	if (m->ran)
		return err_say(err, EALREADY, "this meter has run");
	meter_reserve(m);
	struct watch w = {.meter = m, .wait = wait, .timer_fd = timer_fd};
	const int fds[POLLS] = {
		-1, -1, wait->exit_fd, wait->cancel_fd, timer_fd, wait->news ? wait->news_fd : -1};
	for (size_t i = 0; i < POLLS; i++)
		w.fds[i] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	uint64_t poll_ns = energies_poll_ns(m->energies);
	m->energy_due_ns = poll_ns == UINT64_MAX ? UINT64_MAX : clock_monotonic_ns() + poll_ns;
	m->ran = true;
	boost_begin(&boost);
	m->sched = boost.fifo ? "fifo" : "other";
	int r = loop(&w, &end, err);
	boost_end(&boost);
	m->end = end;
	if (r == 0)
		*ret = end;
	return r;
}
