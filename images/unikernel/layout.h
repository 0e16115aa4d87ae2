/* SPDX-License-Identifier: GPL-3.0-or-later */
/* layout - numbers that assembly, C and linker script of the unikernel must agree on. */
#ifndef UNIKERNEL_LAYOUT_H
#define UNIKERNEL_LAYOUT_H

#define IMAGE_START  0x100000 /* where every boot protocol has RAM */
#define IMAGE_LIMIT  0x200000 /* one page table maps the image page by page */
#define PAGE_SIZE    0x1000
#define LARGE_PAGE   0x200000
#define LARGE_PAGES  2048 /* 4 GiB */
#define KERNEL_STACK 0x4000
#define FAULT_STACK  0x2000
#define USER_STACK   0x40000

/* Selectors of the table in boot.S. Ring-3 ones carry their privilege level. */
#define KERNEL_CODE 0x08
#define KERNEL_DATA 0x10
#define USER_DATA   0x1b
#define USER_CODE   0x23
#define TASK_STATE  0x28

/* Page table bits: Intel SDM volume 3A, section 4.5. */
#define PAGE_PRESENT  0x1
#define PAGE_WRITABLE 0x2
#define PAGE_USER     0x4
#define PAGE_LARGE    0x80

/* A system call is the one ud2 in user.S, with this in r10, a number in rax, arguments in rdi and
 * rsi. Not int or syscall: a KVM that interprets ring 0 delivers int 0x80 from ring 3 as an invalid
 * opcode, and ud2 arrives as one everywhere. */
#define SYSTEM_CALL_MAGIC 0x61737361792d7563 /* "assay-uc" */
#define SYSTEM_CALL_WRITE 1		     /* bytes, length; returns how many were written */
#define SYSTEM_CALL_EXIT  2		     /* status; does not return */

#endif
