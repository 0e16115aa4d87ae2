// SPDX-License-Identifier: GPL-3.0-or-later
/* spool - the durable outbox: what an attempt left stays here until the controller has committed
 * it. An SQLite file, synchronous=FULL: what spool_put() returned from survives a power cut.
 *
 * Records have sequence numbers without gaps within an epoch; a new spool is a new epoch. An
 * attempt that has begun and not ended when the spool is opened was interrupted with its agent.
 * All functions may be called from any thread. */
#ifndef ASSAY_AGENT_SPOOL_H
#define ASSAY_AGENT_SPOOL_H

#include "proto/wire/message.h"

struct spool;

int spool_open(const char *path, struct spool **ret, struct err *err);
void spool_close(struct spool *spool); /* NULL is fine */
CLEANUP_DEFINE(spool, struct spool *, spool_close)

/* Borrowed, as long as the spool. */
const char *spool_epoch(const struct spool *spool);

/* Commits that the attempt begins; it is open from now on. */
int spool_begin(struct spool *spool, const struct attempt *attempt, struct err *err);
/* Commits artifacts, then the attempt, and closes it: one transaction, all or nothing. */
int spool_end(struct spool *spool, const struct attempt *attempt, struct err *err);

/* The first record after `sequence`. -ENOENT: there is none. */
int spool_next(struct spool *spool, uint64_t sequence, struct msg_record *ret, struct err *err);
/* Committed elsewhere up to here. Deleting waits for the next commit: an acknowledgement that
 * arrives while a guest is measured must not touch the disk. */
void spool_acknowledge(struct spool *spool, uint64_t sequence);
uint64_t spool_last(struct spool *spool);    /* last sequence given out, 0: none yet */
uint64_t spool_pending(struct spool *spool); /* records not acknowledged */

/* Attempts that were open when the spool was opened: ends each with a reason. */
int spool_end_interrupted(struct spool *spool, size_t *ret_count, struct err *err);

#endif
