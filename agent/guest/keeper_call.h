// SPDX-License-Identifier: GPL-3.0-or-later
/* keeper_call - a request to the keeper, for child.c. */
#ifndef ASSAY_GUEST_KEEPER_CALL_H
#define ASSAY_GUEST_KEEPER_CALL_H

#include "agent/guest/keeper.h"
#include "agent/guest/keeper_proto.h"

/* What goes along with a SPAWN; all borrowed. */
struct parcel {
	const char *strings;
	size_t strings_bytes;
	const int *fds;
	size_t n_fds;
};

/* parcel: NULL with other requests. ret_fd: what came with the reply, owned by the caller; NULL:
 * nothing is to come. A refusal of the keeper's is the error that it sent. */
int keeper_call(struct keeper *k, struct keeper_request *request, const struct parcel *parcel,
		struct keeper_reply *reply, int *ret_fd, struct err *err);

#endif
