// SPDX-License-Identifier: GPL-3.0-or-later
/* procs - the processes of this machine at (about) one instant: who descends from whom.
 *
 * Trap: /proc is read one process after the other. One that is forked or given a new parent
 * meanwhile can be missed, so nobody may conclude "none left" from a single look. */
#ifndef ASSAY_GUEST_PROCS_H
#define ASSAY_GUEST_PROCS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct proc {
	pid_t pid, parent, group, session;
	unsigned long long start_ticks; /* with pid: who it is, also after numbers are reused */
	char state;			/* 'R' 'S' 'D' 'Z' ... */
};

struct procs {
	struct proc *rows; /* owned, sorted by pid */
	size_t n;
};

void procs_read(struct procs *ret); /* what cannot be read is left out */
void procs_done(struct procs *procs);

const struct proc *procs_find(const struct procs *procs, pid_t pid); /* NULL: not there */
bool proc_read(pid_t pid, struct proc *ret);
/* Does the chain of its parents, itself included, reach that process? */
bool procs_descends(const struct procs *procs, const struct proc *p, pid_t from);

/* Has its environment, as it was at exec, exactly this "NAME=value"? False for zombies and for
 * what may not be read. */
bool proc_has_env(pid_t pid, const char *name_value);

/* A signal to exactly this process: not to another that has got its number since. Returns 0, or
 * -errno (-ESRCH: gone). */
int proc_signal(const struct proc *p, int signal);

#endif
