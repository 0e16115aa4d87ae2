// SPDX-License-Identifier: GPL-3.0-or-later
/* live - what a person sees while a campaign runs, on stderr: one line that is redrawn at a
 * terminal, a plain line a finished run elsewhere. */
#ifndef ASSAY_CLI_LIVE_H
#define ASSAY_CLI_LIVE_H

#include "controller/campaign/campaign.h"

struct live {
	int width; /* of the terminal; 0: plain lines */
	bool quiet;
	size_t last_done;
	bool drawn;	     /* a line stands at the terminal */
	uint64_t started_ns; /* MONOTONIC */
	uint64_t drawn_ns;
	char id[ULID_SIZE];
};

extern const struct campaign_listener live_listener; /* arg: a struct live */
void live_init(struct live *live, bool quiet);
void live_clear(struct live *live);

/* "1 h 05 min", "42 s": for estimates, so rounded. */
void live_duration(uint64_t ns, char *ret, size_t size);

#endif
