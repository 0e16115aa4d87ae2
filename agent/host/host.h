// SPDX-License-Identifier: GPL-3.0-or-later
/* host - the machine that an agent takes over: what it is, where runs are placed on it, and
 * whether it is quiet. Reads files under a root; tests hand it a captured host. */
#ifndef ASSAY_HOST_HOST_H
#define ASSAY_HOST_HOST_H

#include "proto/base/sysfs.h"
#include "proto/measure/host.h"
#include "proto/measure/result.h"

/* Name, fingerprint, facts: CPU, microcode, kernel, command line, clocksource, memory,
 * virtualisation, cpufreq driver, NUMA, SMT. A fact that cannot be read is left out. */
int host_facts(const struct host_root *root, struct host_info *ret, struct err *err);

/* CPUs for a run; arrays owned by the place. */
struct place {
	int *guest;
	size_t n_guest;
	int *vmm;
	size_t n_vmm;
	int *housekeeping; /* for the agent's own threads */
	size_t n_housekeeping;
	bool shared;   /* the host is too small for a housekeeping CPU of its own */
	char why[400]; /* how it was chosen, for people */
};

/* Whole physical cores: guest_cores for the guest, siblings left empty, then the VMM's, the rest
 * is housekeeping. CPU 0's core is the last to be given to a guest. Asking for more than there is
 * is -ENOSPC with what there is. Nothing asked: empty lists, everything stays where it is. */
int host_place(const struct host_root *root, const struct place_spec *spec, struct place *ret,
	       struct err *err);
void place_done(struct place *place);

/* Waits until the machine's busy share is at or under spec->busy_pct over 1 s, or gives up after
 * spec->wait_ns: then the attempt is flagged ("not-quiet"). The report goes to the attempt's
 * facts. cancel_fd readable: -ECANCELED. */
int host_quiet(const struct host_root *root, const struct quiet_spec *spec, int cancel_fd,
	       struct attempt *attempt, struct err *err);

/* Taken before and after a run; differences that disturb it become reasons and facts: steal,
 * swap, a wall clock that jumped, CPU time of others. */
struct host_snapshot {
	struct clock_bracket clocks;
	uint64_t cpu_total_ticks, cpu_idle_ticks, cpu_steal_ticks;
	uint64_t swap_in_pages, swap_out_pages;
	bool have_stat, have_vmstat;
};
void host_snapshot(const struct host_root *root, struct host_snapshot *ret);
void host_compare(const struct host_snapshot *before, const struct host_snapshot *after,
		  struct attempt *attempt);

#endif
