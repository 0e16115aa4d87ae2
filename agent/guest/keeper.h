// SPDX-License-Identifier: GPL-3.0-or-later
/* keeper - the small process that starts guests and sees to it that none outlives its agent.
 *
 * It is forked at the agent's very start, before there are threads, sockets or much memory, so
 * that forking a guest stays cheap whatever the agent grows to. It is the subreaper of every
 * guest: what a guest leaves behind becomes its child, so a whole tree can be ended. When the
 * agent dies, also by SIGKILL, the keeper's socket closes; it ends all guests and then itself. */
#ifndef ASSAY_GUEST_KEEPER_H
#define ASSAY_GUEST_KEEPER_H

#include <stdint.h>
#include <sys/types.h>

#include "proto/base/cleanup.h"
#include "proto/base/err.h"

struct keeper;
struct child;

/* Forks. Single-threaded callers only. agent_tag: put as ASSAY_AGENT=<tag> into every child's
 * environment, so that a later agent can find what even a killed keeper left (keeper_sweep). */
int keeper_start(const char *agent_tag, struct keeper **ret, struct err *err);
void keeper_stop(struct keeper *keeper); /* ends all children, then the keeper; NULL is fine */
CLEANUP_DEFINE(keeper, struct keeper *, keeper_stop)
pid_t keeper_pid(const struct keeper *keeper);

struct child_spec {
	const char *const *argv; /* argv[0] is searched in PATH of env; never a shell */
	const char *const *env;	 /* whole environment, NULL-ended; argv and env are at most
				    128 KiB together, else -E2BIG */
	const char *folder;	 /* working directory; NULL: as the agent's */
	int stdin_fd;		 /* -1: /dev/null */
	int stdout_fd;
	int stderr_fd;
	const int *cpus; /* affinity; n_cpus 0: all */
	size_t n_cpus;
	const int *more_fds; /* become 3, 4, ... in the child, in this order; borrowed */
	size_t n_more_fds;
};

/* Makes the child: it exists, has its descriptors, affinity and limits, and waits at its gate. */
int keeper_spawn(struct keeper *keeper, const struct child_spec *spec, struct child **ret,
		 struct err *err);
pid_t child_pid(const struct child *child);
int child_exit_fd(const struct child *child); /* pidfd, borrowed */

/* Opens the gate: the child execs. An exec that fails is an error that names argv[0]. */
int child_go(struct child *child, struct err *err);

struct child_status {
	int code, signal;
	uint64_t max_rss_bytes; /* largest of the reaped tree */
	uint64_t user_ns, system_ns;
};

/* SIGKILL to the child and everything that descends from it, until none is left. */
int child_kill_tree(struct child *child, struct err *err);
/* To the child's process group; a child that is gone is 0. */
int child_signal(struct child *child, int signal);
/* Reaped status; waits until deadline_ns (MONOTONIC). -ETIMEDOUT: still alive. */
int child_wait(struct child *child, uint64_t deadline_ns, struct child_status *ret,
	       struct err *err);
void child_free(struct child *child); /* kills the tree if it is still there; NULL is fine */
CLEANUP_DEFINE(child, struct child *, child_free)

/* Ends processes of a former agent of this tag whose keeper was killed too. Returns how many. */
int keeper_sweep(const char *agent_tag);

#endif
