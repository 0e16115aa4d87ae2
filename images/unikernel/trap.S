/* SPDX-License-Identifier: GPL-3.0-or-later */
/* trap - the way into ring 0 and out of it.
 *
 * One stub for each exception; all make the same struct trap_frame (trap.h) and go to trap_handle().
 * Interrupts stay masked, so there are no other vectors. */
#include "images/unikernel/layout.h"

#define RFLAGS_RESERVED 0x2 /* always one; interrupts masked, no port access from ring 3 */

	.text
	.code64

	/* Vectors 8, 10-14, 17, 21, 29 and 30 push an error code (AMD APM volume 2, table 8-1). */
	.set	vector, 0
	.rept	32
	.balign	16
	.if	vector == 0
	.globl	trap_stubs
trap_stubs:
	.endif
	.if	!((0x60227d00 >> vector) & 1)
	pushq	$0
	.endif
	pushq	$vector
	jmp	trap_common
	.set	vector, vector + 1
	.endr

trap_common:
	pushq	%rax
	pushq	%rbx
	pushq	%rcx
	pushq	%rdx
	pushq	%rsi
	pushq	%rdi
	pushq	%rbp
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	cld
	movq	%rsp, %rdi
	call	trap_handle
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rbp
	popq	%rdi
	popq	%rsi
	popq	%rdx
	popq	%rcx
	popq	%rbx
	popq	%rax
	addq	$16, %rsp	/* vector and error code */
	iretq

	/* void trap_enter_user(void (*start)(void)), does not return. */
	.globl	trap_enter_user
trap_enter_user:
	pushq	$USER_DATA
	pushq	$user_stack_top
	pushq	$RFLAGS_RESERVED
	pushq	$USER_CODE
	pushq	%rdi
	iretq

	.section .note.GNU-stack, "", @progbits
