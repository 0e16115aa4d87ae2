// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/schedule/schedule.h"

#include "proto/base/mem.h"

struct pending {
	uint32_t position;
	size_t run;
};

struct schedule {
	struct pending *heap; /* binary, lowest position first */
	size_t n;
	size_t capacity;
};

struct schedule *schedule_new(void)
{
	return xcalloc(1, sizeof(struct schedule));
}

void schedule_free(struct schedule *s)
{
	if (s)
		free(s->heap);
	free(s);
}

static void swap(struct pending *a, struct pending *b)
{
	struct pending t = *a;
	*a = *b;
	*b = t;
}

void schedule_add(struct schedule *s, size_t run, uint32_t position)
{
	if (s->n == s->capacity) {
		s->capacity = s->capacity ? 2 * s->capacity : 64;
		s->heap = xreallocarray(s->heap, s->capacity, sizeof(*s->heap));
	}
	size_t i = s->n++;
	s->heap[i] = (struct pending){.position = position, .run = run};
	for (; i && s->heap[(i - 1) / 2].position > s->heap[i].position; i = (i - 1) / 2)
		swap(&s->heap[i], &s->heap[(i - 1) / 2]);
}

static void sift_down(struct schedule *s)
{
	for (size_t i = 0;;) {
		size_t least = i;
		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < s->n; child++)
			if (s->heap[child].position < s->heap[least].position)
				least = child;
		if (least == i)
			return;
		swap(&s->heap[i], &s->heap[least]);
		i = least;
	}
}

bool schedule_next(struct schedule *s, size_t *ret_run)
{
	if (!s->n)
		return false;
	*ret_run = s->heap[0].run;
	s->heap[0] = s->heap[--s->n];
	sift_down(s);
	return true;
}

size_t schedule_pending(const struct schedule *s)
{
	return s->n;
}

enum after_attempt schedule_after(const struct attempt_outcome *outcome, uint32_t retries)
{
	if (outcome->cancelled)
		return AFTER_POSTPONE;
	if (!outcome->lost)
		return AFTER_DONE;
	return outcome->lost_so_far > retries ? AFTER_GIVE_UP : AFTER_RETRY;
}
