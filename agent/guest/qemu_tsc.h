// SPDX-License-Identifier: GPL-3.0-or-later
/* qemu_tsc - the one word that Linux needs on microvm under TCG.
 *
 * microvm has neither HPET nor ACPI PM timer, so Linux calibrates its TSC against the PIT; under
 * TCG on a busy host that fails ("could not calculate TSC khz") and the guest hangs at its first
 * delay. tsc_early_khz= tells it the frequency, which under TCG is the host's TSC's.
 * Source: Linux Documentation/admin-guide/kernel-parameters.txt, arch/x86/kernel/tsc.c. */
#ifndef ASSAY_GUEST_QEMU_TSC_H
#define ASSAY_GUEST_QEMU_TSC_H

#include "proto/measure/spec.h"

/* microvm, TCG on the host's clock, a Linux kernel, and not said already. */
bool qemu_tsc_is_needed(const struct guest_spec *spec);

/* Measured against CLOCK_MONOTONIC_RAW in about 10 ms; 0: this host has no TSC to be read. */
uint64_t qemu_tsc_host_khz(void);

#endif
