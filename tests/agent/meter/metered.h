// SPDX-License-Identifier: GPL-3.0-or-later
/* metered - one run of a meter around a guest that the test makes itself, and a look at what came
 * of it. The guest is on CPU 1, the meter on CPU 0. */
#ifndef ASSAY_TEST_METERED_H
#define ASSAY_TEST_METERED_H

#include <math.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/meter/meter.h"
#include "proto/base/mem.h"
#include "tests/agent/meter/gated.h"

struct metered {
	struct host_root root;
	struct run_spec *spec;
	struct attempt *attempt;
	struct rusage usage;
	enum meter_end end;
	int cancel_fd;
	uint64_t timeout_ms;
	bool stop_at_first_mark;
};

static inline void metered_open(struct metered *r)
{
	struct err err = ERR_NONE;
	*r = (struct metered){.cancel_fd = -1, .timeout_ms = 20000};
	assert_int_equal(host_root_open("/", &r->root, &err), 0);
	r->spec = run_spec_new();
	r->attempt = attempt_new();
}

static inline void metered_close(struct metered *r)
{
	run_spec_free(r->spec);
	attempt_free(r->attempt);
	host_root_close(&r->root);
}

static inline void metered_window(struct metered *r, const char *name, const char *from,
				  const char *to)
{
	struct window_spec *w = ARRAY_PUSH(r->spec->windows, r->spec->n_windows);
	STRCPY_FIXED(w->name, name);
	w->from = (struct mark_spec){from ? MARK_CONSOLE : MARK_START, xstrdup(from)};
	w->to = (struct mark_spec){to ? MARK_CONSOLE : MARK_EXIT, xstrdup(to)};
}

static inline void metered_on_cpu(pid_t pid, int cpu)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(pid, sizeof(set), &set);
}

static inline void metered_run(struct metered *r, const char *what, uint64_t number)
{
	struct err err = ERR_NONE;
	autoclean(meter) struct meter *m = NULL;
	int r_open = meter_open(&r->root, r->spec, &m, &err);
	if (r_open < 0)
		fail_msg("%s", err.text);
	struct gated g = gated_start(meter_console_fd(m), meter_stderr_fd(m), what, number);
	meter_guest_started(m);
	metered_on_cpu(g.pid, 1);
	metered_on_cpu(0, 0);
	assert_int_equal(meter_attach(m, g.pid, &err), 0);
	meter_mark(m, MARK_START);
	meter_mark(m, MARK_RESUME);
	gated_go(&g);
	struct meter_wait wait = {
		.pid = g.pid,
		.exit_fd = g.exit_fd,
		.cancel_fd = r->cancel_fd,
		.deadline_ns = clock_monotonic_ns() + r->timeout_ms * NSEC_PER_MSEC,
		.stop_at_first_mark = r->stop_at_first_mark,
	};
	assert_int_equal(meter_run(m, &wait, &r->end, &err), 0);
	gated_end(&g, &r->usage);
	meter_finish(m, (uint64_t)r->usage.ru_maxrss * 1024, r->attempt);
}

static inline const struct reading *metered_find(const struct metered *r, const char *window,
						 const char *metric)
{
	for (size_t i = 0; i < r->attempt->n_readings; i++)
		if (strcmp(r->attempt->readings[i].window, window) == 0 &&
		    strcmp(r->attempt->readings[i].metric, metric) == 0)
			return &r->attempt->readings[i];
	fail_msg("no row for %s of %s", metric, window);
	return NULL;
}

static inline double metered_value(const struct metered *r, const char *window, const char *metric)
{
	const struct reading *row = metered_find(r, window, metric);
	if (!row->present)
		fail_msg("%s of %s is absent: %s", metric, window, row->note);
	return row->value;
}

static inline const struct reason *metered_reason(const struct metered *r, const char *code)
{
	for (size_t i = 0; i < r->attempt->n_reasons; i++)
		if (strcmp(r->attempt->reasons[i].code, code) == 0)
			return &r->attempt->reasons[i];
	return NULL;
}

static inline const struct mark *metered_mark(const struct metered *r, const char *name)
{
	for (size_t i = 0; i < r->attempt->n_marks; i++)
		if (strcmp(r->attempt->marks[i].name, name) == 0)
			return &r->attempt->marks[i];
	return NULL;
}

/* Says what was found where it is not near enough: others share this machine, so a measurement may
 * be tried again, see metered_eventually(). */
static inline bool metered_near(const char *what, double found, double expected, double share,
				double floor)
{
	bool near = fabs(found - expected) <= share * expected + floor;
	if (!near)
		print_message("%s: %g is not within %g %% + %g of %g\n", what, found, share * 100,
			      floor, expected);
	return near;
}

/* A wrong counter is wrong each time; a disturbed one is not. */
static inline void metered_eventually(bool (*try)(void))
{
	for (int i = 0; i < 3; i++)
		if (try())
			return;
	fail_msg("three times out of three");
}

#endif
