// SPDX-License-Identifier: GPL-3.0-or-later
/* fake_agent - an agent that speaks the wire and keeps a spool, but has no guests: it measures by
 * counting. It lives in a thread, dies and comes back as its script says. */
#ifndef ASSAY_TESTS_CAMPAIGN_FAKE_AGENT_H
#define ASSAY_TESTS_CAMPAIGN_FAKE_AGENT_H

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/state.h"
#include "proto/base/text.h"
#include "proto/wire/socket.h"

enum mishap {
	NOTHING_HAPPENS,
	DIES_ASKED,	     /* in the preflight */
	DIES_WITH_OFFERS,    /* before it began */
	DIES_BEGUN,	     /* while the guest runs */
	DIES_ENDED,	     /* the end is in its spool, not sent */
	DIES_UNACKNOWLEDGED, /* the end is sent */
	LOSES_SPOOL,	     /* dies while the guest runs, and its disk with it */
	CTRL_C,		     /* somebody at the controller; the run is cancelled */
	CTRL_C_AND_LEAVES,   /* the same, but the run had ended, and nobody hears of it */
	SENDS_GARBAGE,	     /* an end that cannot be decoded */
	DIES_ALWAYS,	     /* while the guest runs, whenever it is that run */
};

struct measured {
	char run_key[HASH_HEX_SIZE];
	size_t times;
};

struct fake_agent {
	/* the script */
	enum mishap mishap;
	size_t at;    /* happens at the begin with this number, from 0 */
	bool stutter; /* says its first hello, every preflight's reply and every record twice */
	bool objects; /* the preflight finds a problem */
	const char *control, *bulk, *controller_key;
	const struct key_pair *keys;

	/* its disk: survives its death */
	char epoch[ULID_SIZE];
	struct msg_record *spool; /* record of sequence i + 1 at i; owned */
	size_t n_spool;
	struct attempt *open; /* began and did not end; owned */

	/* its life */
	void *control_socket, *bulk_socket;
	struct run_spec **offers; /* owned */
	size_t n_offers;
	uint64_t sent, acknowledged;
	bool welcomed, draining, hurry, dead;
	uint64_t hurry_until_ns, hello_ns;

	size_t begins;
	struct measured *measured; /* owned */
	size_t n_measured;
	atomic_bool stop;
	pthread_t thread;
};

static inline void fake_spool(struct fake_agent *f, enum record_kind kind, void *body, size_t size)
{
	struct msg_record *r = ARRAY_PUSH(f->spool, f->n_spool);
	STRCPY_FIXED(r->epoch, f->epoch);
	r->sequence = f->n_spool;
	r->kind = kind;
	r->body = body;
	r->body_size = size;
}

static inline void fake_spool_attempt(struct fake_agent *f, enum record_kind kind)
{
	void *body;
	size_t size;
	record_encode_attempt(f->open, &body, &size);
	fake_spool(f, kind, body, size);
}

static inline void fake_send(struct fake_agent *f)
{
	struct message m = {.kind = MESSAGE_RECORD};
	for (; f->welcomed && f->sent < f->n_spool; f->sent++) {
		m.record = f->spool[f->sent];
		for (int i = 0; i <= f->stutter; i++)
			if (wire_send(f->bulk_socket, &m, NULL) < 0)
				return;
	}
}

static inline void fake_hello(struct fake_agent *f)
{
	struct message m = {.kind = MESSAGE_HELLO};
	f->hello_ns = clock_monotonic_ns();
	m.hello.protocol = WIRE_PROTOCOL;
	STRCPY_FIXED(m.hello.version, "fake");
	STRCPY_FIXED(m.hello.agent, "fake");
	STRCPY_FIXED(m.hello.epoch, f->epoch);
	m.hello.spooled = f->n_spool;
	STRCPY_FIXED(m.hello.host.name, "host");
	hash_bytes("host", 4, m.hello.host.fingerprint);
	for (int i = 0; i <= (f->stutter && !f->begins); i++)
		wire_send(f->control_socket, &m, NULL);
}

static inline void fake_reply(struct fake_agent *f, uint64_t id)
{
	struct preflight_problem problem = {.key = "guests", .fatal = true};
	struct message m = {.kind = MESSAGE_PREFLIGHT_REPLY, .preflight_reply = {.id = id}};
	STRCPY_FIXED(problem.text, "this host has no patience");
	if (f->objects) {
		m.preflight_reply.problems = &problem;
		m.preflight_reply.n_problems = 1;
	}
	for (int i = 0; i <= f->stutter; i++)
		wire_send(f->control_socket, &m, NULL);
}

