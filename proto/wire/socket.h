// SPDX-License-Identifier: GPL-3.0-or-later
/* socket - CURVE sockets for messages. A server is a ROUTER behind a ZAP allow-list, a client a
 * DEALER that accepts one server key. Sending never blocks: -EAGAIN where the peer is gone or too
 * slow. Messages over WIRE_MESSAGE_LIMIT_BYTES are dropped by the transport. */
#ifndef ASSAY_WIRE_SOCKET_H
#define ASSAY_WIRE_SOCKET_H

#include "proto/wire/keys.h"
#include "proto/wire/message.h"

/* One a program: the ZeroMQ context and, at the controller, the ZAP handler's thread. */
struct wire;
int wire_new(struct wire **ret, struct err *err);
void wire_free(struct wire *wire); /* closes nothing that is still open; NULL is fine */
CLEANUP_DEFINE(wire, struct wire *, wire_free)

/* Keys that may connect to servers of this wire. Checked at each handshake; starts empty. */
void wire_allow(struct wire *wire, const char public_key[KEY_TEXT_SIZE]);
void wire_revoke(struct wire *wire, const char public_key[KEY_TEXT_SIZE]);

/* Both give a ZeroMQ socket for loop_add_socket(). identity: the client's, as servers see it. */
int wire_listen(struct wire *wire, const char *endpoint, const struct key_pair *keys, void **ret,
		struct err *err);
int wire_connect(struct wire *wire, const char *endpoint, const struct key_pair *keys,
		 const char server_key[KEY_TEXT_SIZE], const char *identity, void **ret,
		 struct err *err);
void wire_close(void *socket); /* what is queued still has 200 ms to leave; NULL is fine */

enum { PEER_SIZE = 256 };

/* Server side. *ret_peer: the client's identity; *ret_key: the key it proved, from ZAP.
 * -EAGAIN: nothing there. -EBADMSG: a message that could not be decoded; err says who and why. */
int wire_recv_from(void *socket, char ret_peer[PEER_SIZE], char ret_key[KEY_TEXT_SIZE],
		   struct message *ret, struct err *err);
int wire_send_to(void *socket, const char *peer, const struct message *message, struct err *err);

/* Client side. */
int wire_recv(void *socket, struct message *ret, struct err *err);
int wire_send(void *socket, const struct message *message, struct err *err);

#endif
