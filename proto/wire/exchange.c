// SPDX-License-Identifier: GPL-3.0-or-later
/* exchange - messages through sockets: one frame at the client, (name, frame) at the server. None
 * of these calls blocks. */
#include "proto/wire/socket.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

#include "proto/base/mem.h"

static void cleanup_frame(zmq_msg_t *frame)
{
	zmq_msg_close(frame);
}
#define autoframe autoclean(frame)

/* 0 or -errno. */
static int recv_frame(void *socket, zmq_msg_t *frame)
{
	int n;
	do {
		n = zmq_msg_recv(frame, socket, ZMQ_DONTWAIT);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

static int send_frame(void *socket, const void *bytes, size_t size, int flags)
{
	int n;
	do {
		n = zmq_send(socket, bytes, size, ZMQ_DONTWAIT | flags);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

/* Reads the frames of a message that has more than it should. They are there: libzmq delivers
 * whole messages. Returns whether there were any. */
static bool drop_rest(void *socket, zmq_msg_t *last)
{
	bool any = false;
	while (zmq_msg_more(last) && recv_frame(socket, last) == 0)
		any = true;
	return any;
}

/* Receiving has its errors apart from decoding: nothing there, or a socket that has ended. */
static int say_recv(int code, struct err *err)
{
	if (code == EAGAIN)
		return err_say(err, EAGAIN, "nothing to receive");
	return err_say(err, code, "receive: %s", zmq_strerror(code));
}

static int decode_frame(void *socket, zmq_msg_t *frame, struct message *ret, struct err *err)
{
	if (zmq_msg_more(frame)) {
		drop_rest(socket, frame);
		return err_say(err, EBADMSG, "message: has more than one frame");
	}
	return message_decode(zmq_msg_data(frame), zmq_msg_size(frame), ret, err);
}

/* The name of a peer is what it chose; made-up ones start with a zero byte. Names reach logs, so
 * no control characters. */
static int read_peer(zmq_msg_t *frame, char ret[PEER_SIZE])
{
	const unsigned char *name = zmq_msg_data(frame);
	size_t size = zmq_msg_size(frame);
	if (!size || size >= PEER_SIZE)
		return -EBADMSG;
	for (size_t i = 0; i < size; i++)
		if (name[i] < 0x20 || name[i] == 0x7f)
			return -EBADMSG;
	memcpy(ret, name, size);
	ret[size] = '\0';
	return 0;
}

static int read_key(zmq_msg_t *frame, char ret[KEY_TEXT_SIZE])
{
	const char *key = zmq_msg_gets(frame, "User-Id");
	if (!key || strlen(key) != KEY_TEXT_SIZE - 1)
		return -EBADMSG;
	memcpy(ret, key, KEY_TEXT_SIZE);
	return 0;
}

int wire_recv_from(void *socket, char ret_peer[PEER_SIZE], char ret_key[KEY_TEXT_SIZE],
		   struct message *ret, struct err *err)
{
	autoframe zmq_msg_t name, body;
	zmq_msg_init(&name);
	zmq_msg_init(&body);
	int r = recv_frame(socket, &name);
	if (r < 0)
		return say_recv(-r, err);
	ret_peer[0] = ret_key[0] = '\0';
	if (!zmq_msg_more(&name))
		return err_say(err, EBADMSG, "message: has no body");
	r = recv_frame(socket, &body);
	if (r < 0)
		return say_recv(-r, err);
	int no_name = read_peer(&name, ret_peer), no_key = read_key(&body, ret_key);
	if (no_name < 0 || no_key < 0) {
		drop_rest(socket, &body);
		return err_say(err, EBADMSG, "message from '%s': its connection has no %s",
			       ret_peer, no_key < 0 ? "proved key" : "valid name");
	}
	if (decode_frame(socket, &body, ret, err) < 0) {
		err_wrap(err, "from '%s' with key %s", ret_peer, ret_key);
		return -EBADMSG;
	}
	return 0;
}

int wire_recv(void *socket, struct message *ret, struct err *err)
{
	autoframe zmq_msg_t body;
	zmq_msg_init(&body);
	int r = recv_frame(socket, &body);
	if (r < 0)
		return say_recv(-r, err);
	if (decode_frame(socket, &body, ret, err) < 0) {
		err_wrap(err, "from the server");
		return -EBADMSG;
	}
	return 0;
}

static int encode(const struct message *message, void **ret, size_t *ret_size, struct err *err)
{
	message_encode(message, ret, ret_size);
	if (*ret_size <= WIRE_MESSAGE_LIMIT_BYTES)
		return 0;
	return err_say(err, EMSGSIZE, "%s has %zu bytes; a message carries at most %d",
		       message_kind_name(message->kind), *ret_size, WIRE_MESSAGE_LIMIT_BYTES);
}

int wire_send_to(void *socket, const char *peer, const struct message *message, struct err *err)
{
	autofree void *bytes = NULL;
	size_t size;
	int r = encode(message, &bytes, &size, err);
	if (r < 0)
		return r;
	r = send_frame(socket, peer, strlen(peer), ZMQ_SNDMORE);
	if (r == 0)
		r = send_frame(socket, bytes, size, 0);
	if (r == -EHOSTUNREACH)
		return err_say(err, EHOSTUNREACH, "'%s' is not connected", peer);
	if (r == -EAGAIN)
		return err_say(err, EAGAIN, "'%s' does not take its messages", peer);
	return r < 0 ? err_say(err, -r, "send to '%s': %s", peer, zmq_strerror(-r)) : 0;
}

int wire_send(void *socket, const struct message *message, struct err *err)
{
	autofree void *bytes = NULL;
	size_t size;
	int r = encode(message, &bytes, &size, err);
	if (r < 0)
		return r;
	r = send_frame(socket, bytes, size, 0);
	if (r == -EAGAIN)
		return err_say(err, EAGAIN, "the server does not take its messages");
	return r < 0 ? err_say(err, -r, "send: %s", zmq_strerror(-r)) : 0;
}