static inline void fake_take(struct fake_agent *f, struct msg_offer *offer)
{
	struct message m = {.kind = MESSAGE_TAKEN};
	STRCPY_FIXED(m.taken.campaign, offer->spec->campaign);
	STRCPY_FIXED(m.taken.run_key, offer->spec->run_key);
	m.taken.attempt = offer->spec->attempt;
	*ARRAY_PUSH(f->offers, f->n_offers) = take(offer->spec);
	wire_send(f->control_socket, &m, NULL);
}

static inline bool fake_happens(struct fake_agent *f, enum mishap mishap)
{
	bool now = f->mishap == mishap && f->begins == f->at;
	if (now)
		f->mishap = NOTHING_HAPPENS; /* once */
	return now;
}

static inline void fake_drain(struct fake_agent *f, bool now)
{
	f->draining = true;
	f->hurry = now;
	f->hurry_until_ns = clock_monotonic_ns() + NSEC_PER_SEC;
}

static inline void fake_hear(struct fake_agent *f)
{
	struct message m = {0};
	while (wire_recv(f->control_socket, &m, NULL) == 0) {
		if (m.kind == MESSAGE_WELCOME && !f->welcomed) {
			f->welcomed = true;
			f->sent = f->acknowledged = m.welcome.committed;
		} else if (!f->welcomed) {
			log_debug("meant for its former life kind=%s", message_kind_name(m.kind));
		} else if (m.kind == MESSAGE_PREFLIGHT) {
			f->dead |= fake_happens(f, DIES_ASKED);
			if (!f->dead)
				fake_reply(f, m.preflight.id);
		} else if (m.kind == MESSAGE_OFFER) {
			fake_take(f, &m.offer);
		} else if (m.kind == MESSAGE_DRAIN) {
			fake_drain(f, m.drain.now);
		}
		message_done(&m);
	}
	while (wire_recv(f->bulk_socket, &m, NULL) == 0) {
		if (m.kind == MESSAGE_ACK && m.ack.sequence > f->acknowledged)
			f->acknowledged = m.ack.sequence;
		message_done(&m);
	}
}

static inline void fake_nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2 * NSEC_PER_MSEC}, NULL);
}

static inline void fake_count(struct fake_agent *f, const char *run_key)
{
	for (size_t i = 0; i < f->n_measured; i++) {
		if (strcmp(f->measured[i].run_key, run_key) == 0) {
			f->measured[i].times++;
			return;
		}
	}
	struct measured *m = ARRAY_PUSH(f->measured, f->n_measured);
	STRCPY_FIXED(m->run_key, run_key);
	m->times = 1;
}

static inline void fake_clock(struct clock_bracket *ret)
{
	*ret = (struct clock_bracket){clock_monotonic_ns(), clock_monotonic_ns(), clock_real_ns(),
				      10};
}

static inline void fake_end(struct fake_agent *f, const char *code)
{
	struct attempt *a = f->open;
	fake_clock(&a->ended);
	a->reached = code ? RUN_FAILED : RUN_SPOOLED;
	if (code)
		attempt_reason(a, VERDICT_INVALID, code, "because of the script");
	else
		attempt_reading(a, "whole", "wall", "guest", "ns", "clock", 1e6);
	fake_spool_attempt(f, RECORD_ENDED);
	attempt_free(take(f->open));
}

/* A person presses Ctrl-C at the controller, which tells this agent. */
static inline void fake_ctrl_c(struct fake_agent *f)
{
	kill(getpid(), SIGINT);
	while (!f->draining && !f->stop) {
		fake_hear(f);
		fake_nap();
	}
}

