// SPDX-License-Identifier: GPL-3.0-or-later
/* socket - CURVE over ROUTER and DEALER. Traps, all of libzmq 4.3:
 *
 * - Without a ZAP handler CURVE lets everybody in. The handler is bound before the first server
 *   socket, and a message whose connection proved no key is refused here once more.
 * - ZMQ_ROUTER_HANDOVER gives a name to whoever connects with it last, so that a returning agent
 *   is not locked out by its own dead connection. libzmq does not compare keys: the controller
 *   does, with the key that wire_recv_from() gives. Late messages of the replaced connection come
 *   with a made-up name that starts with a zero byte (libzmq issue 3771), and are refused.
 * - A server drops the connection of an oversized message, and the client connects again.
 *
 * Source: zmq_setsockopt(3), ZeroMQ RFC 26 (CurveZMQ). */
#include "proto/wire/socket.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>
#include <zmq.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"
#include "proto/wire/zap.h"

enum {
	CURVE_OVERHEAD_BYTES = 64, /* RFC 26: 33 bytes around each frame */
	QUEUE_MESSAGES = 256,	   /* a peer and direction; bulk is bounded by its own window */
	LINGER_MS = 200,
	HANDSHAKE_MS = 3000, /* also how soon a refused client tries again */
	BEAT_MS = 5000,	     /* a peer whose machine vanished is noticed in 5 s + 15 s */
	BEAT_TIMEOUT_MS = 15000,
	RECONNECT_MS = 100,
	RECONNECT_MAX_MS = 3000,
	BACKLOG = 512, /* all agents come back at once when a controller restarts */
};

struct wire {
	void *context;	 /* owned */
	struct zap *zap; /* owned */
};

int wire_new(struct wire **ret, struct err *err)
{
	void *context = zmq_ctx_new();
	if (!context)
		return err_sys(err, errno, "make a ZeroMQ context");
	struct wire *wire = xcalloc(1, sizeof(*wire));
	wire->context = context;
	wire->zap = zap_new(context);
	*ret = wire;
	return 0;
}

void wire_free(struct wire *wire)
{
	if (!wire)
		return;
	zmq_ctx_shutdown(wire->context); /* ends the ZAP thread */
	zap_free(wire->zap);
	while (zmq_ctx_term(wire->context) < 0 && errno == EINTR)
		;
	free(wire);
}

void wire_allow(struct wire *wire, const char public_key[KEY_TEXT_SIZE])
{
	zap_allow(wire->zap, public_key);
}

void wire_revoke(struct wire *wire, const char public_key[KEY_TEXT_SIZE])
{
	zap_revoke(wire->zap, public_key);
}

struct option {
	int name;
	int value;
};

static const struct option common_options[] = {
	{ZMQ_LINGER, LINGER_MS},
	{ZMQ_IPV6, 1},
	{ZMQ_SNDHWM, QUEUE_MESSAGES},
	{ZMQ_RCVHWM, QUEUE_MESSAGES},
	{ZMQ_HANDSHAKE_IVL, HANDSHAKE_MS},
	{ZMQ_HEARTBEAT_IVL, BEAT_MS},
	{ZMQ_HEARTBEAT_TIMEOUT, BEAT_TIMEOUT_MS},
	{ZMQ_HEARTBEAT_TTL, BEAT_TIMEOUT_MS},
	{0, 0},
};

static const struct option server_options[] = {
	{ZMQ_CURVE_SERVER, 1},	  {ZMQ_ROUTER_MANDATORY, 1}, /* sending to who is not there is an
								error */
	{ZMQ_ROUTER_HANDOVER, 1}, {ZMQ_BACKLOG, BACKLOG},    {0, 0},
};

static const struct option client_options[] = {
	{ZMQ_RECONNECT_IVL, RECONNECT_MS},
	{ZMQ_RECONNECT_IVL_MAX, RECONNECT_MAX_MS},
	{0, 0},
};

static int set_options(void *socket, const struct option *o)
{
	for (; o->name; o++)
		if (zmq_setsockopt(socket, o->name, &o->value, sizeof(o->value)) < 0)
			return -errno;
	return 0;
}

static int set_text(void *socket, int option, const char *text)
{
	return zmq_setsockopt(socket, option, text, strlen(text)) < 0 ? -errno : 0;
}

/* Z85 keys count their NUL. */
static int set_key(void *socket, int option, const char *key)
{
	return zmq_setsockopt(socket, option, key, KEY_TEXT_SIZE) < 0 ? -errno : 0;
}

static int set_common(void *socket, const struct key_pair *keys)
{
	int64_t most = WIRE_MESSAGE_LIMIT_BYTES + CURVE_OVERHEAD_BYTES;
	int r = set_options(socket, common_options);
	if (r == 0 && zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &most, sizeof(most)) < 0)
		r = -errno;
	if (r == 0)
		r = set_key(socket, ZMQ_CURVE_SECRETKEY, keys->secret_key);
	return r;
}

