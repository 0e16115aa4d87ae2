// SPDX-License-Identifier: GPL-3.0-or-later
/* assay_stamp - names instants of a program that assay measures, for some 25 ns each.
 *
 * A recipe with `measure: {stamps: true}` hands the guest process a ring in shared memory; what is
 * stamped into it becomes events of the attempt. Without assay every call does nothing. This one
 * file is all there is: C99 or later, or C++, gcc or clang, on Linux; nothing to link.
 *
 *	#include "assay_stamp.h"
 *
 *	enum { READY = 1, DONE };
 *
 *	int main(void)
 *	{
 *		assay_stamp_open();
 *		assay_stamp_name(READY, "ready");
 *		assay_stamp_name(DONE, "done");
 *		...
 *		assay_stamp(READY);
 *
 * Times are ns of CLOCK_MONOTONIC_RAW, read before a place in the ring is taken: no lock, no system
 * call, no allocation. Threads and forked children may stamp at once. The memory is the agent's, so
 * stamps outlive a crash; an exec inherits the ring, and the next program opens it again.
 *
 * Traps: an id without a name is left out of the result. When more is stamped than the ring holds,
 * the oldest is lost, and a writer that sleeps for a whole round can mix two records. A program
 * that closes descriptor 3 must open first. With -std=c99 include this before other headers, or the
 * C library hides its clock. How it is read: docs/measuring.md. */
#ifndef ASSAY_STAMP_H
#define ASSAY_STAMP_H

#ifndef _DEFAULT_SOURCE
#define _DEFAULT_SOURCE 1
#endif
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define ASSAY_STAMP_VARIABLE "ASSAY_STAMPS"	   /* "fd:NUMBER" or the path of a file */
#define ASSAY_STAMP_MAGIC    0x31706d6174737961ull /* "aystamp1" */
#define ASSAY_STAMP_NO_CPU   0xffffffffu

enum {
	ASSAY_STAMP_VERSION = 1,
	ASSAY_STAMP_IDS = 256, /* 1 to this; 0 is a record that is not written yet */
	ASSAY_STAMP_NAME_SIZE = 64,
	ASSAY_STAMP_CAPACITY_MAX = 1 << 20,
};

struct assay_stamp_record {
	uint64_t t_ns;
	uint32_t id;  /* stored last */
	uint32_t cpu; /* ASSAY_STAMP_NO_CPU: not known */
};

/* The file: this, then `capacity` records. Its maker zeroes it and fills in the first line's worth;
 * only head, names and records change afterwards. */
struct assay_stamp_ring {
	uint64_t magic;
	uint32_t version;
	uint32_t capacity; /* records, a power of two */
	uint32_t record_size;
	uint32_t clock_id;
	int32_t pid; /* the maker's */
	uint32_t names_size;
	char boot_id[40];
	uint8_t reserved[56];
	/* 128: a line of its own. Stamps ever begun; the next goes to head % capacity. */
	uint64_t head;
	uint8_t padding[56];
	char names[ASSAY_STAMP_IDS][ASSAY_STAMP_NAME_SIZE]; /* of id 1 first */
	/* struct assay_stamp_record records[capacity]; */
};

struct assay_stamp_client {
	struct assay_stamp_ring *ring; /* NULL: stamps do nothing */
	struct assay_stamp_record *records;
	uint64_t mask;
};

/* One a program, however many of its files include this. */
__attribute__((weak)) struct assay_stamp_client assay_stamp_client;

static inline size_t assay_stamp_bytes(uint32_t capacity)
{
	return sizeof(struct assay_stamp_ring) + capacity * sizeof(struct assay_stamp_record);
}

static inline uint64_t assay_stamp_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_RAW, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline uint32_t assay_stamp_cpu(void)
{
#ifdef _GNU_SOURCE
	return (uint32_t)sched_getcpu(); /* -1 is ASSAY_STAMP_NO_CPU */
#else
	return ASSAY_STAMP_NO_CPU;
#endif
}

