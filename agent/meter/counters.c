// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/meter/counters.h"

#include <assert.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>

#include "agent/meter/refusal.h"
#include "proto/base/mem.h"
#include "proto/base/table.h"

enum {
	EVENTS = 256,	      /* names of one recipe */
	TIME_SLACK_NS = 2000, /* enabled and running may differ by that much and be equal */
	PARANOID_USER_ONLY = 2,
};
#define TIME_SLACK_SHARE 1e-4 /* or by that share of the window */
#define SHARE_UNRELIABLE 0.25 /* scaled up from less than this, an estimate means little */

const struct counter_source *const counter_sources[] = {&counter_perf, &counter_fake, NULL};

int counter_sources_check(struct err *err)
{
	static const struct table_member required[] = {
		TABLE_MEMBER(struct counter_source, open),
		TABLE_MEMBER(struct counter_source, add),
		TABLE_MEMBER(struct counter_source, start),
		TABLE_MEMBER(struct counter_source, read),
		TABLE_MEMBER(struct counter_source, close),
		{NULL, 0},
	};
	return table_check("counter sources", (const void *const *)counter_sources, required, err);
}

/* Events of one kind can share a group: one PMU, one CPU. */
struct group_kind {
	bool software;
	uint32_t type;
	int cpu; /* -1: wherever the guest runs */
};

struct group {
	struct counter_group *opened; /* owned */
	struct group_kind kind;
	size_t first_slot; /* known once all groups are complete */
};

/* Where the value of one code on one CPU is. */
struct place {
	size_t group;
	size_t index;
};

struct row {
	struct event_def def;
	bool opened;
	struct place *places; /* owned */
	size_t n_places;
	char why[240]; /* where it is not opened */
};

struct counters {
	const struct counter_source *source;
	const struct host_root *root; /* borrowed, outlives the counters */
	struct row *rows;
	size_t n_rows;
	struct group *groups;
	size_t n_groups;
	size_t n_slots;
	bool user_only; /* the kernel lets us count in user mode only */
};

static void close_groups(struct counters *c)
{
	for (size_t i = 0; i < c->n_groups; i++)
		c->source->close(c->groups[i].opened);
	free(c->groups);
	c->groups = NULL;
	c->n_groups = c->n_slots = 0;
	for (size_t i = 0; i < c->n_rows; i++) {
		free(c->rows[i].places);
		c->rows[i].places = NULL;
		c->rows[i].n_places = 0;
		c->rows[i].opened = false;
	}
}

void counters_close(struct counters *c)
{
	if (!c)
		return;
	close_groups(c);
	for (size_t i = 0; i < c->n_rows; i++)
		event_def_done(&c->rows[i].def);
	free(c->rows);
	free(c);
}

static int add_row(struct counters *c, const char *name, struct err *err)
{
	struct err why = ERR_NONE;
	struct event_def def = {0};
	if (c->n_rows == EVENTS)
		return err_say(err, E2BIG, "more than %d events", EVENTS);
	int r = event_resolve(c->root, name, &def, &why);
	if (r < 0 && r != -ENODEV)
		return err_say(err, -r, "%s", why.text);
	struct row *row = ARRAY_PUSH(c->rows, c->n_rows);
	row->def = def;
	STRCPY_FIXED(row->def.name, name);
	STRCPY_FIXED(row->why, r < 0 ? why.text : "its counter was never opened");
	if (r < 0)
		STRCPY_FIXED(row->def.unit, "count");
	return 0;
}

int counters_open(const struct counter_source *source, const struct host_root *root,
		  char *const *names, struct counters **ret, struct err *err)
{
	autoclean(counters) struct counters *c = xcalloc(1, sizeof(*c));
	c->source = source;
	c->root = root;
	for (size_t i = 0; names && names[i]; i++)
		if (add_row(c, names[i], err) < 0)
			return -err->code;
	*ret = take(c);
	return 0;
}

/* Generic, cache and raw events are all of the core's PMU; a hybrid one's type is on top. */
static uint32_t core_type(const struct event_code *code)
{
	if (code->type == PERF_TYPE_HARDWARE || code->type == PERF_TYPE_HW_CACHE)
		return code->config[0] >> 32 ? (uint32_t)(code->config[0] >> 32) : PERF_TYPE_RAW;
	return code->type;
}

static bool kind_equal(const struct group_kind *a, const struct group_kind *b)
{
	return a->software == b->software && a->type == b->type && a->cpu == b->cpu;
}

static void keep_place(struct row *row, size_t group, size_t index)
{
	*ARRAY_PUSH(row->places, row->n_places) = (struct place){group, index};
}

