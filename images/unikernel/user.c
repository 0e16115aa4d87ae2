// SPDX-License-Identifier: GPL-3.0-or-later
/* user - the ring-3 runtime around a workload. */
#include "images/unikernel/user.h"

#include "images/unikernel/layout.h"

struct workload user_workload;
char user_command_line[USER_COMMAND_LINE_MAX];

void user_main(void);

void workload_write(const char *bytes, size_t len)
{
	while (len > 0) {
		uint64_t n = user_call(SYSTEM_CALL_WRITE, (uintptr_t)bytes, len);

		bytes += n;
		len -= n;
	}
}

/* Called by user_start. */
void user_main(void)
{
	int status = workload_main(&user_workload);

	user_call(SYSTEM_CALL_EXIT, (uint64_t)status, 0);
}
