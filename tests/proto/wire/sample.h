// SPDX-License-Identifier: GPL-3.0-or-later
/* sample - one of everything that goes over the wire, made from a stream of choices.
 *
 * With a seed of 0 the choices are fixed: these are the contents of the golden files, and may
 * never change. With another seed they are random, within what decoding accepts. */
#ifndef ASSAY_TESTS_WIRE_SAMPLE_H
#define ASSAY_TESTS_WIRE_SAMPLE_H

#include <stdio.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/wire/message.h"

struct sample {
	uint64_t seed;	/* 0: fixed */
	uint64_t state; /* of the generator, or the count of choices where fixed */
};

/* splitmix64: Steele, Lea, Flood 2014 */
static inline uint64_t sample_u64(struct sample *s)
{
	if (!s->seed)
		return ++s->state;
	uint64_t z = s->state += 0x9e3779b97f4a7c15;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static inline struct sample sample_from(uint64_t seed)
{
	return (struct sample){seed, seed};
}

/* In [0, end). Fixed: 1 where there is a choice. */
static inline uint64_t sample_below(struct sample *s, uint64_t end)
{
	return s->seed ? sample_u64(s) % end : end > 1;
}

/* How many elements: 2 where fixed. */
static inline size_t sample_count(struct sample *s)
{
	return s->seed ? sample_below(s, 9) : 2;
}

/* Any bits; small and large values alike. */
static inline uint64_t sample_bits(struct sample *s)
{
	uint64_t bits = sample_u64(s);
	return s->seed ? bits >> sample_below(s, 64) : bits;
}

static inline double sample_double(struct sample *s)
{
	/* No -0.0: proto3 leaves zeros out, so it comes back as 0.0. */
	static const double values[] = {0, -1, 1, 0.1, -3.5, 5e-324, 1.7976931348623157e308, 42};
	return values[s->seed ? sample_below(s, ARRAY_SIZE(values)) : 3];
}

/* A name or line of at most size - 1 bytes, never empty, with characters of 1 to 4 bytes. */
static inline void sample_text(struct sample *s, char *ret, size_t size)
{
	static const char *const letters[] = {"a", "Z", "0", "/", ".", " ", "\"", "é", "→", "😀"};
	size_t used = 0, wish = sample_below(s, size);
	if (!s->seed) {
		snprintf(ret, size, "t%llu", (unsigned long long)sample_u64(s));
		return;
	}
	do {
		const char *letter = letters[sample_below(s, ARRAY_SIZE(letters))];
		if (used + strlen(letter) >= size)
			break;
		memcpy(ret + used, letter, strlen(letter));
		used += strlen(letter);
	} while (used < wish);
	ret[used] = '\0';
}
#define SAMPLE_TEXT(s, array) sample_text((s), (array), sizeof(array))

/* The same, but also empty. */
#define SAMPLE_LABEL(s, array)                          \
	do {                                            \
		if (!(s)->seed || sample_below((s), 4)) \
			SAMPLE_TEXT(s, array);          \
	} while (0)

static inline char *sample_string(struct sample *s)
{
	char text[200];
	SAMPLE_TEXT(s, text);
	return xstrdup(text);
}

/* NULL or a string that is not empty. */
static inline char *sample_maybe(struct sample *s)
{
	return !s->seed || sample_below(s, 3) ? sample_string(s) : NULL;
}

static inline char **sample_strings(struct sample *s)
{
	char **v = NULL;
	for (size_t n = sample_count(s); n; n--) {
		autofree char *text = sample_string(s);
		strv_push(&v, n % 5 == 4 ? "" : text);
	}
	return v;
}

static inline void sample_hash(struct sample *s, char ret[HASH_HEX_SIZE])
{
	uint64_t bits = sample_u64(s);
	hash_bytes(&bits, sizeof(bits), ret);
}

static inline void sample_ulid(struct sample *s, char ret[ULID_SIZE])
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	uint64_t bits = sample_u64(s);
	for (int i = 0; i < ULID_SIZE - 1; i++, bits = bits >> 5 | bits << 59)
		ret[i] = digits[bits % (i ? 32 : 8)];
	ret[ULID_SIZE - 1] = '\0';
}

