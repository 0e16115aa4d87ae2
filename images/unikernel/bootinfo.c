// SPDX-License-Identifier: GPL-3.0-or-later
/* bootinfo - what the loader tells, in either of two protocols.
 *
 * Sources: Xen include/public/arch-x86/hvm/start_info.h; Multiboot 0.6.96, section 3.3. */
#include "images/unikernel/bootinfo.h"

#include <stdbool.h>

#include "images/unikernel/layout.h"

#define PVH_MAGIC	0x336ec578
#define MULTIBOOT_MAGIC 0x2badb002
#define TYPE_RAM	1 /* in both protocols, as in the BIOS call e820 */

struct pvh_info {
	uint32_t magic;
	uint32_t version; /* 1 and later have a memory map */
	uint32_t flags;
	uint32_t module_count;
	uint64_t modules;
	uint64_t command_line;
	uint64_t rsdp;
	uint64_t memory_map;
	uint32_t memory_map_entries;
	uint32_t reserved;
};

struct pvh_memory {
	uint64_t start;
	uint64_t len;
	uint32_t type;
	uint32_t reserved;
};

#define MULTIBOOT_HAS_COMMAND_LINE 0x04
#define MULTIBOOT_HAS_MEMORY_MAP   0x40

struct multiboot_info {
	uint32_t flags;
	uint32_t memory_lower;
	uint32_t memory_upper;
	uint32_t boot_device;
	uint32_t command_line;
	uint32_t modules[2];
	uint32_t symbols[4];
	uint32_t memory_map_len;
	uint32_t memory_map;
};

struct multiboot_memory {
	uint32_t size; /* of the rest */
	uint64_t start;
	uint64_t len;
	uint32_t type;
} __attribute__((packed));

/* Keep the range if it is the largest so far. */
static void consider(struct bootinfo *b, uint64_t start, uint64_t len, uint32_t type)
{
	const uint64_t limit = (uint64_t)LARGE_PAGES * LARGE_PAGE;
	uint64_t end = start + len;

	if (type != TYPE_RAM || end < start)
		return;
	if (start < IMAGE_LIMIT)
		start = IMAGE_LIMIT;
	start = (start + LARGE_PAGE - 1) & ~(uint64_t)(LARGE_PAGE - 1);
	if (end > limit)
		end = limit;
	end &= ~(uint64_t)(LARGE_PAGE - 1);
	if (end > start && end - start > b->memory_end - b->memory_start) {
		b->memory_start = start;
		b->memory_end = end;
	}
}

static const char *read_pvh(struct bootinfo *b, const struct pvh_info *info)
{
	const struct pvh_memory *m = (const struct pvh_memory *)info->memory_map;

	if (info->version < 1)
		return "the PVH loader gave no memory map";
	if (info->command_line)
		b->command_line = (const char *)info->command_line;
	for (uint32_t i = 0; i < info->memory_map_entries; i++)
		consider(b, m[i].start, m[i].len, m[i].type);
	return NULL;
}

/* Multiboot loaders put the name of the image in front of its command line. */
static const char *behind_first_word(const char *line)
{
	while (*line && *line != ' ')
		line++;
	return line;
}

static const char *read_multiboot(struct bootinfo *b, const struct multiboot_info *info)
{
	uint64_t at = info->memory_map;
	uint64_t end = at + info->memory_map_len;

	if (!(info->flags & MULTIBOOT_HAS_MEMORY_MAP))
		return "the multiboot loader gave no memory map";
	if (info->flags & MULTIBOOT_HAS_COMMAND_LINE)
		b->command_line = behind_first_word((const char *)(uint64_t)info->command_line);
	while (at < end) {
		const struct multiboot_memory *m = (const struct multiboot_memory *)at;

		consider(b, m->start, m->len, m->type);
		at += sizeof(m->size) + m->size;
	}
	return NULL;
}

const char *bootinfo_read(struct bootinfo *ret, uint32_t eax, uint32_t ebx)
{
	const uint32_t *info = (const uint32_t *)(uint64_t)ebx;
	const char *wrong;

	ret->command_line = "";
	ret->memory_start = 0;
	ret->memory_end = 0;
	if (*info == PVH_MAGIC) /* eax is undefined then, so this comes first */
		wrong = read_pvh(ret, (const struct pvh_info *)info);
	else if (eax == MULTIBOOT_MAGIC)
		wrong = read_multiboot(ret, (const struct multiboot_info *)info);
	else
		wrong = "the loader speaks neither PVH nor multiboot";
	if (!wrong && ret->memory_start == ret->memory_end)
		wrong = "there is no RAM between 2 MiB and 4 GiB";
	return wrong;
}
