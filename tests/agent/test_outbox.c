// SPDX-License-Identifier: GPL-3.0-or-later
/* The outbox: everything in order, no more in flight than the window, again what was not
 * acknowledged, nothing that was. Both ends of the socket are here. */
#include "agent/outbox.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "proto/base/clock.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "proto/wire/socket.h"

enum { RECORDS = 6, CONSOLE_BYTES = 10000, PATIENCE_MS = 10000, SILENCE_MS = 150 };

struct line {
	char folder[40];
	struct spool *spool;
	struct wire *wire;
	void *server, *client;
	struct outbox *outbox;
	uint64_t last; /* in the spool */
};

static void pause_ms(long ms)
{
	nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000}, NULL);
}

static void put(struct spool *s, unsigned n)
{
	struct err err = ERR_NONE;
	autoclean(attempt) struct attempt *a = attempt_new();
	hash_bytes(&n, sizeof(n), a->run_key);
	STRCPY_FIXED(a->campaign, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
	a->attempt = 1;
	attempt_artifact(a, "console", xcalloc(1, CONSOLE_BYTES), CONSOLE_BYTES);
	if (spool_begin(s, a, &err) < 0 || spool_end(s, a, &err) < 0)
		fail_msg("%s", err.text);
}

static int set_up(void **state)
{
	struct line *l = xcalloc(1, sizeof(*l));
	struct key_pair server, client;
	char endpoint[ENDPOINT_SIZE];
	struct err err = ERR_NONE;
	strcpy(l->folder, "/tmp/assay-outbox-XXXXXX");
	if (!mkdtemp(l->folder))
		return -1;
	autofree char *path = xasprintf("%s/spool.db", l->folder);
	autofree char *keys = xasprintf("%s/keys", l->folder);
	autofree char *where = xasprintf("ipc://%s/bulk", l->folder);
	if (spool_open(path, &l->spool, &err) < 0 || wire_new(&l->wire, &err) < 0 ||
	    keys_load_or_make(keys, "server", &server, &err) < 0 ||
	    keys_load_or_make(keys, "client", &client, &err) < 0 ||
	    wire_listen(l->wire, where, &server, &l->server, &err) < 0 ||
	    wire_endpoint(l->server, endpoint, &err) < 0)
		return -1;
	wire_allow(l->wire, client.public_key);
	if (wire_connect(l->wire, endpoint, &client, server.public_key, "agent", &l->client, &err) <
	    0)
		return -1;
	for (unsigned i = 0; i < RECORDS / 3; i++) /* begun, blob, ended */
		put(l->spool, i);
	l->last = spool_last(l->spool);
	l->outbox = outbox_new(l->spool, l->client);
	*state = l;
	return l->last == RECORDS ? 0 : -1;
}

static int tear_down(void **state)
{
	struct line *l = *state;
	outbox_free(l->outbox);
	wire_close(l->client);
	wire_close(l->server);
	wire_free(l->wire);
	spool_close(l->spool);
	file_remove_tree(l->folder, NULL);
	free(l);
	return 0;
}

/* The sequence of the record that comes within `ms`; 0: none does. */
static uint64_t receive(struct line *l, int ms)
{
	char peer[PEER_SIZE], key[KEY_TEXT_SIZE];
	struct message m = {0};
	struct err err = ERR_NONE;
	int r;
	while ((r = wire_recv_from(l->server, peer, key, &m, &err)) == -EAGAIN && ms-- > 0)
		pause_ms(1);
	if (r == -EAGAIN)
		return 0;
	if (r < 0 || m.kind != MESSAGE_RECORD)
		fail_msg("no record: %s", err.text);
	assert_string_equal(m.record.epoch, spool_epoch(l->spool));
	uint64_t sequence = m.record.sequence;
	message_done(&m);
	return sequence;
}

static void expect(struct line *l, uint64_t from, uint64_t to)
{
	for (uint64_t s = from; s <= to; s++)
		assert_int_equal(receive(l, PATIENCE_MS), s);
}

static void expect_silence(struct line *l)
{
	assert_int_equal(receive(l, SILENCE_MS), 0);
}

static void nothing_leaves_before_the_welcome(void **state)
{
	struct line *l = *state;
	outbox_pump(l->outbox);
	outbox_tick(l->outbox);
	expect_silence(l);
	outbox_open(l->outbox, 0, 1 << 20);
	expect(l, 1, RECORDS);
	outbox_pump(l->outbox); /* what is in flight is not sent again */
	outbox_tick(l->outbox);
	expect_silence(l);
}

/* A window of less than a record lets one fly: there is always progress. */
static void the_window_holds_back(void **state)
{
	struct line *l = *state;
	outbox_open(l->outbox, 0, 1);
	for (uint64_t s = 1; s <= RECORDS; s++) {
		expect(l, s, s);
		outbox_pump(l->outbox);
		expect_silence(l);
		outbox_acknowledged(l->outbox, s);
		assert_int_equal(spool_pending(l->spool), RECORDS - s);
	}
	expect_silence(l);
}

static void what_is_committed_stays_home(void **state)
{
	struct line *l = *state;
	outbox_open(l->outbox, 4, 1 << 20);
	expect(l, 5, RECORDS);
	expect_silence(l);
	assert_int_equal(spool_pending(l->spool), RECORDS - 4);
	put(l->spool, 100);
	outbox_pump(l->outbox);
	expect(l, RECORDS + 1, RECORDS + 3);
}

static void silence_is_answered_by_sending_again(void **state)
{
	struct line *l = *state;
	outbox_open(l->outbox, 0, 1 << 20);
	expect(l, 1, RECORDS);
	outbox_acknowledged(l->outbox, 2);
	pause_ms(5200); /* longer than a controller is given */
	outbox_tick(l->outbox);
	expect(l, 3, RECORDS); /* and not 1 and 2 */
	outbox_acknowledged(l->outbox, RECORDS);
	outbox_tick(l->outbox);
	expect_silence(l);
	assert_int_equal(spool_pending(l->spool), 0);
}

/* Late, repeated and impossible ones. */
static void acknowledgements_may_be_odd(void **state)
{
	struct line *l = *state;
	outbox_open(l->outbox, 0, 1 << 20);
	expect(l, 1, RECORDS);
	outbox_acknowledged(l->outbox, 3);
	outbox_acknowledged(l->outbox, 1);
	assert_int_equal(spool_pending(l->spool), RECORDS - 3);
	outbox_acknowledged(l->outbox, UINT64_MAX);
	outbox_acknowledged(l->outbox, RECORDS + 1);
	assert_int_equal(spool_pending(l->spool), RECORDS - 3);
	put(l->spool, 100);
	outbox_pump(l->outbox);
	expect(l, RECORDS + 1, RECORDS + 3);
	outbox_open(l->outbox, 3, 1 << 20); /* the controller came back */
	expect(l, 4, RECORDS + 3);
}

#define LINE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LINE_TEST(nothing_leaves_before_the_welcome),
		LINE_TEST(the_window_holds_back),
		LINE_TEST(what_is_committed_stays_home),
		LINE_TEST(silence_is_answered_by_sending_again),
		LINE_TEST(acknowledgements_may_be_odd),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
