// SPDX-License-Identifier: GPL-3.0-or-later
/* preflight - could this host do that run? Asked once a guest before a campaign begins, so that
 * a night is not spent on a typing error.
 *
 * It also finds out which accelerator works for the guest. That /dev/kvm exists proves nothing
 * (some hypervisors hang stock kernels under it): the guest itself is booted under KVM with a
 * short limit, until its first mark, and the answer is remembered by kernel, VMM and images. */
#ifndef ASSAY_AGENT_PREFLIGHT_H
#define ASSAY_AGENT_PREFLIGHT_H

#include "agent/run.h"

/* spec->guest.accel "auto" asks which; another is tried and refused in words if it cannot be.
 * Fills accel, cpu and problems; never fails as a whole. */
void preflight(const struct run_env *env, const struct run_spec *spec,
	       struct msg_preflight_reply *reply);

#endif
