// SPDX-License-Identifier: GPL-3.0-or-later
/* gated - a guest made by the test itself: a process that waits at a gate, then executes this same
 * test program as `--guest WHAT NUMBER`. Programs that use it start main() with gated_main(). */
#ifndef ASSAY_TEST_GATED_H
#define ASSAY_TEST_GATED_H

#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct gated {
	pid_t pid;
	int gate_fd;
	int exit_fd;
};

static inline uint64_t gated_cpu_ns(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline void gated_spin_ms(uint64_t ms)
{
	uint64_t end_ns = gated_cpu_ns() + ms * 1000000u;
	while (gated_cpu_ns() < end_ns)
		;
}

static inline void gated_sleep_us(uint64_t us)
{
	struct timespec ts = {.tv_sec = (time_t)(us / 1000000),
			      .tv_nsec = (long)(us % 1000000 * 1000)};
	nanosleep(&ts, NULL);
}

static inline void gated_say(const char *s)
{
	size_t size = strlen(s);
	while (size) {
		ssize_t n = write(1, s, size);
		if (n <= 0)
			_exit(9);
		s += n;
		size -= (size_t)n;
	}
}

static inline char *gated_room(size_t pages)
{
	size_t size = pages * 4096;
	char *room = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (room == MAP_FAILED)
		_exit(8);
	madvise(room, size, MADV_NOHUGEPAGE);
	return room;
}

/* Without ASan: its shadow of the room would fault in one page more for each eight. */
__attribute__((no_sanitize("address"))) static inline void gated_touch(char *room, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		((volatile char *)room)[i * 4096] = 1;
}

/* In a process before its exec: dies with the test, waits, becomes the guest. */
static inline void gated_become(int gate_fd, int console_fd, int stderr_fd, char *const *argv)
{
	char go;
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
	dup2(console_fd, 1);
	dup2(stderr_fd, 2);
	if (read(gate_fd, &go, 1) != 1)
		_exit(7);
	execv("/proc/self/exe", argv);
	_exit(6);
}

static inline struct gated gated_start(int console_fd, int stderr_fd, const char *what,
				       uint64_t number)
{
	int gate[2];
	char text[32];
	struct gated g = {0};
	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	char program[] = "guest", flag[] = "--guest";
	char *argv[] = {program, flag, strdup(what), text, NULL};
	if (pipe2(gate, O_CLOEXEC) < 0)
		abort();
	g.pid = fork();
	if (g.pid == 0)
		gated_become(gate[0], console_fd, stderr_fd, argv);
	free(argv[2]);
	close(gate[0]);
	g.gate_fd = gate[1];
	g.exit_fd = (int)syscall(SYS_pidfd_open, g.pid, 0);
	return g;
}

static inline void gated_go(struct gated *g)
{
	if (write(g->gate_fd, "g", 1) != 1)
		abort();
	close(g->gate_fd);
	g->gate_fd = -1;
}

static inline void gated_end(struct gated *g, struct rusage *ret)
{
	int status;
	struct rusage unused;
	kill(g->pid, SIGKILL);
	wait4(g->pid, &status, 0, ret ? ret : &unused);
	if (g->gate_fd >= 0)
		close(g->gate_fd);
	close(g->exit_fd);
}

#endif
