// SPDX-License-Identifier: GPL-3.0-or-later
/* treebench - the workload treebench, linked into the unikernel. */
#include "images/treebench/treebench.h"

#include "images/unikernel/workload.h"

static void write_console(void *ctx, const char *bytes, size_t len)
{
	(void)ctx;
	workload_write(bytes, len);
}

int workload_main(const struct workload *w)
{
	const struct treebench_platform platform = {
		.arena = w->memory,
		.arena_len = w->memory_len,
		.write = write_console,
	};

	return treebench_run_line(&platform, w->command_line);
}
