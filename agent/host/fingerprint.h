// SPDX-License-Identifier: GPL-3.0-or-later
/* fingerprint - one hash that tells machines apart.
 *
 * SHA-256 over lines "kind=value": machine-id, the DMI UUID and serials where they can be read
 * (root only), the permanent MAC addresses of devices in ascending order, the CPU's model. Machines
 * installed from one image share the machine-id and often the model; one differing hardware id is
 * enough to tell them apart. It stays the same over reboots and kernels, and changes when the
 * machine is installed anew or a network card is replaced. The ids themselves leave the host in
 * no other form. */
#ifndef ASSAY_HOST_FINGERPRINT_H
#define ASSAY_HOST_FINGERPRINT_H

#include "proto/base/hash.h"
#include "proto/base/sysfs.h"

/* cpu_model may be NULL. ret_sources: what it was made of, for people: "machine-id, 2 mac". */
void fingerprint_make(const struct host_root *root, const char *cpu_model, char ret[HASH_HEX_SIZE],
		      char *ret_sources, size_t sources_size);

#endif
