// SPDX-License-Identifier: GPL-3.0-or-later
/* qemu_probe - can this host run VMs with QEMU, and might it have KVM? */
#ifndef ASSAY_GUEST_QEMU_PROBE_H
#define ASSAY_GUEST_QEMU_PROBE_H

#include "proto/base/sysfs.h"
#include "proto/measure/host.h"

/* Capabilities "guest.qemu" and "kvm", fact "qemu.version". Nothing is remembered. */
void qemu_probe(const struct host_root *root, struct host_info *info);

#endif