/* libzmq takes 16 bits of any port: 99999999 would listen on 57599. */
static int check_port(const char *endpoint, bool any, struct err *err)
{
	const char *colon = strrchr(endpoint, ':'); /* there is the one of tcp:// at least */
	uint64_t port;
	if (any && strcmp(colon, ":*") == 0)
		return 0;
	if (text_parse_u64(colon + 1, &port, NULL) < 0 || port < 1 || port > 65535)
		return err_say(err, EINVAL,
			       "endpoint '%s' does not end in a port of 1 to 65535, as in "
			       "tcp://HOST:5555",
			       endpoint);
	return 0;
}

/* any: a listener may leave the port to the kernel, with '*'. */
static int check_endpoint(const char *endpoint, bool any, struct err *err)
{
	const size_t longest = sizeof((struct sockaddr_un){0}.sun_path) - 1;
	if (text_starts(endpoint, "tcp://"))
		return check_port(endpoint, any, err);
	if (!text_starts(endpoint, "ipc://"))
		return err_say(err, EINVAL,
			       "endpoint '%s' is neither tcp://HOST:PORT nor ipc://PATH", endpoint);
	if (strlen(endpoint + strlen("ipc://")) > longest)
		return err_say(err, ENAMETOOLONG,
			       "endpoint '%s' is too long: a socket's path has at most %zu bytes",
			       endpoint, longest);
	return 0;
}

static int check_keys(const struct key_pair *keys, const char *server_key, struct err *err)
{
	if (!keys_valid(keys->secret_key) || !keys_valid(keys->public_key))
		return err_say(err, EINVAL, "own key pair is not of 40 Z85 characters each");
	if (server_key && !keys_valid(server_key))
		return err_say(err, EINVAL, "server key '%.60s' is not of 40 Z85 characters",
			       server_key);
	return 0;
}

static int open_socket(struct wire *wire, int type, const struct key_pair *keys, void **ret,
		       struct err *err)
{
	void *socket = zmq_socket(wire->context, type);
	int r = socket ? set_common(socket, keys) : -errno;
	if (r < 0) {
		wire_close(socket);
		return err_say(err, -r, "make a socket: %s", zmq_strerror(-r));
	}
	*ret = socket;
	return 0;
}

int wire_listen(struct wire *wire, const char *endpoint, const struct key_pair *keys, void **ret,
		struct err *err)
{
	struct err inner;
	void *socket;
	err = err ? err : &inner;
	if (check_endpoint(endpoint, true, err) < 0 || check_keys(keys, NULL, err) < 0 ||
	    zap_start(wire->zap, err) < 0 || open_socket(wire, ZMQ_ROUTER, keys, &socket, err) < 0)
		return err_code(err);
	int r = set_options(socket, server_options);
	if (r == 0)
		r = set_text(socket, ZMQ_ZAP_DOMAIN, ZAP_DOMAIN);
	if (r == 0 && zmq_bind(socket, endpoint) < 0)
		r = -errno;
	if (r < 0) {
		wire_close(socket);
		return err_say(err, -r, "listen on %s: %s", endpoint, zmq_strerror(-r));
	}
	*ret = socket;
	return 0;
}

int wire_connect(struct wire *wire, const char *endpoint, const struct key_pair *keys,
		 const char server_key[KEY_TEXT_SIZE], const char *identity, void **ret,
		 struct err *err)
{
	struct err inner;
	void *socket;
	err = err ? err : &inner;
	if (!*identity || strlen(identity) >= PEER_SIZE)
		return err_say(err, EINVAL, "identity '%.80s' has not 1 to %d bytes", identity,
			       PEER_SIZE - 1);
	if (check_endpoint(endpoint, false, err) < 0 || check_keys(keys, server_key, err) < 0 ||
	    open_socket(wire, ZMQ_DEALER, keys, &socket, err) < 0)
		return err_code(err);
	int r = set_options(socket, client_options);
	if (r == 0)
		r = set_key(socket, ZMQ_CURVE_PUBLICKEY, keys->public_key);
	if (r == 0)
		r = set_key(socket, ZMQ_CURVE_SERVERKEY, server_key);
	if (r == 0)
		r = set_text(socket, ZMQ_ROUTING_ID, identity);
	if (r == 0 && zmq_connect(socket, endpoint) < 0)
		r = -errno;
	if (r < 0) {
		wire_close(socket);
		return err_say(err, -r, "connect to %s: %s", endpoint, zmq_strerror(-r));
	}
	*ret = socket;
	return 0;
}

void wire_close(void *socket)
{
	if (socket)
		zmq_close(socket);
}

int wire_endpoint(void *socket, char ret[ENDPOINT_SIZE], struct err *err)
{
	char endpoint[ENDPOINT_SIZE];
	size_t size = sizeof(endpoint);
	if (zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) < 0)
		return err_say(err, errno, "ask a socket for its endpoint: %s",
			       zmq_strerror(errno));
	memcpy(ret, endpoint, size);
	return 0;
}
