/* SPDX-License-Identifier: GPL-3.0-or-later */
/* user - the two ends of ring 3: where it starts, and the one instruction that asks ring 0. */
#include "images/unikernel/layout.h"

	.text
	.code64

	/* The stack pointer is the top of the stack, a multiple of 16. */
	.globl	user_start
user_start:
	xorl	%ebp, %ebp
	call	user_main	/* does not return */
	ud2

	/* uint64_t user_call(uint64_t number, uint64_t first, uint64_t second) */
	.globl	user_call, user_call_instruction
user_call:
	movq	%rdi, %rax
	movq	%rsi, %rdi
	movq	%rdx, %rsi
	movabsq	$SYSTEM_CALL_MAGIC, %r10
user_call_instruction:
	ud2
	ret

	.section .note.GNU-stack, "", @progbits
