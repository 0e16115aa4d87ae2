// SPDX-License-Identifier: GPL-3.0-or-later
/* accel - which accelerator, and which CPU model under it, a VM really boots with on this host. */
#ifndef ASSAY_AGENT_ACCEL_H
#define ASSAY_AGENT_ACCEL_H

#include "agent/run.h"

struct accel_answer {
	bool works;	     /* the guest boots under KVM */
	char cpu[NAME_SIZE]; /* with this -cpu */
	char why[400];	     /* not: what was tried and what came of it */
};

/* Boots spec's guest under KVM, or remembers. -ECANCELED is the only failure. */
int accel_probe_kvm(const struct run_env *env, const struct run_spec *spec,
		    struct accel_answer *ret, struct err *err);

#endif
