// SPDX-License-Identifier: GPL-3.0-or-later
/* A ring of stamps that a guest scribbled over: what becomes an event has a proper name and a time
 * within the attempt, events are in order, and none is made up.
 *
 * Bytes: how large the ring is; eight of head; one that says how many of the rest lie over the
 * first names, the others over the records. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/meter/stamps.h"
#include "proto/base/mem.h"
#include "proto/stamp/assay_stamp.h"

#define FROM_NS 0x20ull
#define TO_NS	0x2020202020202020ull

static void check(const struct attempt *a, uint64_t head, uint32_t capacity)
{
	if (a->n_events > capacity || a->n_events > head || a->n_reasons > 2)
		abort();
	for (size_t i = 0; i < a->n_events; i++) {
		const struct event *e = &a->events[i];
		if (e->t_ns < FROM_NS || e->t_ns > TO_NS || (i && a->events[i - 1].t_ns > e->t_ns))
			abort();
		if (!e->name[0] || !memchr(e->name, '\0', sizeof(e->name)))
			abort();
		for (const char *c = e->name; *c; c++)
			if (*c <= ' ' || *c > '~')
				abort();
	}
	if (head <= capacity && !a->n_reasons && a->n_events != head)
		abort(); /* something went without a word */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 10)
		return 0;
	uint32_t capacity = 1u << (data[0] % 8);
	size_t ring_size = assay_stamp_bytes(capacity);
	autofree uint8_t *bytes = xcalloc(1, ring_size);
	struct assay_stamp_ring *ring = (struct assay_stamp_ring *)bytes;
	autoclean(attempt) struct attempt *a = attempt_new();
	autoclean(attempt) struct attempt *cut = attempt_new();
	memcpy(&ring->head, data + 1, sizeof(ring->head));
	size_t names = data[9], rest = size - 10;
	names = names < rest ? names : rest;
	memcpy(ring->names, data + 10, names);
	rest -= names;
	size_t room = ring_size - sizeof(*ring);
	memcpy(ring + 1, data + 10 + names, rest < room ? rest : room);
	stamps_read(bytes, ring_size, capacity, FROM_NS, TO_NS, a);
	check(a, ring->head, capacity);
	stamps_read(bytes, ring_size - 1, capacity, FROM_NS, TO_NS, cut);
	if (cut->n_events || cut->n_reasons != 1)
		abort();
	return 0;
}
