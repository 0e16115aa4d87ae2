// SPDX-License-Identifier: GPL-3.0-or-later
/* The key of a run: SHA-256 of its definition, written down so that equal runs have equal bytes and
 * others never do.
 *
 * The bytes, version 1: the line "assay run key 1\n", then fields in the order of this file. A
 * field is: u32 size of its name, name, u64 size of its value, value. Numbers in front and in
 * values are big-endian; a number's value has 8 bytes; a real is the bits of its IEEE 754 double; a
 * text is its bytes without NUL.
 *
 * A member that is absent (NULL, 0, false, an empty text or array) has no field, so that a member
 * that later versions add, and that a recipe does not use, leaves keys as they are. Entries of
 * arrays are fields of the same name one after another; an entry that is a struct begins with a
 * field that is always there, so no two definitions have the same bytes.
 *
 * Not part of it: campaign, run_key and attempt (which are not the run); the names and paths of
 * images, whose content counts; their sizes, which the content has. */
#include <string.h>

#include "controller/plan/plan.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

static void add_number(struct text *to, uint64_t value, unsigned size)
{
	for (unsigned i = size; i > 0; i--) {
		char byte = (char)(value >> (8 * (i - 1)) & 0xff);
		text_add_bytes(to, &byte, 1);
	}
}

static void add_field(struct text *to, const char *name, const void *value, size_t size)
{
	add_number(to, strlen(name), 4);
	text_add(to, name);
	add_number(to, size, 8);
	text_add_bytes(to, value, size);
}

/* Always there. */
static void add_entry(struct text *to, const char *name, const char *value)
{
	add_field(to, name, value, strlen(value));
}

static void add_text(struct text *to, const char *name, const char *value)
{
	if (value && *value)
		add_entry(to, name, value);
}

static void add_whole(struct text *to, const char *name, uint64_t value)
{
	autotext struct text bytes = {0};
	if (!value)
		return;
	add_number(&bytes, value, 8);
	add_field(to, name, bytes.data, bytes.size);
}

/* value: below 0 is absent. -0 would be other bits for the same number. */
static void add_real(struct text *to, const char *name, double value)
{
	autotext struct text bytes = {0};
	uint64_t bits = 0;
	if (value < 0)
		return;
	if (value > 0)
		memcpy(&bits, &value, sizeof(bits));
	add_number(&bytes, bits, 8);
	add_field(to, name, bytes.data, bytes.size);
}

static void add_texts(struct text *to, const char *name, char *const *values)
{
	for (; values && *values; values++)
		add_entry(to, name, *values);
}

static int by_text(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;
	return strcmp(*x, *y);
}

/* Their order is that of the hashes: what the recipe calls them does not matter. */
static void add_images(struct text *to, const struct guest_spec *g)
{
	const char **hashes = xcalloc(g->n_images + 1, sizeof(*hashes));
	for (size_t i = 0; i < g->n_images; i++)
		hashes[i] = g->images[i].sha256;
	qsort(hashes, g->n_images, sizeof(*hashes), by_text);
	for (size_t i = 0; i < g->n_images; i++)
		if (!i || strcmp(hashes[i - 1], hashes[i]) != 0)
			add_entry(to, "guest.image", hashes[i]);
	free(hashes);
}

static void add_guest(struct text *to, const struct guest_spec *g)
{
	add_text(to, "guest.name", g->name);
	add_text(to, "guest.driver", g->driver);
	add_texts(to, "guest.command", g->command);
	add_texts(to, "guest.env", g->env);
	add_whole(to, "guest.vcpus", g->vcpus);
	add_whole(to, "guest.memory_bytes", g->memory_bytes);
	add_text(to, "guest.machine", g->machine);
	add_text(to, "guest.accel", g->accel);
	add_text(to, "guest.cpu", g->cpu);
	add_text(to, "guest.kernel", g->kernel);
	add_text(to, "guest.initrd", g->initrd);
	add_text(to, "guest.append", g->append);
	for (size_t i = 0; i < g->n_disks; i++) {
		const struct disk_spec *d = &g->disks[i];
		add_entry(to, "guest.disk.file", d->file ? d->file : "");
		add_whole(to, "guest.disk.fresh", d->fresh);
		add_text(to, "guest.disk.bus", d->bus);
		add_text(to, "guest.disk.format", d->format);
	}
	add_texts(to, "guest.args", g->args);
	add_images(to, g);
}

static void add_mark(struct text *to, const char *kind_name, const char *pattern_name,
		     const struct mark_spec *mark)
{
	add_entry(to, kind_name, mark_kind_name(mark->kind));
	add_text(to, pattern_name, mark->pattern);
}

static void add_windows(struct text *to, const struct run_spec *spec)
{
	for (size_t i = 0; i < spec->n_windows; i++) {
		const struct window_spec *w = &spec->windows[i];
		add_entry(to, "window.name", w->name);
		add_mark(to, "window.from", "window.from.pattern", &w->from);
		add_mark(to, "window.to", "window.to.pattern", &w->to);
	}
}

void plan_run_key(const struct run_spec *spec, const char *host, uint32_t iteration, bool warmup,
		  char ret[HASH_HEX_SIZE])
{
	autotext struct text bytes = {0};
	text_add(&bytes, "assay run key 1\n");
	add_text(&bytes, "host", host);
	add_whole(&bytes, "iteration", iteration);
	add_whole(&bytes, "warmup", warmup);
	add_text(&bytes, "cell", spec->cell);
	add_guest(&bytes, &spec->guest);
	add_windows(&bytes, spec);
	add_texts(&bytes, "measure.counter", spec->measure.counters);
	add_texts(&bytes, "measure.energy", spec->measure.energy);
	add_whole(&bytes, "measure.memory_every_ns", spec->measure.memory_every_ns);
	add_whole(&bytes, "measure.stamps", spec->measure.stamps);
	add_whole(&bytes, "place.guest_cores", spec->place.guest_cores);
	add_whole(&bytes, "place.vmm_cores", spec->place.vmm_cores);
	add_real(&bytes, "quiet.busy_pct", spec->quiet.busy_pct);
	add_whole(&bytes, "quiet.wait_ns", spec->quiet.wait_ns);
	add_whole(&bytes, "timeout_ns", spec->timeout_ns);
	add_whole(&bytes, "output_limit_bytes", spec->output_limit_bytes);
	hash_bytes(bytes.data, bytes.size, ret);
}
