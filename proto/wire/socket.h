// SPDX-License-Identifier: GPL-3.0-or-later
/* socket - CURVE sockets for messages, over tcp:// and ipc:// alike. A server is a ROUTER behind a
 * ZAP allow-list, a client a DEALER that accepts one server key.
 *
 * Sending never blocks. A server knows who is there: -EHOSTUNREACH where the peer is not, -EAGAIN
 * where it is too slow. A client does not: what it sends while it is not connected is kept (up to
 * 256 messages, then -EAGAIN) and leaves when it is, so a hello may be sent at once, and what
 * arrives after a reconnect may be old. Messages over WIRE_MESSAGE_LIMIT_BYTES are -EMSGSIZE at
 * the sender and dropped, with their connection, by the receiver's transport.
 *
 * A client is not told why a server does not answer: a key that is not allowed, a wrong server key
 * and a server that is down look alike. It tries again for ever, at least every 3 s. */
#ifndef ASSAY_WIRE_SOCKET_H
#define ASSAY_WIRE_SOCKET_H

#include "proto/wire/keys.h"
#include "proto/wire/message.h"

/* One a program: the ZeroMQ context and, at the controller, the ZAP handler's thread. */
struct wire;
enum { PEER_SIZE = 256, ENDPOINT_SIZE = 256 };

int wire_new(struct wire **ret, struct err *err);
/* All its sockets must have been closed: it waits until they are. NULL is fine. */
void wire_free(struct wire *wire);
CLEANUP_DEFINE(wire, struct wire *, wire_free)

/* Keys that may connect to servers of this wire. Checked at each handshake; starts empty. Revoking
 * ends no connection that is there: its messages still come, with their key. Any thread. */
void wire_allow(struct wire *wire, const char public_key[KEY_TEXT_SIZE]);
void wire_revoke(struct wire *wire, const char public_key[KEY_TEXT_SIZE]);

/* Both give a ZeroMQ socket for loop_add_socket(). identity: the client's, as servers see it. It
 * belongs to whoever connected with it last, so a server compares the keys of its messages. */
int wire_listen(struct wire *wire, const char *endpoint, const struct key_pair *keys, void **ret,
		struct err *err);
int wire_connect(struct wire *wire, const char *endpoint, const struct key_pair *keys,
		 const char server_key[KEY_TEXT_SIZE], const char *identity, void **ret,
		 struct err *err);
void wire_close(void *socket); /* what is queued still has 200 ms to leave; NULL is fine */
/* Where it listens: "tcp://127.0.0.1:*" has become a real port. */
int wire_endpoint(void *socket, char ret[ENDPOINT_SIZE], struct err *err);

/* Server side. *ret_peer: the client's identity; *ret_key: the key it proved, from ZAP.
 * -EAGAIN: nothing there. -EBADMSG: a message that could not be decoded; err says who and why, and
 * ret_peer and ret_key are set as far as they are known, else "". */
int wire_recv_from(void *socket, char ret_peer[PEER_SIZE], char ret_key[KEY_TEXT_SIZE],
		   struct message *ret, struct err *err);
int wire_send_to(void *socket, const char *peer, const struct message *message, struct err *err);

/* Client side; -EAGAIN and -EBADMSG as above. */
int wire_recv(void *socket, struct message *ret, struct err *err);
int wire_send(void *socket, const struct message *message, struct err *err);

#endif
