// SPDX-License-Identifier: GPL-3.0-or-later
/* workload - what a program linked into the unikernel provides and may use.
 *
 * It runs in ring 3 with interrupts masked, on one CPU, with integer registers only (no SSE:
 * compile with -mgeneral-regs-only), on a stack of 256 KiB with an unmapped page below it. */
#pragma once

#include <stddef.h>

struct workload {
	const char *command_line; /* without the name of the image */
	void *memory;		  /* all of the RAM that is not the image; contents undefined */
	size_t memory_len;
};

/* To be provided. Other than 0 is reported on the console; then the machine is powered off. */
int workload_main(const struct workload *w);

/* Print on the console; "\n" becomes "\r\n". */
void workload_write(const char *bytes, size_t len);