static inline int assay_stamp_valid(const struct assay_stamp_ring *ring, size_t size)
{
	uint32_t capacity = ring->capacity;

	return ring->magic == ASSAY_STAMP_MAGIC && ring->version == ASSAY_STAMP_VERSION &&
	       ring->record_size == sizeof(struct assay_stamp_record) &&
	       ring->names_size == sizeof(ring->names) && capacity != 0 &&
	       capacity <= ASSAY_STAMP_CAPACITY_MAX && (capacity & (capacity - 1)) == 0 &&
	       size >= assay_stamp_bytes(capacity);
}

/* Maps the ring of an open file, which may be closed afterwards. 0 or -errno. */
static inline int assay_stamp_map(int fd)
{
	struct assay_stamp_ring *ring;
	struct stat st;
	void *p;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < (off_t)sizeof(*ring) ||
	    st.st_size > (off_t)assay_stamp_bytes(ASSAY_STAMP_CAPACITY_MAX))
		return -EINVAL;
	/* Populated: a first stamp does not fault. */
	p = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd,
		 0);
	if (p == MAP_FAILED)
		return -errno;
	ring = (struct assay_stamp_ring *)p;
	if (!assay_stamp_valid(ring, (size_t)st.st_size)) {
		munmap(p, (size_t)st.st_size);
		return -EINVAL;
	}
	assay_stamp_client.records = (struct assay_stamp_record *)(void *)(ring + 1);
	assay_stamp_client.mask = ring->capacity - 1;
	assay_stamp_client.ring = ring;
	assay_stamp_now_ns(); /* the vDSO faults once, too */
	assay_stamp_cpu();
	return 0;
}

/* Once, before threads. 1: stamps are kept; 0: nobody asked for them; -errno: what was named is no
 * ring, and stamps do nothing. */
static inline int assay_stamp_open(void)
{
	const char *where = getenv(ASSAY_STAMP_VARIABLE);
	char *end;
	long number;
	int fd, r;

	if (assay_stamp_client.ring)
		return 1;
	if (!where || !*where)
		return 0;
	if (strncmp(where, "fd:", 3) == 0) {
		number = strtol(where + 3, &end, 10);
		if (end == where + 3 || *end || number < 0 || number > 0x7fffffff)
			return -EINVAL;
		r = assay_stamp_map((int)number);
		return r < 0 ? r : 1;
	}
	fd = open(where, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = assay_stamp_map(fd);
	close(fd);
	return r < 0 ? r : 1;
}

/* Gives an id (1 to ASSAY_STAMP_IDS) its name: at most 63 printable characters, no blanks. */
static inline void assay_stamp_name(uint32_t id, const char *name)
{
	size_t size = strlen(name);

	if (!assay_stamp_client.ring || id - 1 >= ASSAY_STAMP_IDS)
		return;
	if (size > ASSAY_STAMP_NAME_SIZE - 1)
		size = ASSAY_STAMP_NAME_SIZE - 1;
	memcpy(assay_stamp_client.ring->names[id - 1], name, size);
	assay_stamp_client.ring->names[id - 1][size] = '\0';
}

static inline void assay_stamp(uint32_t id)
{
	struct assay_stamp_ring *ring = assay_stamp_client.ring;
	struct assay_stamp_record *record;
	uint64_t t_ns;
	uint32_t cpu;

	if (!ring || id - 1 >= ASSAY_STAMP_IDS)
		return;
	t_ns = assay_stamp_now_ns();
	cpu = assay_stamp_cpu();
	record = &assay_stamp_client.records[__atomic_fetch_add(&ring->head, 1, __ATOMIC_RELAXED) &
					     assay_stamp_client.mask];
	/* What a former round left there ends first, so that it never has the new time. */
	__atomic_store_n(&record->id, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&record->t_ns, t_ns, __ATOMIC_RELEASE);
	__atomic_store_n(&record->cpu, cpu, __ATOMIC_RELAXED);
	__atomic_store_n(&record->id, id, __ATOMIC_RELEASE);
}

#endif
