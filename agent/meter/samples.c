// SPDX-License-Identifier: GPL-3.0-or-later
/* Merging keeps what windows are asked for: the peak exactly, the mean to within a merged span. */
#include "agent/meter/memory.h"
#include "proto/base/mem.h"

void samples_open(struct samples *ret)
{
	*ret = (struct samples){
		.all = xcalloc(MEMORY_SAMPLES, sizeof(*ret->all)),
		.merge = 1,
	};
}

void samples_close(struct samples *s)
{
	free(s->all);
	*s = (struct samples){0};
}

static void merge(struct sample *into, const struct sample *next)
{
	double n = into->merged, m = next->merged;
	into->mean = (into->mean * n + next->mean * m) / (n + m);
	into->peak = next->peak > into->peak ? next->peak : into->peak;
	into->t_ns = next->t_ns;
	into->merged += next->merged;
}

static void halve(struct samples *s)
{
	for (size_t i = 0; i < MEMORY_SAMPLES / 2; i++) {
		s->all[i] = s->all[2 * i];
		merge(&s->all[i], &s->all[2 * i + 1]);
	}
	s->n = MEMORY_SAMPLES / 2;
	s->merge *= 2;
}

void samples_add(struct samples *s, uint64_t t_ns, uint64_t value)
{
	struct sample one = {t_ns, (double)value, (double)value, 1};
	if (s->n && s->all[s->n - 1].merged < s->merge) {
		merge(&s->all[s->n - 1], &one);
		return;
	}
	if (s->n == MEMORY_SAMPLES)
		halve(s);
	s->all[s->n++] = one;
}

bool samples_between(const struct samples *s, uint64_t from_ns, uint64_t to_ns, struct sample *ret)
{
	bool any = false;
	for (size_t i = 0; i < s->n; i++) {
		if (s->all[i].t_ns < from_ns || s->all[i].t_ns > to_ns)
			continue;
		if (any)
			merge(ret, &s->all[i]);
		else
			*ret = s->all[i];
		any = true;
	}
	return any;
}