/* Into the latest group of its kind, or, where that is full, as the leader of a new one. */
static int open_one(struct counters *c, struct row *row, const struct event_code *code,
		    const struct counter_target *target, struct err *err)
{
	struct event_code asked = *code;
	struct group_kind kind = {
		.software = code->software,
		.type = code->software ? PERF_TYPE_SOFTWARE : core_type(code),
		.cpu = target->cpu,
	};
	struct counter_group *opened;
	if (c->user_only && code->exclude == EXCLUDE_EMPTIES)
		return err_say(err, EACCES, "without the kernel nothing of it is left");
	asked.exclude_kernel |= c->user_only && code->exclude != EXCLUDE_REFUSED;
	for (size_t i = c->n_groups; i-- > 0;) {
		if (!kind_equal(&c->groups[i].kind, &kind))
			continue;
		if (c->source->add(c->groups[i].opened, &asked, err) < 0)
			break;
		keep_place(row, i, c->groups[i].opened->n - 1);
		return 0;
	}
	int r = c->source->open(target, &asked, &opened, err);
	if (r < 0)
		return r;
	*ARRAY_PUSH(c->groups, c->n_groups) = (struct group){.opened = opened, .kind = kind};
	keep_place(row, c->n_groups - 1, 0);
	return 0;
}

static int open_code(struct counters *c, struct row *row, const struct event_code *code, pid_t pid,
		     struct err *err)
{
	struct counter_target task = {
		.pid = pid,
		.cpu = -1,
		.inherit = true,
		.enable_on_exec = true,
	};
	if (!code->system)
		return open_one(c, row, code, &task, err);
	for (size_t i = 0; i < code->n_cpus; i++) {
		struct counter_target machine = {.pid = -1, .cpu = code->cpus[i]};
		int r = open_one(c, row, code, &machine, err);
		if (r < 0)
			return r;
	}
	return 0;
}

static int open_row(struct counters *c, struct row *row, pid_t pid)
{
	for (size_t i = 0; i < row->def.n_codes; i++) {
		const struct event_code *code = &row->def.codes[i];
		struct err err = ERR_NONE;
		int r = open_code(c, row, code, pid, &err);
		if (r < 0) {
			refusal_say(c->root, code, -r, row->why, sizeof(row->why));
			return code->exclude == EXCLUDE_REFUSED ? -EINVAL : r;
		}
	}
	row->opened = row->def.n_codes > 0;
	return 0;
}

/* -EACCES: something that could do without the kernel was refused. */
static int open_rows(struct counters *c, pid_t pid)
{
	int refused = 0;
	for (size_t i = 0; i < c->n_rows; i++) {
		int r = open_row(c, &c->rows[i], pid);
		if (r == -EACCES || r == -EPERM)
			refused = -EACCES;
	}
	return refused;
}

static void start_machine_groups(struct counters *c)
{
	for (size_t i = 0; i < c->n_groups; i++)
		if (c->groups[i].kind.cpu >= 0) /* one that fails to start reads as not counted */
			c->source->start(c->groups[i].opened, NULL);
}

void counters_attach(struct counters *c, pid_t pid)
{
	close_groups(c);
	if (open_rows(c, pid) == -EACCES && !c->user_only) {
		close_groups(c);
		c->user_only = true;
		open_rows(c, pid);
	}
	start_machine_groups(c);
	for (size_t i = 0; i < c->n_groups; i++) {
		c->groups[i].first_slot = c->n_slots;
		c->n_slots += c->groups[i].opened->n;
	}
}

size_t counters_slots(const struct counters *c)
{
	return c->n_slots;
}

void counters_read(struct counters *c, struct counter_value *ret)
{
	for (size_t i = 0; i < c->n_groups; i++) {
		struct group *g = &c->groups[i];
		struct counter_value *values = ret + g->first_slot;
		int r = c->source->read(g->opened, values, NULL);
		for (size_t k = 0; r < 0 && k < g->opened->n; k++)
			values[k] = (struct counter_value){.error = -r};
	}
}

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

static size_t slot_of(const struct counters *c, const struct place *place)
{
	return c->groups[place->group].first_slot + place->index;
}

/* Codes that count the same task in turns: their times add up to that of one. */
static void count_alternatives(const struct counters *c, const struct row *row,
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

static void count_sum(const struct counters *c, const struct row *row,
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

static const char *scope_of(const struct row *row)
{
	return row->def.n_codes && row->def.codes[0].system ? "host" : "guest";
}

static void report_missing(const struct row *row, const char *window, const struct count *count,
			   struct attempt *attempt)
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

static void note_value(const struct counters *c, const struct row *row, const struct count *count,
		       struct reading *r)
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

static void report_row(const struct counters *c, const struct row *row, const char *window,
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
		const struct row *row = &c->rows[i];
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
