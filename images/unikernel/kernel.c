// SPDX-License-Identifier: GPL-3.0-or-later
/* kernel - a unikernel for x86-64: one workload, in ring 3, with all of the memory.
 *
 * Ring 0 boots, reports faults, prints and switches off; everything that a benchmark measures runs
 * in ring 3. That is not for safety alone: there are KVM hosts that interpret ring 0 of their
 * guests (PVM, for one) but run ring 3 on the CPU. */
#include <stddef.h>
#include <stdint.h>

#include "images/unikernel/bootinfo.h"
#include "images/unikernel/console.h"
#include "images/unikernel/layout.h"
#include "images/unikernel/paging.h"
#include "images/unikernel/power.h"
#include "images/unikernel/trap.h"
#include "images/unikernel/user.h"

/* Called by boot.S with the registers that the loader left. */
_Noreturn void kernel_main(uint32_t eax, uint32_t ebx);

static _Noreturn void give_up(const char *why)
{
	console_print("unikernel: ");
	console_print(why);
	console_print("\n");
	power_off();
}

static const char *copy_command_line(const char *line)
{
	for (size_t i = 0; i < USER_COMMAND_LINE_MAX; i++) {
		user_command_line[i] = line[i];
		if (!line[i])
			return NULL;
	}
	return "the command line is longer than 2047 bytes";
}

_Noreturn void kernel_main(uint32_t eax, uint32_t ebx)
{
	struct bootinfo boot;
	const char *wrong;

	console_init();
	trap_init();
	wrong = bootinfo_read(&boot, eax, ebx);
	if (!wrong)
		wrong = copy_command_line(boot.command_line);
	if (wrong)
		give_up(wrong);
	paging_protect(boot.memory_start, boot.memory_end);
	user_workload.command_line = user_command_line;
	user_workload.memory = (void *)boot.memory_start;
	user_workload.memory_len = boot.memory_end - boot.memory_start;
	trap_enter_user(user_start);
}
