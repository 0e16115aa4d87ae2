// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/measure/result.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/mem.h"

static const char *const verdict_names[VERDICTS] = {
	[VERDICT_VALID] = "valid",
	[VERDICT_FLAGGED] = "flagged",
	[VERDICT_INVALID] = "invalid",
};

static const char *const run_state_names[RUN_STATE_COUNT] = {
#define X(id, name) [RUN_##id] = name,
	RUN_STATES(X)
#undef X
};

const char *verdict_name(enum verdict verdict)
{
	return verdict < VERDICTS ? verdict_names[verdict] : "unknown";
}

int verdict_parse(const char *name, enum verdict *ret, struct err *err)
{
	for (int i = 0; i < VERDICTS; i++) {
		if (strcmp(name, verdict_names[i]) == 0) {
			*ret = (enum verdict)i;
			return 0;
		}
	}
	return err_say(err, EINVAL, "'%s' is not a verdict", name);
}

const char *run_state_name(enum run_state state)
{
	return state < RUN_STATE_COUNT ? run_state_names[state] : "unknown";
}

struct attempt *attempt_new(void)
{
	return xcalloc(1, sizeof(struct attempt));
}

void attempt_free(struct attempt *attempt)
{
	if (!attempt)
		return;
	for (size_t i = 0; i < attempt->n_artifacts; i++)
		free(attempt->artifacts[i].bytes);
	free(attempt->artifacts);
	free(attempt->marks);
	free(attempt->windows);
	free(attempt->readings);
	free(attempt->reasons);
	free(attempt->events);
	free(attempt->facts);
	free(attempt);
}

enum verdict attempt_verdict(const struct attempt *attempt)
{
	enum verdict worst = VERDICT_VALID;
	for (size_t i = 0; i < attempt->n_reasons; i++)
		if (attempt->reasons[i].level > worst)
			worst = attempt->reasons[i].level;
	return worst;
}

void attempt_reason(struct attempt *attempt, enum verdict level, const char *code, const char *fmt,
		    ...)
{
	va_list ap;
	struct reason *r = ARRAY_PUSH(attempt->reasons, attempt->n_reasons);
	STRCPY_FIXED(r->code, code);
	r->level = level;
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
}

void attempt_fact(struct attempt *attempt, const char *name, const char *fmt, ...)
{
	va_list ap;
	struct fact *f = ARRAY_PUSH(attempt->facts, attempt->n_facts);
	STRCPY_FIXED(f->name, name);
	va_start(ap, fmt);
	vsnprintf(f->value, sizeof(f->value), fmt, ap);
	va_end(ap);
}

void attempt_event(struct attempt *attempt, const char *name, uint64_t t_ns)
{
	struct event *e = ARRAY_PUSH(attempt->events, attempt->n_events);
	STRCPY_FIXED(e->name, name);
	e->t_ns = t_ns;
}

static struct reading *add_reading(struct attempt *attempt, const char *window, const char *metric,
				   const char *scope, const char *unit)
{
	struct reading *r = ARRAY_PUSH(attempt->readings, attempt->n_readings);
	STRCPY_FIXED(r->window, window);
	STRCPY_FIXED(r->metric, metric);
	STRCPY_FIXED(r->scope, scope);
	STRCPY_FIXED(r->unit, unit);
	r->running_share = 1;
	return r;
}

struct reading *attempt_reading(struct attempt *attempt, const char *window, const char *metric,
				const char *scope, const char *unit, const char *source,
				double value)
{
	struct reading *r = add_reading(attempt, window, metric, scope, unit);
	STRCPY_FIXED(r->source, source);
	r->present = true;
	r->value = value;
	return r;
}

struct reading *attempt_absent(struct attempt *attempt, const char *window, const char *metric,
			       const char *scope, const char *unit, const char *fmt, ...)
{
	va_list ap;
	struct reading *r = add_reading(attempt, window, metric, scope, unit);
	va_start(ap, fmt);
	vsnprintf(r->note, sizeof(r->note), fmt, ap);
	va_end(ap);
	return r;
}

void attempt_artifact(struct attempt *attempt, const char *name, void *bytes, size_t size)
{
	struct artifact *a = ARRAY_PUSH(attempt->artifacts, attempt->n_artifacts);
	STRCPY_FIXED(a->name, name);
	hash_bytes(bytes, size, a->sha256);
	a->size_bytes = size;
	a->bytes = bytes;
}
