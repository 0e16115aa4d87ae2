// SPDX-License-Identifier: GPL-3.0-or-later
/* socket - who gets through, over ipc and tcp, and what a sender hears of a peer that does not. */
#include "tests/proto/wire/net_bench.h"

static void test_allowed_key_passes(void **state)
{
	struct net *n = *state;
	const char *const endpoints[] = {n->ipc, "tcp://127.0.0.1:*", "tcp://[::1]:*"};
	wire_allow(n->server_wire, n->a.public_key);
	for (size_t i = 0; i < ARRAY_SIZE(endpoints); i++) {
		struct message m;
		void *server = listen_on(n, endpoints[i]);
		void *client = connect_to(n, server, &n->a, "lab-1");
		say(client, 7);
		expect(server, "lab-1", &n->a, 7);
		assert_int_equal(answer(server, "lab-1", 8, NULL), 0);
		assert_true(wait_for(client, PATIENCE_MS));
		assert_int_equal(wire_recv(client, &m, NULL), 0);
		assert_int_equal(m.heartbeat.count, 8);
		assert_int_equal(wire_recv(client, &m, NULL), -EAGAIN);
		wire_close(client);
		wire_close(server);
	}
}

static void test_unknown_key_gets_nothing_until_it_is_allowed(void **state)
{
	struct net *n = *state;
	wire_allow(n->server_wire, n->a.public_key);
	void *server = listen_on(n, "tcp://127.0.0.1:*");
	void *client = connect_to(n, server, &n->b, "stranger");
	say(client, 1);
	assert_false(wait_for(server, QUIET_MS));
	assert_int_equal(answer(server, "stranger", 2, NULL), -EHOSTUNREACH);
	wire_allow(n->server_wire, n->b.public_key);
	expect(server, "stranger", &n->b, 1); /* without connecting anew */
	wire_close(client);
	wire_close(server);
}

static void test_no_key_at_all_gets_nothing(void **state)
{
	struct net *n = *state;
	char endpoint[ENDPOINT_SIZE];
	void *server = listen_on(n, n->ipc);
	void *context = zmq_ctx_new();
	void *plain = zmq_socket(context, ZMQ_DEALER);
	int no_linger = 0;
	zmq_setsockopt(plain, ZMQ_LINGER, &no_linger, sizeof(no_linger));
	assert_int_equal(wire_endpoint(server, endpoint, NULL), 0);
	assert_int_equal(zmq_connect(plain, endpoint), 0);
	zmq_send(plain, "hello", 5, ZMQ_DONTWAIT);
	assert_false(wait_for(server, QUIET_MS));
	zmq_close(plain);
	zmq_ctx_term(context);
	wire_close(server);
}

static void test_revoked_key_is_refused_when_it_comes_back(void **state)
{
	struct net *n = *state;
	wire_allow(n->server_wire, n->a.public_key);
	wire_allow(n->server_wire, n->b.public_key);
	void *server = listen_on(n, n->ipc);
	void *client = connect_to(n, server, &n->a, "lab-1");
	say(client, 1);
	expect(server, "lab-1", &n->a, 1);
	wire_revoke(n->server_wire, n->a.public_key);
	say(client, 2);
	expect(server, "lab-1", &n->a, 2); /* connections that are there stay */
	wire_close(client);
	client = connect_to(n, server, &n->a, "lab-1");
	say(client, 3);
	assert_false(wait_for(server, QUIET_MS));
	void *other = connect_to(n, server, &n->b, "lab-2");
	say(other, 4);
	expect(server, "lab-2", &n->b, 4); /* the others were not revoked */
	wire_close(other);
	wire_close(client);
	wire_close(server);
}

static void test_client_accepts_one_server_only(void **state)
{
	struct net *n = *state;
	struct err err = ERR_NONE;
	void *client;
	wire_allow(n->server_wire, n->a.public_key);
	void *server = listen_on(n, n->ipc);
	if (wire_connect(n->client_wire, n->ipc, &n->a, n->b.public_key, "lab-1", &client, &err) <
	    0)
		fail_msg("%s", err.text);
	say(client, 1);
	assert_false(wait_for(server, QUIET_MS));
	wire_close(client);
	wire_close(server);
}

/* A returning agent takes its name back from its own dead connection, and so would another; the
 * key tells them apart. */