static inline void sample_mark_spec(struct sample *s, struct mark_spec *m)
{
	m->kind = (enum mark_kind)(s->seed ? sample_below(s, MARK_KINDS) : MARK_CONSOLE);
	m->pattern = m->kind == MARK_CONSOLE ? sample_string(s) : NULL;
}

static inline void sample_guest(struct sample *s, struct guest_spec *g)
{
	SAMPLE_TEXT(s, g->name);
	SAMPLE_TEXT(s, g->driver);
	g->command = sample_strings(s);
	g->env = sample_strings(s);
	g->vcpus = (uint32_t)sample_bits(s);
	g->memory_bytes = sample_bits(s);
	char **const strings[] = {&g->machine, &g->accel,  &g->cpu,
				  &g->kernel,  &g->initrd, &g->append};
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++)
		*strings[i] = sample_maybe(s);
	for (size_t n = sample_count(s); n; n--) {
		struct disk_spec *d = ARRAY_PUSH(g->disks, g->n_disks);
		d->file = sample_string(s);
		d->fresh = sample_below(s, 2);
		SAMPLE_LABEL(s, d->bus);
		SAMPLE_LABEL(s, d->format);
	}
	g->args = sample_strings(s);
	for (size_t n = sample_count(s); n; n--) {
		struct image_ref *i = ARRAY_PUSH(g->images, g->n_images);
		SAMPLE_TEXT(s, i->name);
		sample_hash(s, i->sha256);
		i->size_bytes = sample_bits(s);
		i->path = sample_maybe(s);
	}
}

static inline struct run_spec *sample_spec(struct sample *s)
{
	struct run_spec *r = run_spec_new();
	sample_ulid(s, r->campaign);
	sample_hash(s, r->run_key);
	r->attempt = (uint32_t)sample_bits(s);
	r->iteration = (uint32_t)sample_bits(s);
	r->warmup = sample_below(s, 2);
	r->cell = sample_string(s);
	sample_guest(s, &r->guest);
	for (size_t n = sample_count(s); n; n--) {
		struct window_spec *w = ARRAY_PUSH(r->windows, r->n_windows);
		SAMPLE_TEXT(s, w->name);
		sample_mark_spec(s, &w->from);
		sample_mark_spec(s, &w->to);
	}
	r->measure.counters = sample_strings(s);
	r->measure.energy = sample_strings(s);
	r->measure.memory_every_ns = sample_bits(s);
	r->place.guest_cores = (uint32_t)sample_bits(s);
	r->place.vmm_cores = (uint32_t)sample_bits(s);
	r->quiet.busy_pct = sample_double(s);
	r->quiet.wait_ns = sample_bits(s);
	r->timeout_ns = sample_bits(s);
	r->output_limit_bytes = sample_bits(s);
	return r;
}

static inline void sample_clocks(struct sample *s, struct clock_bracket *c)
{
	c->raw_ns = sample_bits(s);
	c->monotonic_ns = sample_bits(s);
	c->real_ns = sample_bits(s);
	c->width_ns = sample_bits(s);
}

static inline void sample_marks(struct sample *s, struct attempt *a)
{
	for (size_t n = sample_count(s); n; n--) {
		struct mark *m = ARRAY_PUSH(a->marks, a->n_marks);
		SAMPLE_TEXT(s, m->name);
		m->lower_ns = sample_bits(s);
		m->t_ns = sample_bits(s);
		m->read_ns = sample_bits(s);
		m->console_bytes = sample_bits(s);
		m->console_lines = sample_bits(s);
	}
	for (size_t n = sample_count(s); n; n--) {
		struct window *w = ARRAY_PUSH(a->windows, a->n_windows);
		SAMPLE_TEXT(s, w->name);
		w->from_ns = sample_bits(s);
		w->to_ns = sample_bits(s);
		w->uncertainty_ns = sample_bits(s);
		w->console_bytes = sample_bits(s);
		w->console_lines = sample_bits(s);
	}
}

