// SPDX-License-Identifier: GPL-3.0-or-later
/* stamps - makes and reads the ring of a guest's stamps.
 *
 * It is a memfd: no disk and no name, gone with its last user. Its size is sealed, since a guest
 * that could shrink it would end the agent with SIGBUS. It is copied before it is judged. */
#include "agent/meter/stamps.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "proto/base/mem.h"
#include "proto/stamp/assay_stamp.h"

_Static_assert(sizeof(struct assay_stamp_record) == 16, "as programs in use write it");
_Static_assert(offsetof(struct assay_stamp_ring, head) == 128, "a cache line of its own");
_Static_assert(offsetof(struct assay_stamp_ring, names) == 192, "as programs in use write it");
_Static_assert(sizeof(struct assay_stamp_ring) == 192 + 256 * 64, "records are aligned");
_Static_assert((int)ASSAY_STAMP_NAME_SIZE == (int)NAME_SIZE, "a name is one of an event");
_Static_assert((int)STAMPS_MAX <= (int)ASSAY_STAMP_CAPACITY_MAX, "clients map it");

struct stamps {
	int fd; /* owned */
	uint32_t capacity;
	size_t size;
	void *map; /* owned */
};

/* What there is no event of. */
struct dropped {
	uint64_t torn, nameless, outside;
};

struct kept {
	const struct assay_stamp_record *record; /* borrowed */
	size_t order;				 /* in the ring, the oldest first */
};

static int make_file(struct stamps *s, struct err *err)
{
	s->fd = memfd_create("assay-stamps", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (s->fd < 0)
		return err_sys(err, errno, "make a ring for stamps");
	if (ftruncate(s->fd, (off_t)s->size) < 0 ||
	    fcntl(s->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return err_sys(err, errno, "size the ring for stamps");
	s->map = mmap(NULL, s->size, PROT_READ | PROT_WRITE, MAP_SHARED, s->fd, 0);
	if (s->map == MAP_FAILED) {
		s->map = NULL;
		return err_sys(err, errno, "map the ring for stamps");
	}
	memset(s->map, 0, s->size); /* every page */
	return 0;
}

static void fill_header(const struct stamps *s, const struct host_root *root)
{
	struct assay_stamp_ring *ring = s->map;
	char boot_id[sizeof(ring->boot_id)] = "";
	if (sysfs_text(root->proc_fd, boot_id, sizeof(boot_id), NULL,
		       "sys/kernel/random/boot_id") == 0)
		memcpy(ring->boot_id, boot_id, sizeof(boot_id));
	ring->version = ASSAY_STAMP_VERSION;
	ring->capacity = s->capacity;
	ring->record_size = sizeof(struct assay_stamp_record);
	ring->clock_id = CLOCK_MONOTONIC_RAW;
	ring->pid = getpid();
	ring->names_size = sizeof(ring->names);
	ring->magic = ASSAY_STAMP_MAGIC;
}

int stamps_open(const struct host_root *root, uint32_t capacity, struct stamps **ret,
		struct err *err)
{
	if (!capacity || capacity > STAMPS_MAX || (capacity & (capacity - 1)))
		return err_say(err, EINVAL, "measure.stamps: %u is no power of two from 1 to %d",
			       capacity, STAMPS_MAX);
	autoclean(stamps) struct stamps *s = xcalloc(1, sizeof(*s));
	s->fd = -1;
	s->capacity = capacity;
	s->size = assay_stamp_bytes(capacity);
	if (make_file(s, err) < 0)
		return err_code(err);
	fill_header(s, root);
	*ret = take(s);
	return 0;
}

void stamps_close(struct stamps *s)
{
	if (!s)
		return;
	if (s->map)
		munmap(s->map, s->size);
	if (s->fd >= 0)
		close(s->fd);
	free(s);
}

int stamps_fd(const struct stamps *s)
{
	return s->fd;
}

/* Names go to terminals and queries: printable ASCII without blanks, and an end. */
static bool name_is_good(const char *name)
{
	size_t n = strnlen(name, ASSAY_STAMP_NAME_SIZE);
	if (!n || n == ASSAY_STAMP_NAME_SIZE)
		return false;
	for (size_t i = 0; i < n; i++)
		if (name[i] < '!' || name[i] > '~')
			return false;
	return true;
}

/* Whether there is an event of it; else counts why not. */
static bool is_good(const struct assay_stamp_ring *ring, const struct assay_stamp_record *r,
		    uint64_t from_ns, uint64_t to_ns, struct dropped *dropped)
{
	if (!r->id)
		dropped->torn++;
	else if (r->id > ASSAY_STAMP_IDS || !name_is_good(ring->names[r->id - 1]))
		dropped->nameless++;
	else if (r->t_ns < from_ns || r->t_ns > to_ns)
		dropped->outside++;
	else
		return true;
	return false;
}

/* A thread may take its place in the ring later than one that read the clock after it. */
static int by_time(const void *a, const void *b)
{
	const struct kept *x = a, *y = b;
	if (x->record->t_ns != y->record->t_ns)
		return x->record->t_ns < y->record->t_ns ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

static void add_reasons(uint64_t lost, uint32_t capacity, const struct dropped *d,
			struct attempt *a)
{
	if (lost)
		attempt_reason(a, VERDICT_FLAGGED, "stamps-lost",
			       "the ring holds %u stamps and the %llu before them were lost; raise "
			       "measure.stamps (at most %d) or stamp less",
			       capacity, (unsigned long long)lost, STAMPS_MAX);
	if (d->torn + d->nameless + d->outside)
		attempt_reason(a, VERDICT_FLAGGED, "stamps-dropped",
			       "%llu stamps were left out: %llu not written to the end, %llu with "
			       "an id that has no proper name (assay_stamp_name), %llu at times "
			       "outside the attempt",
			       (unsigned long long)(d->torn + d->nameless + d->outside),
			       (unsigned long long)d->torn, (unsigned long long)d->nameless,
			       (unsigned long long)d->outside);
}

void stamps_read(const void *bytes, size_t size, uint32_t capacity, uint64_t from_ns,
		 uint64_t to_ns, struct attempt *a)
{
	const struct assay_stamp_ring *ring = bytes;
	struct dropped dropped = {0};
	size_t n = 0;
	if (size < assay_stamp_bytes(capacity)) {
		attempt_reason(a, VERDICT_FLAGGED, "stamps-dropped",
			       "the ring of stamps is not whole");
		return;
	}
	const struct assay_stamp_record *records = (const void *)(ring + 1);
	uint64_t head = ring->head, lost = head > capacity ? head - capacity : 0;
	autofree struct kept *kept = xcalloc(capacity, sizeof(*kept));
	for (uint64_t i = lost; i < head; i++) {
		const struct assay_stamp_record *r = &records[i & (capacity - 1)];
		if (is_good(ring, r, from_ns, to_ns, &dropped)) {
			kept[n] = (struct kept){r, n};
			n++;
		}
	}
	qsort(kept, n, sizeof(*kept), by_time);
	for (size_t i = 0; i < n; i++)
		attempt_event(a, ring->names[kept[i].record->id - 1], kept[i].record->t_ns);
	add_reasons(lost, capacity, &dropped, a);
}

void stamps_report(const struct stamps *s, uint64_t from_ns, uint64_t to_ns, struct attempt *a)
{
	autofree void *copy = xmemdup(s->map, s->size);
	stamps_read(copy, s->size, s->capacity, from_ns, to_ns, a);
}
