// SPDX-License-Identifier: GPL-3.0-or-later
/* qmp - a client of QEMU's machine protocol over a connected socket.
 *
 * One JSON object a line. What QEMU sends is bounded and doubted: a guest that breaks out of its
 * VM speaks here. Events may come between a command and its reply; they go to a handler.
 * Source: QEMU docs/interop/qmp-spec.txt. */
#ifndef ASSAY_GUEST_QMP_H
#define ASSAY_GUEST_QMP_H

#include <jansson.h>

#include "agent/guest/guest.h"

enum { QMP_LINE_BYTES = 256 * 1024 }; /* query-cpus-fast takes about 170 bytes a vCPU */

struct qmp;

/* data is borrowed, NULL where the event has none. */
typedef void qmp_event_f(void *arg, const char *event, const json_t *data);

/* Waits for the greeting and ends the negotiation. Takes fd over, also when it fails.
 * -ECONNRESET: QEMU is gone. -ETIMEDOUT, -ECANCELED: as `wait` says. -EPROTO, -EMSGSIZE: what came
 * is not QMP. */
int qmp_open(int fd, qmp_event_f *on_event, void *arg, const struct guest_wait *wait,
	     struct qmp **ret, struct err *err);
void qmp_close(struct qmp *qmp); /* NULL is fine */
CLEANUP_DEFINE(qmp, struct qmp *, qmp_close)

/* "7.2.22 (Debian 1:7.2+dfsg-7)", from the greeting; borrowed. */
const char *qmp_version(const struct qmp *qmp);

/* Sends a command without arguments and waits for its reply. ret_value: the caller's to
 * json_decref(); may be NULL. Codes as qmp_open(); -EREMOTEIO: QEMU refused, the sentence is its
 * own. */
int qmp_command(struct qmp *qmp, const char *command, const struct guest_wait *wait,
		json_t **ret_value, struct err *err);

int qmp_fd(const struct qmp *qmp); /* readable: something came; borrowed */

/* Gives the events that are still to come to the handler, until QEMU closes or the deadline.
 * -ETIMEDOUT: more may come; else as qmp_command(). */
int qmp_drain(struct qmp *qmp, uint64_t deadline_ns);

static inline void cleanup_json(json_t **json)
{
	json_decref(*json);
}
#define autojson autoclean(json)

#endif
