// SPDX-License-Identifier: GPL-3.0-or-later
/* keeper_sweep - what is left of a former agent of the same tag, when its keeper was killed too.
 *
 * Found by the tag in its environment. Neither we, nor what we descend from, nor what descends from
 * us is a leftover. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "agent/guest/deadline.h"
#include "agent/guest/keeper.h"
#include "agent/guest/keeper_proto.h"
#include "agent/guest/procs.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"

/* Each round ends all that it sees; what forks meanwhile is for the next. */
enum { ROUNDS = 100, ROUND_NS = 2000000 };

static bool is_family(const struct procs *procs, const struct proc *p)
{
	const struct proc *self = procs_find(procs, getpid());
	return procs_descends(procs, p, getpid()) || (self && procs_descends(procs, self, p->pid));
}

/* How many it sent SIGKILL for the first time; *ret_left: how many were there. */
static int sweep_round(const char *tag_env, struct proc **seen, size_t *n_seen, int *ret_left)
{
	struct procs procs;
	int left = 0;
	size_t before = *n_seen;
	procs_read(&procs);
	for (size_t i = 0; i < procs.n; i++) {
		const struct proc *p = &procs.rows[i];
		bool known = false;
		if (is_family(&procs, p) || !proc_has_env(p->pid, tag_env) ||
		    proc_signal(p, SIGKILL) < 0)
			continue;
		left++;
		for (size_t j = 0; j < *n_seen; j++)
			known |= (*seen)[j].pid == p->pid &&
				 (*seen)[j].start_ticks == p->start_ticks;
		if (!known)
			*ARRAY_PUSH(*seen, *n_seen) = *p;
	}
	procs_done(&procs);
	*ret_left = left;
	return (int)(*n_seen - before);
}

int keeper_sweep(const char *agent_tag)
{
	char tag_env[16 + KEEPER_TAG_SIZE];
	autofree struct proc *seen = NULL;
	size_t n_seen = 0;
	int left = 1, ended = 0;
	int n = snprintf(tag_env, sizeof(tag_env), "ASSAY_AGENT=%s", agent_tag);
	if (!*agent_tag || n < 0 || (size_t)n >= sizeof(tag_env))
		return 0; /* no keeper could have had it */
	for (int round = 0; round < ROUNDS && left; round++) {
		ended += sweep_round(tag_env, &seen, &n_seen, &left);
		if (left)
			deadline_pause(ROUND_NS);
	}
	return ended;
}
