// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/meter/counters.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>

#include "agent/meter/counters_state.h"
#include "agent/meter/refusal.h"
#include "proto/base/mem.h"
#include "proto/base/table.h"

enum { EVENTS = 256 }; /* names of one recipe */

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
	struct counter_row *row = ARRAY_PUSH(c->rows, c->n_rows);
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
			return err_code(err);
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

static bool kind_equal(const struct counter_kind *a, const struct counter_kind *b)
{
	return a->software == b->software && a->type == b->type && a->cpu == b->cpu;
}

static void keep_place(struct counter_row *row, size_t group, size_t index)
{
	*ARRAY_PUSH(row->places, row->n_places) = (struct counter_place){group, index};
}

/* Into the latest group of its kind, or, where that is full, as the leader of a new one. */
static int open_one(struct counters *c, struct counter_row *row, const struct event_code *code,
		    const struct counter_target *target, struct err *err)
{
	struct event_code asked = *code;
	struct counter_kind kind = {
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
	*ARRAY_PUSH(c->groups, c->n_groups) = (struct counters_group){.opened = opened,
								      .kind = kind};
	keep_place(row, c->n_groups - 1, 0);
	return 0;
}

static int open_code(struct counters *c, struct counter_row *row, const struct event_code *code,
		     pid_t pid, struct err *err)
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

static int open_row(struct counters *c, struct counter_row *row, pid_t pid)
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
		struct counters_group *g = &c->groups[i];
		struct counter_value *values = ret + g->first_slot;
		int r = c->source->read(g->opened, values, NULL);
		for (size_t k = 0; r < 0 && k < g->opened->n; k++)
			values[k] = (struct counter_value){.error = -r};
	}
}
