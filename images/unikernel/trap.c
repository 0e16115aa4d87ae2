// SPDX-License-Identifier: GPL-3.0-or-later
/* trap - exceptions: system calls of the workload, and faults.
 *
 * Layouts: AMD64 Architecture Programmer's Manual volume 2, sections 4.8 and 12.2.5. */
#include "images/unikernel/trap.h"

#include <stdbool.h>
#include <stddef.h>

#include "images/unikernel/console.h"
#include "images/unikernel/layout.h"
#include "images/unikernel/paging.h"
#include "images/unikernel/power.h"
#include "images/unikernel/user.h"

#define VECTORS		 32
#define STUB_BYTES	 16 /* from one stub of trap.S to the next */
#define INVALID_OPCODE	 6
#define PAGE_FAULT	 14
#define UD2_BYTES	 2
#define RING		 3    /* bits of cs */
#define WRITE_MAX	 4096 /* bytes a call, so that a call is short */
#define INTERRUPT_GATE	 0x8e
#define TASK_AVAILABLE	 0x89
#define FAULT_STACK_SLOT 1

struct task_state {
	uint32_t reserved0;
	uint64_t ring_stack[3];
	uint64_t reserved1;
	uint64_t fault_stack[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t port_map; /* at or past the end: no port for ring 3 */
} __attribute__((packed));

struct gate {
	uint16_t offset_low;
	uint16_t selector;
	uint8_t stack_slot;
	uint8_t type;
	uint16_t offset_middle;
	uint32_t offset_high;
	uint32_t reserved;
};

struct table_pointer {
	uint16_t limit;
	const void *base;
} __attribute__((packed));

extern uint64_t descriptors[];			   /* boot.S */
extern const uint8_t trap_stubs[];		   /* trap.S */
extern char kernel_stack_top[], fault_stack_top[]; /* unikernel.ld */

static struct task_state task;
static struct gate gates[VECTORS];

static const char *const vector_names[VECTORS] = {
	[0] = "divide error",
	[1] = "debug",
	[2] = "non-maskable interrupt",
	[3] = "breakpoint",
	[4] = "overflow",
	[5] = "bound range",
	[INVALID_OPCODE] = "invalid opcode",
	[7] = "device not available",
	[8] = "double fault",
	[10] = "invalid task state",
	[11] = "segment not present",
	[12] = "stack segment",
	[13] = "general protection",
	[PAGE_FAULT] = "page fault",
	[16] = "x87 floating point",
	[17] = "alignment check",
	[18] = "machine check",
	[19] = "SIMD floating point",
};

/* These may come when the kernel's stack is not to be trusted. */
static bool needs_own_stack(int vector)
{
	return vector == 2 || vector == 8 || vector == 18;
}

static void load_task_state(void)
{
	const uint64_t base = (uint64_t)&task;

	task.ring_stack[0] = (uint64_t)kernel_stack_top;
	task.fault_stack[FAULT_STACK_SLOT - 1] = (uint64_t)fault_stack_top;
	task.port_map = sizeof(task);
	descriptors[TASK_STATE / 8] = (sizeof(task) - 1) | (base & 0xffffff) << 16 |
				      (uint64_t)TASK_AVAILABLE << 40 | (base >> 24 & 0xff) << 56;
	descriptors[TASK_STATE / 8 + 1] = base >> 32;
	__asm__ volatile("ltr %w0" : : "r"(TASK_STATE));
}

void trap_init(void)
{
	const struct table_pointer pointer = {sizeof(gates) - 1, gates};

	load_task_state();
	for (int v = 0; v < VECTORS; v++) {
		const uint64_t stub = (uint64_t)(trap_stubs + v * STUB_BYTES);

		gates[v].offset_low = (uint16_t)stub;
		gates[v].selector = KERNEL_CODE;
		gates[v].stack_slot = needs_own_stack(v) ? FAULT_STACK_SLOT : 0;
		gates[v].type = INTERRUPT_GATE;
		gates[v].offset_middle = (uint16_t)(stub >> 16);
		gates[v].offset_high = (uint32_t)(stub >> 32);
	}
	__asm__ volatile("lidt %0" : : "m"(pointer));
}

static uint64_t system_write(uint64_t address, uint64_t len)
{
	if (len > WRITE_MAX)
		len = WRITE_MAX;
	if (!paging_user_may_read(address, len)) {
		console_print("unikernel: the workload printed memory that is not its own\n");
		power_off();
	}
	console_write((const char *)address, len);
	return len;
}

static _Noreturn void system_exit(int64_t status)
{
	if (status) {
		console_print("unikernel: the workload ended with status ");
		console_print_uint((uint64_t)status & 0xff); /* as wait(2) reports it */
		console_print("\n");
	}
	power_off();
}

static bool is_system_call(const struct trap_frame *f)
{
	return f->vector == INVALID_OPCODE && (f->cs & RING) == RING &&
	       f->rip == (uint64_t)user_call_instruction && f->r10 == SYSTEM_CALL_MAGIC;
}

static void system_call(struct trap_frame *f)
{
	switch (f->rax) {
	case SYSTEM_CALL_WRITE:
		f->rax = system_write(f->rdi, f->rsi);
		break;
	case SYSTEM_CALL_EXIT:
		system_exit((int64_t)f->rdi);
	default:
		console_print("unikernel: the workload made an unknown system call\n");
		power_off();
	}
	f->rip += UD2_BYTES;
}

static void print_field(const char *name, uint64_t value)
{
	console_print(name);
	console_print_hex(value);
}

static _Noreturn void report_fault(const struct trap_frame *f)
{
	static bool reporting;
	const char *name = f->vector < VECTORS ? vector_names[f->vector] : NULL;
	uint64_t address;

	if (reporting) /* the report itself faults */
		power_off();
	reporting = true;
	__asm__ volatile("movq %%cr2, %0" : "=r"(address));
	console_print("\nunikernel: fault in the ");
	console_print((f->cs & RING) == RING ? "workload: vector " : "kernel: vector ");
	console_print_uint(f->vector);
	console_print(name ? " (" : "");
	console_print(name ? name : "");
	console_print(name ? ")" : "");
	print_field(" at rip ", f->rip);
	print_field(", error code ", f->error_code);
	if (f->vector == PAGE_FAULT)
		print_field(", address ", address);
	print_field(", rsp ", f->rsp);
	console_print("\n");
	power_off();
}

void trap_handle(struct trap_frame *f)
{
	if (is_system_call(f))
		system_call(f);
	else
		report_fault(f);
}
