// SPDX-License-Identifier: GPL-3.0-or-later
/* net_bench - two wires in one program: one listens, one connects. That nothing arrives can only
 * be waited for: those waits are QUIET_MS long. */
#ifndef ASSAY_TESTS_WIRE_NET_BENCH_H
#define ASSAY_TESTS_WIRE_NET_BENCH_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <zmq.h>

#include "proto/base/clock.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "proto/wire/socket.h"

enum { QUIET_MS = 600, PATIENCE_MS = 20000 };

struct net {
	char folder[64];
	char ipc[100];
	struct wire *server_wire, *client_wire;
	struct key_pair server_keys, a, b;
};

static inline int set_up(void **state)
{
	struct net *n = xcalloc(1, sizeof(*n));
	struct key_pair *const pairs[] = {&n->server_keys, &n->a, &n->b};
	strcpy(n->folder, "/tmp/assay-wire-XXXXXX");
	if (!mkdtemp(n->folder))
		return -1;
	snprintf(n->ipc, sizeof(n->ipc), "ipc://%s/control", n->folder);
	for (size_t i = 0; i < ARRAY_SIZE(pairs); i++)
		zmq_curve_keypair(pairs[i]->public_key, pairs[i]->secret_key);
	*state = n;
	return wire_new(&n->server_wire, NULL) + wire_new(&n->client_wire, NULL);
}

static inline int tear_down(void **state)
{
	struct net *n = *state;
	wire_free(n->server_wire);
	wire_free(n->client_wire);
	file_remove_tree(n->folder, NULL);
	free(n);
	return 0;
}

static inline void *listen_on(struct net *n, const char *endpoint)
{
	struct err err = ERR_NONE;
	void *socket = NULL;
	if (wire_listen(n->server_wire, endpoint, &n->server_keys, &socket, &err) < 0)
		fail_msg("%s", err.text);
	return socket;
}

static inline void *connect_to(struct net *n, void *server, const struct key_pair *keys,
			       const char *name)
{
	struct err err = ERR_NONE;
	char endpoint[ENDPOINT_SIZE];
	void *socket = NULL;
	assert_int_equal(wire_endpoint(server, endpoint, NULL), 0);
	if (wire_connect(n->client_wire, endpoint, keys, n->server_keys.public_key, name, &socket,
			 &err) < 0)
		fail_msg("%s", err.text);
	return socket;
}

static inline bool wait_for(void *socket, long ms)
{
	zmq_pollitem_t item = {socket, 0, ZMQ_POLLIN, 0};
	return zmq_poll(&item, 1, ms) == 1;
}

static inline void say(void *client, uint64_t count)
{
	struct message m = {.kind = MESSAGE_HEARTBEAT, .heartbeat.count = count};
	struct err err = ERR_NONE;
	if (wire_send(client, &m, &err) < 0)
		fail_msg("%s", err.text);
}

/* The count of the next heartbeat, and who said it. */
static inline uint64_t hear(void *server, char ret_peer[PEER_SIZE], char ret_key[KEY_TEXT_SIZE])
{
	struct message m;
	struct err err = ERR_NONE;
	if (!wait_for(server, PATIENCE_MS))
		fail_msg("nothing came");
	if (wire_recv_from(server, ret_peer, ret_key, &m, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(m.kind, MESSAGE_HEARTBEAT);
	return m.heartbeat.count;
}

static inline void expect(void *server, const char *peer, const struct key_pair *keys,
			  uint64_t count)
{
	char got_peer[PEER_SIZE], got_key[KEY_TEXT_SIZE];
	assert_int_equal(hear(server, got_peer, got_key), count);
	assert_string_equal(got_peer, peer);
	assert_string_equal(got_key, keys->public_key);
}

static inline int answer(void *server, const char *peer, uint64_t count, struct err *err)
{
	struct message m = {.kind = MESSAGE_HEARTBEAT, .heartbeat.count = count};
	return wire_send_to(server, peer, &m, err);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
