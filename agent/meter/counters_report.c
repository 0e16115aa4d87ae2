// SPDX-License-Identifier: GPL-3.0-or-later
/* counters_report - from two snapshots of the counters to the readings of a window.
 *
 * Times decide what a difference is worth, and always the times of this window, not those since
 * the start: an event that was multiplexed before it may be exact inside it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "agent/meter/counters_state.h"
#include "agent/meter/refusal.h"
#include "proto/base/mem.h"

enum {
	TIME_SLACK_NS = 2000, /* enabled and running may differ by that much and be equal */
	PARANOID_USER_ONLY = 2,
};
#define TIME_SLACK_SHARE 1e-4 /* or by that share of the window */
#define SHARE_UNRELIABLE 0.25 /* scaled up from less than this, an estimate means little */

void count_between(const struct counter_value *from, const struct counter_value *to,
		   struct count *ret)
{
	*ret = (struct count){.state = COUNT_BROKEN,
			      .error = from->error ? from->error : to->error};
	if (ret->error)
		return;
	if (to->value < from->value || to->enabled_ns < from->enabled_ns ||
	    to->running_ns < from->running_ns) {
		ret->error = ESTALE;
		return;
	}
	double value = (double)(to->value - from->value);
	double enabled_ns = (double)(to->enabled_ns - from->enabled_ns);
	double running_ns = (double)(to->running_ns - from->running_ns);
	double slack_ns = enabled_ns * TIME_SLACK_SHARE;
	if (slack_ns < TIME_SLACK_NS)
		slack_ns = TIME_SLACK_NS;
	if (enabled_ns == 0)
		*ret = (struct count){.state = COUNT_NOT_RUNNING, .value = value, .share = 1};
	else if (running_ns == 0)
		*ret = (struct count){.state = COUNT_NOT_COUNTED};
	else if (running_ns >= enabled_ns - slack_ns)
		*ret = (struct count){.state = COUNT_EXACT, .value = value, .share = 1};
	else
		*ret = (struct count){
			.state = COUNT_SCALED,
			.value = value * (enabled_ns / running_ns),
			.share = running_ns / enabled_ns,
		};
}

static size_t slot_of(const struct counters *c, const struct counter_place *place)
{
	return c->groups[place->group].first_slot + place->index;
}

/* Codes that count the same task in turns: their times add up to that of one. */
static void count_alternatives(const struct counters *c, const struct counter_row *row,
			       const struct counter_value *from, const struct counter_value *to,
			       struct count *ret)
{
	struct counter_value a = {0}, b = {0};
	for (size_t i = 0; i < row->n_places; i++) {
		const struct counter_value *f = &from[slot_of(c, &row->places[i])];
		const struct counter_value *t = &to[slot_of(c, &row->places[i])];
		a.value += f->value;
		b.value += t->value;
		a.running_ns += f->running_ns;
		b.running_ns += t->running_ns;
		a.error = a.error ? a.error : f->error;
		b.error = b.error ? b.error : t->error;
		if (i == 0 || t->enabled_ns - f->enabled_ns > b.enabled_ns - a.enabled_ns) {
			a.enabled_ns = f->enabled_ns;
			b.enabled_ns = t->enabled_ns;
		}
	}
	count_between(&a, &b, ret);
}

static void count_sum(const struct counters *c, const struct counter_row *row,
		      const struct counter_value *from, const struct counter_value *to,
		      struct count *ret)
{
	*ret = (struct count){.state = COUNT_NOT_RUNNING, .share = 1};
	for (size_t i = 0; i < row->n_places; i++) {
		size_t slot = slot_of(c, &row->places[i]);
		struct count part;
		count_between(&from[slot], &to[slot], &part);
		if (part.state == COUNT_NOT_RUNNING && row->def.codes[0].system)
			part.state = COUNT_NOT_COUNTED; /* a machine always runs */
		if (part.state == COUNT_BROKEN || part.state == COUNT_NOT_COUNTED) {
			*ret = part;
			return;
		}
		ret->value += part.value;
		if (part.share < ret->share)
			ret->share = part.share;
		if (part.state == COUNT_SCALED || ret->state == COUNT_NOT_RUNNING)
			ret->state = part.state;
	}
}

static bool has_reason(const struct attempt *a, const char *code)
{
	for (size_t i = 0; i < a->n_reasons; i++)
		if (strcmp(a->reasons[i].code, code) == 0)
			return true;
	return false;
}

