// SPDX-License-Identifier: GPL-3.0-or-later
/* capture - what a guest prints on one stream, kept up to a limit.
 *
 * The pipe is ours; the guest gets its other end. The room for all of the limit is reserved before
 * the guest starts and costs only what is written to it; reading allocates nothing. */
#ifndef ASSAY_METER_CAPTURE_H
#define ASSAY_METER_CAPTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/err.h"

struct capture {
	int read_fd;	      /* owned, non-blocking; -1: at its end */
	int write_fd;	      /* owned until the guest has its copy */
	unsigned char *bytes; /* owned mapping */
	size_t mapped_bytes;
	size_t limit_bytes;
	size_t size;
	bool over;	   /* more came than the limit; what is kept is the start */
	uint64_t empty_ns; /* RAW: the pipe was empty then; what is in it now is newer */
};

int capture_open(uint64_t limit_bytes, struct capture *ret, struct err *err);
void capture_close(struct capture *capture);

/* One read. Gives how many bytes came, at bytes + size - that many; 0: nothing more for now, or
 * its end (read_fd is -1 then), or the limit (over). *ret_lower_ns: when there was nothing to
 * read yet; *ret_ns: the clock right behind the read. */
size_t capture_read(struct capture *capture, uint64_t *ret_lower_ns, uint64_t *ret_ns);

/* A copy on the heap, owned by the caller. */
void *capture_copy(const struct capture *capture);

#endif
