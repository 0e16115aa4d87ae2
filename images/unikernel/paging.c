// SPDX-License-Identifier: GPL-3.0-or-later
/* paging - the image is mapped page by page, RAM above it in pages of 2 MiB.
 *
 * No page is both writable and executable. Page 0 and the pages below stacks are not mapped, so
 * null pointers and overflows are faults. */
#include "images/unikernel/paging.h"

#include <stddef.h>

#include "images/unikernel/layout.h"

#define NO_EXECUTE (1ull << 63)
#define READ	   (PAGE_PRESENT | NO_EXECUTE)
#define WRITE	   (PAGE_PRESENT | PAGE_WRITABLE | NO_EXECUTE)
#define EXECUTE	   PAGE_PRESENT

extern uint64_t large_pages[LARGE_PAGES]; /* boot.S */

/* unikernel.ld */
extern char start_kernel_text[], end_kernel_text[], start_kernel_rodata[], end_kernel_rodata[];
extern char start_kernel_data[], end_kernel_data[], start_kernel_bss[], end_kernel_bss[];
extern char start_fault_stack[], fault_stack_top[], start_kernel_stack[], kernel_stack_top[];
extern char start_user_text[], end_user_text[], start_user_rodata[], end_user_rodata[];
extern char start_user_data[], end_user_data[], start_user_stack[], user_stack_top[];

static const struct range {
	const char *start;
	const char *end;
	uint64_t rights;
} image[] = {
	{start_kernel_text, end_kernel_text, EXECUTE},
	{start_kernel_rodata, end_kernel_rodata, READ},
	{start_kernel_data, end_kernel_data, WRITE},
	{start_kernel_bss, end_kernel_bss, WRITE},
	{start_fault_stack, fault_stack_top, WRITE},
	{start_kernel_stack, kernel_stack_top, WRITE},
	{start_user_text, end_user_text, PAGE_USER | EXECUTE},
	{start_user_rodata, end_user_rodata, PAGE_USER | READ},
	{start_user_data, end_user_data, PAGE_USER | WRITE},
	{start_user_stack, user_stack_top, PAGE_USER | WRITE},
};

#define RANGES (sizeof(image) / sizeof(image[0]))

static uint64_t small_pages[LARGE_PAGE / PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static uint64_t user_memory_start, user_memory_end;

static void map_range(const struct range *r)
{
	for (uint64_t at = (uint64_t)r->start; at < (uint64_t)r->end; at += PAGE_SIZE)
		small_pages[at / PAGE_SIZE] = at | r->rights;
}

static void flush(void)
{
	uint64_t tables;

	__asm__ volatile("movq %%cr3, %0; movq %0, %%cr3" : "=r"(tables) : : "memory");
}

void paging_protect(uint64_t start, uint64_t end)
{
	for (size_t i = 0; i < RANGES; i++)
		map_range(&image[i]);
	for (uint64_t at = start; at < end; at += LARGE_PAGE)
		large_pages[at / LARGE_PAGE] = at | PAGE_LARGE | PAGE_USER | WRITE;
	large_pages[0] = (uint64_t)small_pages | PAGE_PRESENT | PAGE_WRITABLE | PAGE_USER;
	user_memory_start = start;
	user_memory_end = end;
	flush();
}

static bool within(uint64_t address, uint64_t len, uint64_t start, uint64_t end)
{
	return address >= start && address <= end && len <= end - address;
}

bool paging_user_may_read(uint64_t address, uint64_t len)
{
	if (within(address, len, user_memory_start, user_memory_end))
		return true;
	for (size_t i = 0; i < RANGES; i++)
		if ((image[i].rights & PAGE_USER) &&
		    within(address, len, (uint64_t)image[i].start, (uint64_t)image[i].end))
			return true;
	return false;
}
