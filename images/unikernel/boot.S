/* SPDX-License-Identifier: GPL-3.0-or-later */
/* boot - from the loader's 32-bit protected mode to kernel_main() in long mode.
 *
 * Entered by PVH (Xen docs/misc/pvh.pandoc: ebx points to hvm_start_info) and by multiboot 1 (eax is
 * its magic, ebx points to multiboot_info). The first page tables are laid out by the assembler and
 * map 4 GiB as they are, so that hardly an instruction runs here: under a KVM that interprets ring 0
 * each one costs microseconds. paging.c tightens them. */
#include "images/unikernel/layout.h"

#define CR0_PROTECTION     0x00000001
#define CR0_WRITE_PROTECT  0x00010000 /* ring 0 too respects read-only pages */
#define CR0_PAGING         0x80000000
#define CR4_PAE            0x20
#define MSR_EFER           0xc0000080
#define EFER_LONG_MODE     0x100
#define EFER_NO_EXECUTE    0x800
#define TABLE_BITS         (PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER)
#define XEN_ELFNOTE_PHYS32_ENTRY 18

	.section .note.Xen, "a", @note
	.balign	4
	.long	4, 8, XEN_ELFNOTE_PHYS32_ENTRY
	.asciz	"Xen"
	.quad	_start

	.section .text.boot, "ax"
	.code32
	.globl	_start
_start:
	cli
	cld
	movl	$kernel_stack_top, %esp
	movl	%eax, %edi
	movl	%ebx, %esi
	movl	$page_map, %eax
	movl	%eax, %cr3
	movl	$CR4_PAE, %eax
	movl	%eax, %cr4
	movl	$MSR_EFER, %ecx
	rdmsr
	orl	$(EFER_LONG_MODE | EFER_NO_EXECUTE), %eax
	wrmsr
	movl	%cr0, %eax
	orl	$(CR0_PAGING | CR0_WRITE_PROTECT | CR0_PROTECTION), %eax
	movl	%eax, %cr0
	lgdt	descriptor_pointer
	ljmp	$KERNEL_CODE, $long_mode

	.code64
long_mode:
	movl	$KERNEL_DATA, %eax
	movl	%eax, %ds
	movl	%eax, %es
	movl	%eax, %fs
	movl	%eax, %gs
	movl	%eax, %ss
	movl	%edi, %edi	/* the upper halves are undefined until now */
	movl	%esi, %esi
	call	kernel_main
1:	hlt
	jmp	1b

	.section .data
	.balign	8
	.globl	descriptors
descriptors:
	.quad	0
	.quad	0x00af9a000000ffff	/* KERNEL_CODE */
	.quad	0x00cf92000000ffff	/* KERNEL_DATA */
	.quad	0x00cff2000000ffff	/* USER_DATA */
	.quad	0x00affa000000ffff	/* USER_CODE */
	.quad	0, 0			/* TASK_STATE, filled in by trap.c */
descriptor_pointer:
	.word	descriptor_pointer - descriptors - 1
	.long	descriptors

	.balign	PAGE_SIZE
page_map:
	.quad	page_directory_pointers + TABLE_BITS
	.fill	511, 8, 0
page_directory_pointers:
	.quad	large_pages + 0 * PAGE_SIZE + TABLE_BITS
	.quad	large_pages + 1 * PAGE_SIZE + TABLE_BITS
	.quad	large_pages + 2 * PAGE_SIZE + TABLE_BITS
	.quad	large_pages + 3 * PAGE_SIZE + TABLE_BITS
	.fill	508, 8, 0
	.globl	large_pages
large_pages:
	.set	page, 0
	.rept	LARGE_PAGES
	.quad	page + (PAGE_LARGE | PAGE_WRITABLE | PAGE_PRESENT)
	.set	page, page + LARGE_PAGE
	.endr

	.section .note.GNU-stack, "", @progbits
