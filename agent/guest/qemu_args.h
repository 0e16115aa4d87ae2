// SPDX-License-Identifier: GPL-3.0-or-later
/* qemu_args - the command line of QEMU for a guest, and what is refused before there is one. */
#ifndef ASSAY_GUEST_QEMU_ARGS_H
#define ASSAY_GUEST_QEMU_ARGS_H

#include "proto/measure/spec.h"

/* Descriptor of the QMP socket in the child. */
enum { QEMU_QMP_FD = 3 };

/* As the driver's check(): one sentence names the key. */
int qemu_args_check(const struct guest_spec *spec, struct err *err);

/* -cpu as it will be: what the spec says, or what "auto" means under its accelerator. */
const char *qemu_args_cpu(const struct guest_spec *spec);

/* "microvm" also as "microvm,acpi=off". */
bool qemu_args_is_microvm(const struct guest_spec *spec);

/* argv, owned by the caller. append: in place of the spec's; NULL: none. -EINVAL where the spec
 * still leaves something open ("auto") or a file's path is not absolute. */
int qemu_args_build(const struct guest_spec *spec, const char *append, char ***ret,
		    struct err *err);

#endif
