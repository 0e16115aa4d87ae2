// SPDX-License-Identifier: GPL-3.0-or-later
/* outbox - sends the spool's records in order over the bulk socket, never more unacknowledged
 * bytes than the controller's window, and again what was not acknowledged in time. */
#ifndef ASSAY_AGENT_OUTBOX_H
#define ASSAY_AGENT_OUTBOX_H

#include "agent/spool.h"

struct outbox;

struct outbox *outbox_new(struct spool *spool, void *bulk_socket); /* both borrowed */
void outbox_free(struct outbox *outbox);			   /* NULL is fine */

/* The controller is there, and has everything up to `committed` already. */
void outbox_open(struct outbox *outbox, uint64_t committed, uint64_t window_bytes);
void outbox_pump(struct outbox *outbox); /* something was spooled */
void outbox_acknowledged(struct outbox *outbox, uint64_t sequence);
void outbox_tick(struct outbox *outbox); /* about each second */

#endif
