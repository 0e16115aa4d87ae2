// SPDX-License-Identifier: GPL-3.0-or-later
/* A fleet with agents that this test plays: who is welcomed, who is refused in words, what is
 * acknowledged, and who is given up. Real sockets, real keys. */
#include "controller/fleet/fleet.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"

struct world {
	char folder[64];
	char *control, *bulk;
	struct loop *loop;
	struct wire *wire;
	struct key_pair controller, known, stranger;
	struct fleet *fleet;
	struct loop_source *limit;
	size_t joined, left, records;
	uint64_t refuse_record; /* a record of this sequence cannot be committed */
	char why[200];
	struct fleet_agent *agent;
};

static void on_joined(void *arg, struct fleet_agent *agent)
{
	struct world *w = arg;
	w->joined++;
	w->agent = agent;
}

static void on_left(void *arg, struct fleet_agent *agent, const char *why)
{
	struct world *w = arg;
	(void)agent;
	w->left++;
	w->agent = NULL;
	STRCPY_FIXED(w->why, why);
}

static void on_preflight(void *arg, struct fleet_agent *a, const struct msg_preflight_reply *m)
{
	(void)arg;
	(void)a;
	(void)m;
}

static void on_taken(void *arg, struct fleet_agent *a, const struct msg_taken *m)
{
	(void)arg;
	(void)a;
	(void)m;
}

static void on_progress(void *arg, struct fleet_agent *a, const struct msg_progress *m)
{
	(void)arg;
	(void)a;
	(void)m;
}

static int on_record(void *arg, struct fleet_agent *a, const struct msg_record *r, struct err *err)
{
	struct world *w = arg;
	(void)a;
	if (r->sequence == w->refuse_record)
		return err_say(err, ENOSPC, "the disk is full");
	w->records++;
	return 0;
}

static uint64_t on_committed(void *arg, const char *agent, const char *epoch)
{
	(void)arg;
	(void)agent;
	(void)epoch;
	return 41;
}

static const struct fleet_listener listener = {
	.joined = on_joined,
	.left = on_left,
	.preflight = on_preflight,
	.taken = on_taken,
	.progress = on_progress,
	.record = on_record,
	.committed = on_committed,
};

static int set_up(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));
	struct err err = ERR_NONE;
	*state = w;
	STRCPY_FIXED(w->folder, "/tmp/assay-fleet-XXXXXX");
	if (!mkdtemp(w->folder))
		return -1;
	w->control = xasprintf("ipc://%s/control", w->folder);
	w->bulk = xasprintf("ipc://%s/bulk", w->folder);
	struct fleet_options options = {
		.control = w->control,
		.bulk = w->bulk,
		.keys = &w->controller,
		.listener = &listener,
		.arg = w,
	};
	if (keys_load_or_make(w->folder, "controller", &w->controller, &err) < 0 ||
	    keys_load_or_make(w->folder, "known", &w->known, &err) < 0 ||
	    keys_load_or_make(w->folder, "stranger", &w->stranger, &err) < 0 ||
	    loop_new(&w->loop, &err) < 0 || wire_new(&w->wire, &err) < 0 ||
	    fleet_new(w->loop, w->wire, &options, &w->fleet, &err) < 0)
		fail_msg("%s", err.text);
	wire_allow(w->wire, w->known.public_key);
	return 0;
}

static int tear_down(void **state)
{
	struct world *w = *state;
	loop_free(w->loop);
	fleet_free(w->fleet);
	wire_free(w->wire);
	file_remove_tree(w->folder, NULL);
	free(w->control);
	free(w->bulk);
	free(w);
	return 0;
}

static void stop_loop(void *arg)
{
	struct world *w = arg;
	loop_quit(w->loop);
}

static void run_loop(struct world *w, uint64_t ns)
{
	assert_int_equal(loop_add_timer(w->loop, ns, 0, stop_loop, w, &w->limit, NULL), 0);
	assert_int_equal(loop_run(w->loop, NULL), 0);
}