static inline void fake_run(struct fake_agent *f)
{
	struct run_spec *spec = f->offers[0];
	memmove(f->offers, f->offers + 1, --f->n_offers * sizeof(*f->offers));
	if (fake_happens(f, DIES_WITH_OFFERS)) {
		f->dead = true;
		run_spec_free(spec);
		return;
	}
	f->open = attempt_new();
	STRCPY_FIXED(f->open->campaign, spec->campaign);
	STRCPY_FIXED(f->open->run_key, spec->run_key);
	f->open->attempt = spec->attempt;
	fake_clock(&f->open->begun);
	fake_spool_attempt(f, RECORD_BEGUN);
	fake_send(f);
	bool unlucky = f->mishap == DIES_ALWAYS && spec->iteration == 0;
	run_spec_free(spec);
	if (unlucky || fake_happens(f, DIES_BEGUN)) {
		f->dead = true;
	} else if (fake_happens(f, LOSES_SPOOL)) {
		while (f->acknowledged < f->n_spool && !f->stop)
			fake_hear(f);
		ulid_make(f->epoch);
		for (size_t i = 0; i < f->n_spool; i++)
			free(f->spool[i].body);
		f->n_spool = 0;
		attempt_free(take(f->open));
		f->dead = true;
	} else if (fake_happens(f, CTRL_C)) {
		fake_ctrl_c(f);
		fake_end(f, "cancelled");
	} else if (fake_happens(f, SENDS_GARBAGE)) {
		fake_spool(f, RECORD_ENDED, xstrdup("\xff\xff\xff\xff"), 4);
		attempt_free(take(f->open));
	} else {
		bool unsent = fake_happens(f, DIES_ENDED), leaves;
		fake_count(f, f->open->run_key);
		leaves = fake_happens(f, CTRL_C_AND_LEAVES);
		if (leaves)
			fake_ctrl_c(f);
		fake_end(f, NULL);
		if (leaves)
			f->hurry_until_ns = 0;
		if (!unsent && !leaves)
			fake_send(f);
		f->dead = unsent || fake_happens(f, DIES_UNACKNOWLEDGED);
	}
	f->begins++;
}

static inline void fake_forget(struct fake_agent *f)
{
	for (size_t i = 0; i < f->n_offers; i++)
		run_spec_free(f->offers[i]);
	f->n_offers = 0;
	f->welcomed = f->draining = f->dead = false;
	f->sent = f->acknowledged = 0;
}

static inline bool fake_may_leave(struct fake_agent *f)
{
	if (!f->draining)
		return false;
	return f->acknowledged == f->n_spool ||
	       (f->hurry && clock_monotonic_ns() > f->hurry_until_ns);
}

/* true: it was told to leave, and did. */
static inline bool fake_live(struct fake_agent *f, struct wire *wire)
{
	struct message bye = {.kind = MESSAGE_BYE};
	if (f->open) /* what its former life left open is closed by this one */
		fake_end(f, "agent-lost");
	wire_connect(wire, f->control, f->keys, f->controller_key, "fake", &f->control_socket,
		     NULL);
	wire_connect(wire, f->bulk, f->keys, f->controller_key, "fake", &f->bulk_socket, NULL);
	fake_hello(f);
	while (!f->dead && !f->stop && !fake_may_leave(f)) {
		if (!f->welcomed && clock_monotonic_ns() - f->hello_ns > NSEC_PER_SEC)
			fake_hello(f); /* a handshake may have failed */
		fake_hear(f);
		if (f->n_offers && !f->draining && !f->dead)
			fake_run(f);
		else
			fake_nap();
		if (!f->dead && !(f->draining && !f->hurry_until_ns))
			fake_send(f);
	}
	bool left = !f->dead;
	if (left)
		wire_send(f->control_socket, &bye, NULL);
	wire_close(take(f->control_socket));
	wire_close(take(f->bulk_socket));
	fake_forget(f);
	return left;
}

static inline void *fake_thread(void *arg)
{
	struct fake_agent *f = arg;
	struct wire *wire = NULL;
	sigset_t all;
	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, NULL); /* they are for the controller */
	if (wire_new(&wire, NULL) < 0)
		return NULL;
	/* As with a process, nothing of a former life is still on its way (wire_close() lingers 200
	 * ms): two connections of one name at once would take it from each other. */
	while (!fake_live(f, wire))
		nanosleep(&(struct timespec){.tv_nsec = 250 * NSEC_PER_MSEC}, NULL);
	wire_free(wire);
	return NULL;
}

static inline void fake_start(struct fake_agent *f)
{
	f->stop = false;
	if (!f->epoch[0])
		ulid_make(f->epoch);
	pthread_create(&f->thread, NULL, fake_thread, f);
}

static inline void fake_stop(struct fake_agent *f)
{
	f->stop = true;
	pthread_join(f->thread, NULL);
}

static inline void fake_done(struct fake_agent *f)
{
	for (size_t i = 0; i < f->n_spool; i++)
		free(f->spool[i].body);
	free(f->spool);
	free(f->offers);
	free(f->measured);
	attempt_free(f->open);
}

#endif
