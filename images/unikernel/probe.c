// SPDX-License-Identifier: GPL-3.0-or-later
/* probe - a workload that oversteps one border of ring 3, to test that the kernel notices.
 *
 * The command line names the border. Crossing it unnoticed ends with status 3. */
#include <stdbool.h>
#include <stdint.h>

#include "images/unikernel/layout.h"
#include "images/unikernel/user.h"
#include "images/unikernel/workload.h"

#define RETURN_INSTRUCTION 0xc3
#define A_PORT		   0x80

static bool is(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	return *a == *b;
}

static void poke(uint64_t address)
{
	*(volatile uint8_t *)address = RETURN_INSTRUCTION;
}

static unsigned int dive(unsigned int depth)
{
	volatile unsigned int here = depth;

	return here > 1u << 20 ? 0 : dive(depth + 1) + here;
}

static void overstep(const char *border, const struct workload *w)
{
	const uint64_t memory = (uint64_t)w->memory;

	if (is(border, "stack"))
		dive(0);
	else if (is(border, "kernel"))
		poke(IMAGE_START);
	else if (is(border, "code"))
		poke((uint64_t)workload_main);
	else if (is(border, "data-as-code")) {
		poke(memory);
		((void (*)(void))memory)();
	} else if (is(border, "memory")) {
		poke(memory + w->memory_len - 1); /* the last byte is ours */
		poke(memory + w->memory_len);
	} else if (is(border, "print"))
		workload_write((const char *)IMAGE_START, 16);
	else if (is(border, "call"))
		user_call(77, 0, 0);
	else if (is(border, "port"))
		__asm__ volatile("outb %%al, %0" : : "N"(A_PORT));
	else if (is(border, "interrupt"))
		__asm__ volatile("int $0x80");
	else if (is(border, "divide"))
		__asm__ volatile("divl %0" : : "r"(0), "a"(1), "d"(0));
}

int workload_main(const struct workload *w)
{
	overstep(w->command_line, w);
	return 3;
}
