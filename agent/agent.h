// SPDX-License-Identifier: GPL-3.0-or-later
/* agent - one host's session with its controller: hello, heartbeat, offers in, records out. */
#ifndef ASSAY_AGENT_AGENT_H
#define ASSAY_AGENT_AGENT_H

#include "agent/guest/keeper.h"
#include "proto/base/sysfs.h"
#include "proto/wire/keys.h"

/* All borrowed for the call. */
struct agent_options {
	const char *control; /* the controller's endpoints */
	const char *bulk;
	const char *controller_key; /* Z85: the one controller that is accepted */
	const char *keys_folder;
	const char *spool_name;	  /* file in the state folder */
	const char *state_folder; /* spool, remembered probes, folders of runs */
	const struct host_root *root;
	struct keeper *keeper;
};

/* Until drained or told to end by SIGTERM (or SIGINT). 0, or why it could not go on. */
int agent_serve(const struct agent_options *options, struct err *err);

#endif
