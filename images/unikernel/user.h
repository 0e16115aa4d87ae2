// SPDX-License-Identifier: GPL-3.0-or-later
/* user - the ring-3 side of the border, as the kernel sees it. */
#pragma once

#include <stdint.h>

#include "images/unikernel/workload.h"

#define USER_COMMAND_LINE_MAX 2048 /* as Linux has it on x86 */

/* Filled in by the kernel before it leaves ring 0. */
extern struct workload user_workload;
extern char user_command_line[USER_COMMAND_LINE_MAX];

/* user.S */
void user_start(void);
uint64_t user_call(uint64_t number, uint64_t first, uint64_t second);
extern const uint8_t user_call_instruction[];
