// SPDX-License-Identifier: GPL-3.0-or-later
#include <stddef.h>

#include "controller/cli/cli.h"

const struct command *const commands[] = {
	&command_run,	 &command_plan,	   &command_check,
	&command_report, &command_list,	   &command_host,
	&command_recipe, &command_version, NULL,
};
