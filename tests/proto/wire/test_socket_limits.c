// SPDX-License-Identifier: GPL-3.0-or-later
/* socket - what is too large, malformed or nameless is refused in words, and the next message is
 * read as ever. */
#include "tests/proto/wire/net_bench.h"

static void test_oversized_message_is_dropped(void **state)
{
	struct net *n = *state;
	autofree char *large = xcalloc(1, WIRE_MESSAGE_LIMIT_BYTES + 100);
	wire_allow(n->server_wire, n->a.public_key);
	void *server = listen_on(n, n->ipc);
	void *client = connect_to(n, server, &n->a, "lab-1");
	say(client, 1);
	expect(server, "lab-1", &n->a, 1);
	/* Past the client's own check, as a hostile one would. */
	assert_true(zmq_send(client, large, WIRE_MESSAGE_LIMIT_BYTES + 100, 0) > 0);
	assert_false(wait_for(server, QUIET_MS));
	say(client, 2);
	expect(server, "lab-1", &n->a, 2);
	wire_close(client);
	wire_close(server);
}

static void test_sender_checks_size(void **state)
{
	struct net *n = *state;
	struct err err = ERR_NONE;
	struct message m = {.kind = MESSAGE_RECORD, .record.sequence = 1};
	m.record.body_size = WIRE_MESSAGE_LIMIT_BYTES;
	m.record.body = xcalloc(1, m.record.body_size);
	void *server = listen_on(n, n->ipc);
	void *client = connect_to(n, server, &n->a, "lab-1");
	assert_int_equal(wire_send(client, &m, &err), -EMSGSIZE);
	assert_non_null(strstr(err.text, "record has 83886"));
	assert_int_equal(wire_send_to(server, "lab-1", &m, &err), -EMSGSIZE);
	message_done(&m);
	wire_close(client);
	wire_close(server);
}

