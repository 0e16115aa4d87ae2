// SPDX-License-Identifier: GPL-3.0-or-later
/* boot_sector - the smallest VM guest there is: a disk whose first sector prints on COM1, then does
 * one more thing. Made from bytes here, so that no test needs an image. x86 real mode. */
#ifndef ASSAY_TESTS_BOOT_SECTOR_H
#define ASSAY_TESTS_BOOT_SECTOR_H

#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum boot_end {
	BOOT_HANG,  /* cli; hlt */
	BOOT_EXIT,  /* 0x10 to port 0xf4: with isa-debug-exit there, status 33 */
	BOOT_PANIC, /* 1 to port 0x505, where pvpanic is */
	BOOT_RESET, /* pulls the CPU's reset line by the keyboard controller */
	BOOT_WRITE, /* overwrites its own sector 1 of the first disk, then as EXIT */
};

/* SeaBIOS boots an AHCI disk of less than a track's size badly. */
enum { BOOT_DISK_BYTES = 1 << 20 };

/* Appends bytes; returns where the next ones go. */
static inline uint8_t *boot_put(uint8_t *p, const void *bytes, size_t size)
{
	memcpy(p, bytes, size);
	return p + size;
}

/* Writes the disk; what it prints is `text`, up to 100 characters. 0, or -1. */
static inline int boot_disk_make(const char *path, const char *text, enum boot_end end)
{
	static const uint8_t com1[] = {0xba, 0xf8, 0x03};		     /* mov dx, 0x3f8 */
	static const uint8_t leave[] = {0xba, 0xf4, 0x00, 0xb0, 0x10, 0xee}; /* out 0xf4, 0x10 */
	static const uint8_t panic[] = {0xba, 0x05, 0x05, 0xb0, 0x01, 0xee}; /* out 0x505, 1 */
	static const uint8_t reset[] = {0xb0, 0xfe, 0xe6, 0x64};	     /* out 0x64, 0xfe */
	static const uint8_t store[] = {
		0x31, 0xc0, 0x8e, 0xc0,	      /* es = 0 */
		0xbb, 0x00, 0x7c,	      /* bx = 0x7c00: this sector's own copy */
		0xb8, 0x01, 0x03,	      /* write one sector */
		0xb9, 0x02, 0x00, 0x30, 0xf6, /* cylinder 0, sector 2, head 0 */
		0xcd, 0x13,		      /* of the disk in dl */
	};
	static const uint8_t halt[] = {0xfa, 0xf4, 0xeb, 0xfd}; /* cli; hlt; jmp */
	uint8_t sector[512] = {0}, *p = sector;
	if (end == BOOT_WRITE)
		p = boot_put(p, store, sizeof(store));
	p = boot_put(p, com1, sizeof(com1));
	for (; *text && p < sector + 400; text++) {
		const uint8_t print[] = {0xb0, (uint8_t)*text, 0xee}; /* out dx, *text */
		p = boot_put(p, print, sizeof(print));
	}
	if (end == BOOT_EXIT || end == BOOT_WRITE)
		p = boot_put(p, leave, sizeof(leave));
	if (end == BOOT_PANIC)
		p = boot_put(p, panic, sizeof(panic));
	if (end == BOOT_RESET)
		p = boot_put(p, reset, sizeof(reset));
	boot_put(p, halt, sizeof(halt));
	sector[510] = 0x55;
	sector[511] = 0xaa;
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	int r = write(fd, sector, sizeof(sector)) == sizeof(sector) &&
				ftruncate(fd, BOOT_DISK_BYTES) == 0
			? 0
			: -1;
	close(fd);
	return r;
}

#endif