static const char *scope_of(const struct counter_row *row)
{
	return row->def.n_codes && row->def.codes[0].system ? "host" : "guest";
}

static void report_missing(const struct counter_row *row, const char *window,
			   const struct count *count, struct attempt *attempt)
{
	const char *scope = scope_of(row);
	if (count->state == COUNT_NOT_COUNTED)
		attempt_absent(attempt, window, row->def.name, scope, row->def.unit,
			       "the PMU never had a free counter for it in this window; measure "
			       "fewer events at once, or switch the NMI watchdog off");
	else
		attempt_absent(attempt, window, row->def.name, scope, row->def.unit,
			       "its counter could not be read: %s", strerror(count->error));
}

static void note_value(const struct counters *c, const struct counter_row *row,
		       const struct count *count, struct reading *r)
{
	if (count->state == COUNT_SCALED)
		snprintf(r->note, sizeof(r->note),
			 "counted %.3g %% of the time and scaled up; fewer events make it exact",
			 100 * count->share);
	else if (count->state == COUNT_NOT_RUNNING)
		STRCPY_FIXED(r->note, "nothing of the guest ran in this window");
	else if (c->user_only && row->def.codes[0].exclude == EXCLUDE_WORKS)
		snprintf(r->note, sizeof(r->note), "user space only: perf_event_paranoid=%d",
			 refusal_paranoid(c->root));
	else if (row->def.sum == EVENT_ALTERNATIVES)
		snprintf(r->note, sizeof(r->note), "sum over the %zu kinds of cores of this host",
			 row->def.n_codes);
}

static void report_row(const struct counters *c, const struct counter_row *row, const char *window,
		       const struct counter_value *from, const struct counter_value *to,
		       struct attempt *attempt)
{
	struct count count;
	if (row->def.sum == EVENT_ALTERNATIVES)
		count_alternatives(c, row, from, to, &count);
	else
		count_sum(c, row, from, to, &count);
	if (count.state == COUNT_BROKEN || count.state == COUNT_NOT_COUNTED) {
		report_missing(row, window, &count, attempt);
		return;
	}
	double value = count.value;
	if (row->def.level)
		value = (double)to[slot_of(c, &row->places[0])].value;
	struct reading *r = attempt_reading(attempt, window, row->def.name, scope_of(row),
					    row->def.unit, row->def.source, value * row->def.scale);
	r->running_share = count.share;
	note_value(c, row, &count, r);
	if (count.share < SHARE_UNRELIABLE && !has_reason(attempt, "counters-multiplexed"))
		attempt_reason(attempt, VERDICT_FLAGGED, "counters-multiplexed",
			       "%s was counted only %.3g %% of window %s; measure fewer events at "
			       "once",
			       row->def.name, 100 * count.share, window);
}

void counters_report(const struct counters *c, const char *window, const struct counter_value *from,
		     const struct counter_value *to, struct attempt *attempt)
{
	for (size_t i = 0; i < c->n_rows; i++) {
		const struct counter_row *row = &c->rows[i];
		if (row->opened)
			report_row(c, row, window, from, to, attempt);
		else
			attempt_absent(attempt, window, row->def.name, scope_of(row), row->def.unit,
				       "%s", row->why);
	}
}

void counters_report_absent(const struct counters *c, const char *window, const char *why,
			    struct attempt *attempt)
{
	for (size_t i = 0; i < c->n_rows; i++)
		attempt_absent(attempt, window, c->rows[i].def.name, scope_of(&c->rows[i]),
			       c->rows[i].def.unit, "%s", c->rows[i].opened ? why : c->rows[i].why);
}

void counters_report_flags(const struct counters *c, struct attempt *attempt)
{
	if (c->n_groups)
		attempt_fact(attempt, "counters.groups", "%zu", c->n_groups);
	bool partial = false;
	for (size_t i = 0; c->user_only && i < c->n_rows; i++)
		partial |= c->rows[i].opened && c->rows[i].def.codes[0].exclude == EXCLUDE_WORKS;
	if (partial)
		attempt_reason(attempt, VERDICT_FLAGGED, "counters-user-only",
			       "the kernel's part of the guest's work is not counted: "
			       "kernel.perf_event_paranoid is %d; give the agent CAP_PERFMON or "
			       "set it below %d",
			       refusal_paranoid(c->root), PARANOID_USER_ONLY);
}
