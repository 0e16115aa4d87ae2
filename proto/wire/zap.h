// SPDX-License-Identifier: GPL-3.0-or-later
/* zap - who may connect: the allow-list of a wire and the thread that answers libzmq's questions.
 * Private to proto/wire. Source: ZeroMQ RFC 27 (ZAP). */
#ifndef ASSAY_WIRE_ZAP_H
#define ASSAY_WIRE_ZAP_H

#include "proto/base/err.h"
#include "proto/wire/keys.h"

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"
#define ZAP_DOMAIN   "assay"

struct zap;

/* context: of ZeroMQ, borrowed, outlives the zap. Nobody is allowed yet, nothing answers yet. */
struct zap *zap_new(void *context);
/* Answers from now on; more calls are fine. */
int zap_start(struct zap *zap, struct err *err);
/* To be called after zmq_ctx_shutdown(), which ends the thread. NULL is fine. */
void zap_free(struct zap *zap);

void zap_allow(struct zap *zap, const char key[KEY_TEXT_SIZE]);
void zap_revoke(struct zap *zap, const char key[KEY_TEXT_SIZE]);

#endif
