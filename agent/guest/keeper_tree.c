// SPDX-License-Identifier: GPL-3.0-or-later
/* keeper_tree - who belongs to whom, without cgroups.
 *
 * All that guests start descends from the keeper, which adopts what its parents left behind. With
 * one guest at a time that settles it. With several, a process belongs to the guest whose session
 * or group it is in, or was an ancestor's, or whose label it carries in its environment. One that
 * left its session, lost its parents and wiped its environment belongs to nobody we can name: it
 * ends with the last guest that could have started it.
 *
 * "None left" is sure where wait(2) says that the keeper has no child at all. */
#include "agent/guest/keeper_tree.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"

struct ward *wards_find(struct wards *wards, uint32_t id)
{
	for (size_t i = 0; i < wards->n; i++)
		if (wards->rows[i].id == id)
			return &wards->rows[i];
	return NULL;
}

struct ward *wards_add(struct wards *wards, pid_t pid, uint32_t id)
{
	if (wards->n == KEEPER_CHILDREN)
		return NULL;
	struct ward *w = &wards->rows[wards->n++];
	*w = (struct ward){.id = id, .pid = pid};
	return w;
}

void wards_remove(struct wards *wards, struct ward *w)
{
	free(w->doomed);
	*w = wards->rows[--wards->n];
}

void ward_label(uint32_t id, char ret[32])
{
	/* Of one length: the size of the environment moves the stack, and with it the timing of
	 * some programs (Mytkowicz et al., ASPLOS 2009). */
	snprintf(ret, 32, "ASSAY_CHILD=%08x", id);
}

static bool is_doomed(const struct ward *w, pid_t pid)
{
	for (size_t i = 0; i < w->n_doomed; i++)
		if (w->doomed[i] == pid)
			return true;
	return false;
}

/* By itself, without its ancestors. */
static struct ward *owner_of_one(struct wards *wards, const struct proc *p)
{
	for (size_t i = 0; i < wards->n; i++) {
		struct ward *w = &wards->rows[i];
		if (p->pid == w->pid || p->session == w->pid || p->group == w->pid ||
		    is_doomed(w, p->pid))
			return w;
	}
	return NULL;
}

static struct ward *owner_by_label(struct wards *wards, const struct proc *p)
{
	char label[32];
	for (size_t i = 0; i < wards->n; i++) {
		ward_label(wards->rows[i].id, label);
		if (proc_has_env(p->pid, label))
			return &wards->rows[i];
	}
	return NULL;
}

/* NULL: not the keeper's, or nobody's that we can name. */
static struct ward *owner_of(struct wards *wards, const struct procs *procs, const struct proc *p)
{
	struct ward *w = NULL;
	if (p->pid == wards->keeper || !procs_descends(procs, p, wards->keeper))
		return NULL;
	if (wards->n == 1)
		return &wards->rows[0];
	for (const struct proc *a = p; !w && a && a->pid != wards->keeper;
	     a = procs_find(procs, a->parent))
		w = owner_of_one(wards, a);
	for (const struct proc *a = p; !w && a && a->pid != wards->keeper;
	     a = procs_find(procs, a->parent))
		w = owner_by_label(wards, a);
	return w;
}

static uint64_t ns_of(struct timeval t)
{
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_usec * NSEC_PER_USEC;
}

static void book(struct ward *w, const struct rusage *usage)
{
	uint64_t rss_bytes = (uint64_t)usage->ru_maxrss * 1024; /* KiB: getrusage(2) */
	if (rss_bytes > w->max_rss_bytes)
		w->max_rss_bytes = rss_bytes;
	w->user_ns += ns_of(usage->ru_utime);
	w->system_ns += ns_of(usage->ru_stime);
}

static void reap_one(struct wards *wards, pid_t pid)
{
	struct rusage usage;
	struct proc p;
	struct ward *w = NULL;
	int status;
	if (proc_read(pid, &p))
		w = owner_of_one(wards, &p);
	if (!w && wards->n == 1)
		w = &wards->rows[0];
	if (wait4(pid, &status, WNOHANG, &usage) != pid || !w)
		return;
	book(w, &usage);
	if (pid == w->pid) {
		w->exited = true;
		w->wait_status = status;
	}
}

void wards_reap(struct wards *wards)
{
	for (;;) {
		siginfo_t info = {0};
		/* Left a zombie for a moment: only a zombie can still say whose it was. */
		int r = waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT);
		if (r < 0 && errno == EINTR)
			continue;
		wards->childless = r < 0 && errno == ECHILD;
		if (r < 0 || info.si_pid == 0)
			return;
		reap_one(wards, info.si_pid);
	}
}

uint32_t ward_signal_tree(struct wards *wards, struct ward *w, int signal)
{
	struct procs procs;
	pid_t *doomed = NULL;
	size_t n = 0;
	procs_read(&procs);
	for (size_t i = 0; i < procs.n; i++) {
		if (owner_of(wards, &procs, &procs.rows[i]) != w)
			continue;
		*ARRAY_PUSH(doomed, n) = procs.rows[i].pid;
		proc_signal(&procs.rows[i], signal);
	}
	/* A group in one stroke, so that it cannot outrun us by forking. Not once its leader is
	 * reaped: the number could be another's by then. */
	if (!w->exited)
		kill(-w->pid, signal);
	free(w->doomed);
	w->doomed = doomed;
	w->n_doomed = n;
	procs_done(&procs);
	return (uint32_t)n;
}

void wards_kill_all(struct wards *wards)
{
	struct procs procs;
	procs_read(&procs);
	for (size_t i = 0; i < procs.n; i++)
		if (procs.rows[i].pid != wards->keeper &&
		    procs_descends(&procs, &procs.rows[i], wards->keeper))
			proc_signal(&procs.rows[i], SIGKILL);
	procs_done(&procs);
}