static void test_largest_message_passes(void **state)
{
	struct net *n = *state;
	char peer[PEER_SIZE], key[KEY_TEXT_SIZE];
	struct err err = ERR_NONE;
	struct message m = {.kind = MESSAGE_RECORD, .record.sequence = 1}, got;
	strcpy(m.record.epoch, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
	m.record.kind = RECORD_ENDED;
	m.record.body_size = WIRE_MESSAGE_LIMIT_BYTES - 64;
	m.record.body = xcalloc(1, m.record.body_size);
	wire_allow(n->server_wire, n->a.public_key);
	void *server = listen_on(n, n->ipc);
	void *client = connect_to(n, server, &n->a, "lab-1");
	assert_int_equal(wire_send(client, &m, NULL), 0);
	assert_true(wait_for(server, PATIENCE_MS));
	if (wire_recv_from(server, peer, key, &got, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(got.record.body_size, m.record.body_size);
	message_done(&m);
	message_done(&got);
	wire_close(client);
	wire_close(server);
}

/* What does not decode is named with its sender, and the next message is read as ever. */
static void test_garbage_is_named_and_left_behind(void **state)
{
	struct net *n = *state;
	char peer[PEER_SIZE], key[KEY_TEXT_SIZE];
	struct message m;
	struct err err = ERR_NONE;
	wire_allow(n->server_wire, n->a.public_key);
	void *server = listen_on(n, n->ipc);
	void *client = connect_to(n, server, &n->a, "lab-1");
	zmq_send(client, "\xff\xff", 2, 0);
	zmq_send(client, "", 0, 0);
	zmq_send(client, "one", 3, ZMQ_SNDMORE);
	zmq_send(client, "two", 3, ZMQ_SNDMORE);
	zmq_send(client, "three", 5, 0);
	say(client, 5);
	static const char *const says[] = {"are malformed", "holds nothing", "more than one frame"};
	for (size_t i = 0; i < ARRAY_SIZE(says); i++) {
		assert_true(wait_for(server, PATIENCE_MS));
		assert_int_equal(wire_recv_from(server, peer, key, &m, &err), -EBADMSG);
		if (!strstr(err.text, says[i]) || !strstr(err.text, "'lab-1'") ||
		    !strstr(err.text, n->a.public_key))
			fail_msg("'%s' lacks '%s'", err.text, says[i]);
		assert_string_equal(peer, "lab-1");
		assert_string_equal(key, n->a.public_key);
	}
	expect(server, "lab-1", &n->a, 5);
	assert_int_equal(wire_recv_from(server, peer, key, &m, &err), -EAGAIN);
	wire_close(client);
	wire_close(server);
}

/* A client that is not ours: any name, or none. */
static void *raw_client(struct net *n, void *context, const char *name)
{
	void *raw = zmq_socket(context, ZMQ_DEALER);
	zmq_setsockopt(raw, ZMQ_CURVE_SECRETKEY, n->a.secret_key, KEY_TEXT_SIZE);
	zmq_setsockopt(raw, ZMQ_CURVE_PUBLICKEY, n->a.public_key, KEY_TEXT_SIZE);
	zmq_setsockopt(raw, ZMQ_CURVE_SERVERKEY, n->server_keys.public_key, KEY_TEXT_SIZE);
	if (name)
		zmq_setsockopt(raw, ZMQ_ROUTING_ID, name, strlen(name));
	assert_int_equal(zmq_connect(raw, n->ipc), 0);
	return raw;
}

static void test_peers_need_names_that_can_be_printed(void **state)
{
	static const struct {
		const char *why, *name;
	} cases[] = {
		{"no name of its own", NULL},
		{"a name that would move the cursor", "a\x1b[2J"},
		{"DEL is a control character", "\x7f"},
	};
	struct net *n = *state;
	char peer[PEER_SIZE], key[KEY_TEXT_SIZE];
	struct message m;
	struct err err = ERR_NONE;
	wire_allow(n->server_wire, n->a.public_key);
	void *server = listen_on(n, n->ipc);
	void *context = zmq_ctx_new();
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		void *raw = raw_client(n, context, cases[i].name);
		say(raw, 1);
		assert_true(wait_for(server, PATIENCE_MS));
		int r = wire_recv_from(server, peer, key, &m, &err);
		if (r != -EBADMSG || !strstr(err.text, "has no valid name"))
			fail_msg("%s: %d %s", cases[i].why, r, err.text);
		assert_string_equal(peer, "");
		assert_string_equal(key, n->a.public_key);
		assert_int_equal(wire_recv_from(server, peer, key, &m, &err), -EAGAIN);
		wire_close(raw);
	}
	zmq_ctx_term(context);
	wire_close(server);
}

static void test_refused_arguments(void **state)
{
	struct net *n = *state;
	struct key_pair bad = n->a;
	char long_name[300], long_path[200] = "ipc:///tmp/";
	void *s = NULL;
	struct err err = ERR_NONE;
	memset(long_name, 'n', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = '\0';
	memset(long_path + strlen(long_path), 'p', 150);
	bad.secret_key[0] = '~';
	const struct {
		const char *why, *endpoint, *server_key, *name;
		const struct key_pair *keys;
		const char *says;
	} cases[] = {
		{"no transport", "lab:5555", n->a.public_key, "x", &n->a, "is neither tcp://"},
		{"no encryption", "inproc://x", n->a.public_key, "x", &n->a, "is neither tcp://"},
		{"no port", "tcp://lab", n->a.public_key, "x", &n->a, "does not end in a port"},
		{"any port", "tcp://lab:*", n->a.public_key, "x", &n->a, "does not end in a port"},
		{"libzmq would cut it", long_path, n->a.public_key, "x", &n->a, "is too long"},
		{"a short key", n->ipc, "abc", "x", &n->a, "server key 'abc' is not of 40"},
		{"own key is none", n->ipc, n->a.public_key, "x", &bad, "own key pair is not"},
		{"no name", n->ipc, n->a.public_key, "", &n->a, "identity ''"},
		{"a long name", n->ipc, n->a.public_key, long_name, &n->a, "has not 1 to 255"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char key[KEY_TEXT_SIZE];
		mem_strcpy(key, sizeof(key), cases[i].server_key);
		int r = wire_connect(n->client_wire, cases[i].endpoint, cases[i].keys, key,
				     cases[i].name, &s, &err);
		if (r >= 0 || !strstr(err.text, cases[i].says))
			fail_msg("%s: %d %s", cases[i].why, r, err.text);
	}
	static const char *const endpoints[] = {"tcp://*:99999999", "tcp://*:0", "tcp://*:-1",
						"tcp://*:", "ipc:///nowhere/at/all"};
	for (size_t i = 0; i < ARRAY_SIZE(endpoints); i++)
		if (wire_listen(n->server_wire, endpoints[i], &n->a, &s, &err) >= 0 ||
		    !strstr(err.text, endpoints[i]))
			fail_msg("listens on %s: %s", endpoints[i], err.text);
	assert_null(s);
}

static void test_port_is_taken(void **state)
{
	struct net *n = *state;
	char endpoint[ENDPOINT_SIZE];
	struct err err = ERR_NONE;
	void *server = listen_on(n, "tcp://127.0.0.1:*"), *second;
	assert_int_equal(wire_endpoint(server, endpoint, NULL), 0);
	assert_int_equal(wire_listen(n->server_wire, endpoint, &n->a, &second, &err), -EADDRINUSE);
	assert_non_null(strstr(err.text, "Address already in use"));
	wire_close(server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_oversized_message_is_dropped),
		TEST(test_sender_checks_size),
		TEST(test_largest_message_passes),
		TEST(test_garbage_is_named_and_left_behind),
		TEST(test_peers_need_names_that_can_be_printed),
		TEST(test_refused_arguments),
		TEST(test_port_is_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
