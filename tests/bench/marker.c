// SPDX-License-Identifier: GPL-3.0-or-later
/* marker - a measured program that knows itself when its window was open.
 *
 *	marker CPU|- WAIT_MS FILE
 *
 * Pins itself to the CPU (-: stays where it is put), waits, writes BENCHMARK_START, makes one page
 * fault every 10 us for 300 ms, writes BENCHMARK_END, and leaves its record in FILE. Whoever
 * counted its page faults between the two lines can be told from the record how late they began:
 * if they saw the last C of N faults, they began at the fault N - C.
 *
 * FILE is what `od -An -v -w8 -t u8` shows: start_ns, end_ns (CLOCK_MONOTONIC_RAW, just before
 * each line is written), faults that were not made on purpose, N, and N times of faults in ns
 * since start_ns. The trap: FILE appears only when all is over, so a reader must wait for the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proto/base/clock.h"

#define FAULT_EVERY_NS (10 * NSEC_PER_USEC)
#define WINDOW_NS      (300 * NSEC_PER_MSEC)
/* After being off the CPU for longer, faults go on from now instead of in a burst. */
#define CATCH_UP_NS NSEC_PER_MSEC

enum {
	FAULTS_MAX = WINDOW_NS / FAULT_EVERY_NS + 1,
	PAGE_BYTES = 4096,
	LIFE_LIMIT_S = 20, /* nobody reads the other end of stdout: do not stay for ever */
};

struct record {
	uint64_t start_ns;
	uint64_t end_ns;
	uint64_t stray_faults;
	uint64_t n;
	uint64_t fault_ns[FAULTS_MAX];
};

static int fail(const char *what)
{
	fprintf(stderr, "marker: %s: %s\n", what, strerror(errno));
	return 1;
}

static bool pin(const char *cpu)
{
	cpu_set_t set;
	char *end;
	unsigned long number = strtoul(cpu, &end, 10);
	if (strcmp(cpu, "-") == 0)
		return true;
	errno = EINVAL;
	if (end == cpu || *end || number >= CPU_SETSIZE)
		return false;
	CPU_ZERO(&set);
	CPU_SET(number, &set);
	return sched_setaffinity(0, sizeof(set), &set) == 0;
}

/* Populated: touching it later is no fault. */
static void *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	return p == MAP_FAILED ? NULL : p;
}

static uint64_t faults_so_far(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt;
}

static bool say(const char *line)
{
	return write(STDOUT_FILENO, line, strlen(line)) == (ssize_t)strlen(line);
}

/* The page is given back and touched anew: one fault, whatever the kernel thinks of huge pages. */
static void make_faults(struct record *r, volatile char *page)
{
	uint64_t now_ns = clock_raw_ns(), due_ns = now_ns, stop_ns = r->start_ns + WINDOW_NS;
	for (; now_ns < stop_ns && r->n < FAULTS_MAX; now_ns = clock_raw_ns()) {
		if (now_ns < due_ns)
			continue;
		due_ns = (now_ns - due_ns > CATCH_UP_NS ? now_ns : due_ns) + FAULT_EVERY_NS;
		r->fault_ns[r->n++] = now_ns - r->start_ns;
		madvise((void *)(uintptr_t)page, PAGE_BYTES, MADV_DONTNEED);
		*page = 1;
	}
}

static bool open_window(struct record *r, volatile char *page)
{
	uint64_t before = faults_so_far();
	r->start_ns = clock_raw_ns();
	if (!say("BENCHMARK_START\n"))
		return false;
	make_faults(r, page);
	r->end_ns = clock_raw_ns();
	if (!say("BENCHMARK_END\n"))
		return false;
	r->stray_faults = faults_so_far() - before - r->n;
	return true;
}

static bool save(const struct record *r, int fd)
{
	size_t size = offsetof(struct record, fault_ns) + r->n * sizeof(r->fault_ns[0]);
	return write(fd, r, size) == (ssize_t)size;
}

int main(int argc, char **argv)
{
	if (argc != 4) {
		fputs("usage: marker CPU|- WAIT_MS FILE\n", stderr);
		return 2;
	}
	if (!pin(argv[1]))
		return fail(argv[1]);
	int fd = open(argv[3], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return fail(argv[3]);
	/* Pages of the program and its libraries; refused to some users, then they are stray. */
	mlockall(MCL_CURRENT);
	struct record *r = map(sizeof(*r));
	volatile char *page = map(PAGE_BYTES);
	if (!r || !page)
		return fail("mmap");
	alarm(LIFE_LIMIT_S);
	usleep((useconds_t)strtoul(argv[2], NULL, 10) * 1000);
	if (!open_window(r, page))
		return fail("stdout");
	return save(r, fd) ? 0 : fail(argv[3]);
}
