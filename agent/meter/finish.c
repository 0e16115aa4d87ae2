// SPDX-License-Identifier: GPL-3.0-or-later
/* finish - what a meter saw, as the rows of an attempt. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "agent/meter/state.h"
#include "proto/base/mem.h"

enum {
	CHATTY_BYTES = 4096, /* printed inside a window: each byte may cost a VM exit */
	CHATTY_LINES = 64,
	WAKES_LEAST = 20, /* a window should be as many wake-ups long */
	PATTERN_SHOWN = 80,
};

static const struct instant *instant_of(const struct meter *m, size_t mark)
{
	return &m->instants[marks_get(m->marks, mark)->instant];
}

static void add_mark(const struct meter *m, size_t mark, const char *name, struct attempt *a)
{
	const struct mark_seen *seen = marks_get(m->marks, mark);
	if (!seen->seen)
		return;
	const struct instant *i = instant_of(m, mark);
	struct mark *row = ARRAY_PUSH(a->marks, a->n_marks);
	STRCPY_FIXED(row->name, name);
	row->lower_ns = i->lower_ns;
	row->t_ns = i->t_ns;
	row->read_ns = i->read_ns;
	row->console_bytes = seen->console_bytes;
	row->console_lines = seen->console_lines;
}

static void add_marks(const struct meter *m, struct attempt *a)
{
	static const char *const names[AT_WINDOWS] = {
		[AT_START] = "start",
		[AT_RESUME] = "resume",
		[AT_EXIT] = "exit",
		[AT_END] = "end",
	};
	for (size_t i = 0; i < AT_WINDOWS; i++)
		add_mark(m, i, names[i], a);
	for (size_t i = 0; i < m->spec->n_windows; i++) {
		char name[NAME_SIZE];
		snprintf(name, sizeof(name), "%.56s.from", m->spec->windows[i].name);
		add_mark(m, AT_WINDOWS + 2 * i, name, a);
		snprintf(name, sizeof(name), "%.56s.to", m->spec->windows[i].name);
		add_mark(m, AT_WINDOWS + 2 * i + 1, name, a);
	}
}

static void report_wall(const struct window *w, bool named, struct attempt *a)
{
	struct reading *r = attempt_reading(a, w->name, "wall", "guest", "ns", "clock",
					    (double)(w->to_ns - w->from_ns));
	r->uncertainty = (double)w->uncertainty_ns;
	if (named && (w->console_bytes > CHATTY_BYTES || w->console_lines > CHATTY_LINES))
		snprintf(r->note, sizeof(r->note),
			 "%llu bytes in %llu lines were printed inside; printing costs the guest "
			 "time",
			 (unsigned long long)w->console_bytes,
			 (unsigned long long)w->console_lines);
}

/* No reading at all of a window, and why. */
static void report_absent(const struct meter *m, const char *window, const char *why,
			  struct attempt *a)
{
	attempt_absent(a, window, "wall", "guest", "ns", "%s", why);
	counters_report_absent(m->counters, window, why, a);
	memory_report_absent(m->memory, window, why, a);
	energies_report_absent(m->energies, window, why, a);
}

static void flag_short(const struct meter *m, const struct window *w, struct attempt *a)
{
	uint64_t length_ns = w->to_ns - w->from_ns;
	if (length_ns < WAKES_LEAST * m->wake_ns)
		attempt_reason(a, VERDICT_FLAGGED, "window-too-short",
			       "window %s is %.0f us long; the meter's wake-ups are late by up to "
			       "%.0f us",
			       w->name, (double)length_ns / 1e3, (double)m->wake_ns / 1e3);
}

static void report_window(const struct meter *m, const char *name, size_t from, size_t to,
			  uint64_t max_rss_bytes, struct attempt *a)
{
	const struct mark_seen *f = marks_get(m->marks, from), *t = marks_get(m->marks, to);
	const struct instant *fi = instant_of(m, from), *ti = instant_of(m, to);
	double blur_from = (double)fi->blur_ns, blur_to = (double)ti->blur_ns;
	bool named = from >= AT_WINDOWS;
	if (ti->t_ns <= fi->t_ns) {
		report_absent(m, name,
			      "both marks came with one read of the console: the window is "
			      "shorter than can be seen",
			      a);
		attempt_reason(a, VERDICT_FLAGGED, "window-too-short",
			       "both marks of window %s came with one read of the console", name);
		return;
	}
	struct window *w = ARRAY_PUSH(a->windows, a->n_windows);
	STRCPY_FIXED(w->name, name);
	w->from_ns = fi->t_ns;
	w->to_ns = ti->t_ns;
	/* each mark lies evenly within its blur */
	w->uncertainty_ns = (uint64_t)sqrt((blur_from * blur_from + blur_to * blur_to) / 12.0);
	w->console_bytes = t->console_bytes - f->console_bytes;
	w->console_lines = t->console_lines - f->console_lines;
	struct window copy = *w; /* the array may move while rows are added */
	report_wall(&copy, named, a);
	size_t slots = counters_slots(m->counters), zones = energies_slots(m->energies);
	counters_report(m->counters, name, m->counter_values + f->instant * slots,
			m->counter_values + t->instant * slots, a);
	memory_report(m->memory, &copy, max_rss_bytes, a);
	energies_report(m->energies, name, m->energy_values + f->instant * zones,
			m->energy_values + t->instant * zones, a);
	if (named)
		flag_short(m, &copy, a);
}

