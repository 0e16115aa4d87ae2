// SPDX-License-Identifier: GPL-3.0-or-later
/* virtual - whether the host is itself a guest, and how its kernel defends itself. */
#ifndef ASSAY_HOST_VIRTUAL_H
#define ASSAY_HOST_VIRTUAL_H

#include "proto/base/sysfs.h"
#include "proto/measure/host.h"

/* Adds "virtualisation": "none", the hypervisor's name, or "unknown" for one without a name; left
 * out where the CPU does not tell (arm64) and nothing else does. Adds "mitigation.<name>" for each
 * file of cpu/vulnerabilities. Facts of the CPU and of DMI must be there already. */
void virtual_facts(const struct host_root *root, struct host_info *info);

#endif
