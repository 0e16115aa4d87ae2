/* SPDX-License-Identifier: GPL-3.0-or-later */
/* multiboot - the header of Multiboot 0.6.96, section 3.1, within the first 8 KiB of the file.
 *
 * Linked into the 32-bit copy of the image only: QEMU takes any file with this header for multiboot,
 * and then refuses a 64-bit ELF. */
#define HEADER_MAGIC 0x1badb002
#define HEADER_FLAGS 0x00000003 /* align modules, tell us the memory */

	.section .multiboot, "a"
	.balign	4
	.long	HEADER_MAGIC, HEADER_FLAGS, -(HEADER_MAGIC + HEADER_FLAGS)

	.section .note.GNU-stack, "", @progbits
