// SPDX-License-Identifier: GPL-3.0-or-later
/* console - output on the first serial port, for the kernel and, through it, the workload. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void console_init(void);

/* "\n" becomes "\r\n". Returns although nobody may be reading: a port that is never ready loses
 * what was written. */
void console_write(const char *bytes, size_t len);

void console_print(const char *string);
void console_print_hex(uint64_t value); /* with 0x */
void console_print_uint(uint64_t value);

/* Wait until the last byte has left. */
void console_drain(void);