static inline void sample_reading(struct sample *s, struct reading *r)
{
	SAMPLE_TEXT(s, r->window);
	SAMPLE_TEXT(s, r->metric);
	SAMPLE_LABEL(s, r->scope);
	SAMPLE_LABEL(s, r->unit);
	SAMPLE_LABEL(s, r->source);
	r->present = sample_below(s, 2);
	r->value = r->present ? sample_double(s) : 0;
	r->running_share = sample_double(s);
	r->uncertainty = sample_double(s);
	SAMPLE_LABEL(s, r->note);
}

static inline struct attempt *sample_attempt(struct sample *s)
{
	struct attempt *a = attempt_new();
	sample_ulid(s, a->campaign);
	sample_hash(s, a->run_key);
	a->attempt = (uint32_t)sample_bits(s);
	a->reached = (enum run_state)sample_below(s, RUN_STATE_COUNT);
	sample_clocks(s, &a->begun);
	sample_clocks(s, &a->ended);
	a->exited = sample_below(s, 2);
	a->exit_code = (int)sample_below(s, 256);
	a->exit_signal = (int)sample_below(s, 65);
	a->guest_life_ns = sample_bits(s);
	sample_marks(s, a);
	for (size_t n = sample_count(s); n; n--)
		sample_reading(s, ARRAY_PUSH(a->readings, a->n_readings));
	for (size_t n = sample_count(s); n; n--) {
		struct reason *r = ARRAY_PUSH(a->reasons, a->n_reasons);
		SAMPLE_TEXT(s, r->code);
		r->level = (enum verdict)(VERDICT_FLAGGED + sample_below(s, 2));
		SAMPLE_LABEL(s, r->text);
	}
	for (size_t n = sample_count(s); n; n--) {
		struct event *e = ARRAY_PUSH(a->events, a->n_events);
		SAMPLE_TEXT(s, e->name);
		e->t_ns = sample_bits(s);
	}
	for (size_t n = sample_count(s); n; n--) {
		struct artifact *f = ARRAY_PUSH(a->artifacts, a->n_artifacts);
		SAMPLE_TEXT(s, f->name);
		sample_hash(s, f->sha256);
		f->size_bytes = sample_bits(s);
	}
	for (size_t n = sample_count(s); n; n--) {
		struct fact *f = ARRAY_PUSH(a->facts, a->n_facts);
		SAMPLE_TEXT(s, f->name);
		SAMPLE_LABEL(s, f->value);
	}
	return a;
}

static inline void *sample_bytes(struct sample *s, size_t size)
{
	unsigned char *bytes = size ? xmalloc(size) : NULL;
	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)sample_u64(s);
	return bytes;
}

static inline struct blob_chunk sample_blob(struct sample *s)
{
	struct blob_chunk c = {0};
	sample_hash(s, c.sha256);
	c.size = s->seed ? sample_below(s, 5000) : 16;
	c.offset_bytes = sample_bits(s) >> 2;
	c.total_bytes = c.offset_bytes + c.size + sample_below(s, 7);
	c.bytes = sample_bytes(s, c.size);
	return c;
}

static inline void sample_hello(struct sample *s, struct msg_hello *h)
{
	h->protocol = (uint32_t)sample_bits(s);
	SAMPLE_LABEL(s, h->version);
	SAMPLE_TEXT(s, h->agent);
	sample_ulid(s, h->epoch);
	h->spooled = sample_bits(s);
	h->features = sample_strings(s);
	SAMPLE_TEXT(s, h->host.name);
	sample_hash(s, h->host.fingerprint);
	for (size_t n = sample_count(s); n; n--) {
		struct fact *f = ARRAY_PUSH(h->host.facts, h->host.n_facts);
		SAMPLE_TEXT(s, f->name);
		SAMPLE_LABEL(s, f->value);
	}
	for (size_t n = sample_count(s); n; n--) {
		struct capability *c = ARRAY_PUSH(h->host.capabilities, h->host.n_capabilities);
		SAMPLE_TEXT(s, c->name);
		c->present = sample_below(s, 2);
		SAMPLE_LABEL(s, c->detail);
		SAMPLE_LABEL(s, c->remedy);
	}
}

