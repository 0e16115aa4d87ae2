// SPDX-License-Identifier: GPL-3.0-or-later
/* launch - what drivers of guests that are children of the keeper share. */
#ifndef ASSAY_GUEST_LAUNCH_H
#define ASSAY_GUEST_LAUNCH_H

#include "agent/guest/guest.h"
#include "agent/guest/keeper.h"

/* A clean environment: PATH of the agent, HOME and TMPDIR the run's folder, LANG=C.UTF-8,
 * TERM=dumb; then those of `more` ("NAME=value", NULL-ended), each in place of one of its name.
 * Owned by the caller. */
char **launch_env(const char *folder, char *const *more);

/* Puts "NAME=value" in place of the one of that name, or at the end. */
void launch_env_set(char ***env, const char *name_value);

/* Forks `guest` to its gate. pid and exit_fd are set. */
int launch_prepare(struct guest *guest, const struct guest_env *env, char *const *argv,
		   char *const *child_env, const int *more_fds, size_t n_more_fds,
		   struct child **ret, struct err *err);

/* SIGTERM to the group, grace_ns to end, then SIGKILL to the tree. */
void launch_stop(struct child *child, uint64_t grace_ns);

/* Kills the tree, reaps, frees the child (NULL is fine). ret may be NULL; it is untouched where
 * there was no exit to be had. */
void launch_end(struct child *child, struct guest_exit *ret);

/* Puts a thread on these CPUs and reads it back. Nothing asked: 0. */
int launch_pin(pid_t thread, const int *cpus, size_t n_cpus, struct err *err);

/* "NAME=value" with a name: 0, else the sentence says which is not. */
int launch_check_env(char *const *env, struct err *err);

#endif
