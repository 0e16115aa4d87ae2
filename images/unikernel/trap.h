// SPDX-License-Identifier: GPL-3.0-or-later
/* trap - exceptions: system calls of the workload, and faults. */
#pragma once

#include <stdint.h>

/* As trap.S and the CPU push it, from the lowest address. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector;
	uint64_t error_code; /* 0 for vectors without one */
	uint64_t rip, cs, rflags, rsp, ss;
};

/* Load the task state and the interrupt table. */
void trap_init(void);

/* Called by trap.S for every exception. Returns to the interrupted code. */
void trap_handle(struct trap_frame *f);

/* Leave ring 0 for good, but for exceptions. */
_Noreturn void trap_enter_user(void (*start)(void));
