// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/outbox.h"

#include <string.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/wire/socket.h"

/* Longer than a controller's slowest commit; a repeated record costs bandwidth only. */
static const uint64_t resend_after_ns = 5 * NSEC_PER_SEC;

struct outbox {
	struct spool *spool; /* borrowed */
	void *bulk;	     /* borrowed */
	bool open;
	uint64_t window_bytes;
	uint64_t sent;	       /* last sequence handed to the socket */
	uint64_t acknowledged; /* last sequence known to be committed */
	struct {
		uint64_t sequence, bytes;
	} * flying; /* sent, not acknowledged, in order */
	size_t n_flying;
	uint64_t flying_bytes;
	uint64_t last_progress_ns;
};

struct outbox *outbox_new(struct spool *spool, void *bulk_socket)
{
	struct outbox *o = xcalloc(1, sizeof(*o));
	o->spool = spool;
	o->bulk = bulk_socket;
	return o;
}

void outbox_free(struct outbox *o)
{
	if (o)
		free(o->flying);
	free(o);
}

static void land(struct outbox *o, uint64_t sequence)
{
	size_t landed = 0;
	while (landed < o->n_flying && o->flying[landed].sequence <= sequence)
		o->flying_bytes -= o->flying[landed++].bytes;
	o->n_flying -= landed;
	memmove(o->flying, o->flying + landed, o->n_flying * sizeof(*o->flying));
}

static void start_again(struct outbox *o)
{
	o->sent = o->acknowledged;
	o->n_flying = 0;
	o->flying_bytes = 0;
	o->last_progress_ns = clock_monotonic_ns();
}

void outbox_pump(struct outbox *o)
{
	while (o->open && (!o->n_flying || o->flying_bytes < o->window_bytes)) {
		struct message m = {.kind = MESSAGE_RECORD};
		if (spool_next(o->spool, o->sent, &m.record, NULL) < 0)
			return;
		int r = wire_send(o->bulk, &m, NULL);
		if (r == 0) {
			if (!o->n_flying)
				o->last_progress_ns = clock_monotonic_ns();
			typeof(o->flying) f = ARRAY_PUSH(o->flying, o->n_flying);
			f->sequence = o->sent = m.record.sequence;
			f->bytes = m.record.body_size;
			o->flying_bytes += f->bytes;
		}
		message_done(&m);
		if (r < 0)
			return; /* the socket is full or the peer away: the next tick tries again */
	}
}

void outbox_open(struct outbox *o, uint64_t committed, uint64_t window_bytes)
{
	o->open = true;
	o->window_bytes = window_bytes;
	o->acknowledged = committed;
	spool_acknowledge(o->spool, committed);
	start_again(o);
	outbox_pump(o);
}

void outbox_acknowledged(struct outbox *o, uint64_t sequence)
{
	if (sequence > spool_last(o->spool))
		return; /* of no record of ours: what it skips would never leave */
	if (sequence > o->acknowledged)
		o->acknowledged = sequence;
	o->last_progress_ns = clock_monotonic_ns();
	spool_acknowledge(o->spool, sequence);
	land(o, sequence);
	outbox_pump(o);
}

void outbox_tick(struct outbox *o)
{
	if (o->n_flying && clock_monotonic_ns() - o->last_progress_ns > resend_after_ns)
		start_again(o);
	outbox_pump(o);
}