/* Lets the fleet work until the client has something to read, or 3 s are over. */
static bool hear(struct world *w, void *client, struct message *ret)
{
	for (int i = 0; i < 150; i++) {
		run_loop(w, 20 * NSEC_PER_MSEC);
		*ret = (struct message){0};
		if (wire_recv(client, ret, NULL) == 0)
			return true;
	}
	return false;
}

static void *dial(struct world *w, const char *endpoint, const struct key_pair *keys,
		  const char *name)
{
	void *socket = NULL;
	struct err err = ERR_NONE;
	if (wire_connect(w->wire, endpoint, keys, w->controller.public_key, name, &socket, &err) <
	    0)
		fail_msg("%s", err.text);
	return socket;
}

static void say_hello(void *socket, const char *name, uint32_t protocol)
{
	struct message m = {.kind = MESSAGE_HELLO};
	m.hello.protocol = protocol;
	STRCPY_FIXED(m.hello.agent, name);
	STRCPY_FIXED(m.hello.version, "test");
	STRCPY_FIXED(m.hello.epoch, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
	STRCPY_FIXED(m.hello.host.name, "host");
	hash_bytes("host", 4, m.hello.host.fingerprint);
	assert_int_equal(wire_send(socket, &m, NULL), 0);
}

static void a_known_agent_is_welcomed(void **state)
{
	struct world *w = *state;
	struct message m;
	void *socket = dial(w, w->control, &w->known, "agent-1");
	say_hello(socket, "agent-1", WIRE_PROTOCOL);
	assert_true(hear(w, socket, &m));
	assert_int_equal(m.kind, MESSAGE_WELCOME);
	assert_int_equal(m.welcome.committed, 41);
	assert_true(m.welcome.bulk_window_bytes > 0);
	assert_int_equal(w->joined, 1);
	assert_string_equal(w->agent->host.name, "host");
	wire_close(socket);
}

static void a_stranger_gets_nothing(void **state)
{
	struct world *w = *state;
	struct message m;
	void *socket = dial(w, w->control, &w->stranger, "agent-1");
	say_hello(socket, "agent-1", WIRE_PROTOCOL);
	assert_false(hear(w, socket, &m));
	assert_int_equal(w->joined, 0);
	wire_close(socket);
}

static void another_protocol_is_refused_in_words(void **state)
{
	struct world *w = *state;
	struct message m;
	void *socket = dial(w, w->control, &w->known, "agent-1");
	say_hello(socket, "agent-1", WIRE_PROTOCOL + 1);
	assert_true(hear(w, socket, &m));
	assert_int_equal(m.kind, MESSAGE_REFUSED);
	assert_non_null(strstr(m.refused.why, "install the same version on both"));
	assert_int_equal(w->joined, 0);
	wire_close(socket);
}

static void a_false_name_is_refused(void **state)
{
	struct world *w = *state;
	struct message m;
	void *socket = dial(w, w->control, &w->known, "agent-1");
	say_hello(socket, "agent-2", WIRE_PROTOCOL);
	assert_true(hear(w, socket, &m));
	assert_int_equal(m.kind, MESSAGE_REFUSED);
	assert_int_equal(w->joined, 0);
	wire_close(socket);
}

static void send_record(void *bulk, uint64_t sequence)
{
	struct message m = {.kind = MESSAGE_RECORD};
	char body[] = "body";
	STRCPY_FIXED(m.record.epoch, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
	m.record.sequence = sequence;
	m.record.kind = RECORD_BLOB;
	m.record.body = body;
	m.record.body_size = sizeof(body);
	assert_int_equal(wire_send(bulk, &m, NULL), 0);
}

/* What was not committed is not acknowledged: the agent keeps it. */
static void only_commits_are_acknowledged(void **state)
{
	struct world *w = *state;
	struct message m;
	void *control = dial(w, w->control, &w->known, "agent-1");
	void *bulk = dial(w, w->bulk, &w->known, "agent-1");
	say_hello(control, "agent-1", WIRE_PROTOCOL);
	assert_true(hear(w, control, &m));
	send_record(bulk, 42);
	assert_true(hear(w, bulk, &m));
	assert_int_equal(m.kind, MESSAGE_ACK);
	assert_int_equal(m.ack.sequence, 42);
	w->refuse_record = 43;
	send_record(bulk, 43);
	assert_false(hear(w, bulk, &m));
	assert_int_equal(w->records, 1);
	wire_close(control);
	wire_close(bulk);
}

/* An acknowledgement is for all up to it: one past the record that failed would lose that. */
static void nothing_is_committed_past_a_record_that_was_not(void **state)
{
	struct world *w = *state;
	struct message m;
	void *control = dial(w, w->control, &w->known, "agent-1");
	void *bulk = dial(w, w->bulk, &w->known, "agent-1");
	say_hello(control, "agent-1", WIRE_PROTOCOL);
	assert_true(hear(w, control, &m));
	w->refuse_record = 42;
	send_record(bulk, 42);
	send_record(bulk, 43);
	assert_false(hear(w, bulk, &m));
	assert_int_equal(w->records, 0);
	w->refuse_record = 0; /* there is room again, and the agent sends both again */
	send_record(bulk, 42);
	send_record(bulk, 43);
	assert_true(hear(w, bulk, &m));
	assert_int_equal(m.ack.sequence, 42);
	assert_true(hear(w, bulk, &m));
	assert_int_equal(m.ack.sequence, 43);
	assert_int_equal(w->records, 2);
	wire_close(control);
	wire_close(bulk);
}

static void records_of_an_unknown_agent_are_not_taken(void **state)
{
	struct world *w = *state;
	struct message m;
	void *bulk = dial(w, w->bulk, &w->known, "agent-1");
	send_record(bulk, 1);
	assert_false(hear(w, bulk, &m));
	assert_int_equal(w->records, 0);
	wire_close(bulk);
}

static void silence_is_a_lost_agent(void **state)
{
	struct world *w = *state;
	struct message m;
	void *socket = dial(w, w->control, &w->known, "agent-1");
	say_hello(socket, "agent-1", WIRE_PROTOCOL);
	assert_true(hear(w, socket, &m));
	w->agent->heard_ns -= 11 * NSEC_PER_SEC; /* as if it had been that long */
	run_loop(w, 1500 * NSEC_PER_MSEC);
	assert_int_equal(w->left, 1);
	assert_non_null(strstr(w->why, "silent"));
	wire_close(socket);
}

/* As after Ctrl-Z and fg: the agent said all it had to say, but nobody listened. */
static void a_stopped_controller_blames_nobody(void **state)
{
	struct world *w = *state;
	struct message m;
	void *socket = dial(w, w->control, &w->known, "agent-1");
	say_hello(socket, "agent-1", WIRE_PROTOCOL);
	assert_true(hear(w, socket, &m));
	run_loop(w, 1100 * NSEC_PER_MSEC);
	sleep(12);
	run_loop(w, 1500 * NSEC_PER_MSEC);
	assert_int_equal(w->left, 0);
	wire_close(socket);
}

static void bye_is_heard(void **state)
{
	struct world *w = *state;
	struct message m, bye = {.kind = MESSAGE_BYE};
	void *socket = dial(w, w->control, &w->known, "agent-1");
	say_hello(socket, "agent-1", WIRE_PROTOCOL);
	assert_true(hear(w, socket, &m));
	STRCPY_FIXED(bye.bye.why, "drained");
	assert_int_equal(wire_send(socket, &bye, NULL), 0);
	run_loop(w, 300 * NSEC_PER_MSEC);
	assert_int_equal(w->left, 1);
	assert_string_equal(w->why, "drained");
	wire_close(socket);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		CASE(a_known_agent_is_welcomed),
		CASE(a_stranger_gets_nothing),
		CASE(another_protocol_is_refused_in_words),
		CASE(a_false_name_is_refused),
		CASE(only_commits_are_acknowledged),
		CASE(nothing_is_committed_past_a_record_that_was_not),
		CASE(records_of_an_unknown_agent_are_not_taken),
		CASE(silence_is_a_lost_agent),
		CASE(a_stopped_controller_blames_nobody),
		CASE(bye_is_heard),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
