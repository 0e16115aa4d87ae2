// SPDX-License-Identifier: GPL-3.0-or-later
/* stamper - what twenty time stamps cost the program that takes them.
 *
 *	stamper ROUNDS FILE
 *
 * Prints ROUNDS lines, each the ns of twenty stamps into a ring, of twenty lines of JSON written to
 * FILE, one write(2) a line, as programs that log do, and of twenty reads of the clock alone, which
 * no stamp can be cheaper than. They take turns. The ring is a memfd as the agent makes it, the
 * client the one that programs include. */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/base/clock.h"
#include "proto/stamp/assay_stamp.h"

enum {
	STAMPS = 20,
	CAPACITY = 1024,
	ROUNDS_MAX = 100000,
};

static int fail(const char *what)
{
	fprintf(stderr, "stamper: %s: %s\n", what, strerror(errno));
	return 1;
}

/* What agent/meter/stamps.c does, as far as the client looks. */
static int open_ring(void)
{
	size_t size = assay_stamp_bytes(CAPACITY);
	int fd = memfd_create("bench", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)size) < 0)
		return -1;
	struct assay_stamp_ring *ring = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		return -1;
	memset(ring, 0, size);
	ring->magic = ASSAY_STAMP_MAGIC;
	ring->version = ASSAY_STAMP_VERSION;
	ring->capacity = CAPACITY;
	ring->record_size = sizeof(struct assay_stamp_record);
	ring->names_size = sizeof(ring->names);
	return assay_stamp_map(fd);
}

static uint64_t twenty_into_ring(void)
{
	uint64_t begun_ns = clock_raw_ns();
	for (uint32_t i = 1; i <= STAMPS; i++)
		assay_stamp(i);
	return clock_raw_ns() - begun_ns;
}

static uint64_t twenty_times(void)
{
	volatile uint64_t read_ns;
	uint64_t begun_ns = clock_raw_ns();
	for (int i = 0; i < STAMPS; i++)
		read_ns = assay_stamp_now_ns();
	(void)read_ns;
	return clock_raw_ns() - begun_ns;
}

/* 0: a write failed. */
static uint64_t twenty_lines(int fd)
{
	static const char id[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	char line[200];
	uint64_t begun_ns = clock_raw_ns();
	for (int i = 1; i <= STAMPS; i++) {
		int n = snprintf(line, sizeof(line),
				 "{\"id\":\"%s\",\"ts\":\"TS%02d\",\"t\":%llu}\n", id, i,
				 (unsigned long long)clock_raw_ns());
		if (write(fd, line, (size_t)n) != n)
			return 0;
	}
	return clock_raw_ns() - begun_ns;
}

int main(int argc, char **argv)
{
	int rounds = argc == 3 ? atoi(argv[1]) : 0;
	if (rounds < 1 || rounds > ROUNDS_MAX)
		return fprintf(stderr, "usage: stamper ROUNDS FILE\n"), 2;
	int fd = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return fail(argv[2]);
	if (open_ring() < 0)
		return fail("make a ring");
	for (int i = 0; i < rounds; i++) {
		uint64_t ring_ns = twenty_into_ring(), json_ns = twenty_lines(fd);
		if (!json_ns)
			return fail("write a line");
		printf("%llu %llu %llu\n", (unsigned long long)ring_ns, (unsigned long long)json_ns,
		       (unsigned long long)twenty_times());
	}
	return 0;
}