static void report_whole(const struct meter *m, uint64_t max_rss_bytes, struct attempt *a)
{
	size_t to = marks_get(m->marks, AT_EXIT)->seen ? AT_EXIT : AT_END;
	if (marks_get(m->marks, AT_START)->seen && marks_get(m->marks, to)->seen)
		report_window(m, "whole", AT_START, to, max_rss_bytes, a);
	else
		report_absent(m, "whole",
			      m->ran ? "the meter lost the guest" : "the guest did not get to run",
			      a);
}

static void describe_mark(const struct mark_spec *spec, char *ret, size_t size)
{
	if (spec->kind == MARK_CONSOLE)
		snprintf(ret, size, "pattern '%.*s'", PATTERN_SHOWN, spec->pattern);
	else
		snprintf(ret, size, "`%s`", mark_kind_name(spec->kind));
}

/* The mark that a window still waits for. */
static void report_missing(const struct meter *m, const struct window_spec *spec, bool begun,
			   struct attempt *a)
{
	char mark[PATTERN_SHOWN + 32], why[240];
	describe_mark(begun ? &spec->to : &spec->from, mark, sizeof(mark));
	snprintf(why, sizeof(why), "its `%s`, %s, never came", begun ? "to" : "from", mark);
	report_absent(m, spec->name, why, a);
	if (!m->ran || m->end == METER_STOPPED || m->end == METER_CANCELLED)
		return; /* nobody waited long enough to say that it did not come */
	attempt_reason(a, VERDICT_INVALID, "no-mark",
		       "window %s: %s; the console had %llu bytes in %llu lines", spec->name, why,
		       (unsigned long long)m->console.bytes, (unsigned long long)m->console.lines);
}

static bool ends_with_guest(const struct meter *m, size_t mark)
{
	const struct mark_seen *exit = marks_get(m->marks, AT_EXIT);
	return exit->seen && marks_get(m->marks, mark)->instant == exit->instant;
}

static void report_windows(const struct meter *m, uint64_t max_rss_bytes, struct attempt *a)
{
	for (size_t i = 0; i < m->spec->n_windows; i++) {
		size_t from = AT_WINDOWS + 2 * i, to = from + 1;
		const struct window_spec *spec = &m->spec->windows[i];
		if (marks_get(m->marks, to)->seen)
			report_window(m, spec->name, from, to,
				      ends_with_guest(m, to) ? max_rss_bytes : 0, a);
		else
			report_missing(m, spec, marks_get(m->marks, from)->seen, a);
	}
}

static uint64_t slowest_read_ns(const struct meter *m)
{
	uint64_t worst_ns = 0;
	for (size_t i = 0; i < m->n_instants; i++)
		if (m->instants[i].read_ns - m->instants[i].t_ns > worst_ns)
			worst_ns = m->instants[i].read_ns - m->instants[i].t_ns;
	return worst_ns;
}

static void add_facts(const struct meter *m, struct attempt *a)
{
	attempt_fact(a, "console.bytes", "%zu", m->output.size);
	attempt_fact(a, "console.lines", "%llu", (unsigned long long)m->console.lines);
	attempt_fact(a, "stderr.bytes", "%zu", m->errors.size);
	attempt_fact(a, "meter.sched", "%s", m->sched);
	attempt_fact(a, "meter.wake_us", "%.1f", (double)m->wake_ns / 1e3);
	attempt_fact(a, "meter.read_us", "%.1f", (double)slowest_read_ns(m) / 1e3);
	if (marks_gave_up(m->marks))
		attempt_reason(
			a, VERDICT_FLAGGED, "pattern-limit",
			"a pattern gave up %llu times at its match limit, so a mark may have "
			"been missed; write it simpler",
			(unsigned long long)marks_gave_up(m->marks));
}

void meter_finish(struct meter *m, uint64_t max_rss_bytes, struct attempt *a)
{
	meter_reserve(m);
	meter_drain(m, false); /* the last words of a guest that was ended; no marks any more */
	add_marks(m, a);
	report_whole(m, max_rss_bytes, a);
	report_windows(m, max_rss_bytes, a);
	counters_report_flags(m->counters, a);
	add_facts(m, a);
	attempt_artifact(a, "console", capture_copy(&m->output), m->output.size);
	attempt_artifact(a, "stderr", capture_copy(&m->errors), m->errors.size);
	if (marks_get(m->marks, AT_START)->seen && marks_get(m->marks, AT_EXIT)->seen)
		a->guest_life_ns = instant_of(m, AT_EXIT)->t_ns - instant_of(m, AT_START)->t_ns;
}
