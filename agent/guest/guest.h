// SPDX-License-Identifier: GPL-3.0-or-later
/* guest - one thing that is launched and measured: a process, a VM, a unikernel.
 *
 * Life: prepare -> (counters are opened on guest->pid) -> start -> pin -> go -> ... -> stop ->
 * destroy. prepare makes a gated process: it exists, and has not exec'd. start opens the gate and
 * returns with the guest held just before its first instruction (for a process: nothing has
 * happened yet, its gate opens in go). Waiting functions give up at their deadline or when
 * cancel_fd is readable, with -ETIMEDOUT or -ECANCELED. */
#ifndef ASSAY_GUEST_GUEST_H
#define ASSAY_GUEST_GUEST_H

#include <sys/types.h>

#include "proto/base/sysfs.h"
#include "proto/measure/host.h"
#include "proto/measure/result.h"

struct keeper;
struct child;
struct guest;

/* CPUs as a list of numbers; none: wherever the kernel puts it. */
struct cpu_list {
	const int *cpus;
	size_t n;
};

struct guest_place {
	struct cpu_list guest; /* vCPU threads 1:1, or the process itself */
	struct cpu_list vmm;   /* all other threads of a VMM */
};

struct guest_wait {
	uint64_t deadline_ns; /* CLOCK_MONOTONIC */
	int cancel_fd;	      /* borrowed; -1: none */
};

/* What prepare is given; all borrowed, outlives the guest. */
struct guest_env {
	struct keeper *keeper;
	const struct host_root *root;
	const char *folder; /* this run's own, empty at first, removed after it */
	int console_fd;	    /* the guest's stdout / serial line goes here */
	int stderr_fd;
	struct guest_place place;
	const int *stamps_fd; /* a ring to hand to the guest, if the driver can; NULL: none */
};

struct guest_exit {
	bool known; /* it was reaped; what follows is true */
	int code;   /* 0..255, meaningful where signal is 0 */
	int signal; /* 0: exited by itself */
	uint64_t max_rss_bytes;
};

enum guest_news {
	GUEST_GOES_ON,
	GUEST_HALTED, /* it is there, and will never go on by itself: a VM that its VMM stopped */
	GUEST_SILENT, /* nothing more will be said */
};

/* All but the marked are required. */
struct guest_driver {
	const char *name;  /* as recipes write it */
	bool takes_stamps; /* optional: guests get stamps_fd */
	/* Can this host run such guests? Adds capabilities and version facts. */
	void (*probe)(const struct host_root *root, struct host_info *info);
	/* Does the spec have what this driver needs, and nothing that it would ignore? No host is
	 * touched; one sentence names the key. */
	int (*check)(const struct guest_spec *spec, struct err *err);
	int (*prepare)(const struct guest_env *env, const struct run_spec *spec, struct guest **ret,
		       struct err *err);
	int (*start)(struct guest *guest, const struct guest_wait *wait, struct err *err);
	/* Optional: threads to their CPUs, verified; the guest is held. What could not be placed
	 * is the reason "not-pinned", FLAGGED, and no error. */
	int (*pin)(struct guest *guest, struct err *err);
	int (*go)(struct guest *guest, struct err *err);
	/* Optional; where it is, event_fd is: takes in what the VMM says, without waiting. */
	enum guest_news (*listen)(struct guest *guest);
	/* Asks, waits a little, insists. The guest may be gone already. Afterwards facts and
	 * reasons also say how it ended (a VM: "vmm.shutdown", "guest-panic"). */
	void (*stop)(struct guest *guest, uint64_t grace_ns);
	/* Ends whatever is left of its process tree, reaps, removes what prepare made. NULL is
	 * fine. ret may be NULL. */
	void (*destroy)(struct guest *guest, struct guest_exit *ret);
};

/* Base of every driver's own struct, first member. */
struct guest {
	const struct guest_driver *driver;
	pid_t pid;	       /* what counters attach to: gated after prepare */
	int exit_fd;	       /* pidfd of pid; owned by the driver */
	int event_fd;	       /* readable: listen(); owned by the driver; -1: it never speaks */
	struct fact facts[16]; /* "accelerator" "tcg", "vmm.version" ...: true after start */
	size_t n_facts;
	struct reason reasons[4]; /* flags the driver raises, e.g. could not pin */
	size_t n_reasons;
};

extern const struct guest_driver guest_process, guest_qemu, guest_fake;

/* NULL-ended, in order of preference. */
extern const struct guest_driver *const guest_drivers[];
int guest_drivers_check(struct err *err); /* proves the table at start */
int guest_driver_find(const char *name, const struct guest_driver **ret, struct err *err);

/* For drivers. What does not fit is dropped, but never an INVALID reason for a FLAGGED one. */
void guest_fact(struct guest *guest, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void guest_reason(struct guest *guest, enum verdict level, const char *code, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

#endif