static inline void sample_reply(struct sample *s, struct msg_preflight_reply *r)
{
	r->id = sample_bits(s);
	SAMPLE_LABEL(s, r->accel);
	SAMPLE_LABEL(s, r->cpu);
	for (size_t n = sample_count(s); n; n--) {
		struct preflight_problem *p = ARRAY_PUSH(r->problems, r->n_problems);
		SAMPLE_LABEL(s, p->key);
		p->fatal = sample_below(s, 2);
		SAMPLE_LABEL(s, p->text);
	}
}

static inline void sample_record(struct sample *s, struct msg_record *r)
{
	sample_ulid(s, r->epoch);
	r->sequence = 1 + (sample_bits(s) >> 2);
	r->kind = (enum record_kind)(RECORD_BEGUN + sample_below(s, 3));
	r->body_size = s->seed ? sample_below(s, 5000) : 16;
	r->body = sample_bytes(s, r->body_size);
}

/* m is zeroed; message_done() releases what this makes. */
static inline void sample_message(struct sample *s, enum message_kind kind, struct message *m)
{
	m->kind = kind;
	switch (kind) {
	case MESSAGE_HELLO:
		sample_hello(s, &m->hello);
		break;
	case MESSAGE_WELCOME:
		m->welcome.protocol = (uint32_t)sample_bits(s);
		SAMPLE_LABEL(s, m->welcome.version);
		m->welcome.heartbeat_ns = sample_bits(s);
		m->welcome.bulk_window_bytes = sample_bits(s);
		m->welcome.committed = sample_bits(s);
		break;
	case MESSAGE_REFUSED:
		SAMPLE_LABEL(s, m->refused.why);
		break;
	case MESSAGE_HEARTBEAT:
		m->heartbeat.count = sample_bits(s);
		m->heartbeat.spooled = sample_bits(s);
		break;
	case MESSAGE_PREFLIGHT:
		m->preflight.id = sample_bits(s);
		m->preflight.spec = sample_spec(s);
		break;
	case MESSAGE_PREFLIGHT_REPLY:
		sample_reply(s, &m->preflight_reply);
		break;
	case MESSAGE_OFFER:
		m->offer.spec = sample_spec(s);
		break;
	case MESSAGE_TAKEN:
		sample_ulid(s, m->taken.campaign);
		sample_hash(s, m->taken.run_key);
		m->taken.attempt = (uint32_t)sample_bits(s);
		SAMPLE_LABEL(s, m->taken.refused);
		break;
	case MESSAGE_CANCEL:
		if (sample_below(s, 2))
			sample_hash(s, m->cancel.run_key);
		SAMPLE_LABEL(s, m->cancel.why);
		break;
	case MESSAGE_PROGRESS:
		sample_hash(s, m->progress.run_key);
		m->progress.attempt = (uint32_t)sample_bits(s);
		m->progress.state = (enum run_state)sample_below(s, RUN_STATE_COUNT);
		break;
	case MESSAGE_DRAIN:
		m->drain.now = sample_below(s, 2);
		break;
	case MESSAGE_BYE:
		SAMPLE_LABEL(s, m->bye.why);
		break;
	case MESSAGE_RECORD:
		sample_record(s, &m->record);
		break;
	case MESSAGE_ACK:
		sample_ulid(s, m->ack.epoch);
		m->ack.sequence = sample_bits(s);
		break;
	case MESSAGE_NONE:
	case MESSAGE_KIND_COUNT:
		break;
	}
}

#endif