static void test_name_goes_to_the_last_and_the_key_tells(void **state)
{
	struct net *n = *state;
	wire_allow(n->server_wire, n->a.public_key);
	wire_allow(n->server_wire, n->b.public_key);
	void *server = listen_on(n, n->ipc);
	void *first = connect_to(n, server, &n->a, "lab-1");
	say(first, 1);
	expect(server, "lab-1", &n->a, 1);
	void *again = connect_to(n, server, &n->a, "lab-1");
	say(again, 2);
	expect(server, "lab-1", &n->a, 2);
	assert_int_equal(answer(server, "lab-1", 3, NULL), 0);
	assert_true(wait_for(again, PATIENCE_MS));
	void *thief = connect_to(n, server, &n->b, "lab-1");
	say(thief, 4);
	expect(server, "lab-1", &n->b, 4);
	wire_close(thief);
	wire_close(again);
	wire_close(first);
	wire_close(server);
}

static void test_gone_peer_is_unreachable(void **state)
{
	struct net *n = *state;
	struct err err = ERR_NONE;
	int r = 0;
	wire_allow(n->server_wire, n->a.public_key);
	void *server = listen_on(n, "tcp://127.0.0.1:*");
	assert_int_equal(answer(server, "nobody", 1, &err), -EHOSTUNREACH);
	assert_string_equal(err.text, "'nobody' is not connected");
	void *client = connect_to(n, server, &n->a, "lab-1");
	say(client, 1);
	expect(server, "lab-1", &n->a, 1);
	wire_close(client);
	for (int i = 0; i < PATIENCE_MS / 10 && r == 0; i++) {
		r = answer(server, "lab-1", 2, &err);
		usleep(10000);
	}
	assert_int_equal(r, -EHOSTUNREACH);
	wire_close(server);
}

/* Nobody reads: queues fill up, and sending says so instead of blocking. */
static void test_slow_peer_is_eagain(void **state)
{
	struct net *n = *state;
	struct err err = ERR_NONE;
	int r = 0;
	wire_allow(n->server_wire, n->a.public_key);
	void *server = listen_on(n, n->ipc);
	void *client = connect_to(n, server, &n->a, "lab-1");
	say(client, 1);
	expect(server, "lab-1", &n->a, 1);
	struct message m = {.kind = MESSAGE_RECORD, .record.sequence = 1};
	strcpy(m.record.epoch, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
	m.record.kind = RECORD_BLOB;
	m.record.body_size = 64 << 10;
	m.record.body = xcalloc(1, m.record.body_size);
	for (int i = 0; i < 20000 && r == 0; i++)
		r = wire_send_to(server, "lab-1", &m, &err);
	assert_int_equal(r, -EAGAIN);
	assert_string_equal(err.text, "'lab-1' does not take its messages");
	message_done(&m);
	wire_close(client);
	wire_close(server);
}

static void test_client_without_server_keeps_some_then_eagain(void **state)
{
	struct net *n = *state;
	struct err err = ERR_NONE;
	struct message m = {.kind = MESSAGE_HEARTBEAT};
	void *client;
	int sent = 0;
	assert_int_equal(wire_connect(n->client_wire, n->ipc, &n->a, n->server_keys.public_key,
				      "lab-1", &client, NULL),
			 0);
	while (sent < 5000 && wire_send(client, &m, &err) == 0)
		sent++;
	assert_int_equal(sent, 256);
	assert_int_equal(err.code, EAGAIN);
	wire_allow(n->server_wire, n->a.public_key);
	void *server = listen_on(n, n->ipc);
	expect(server, "lab-1", &n->a, 0); /* a server that starts late gets them */
	wire_close(client);
	wire_close(server);
}

static void test_server_comes_back(void **state)
{
	struct net *n = *state;
	wire_allow(n->server_wire, n->a.public_key);
	void *server = listen_on(n, n->ipc);
	void *client = connect_to(n, server, &n->a, "lab-1");
	say(client, 1);
	expect(server, "lab-1", &n->a, 1);
	wire_close(server);
	wire_free(n->server_wire);
	assert_int_equal(wire_new(&n->server_wire, NULL), 0);
	wire_allow(n->server_wire, n->a.public_key);
	server = listen_on(n, n->ipc);
	say(client, 2);
	expect(server, "lab-1", &n->a, 2);
	wire_close(client);
	wire_close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_allowed_key_passes),
		TEST(test_unknown_key_gets_nothing_until_it_is_allowed),
		TEST(test_no_key_at_all_gets_nothing),
		TEST(test_revoked_key_is_refused_when_it_comes_back),
		TEST(test_client_accepts_one_server_only),
		TEST(test_name_goes_to_the_last_and_the_key_tells),
		TEST(test_gone_peer_is_unreachable),
		TEST(test_slow_peer_is_eagain),
		TEST(test_client_without_server_keeps_some_then_eagain),
		TEST(test_server_comes_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
