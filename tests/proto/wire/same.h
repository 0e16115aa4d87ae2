// SPDX-License-Identifier: GPL-3.0-or-later
/* same - deep equality of what goes over the wire. Structs without pointers are compared as bytes:
 * both sides start zeroed, so padding and what follows a name are zero too. */
#ifndef ASSAY_TESTS_WIRE_SAME_H
#define ASSAY_TESTS_WIRE_SAME_H

#include <string.h>

#include "proto/base/text.h"
#include "proto/wire/message.h"

#define SAME_ARRAY(a, b, f)          \
	((a)->n_##f == (b)->n_##f && \
	 ((a)->n_##f == 0 || memcmp((a)->f, (b)->f, (a)->n_##f * sizeof(*(a)->f)) == 0))

static inline bool same_bytes(const void *a, size_t a_size, const void *b, size_t b_size)
{
	return a_size == b_size && (a_size == 0 || memcmp(a, b, a_size) == 0);
}

static inline bool same_strings(char *const *a, char *const *b)
{
	size_t n = strv_count(a);
	if (n != strv_count(b))
		return false;
	for (size_t i = 0; i < n; i++)
		if (strcmp(a[i], b[i]) != 0)
			return false;
	return true;
}

static inline bool same_mark_spec(const struct mark_spec *a, const struct mark_spec *b)
{
	return a->kind == b->kind && text_equal(a->pattern, b->pattern);
}

static inline bool same_disks(const struct guest_spec *a, const struct guest_spec *b)
{
	if (a->n_disks != b->n_disks)
		return false;
	for (size_t i = 0; i < a->n_disks; i++) {
		const struct disk_spec *x = &a->disks[i], *y = &b->disks[i];
		if (strcmp(x->file, y->file) != 0 || x->fresh != y->fresh ||
		    strcmp(x->bus, y->bus) != 0 || strcmp(x->format, y->format) != 0)
			return false;
	}
	return true;
}

static inline bool same_images(const struct guest_spec *a, const struct guest_spec *b)
{
	if (a->n_images != b->n_images)
		return false;
	for (size_t i = 0; i < a->n_images; i++) {
		const struct image_ref *x = &a->images[i], *y = &b->images[i];
		if (strcmp(x->name, y->name) != 0 || strcmp(x->sha256, y->sha256) != 0 ||
		    x->size_bytes != y->size_bytes || !text_equal(x->path, y->path))
			return false;
	}
	return true;
}

static inline bool same_guest(const struct guest_spec *a, const struct guest_spec *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->driver, b->driver) == 0 &&
	       same_strings(a->command, b->command) && same_strings(a->env, b->env) &&
	       a->vcpus == b->vcpus && a->memory_bytes == b->memory_bytes &&
	       text_equal(a->machine, b->machine) && text_equal(a->accel, b->accel) &&
	       text_equal(a->cpu, b->cpu) && text_equal(a->kernel, b->kernel) &&
	       text_equal(a->initrd, b->initrd) && text_equal(a->append, b->append) &&
	       same_disks(a, b) && same_strings(a->args, b->args) && same_images(a, b);
}

static inline bool same_windows(const struct run_spec *a, const struct run_spec *b)
{
	if (a->n_windows != b->n_windows)
		return false;
	for (size_t i = 0; i < a->n_windows; i++) {
		const struct window_spec *x = &a->windows[i], *y = &b->windows[i];
		if (strcmp(x->name, y->name) != 0 || !same_mark_spec(&x->from, &y->from) ||
		    !same_mark_spec(&x->to, &y->to))
			return false;
	}
	return true;
}

static inline bool same_spec(const struct run_spec *a, const struct run_spec *b)
{
	return strcmp(a->campaign, b->campaign) == 0 && strcmp(a->run_key, b->run_key) == 0 &&
	       a->attempt == b->attempt && a->iteration == b->iteration && a->warmup == b->warmup &&
	       text_equal(a->cell, b->cell) && same_guest(&a->guest, &b->guest) &&
	       same_windows(a, b) && same_strings(a->measure.counters, b->measure.counters) &&
	       same_strings(a->measure.energy, b->measure.energy) &&
	       a->measure.memory_every_ns == b->measure.memory_every_ns &&
	       a->measure.stamps == b->measure.stamps &&
	       memcmp(&a->place, &b->place, sizeof(a->place)) == 0 &&
	       memcmp(&a->quiet, &b->quiet, sizeof(a->quiet)) == 0 &&
	       a->timeout_ns == b->timeout_ns && a->output_limit_bytes == b->output_limit_bytes;
}

/* Artifacts carry no bytes over the wire: those of both must be NULL. */
static inline bool same_attempt(const struct attempt *a, const struct attempt *b)
{
	return strcmp(a->campaign, b->campaign) == 0 && strcmp(a->run_key, b->run_key) == 0 &&
	       a->attempt == b->attempt && a->reached == b->reached &&
	       memcmp(&a->begun, &b->begun, sizeof(a->begun)) == 0 &&
	       memcmp(&a->ended, &b->ended, sizeof(a->ended)) == 0 && a->exited == b->exited &&
	       a->exit_code == b->exit_code && a->exit_signal == b->exit_signal &&
	       a->guest_life_ns == b->guest_life_ns && SAME_ARRAY(a, b, marks) &&
	       SAME_ARRAY(a, b, windows) && SAME_ARRAY(a, b, readings) &&
	       SAME_ARRAY(a, b, reasons) && SAME_ARRAY(a, b, events) &&
	       SAME_ARRAY(a, b, artifacts) && SAME_ARRAY(a, b, facts);
}

static inline bool same_blob(const struct blob_chunk *a, const struct blob_chunk *b)
{
	return strcmp(a->sha256, b->sha256) == 0 && a->total_bytes == b->total_bytes &&
	       a->offset_bytes == b->offset_bytes &&
	       same_bytes(a->bytes, a->size, b->bytes, b->size);
}

static inline bool same_hello(const struct msg_hello *a, const struct msg_hello *b)
{
	return a->protocol == b->protocol && strcmp(a->version, b->version) == 0 &&
	       strcmp(a->agent, b->agent) == 0 && strcmp(a->epoch, b->epoch) == 0 &&
	       a->spooled == b->spooled && same_strings(a->features, b->features) &&
	       strcmp(a->host.name, b->host.name) == 0 &&
	       strcmp(a->host.fingerprint, b->host.fingerprint) == 0 &&
	       SAME_ARRAY(&a->host, &b->host, facts) &&
	       SAME_ARRAY(&a->host, &b->host, capabilities);
}

static inline bool same_message(const struct message *a, const struct message *b)
{
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case MESSAGE_HELLO:
		return same_hello(&a->hello, &b->hello);
	case MESSAGE_PREFLIGHT:
		return a->preflight.id == b->preflight.id &&
		       same_spec(a->preflight.spec, b->preflight.spec);
	case MESSAGE_PREFLIGHT_REPLY:
		return a->preflight_reply.id == b->preflight_reply.id &&
		       strcmp(a->preflight_reply.accel, b->preflight_reply.accel) == 0 &&
		       strcmp(a->preflight_reply.cpu, b->preflight_reply.cpu) == 0 &&
		       SAME_ARRAY(&a->preflight_reply, &b->preflight_reply, problems);
	case MESSAGE_OFFER:
		return same_spec(a->offer.spec, b->offer.spec);
	case MESSAGE_RECORD:
		return strcmp(a->record.epoch, b->record.epoch) == 0 &&
		       a->record.sequence == b->record.sequence &&
		       a->record.kind == b->record.kind &&
		       same_bytes(a->record.body, a->record.body_size, b->record.body,
				  b->record.body_size);
	default: /* the others have no pointers, and both unions were zeroed as a whole */
		return memcmp(a, b, sizeof(*a)) == 0;
	}
}

#endif
