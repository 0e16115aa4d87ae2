// SPDX-License-Identifier: GPL-3.0-or-later
/* zap - what the handler answers, asked as libzmq asks it and as it never would. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <zmq.h>

#include "proto/base/mem.h"
#include "proto/wire/zap.h"

enum { REPLY_FRAMES = 6 };

struct bench {
	void *context;
	void *asker;
	struct zap *zap;
	uint8_t allowed[32], unknown[32];
	char allowed_text[KEY_TEXT_SIZE];
};

static int set_up(void **state)
{
	struct bench *t = xcalloc(1, sizeof(*t));
	t->context = zmq_ctx_new();
	t->zap = zap_new(t->context);
	t->asker = zmq_socket(t->context, ZMQ_REQ);
	memset(t->allowed, 0x5a, sizeof(t->allowed));
	memset(t->unknown, 0xa5, sizeof(t->unknown));
	zmq_z85_encode(t->allowed_text, t->allowed, sizeof(t->allowed));
	zap_allow(t->zap, t->allowed_text);
	*state = t;
	return zap_start(t->zap, NULL) + zap_start(t->zap, NULL) +
	       zmq_connect(t->asker, ZAP_ENDPOINT);
}

static int tear_down(void **state)
{
	struct bench *t = *state;
	zmq_close(t->asker);
	zmq_ctx_shutdown(t->context);
	zap_free(t->zap);
	zmq_ctx_term(t->context);
	free(t);
	return 0;
}

struct part {
	const void *bytes;
	size_t size;
};

/* Sends the parts; the answer's frames as texts. */
static void ask(struct bench *t, const struct part *parts, size_t n, char ret[REPLY_FRAMES][300])
{
	int patience_ms = 20000;
	zmq_setsockopt(t->asker, ZMQ_RCVTIMEO, &patience_ms, sizeof(patience_ms));
	for (size_t i = 0; i < n; i++)
		assert_true(zmq_send(t->asker, parts[i].bytes, parts[i].size,
				     i + 1 < n ? ZMQ_SNDMORE : 0) >= 0);
	for (int i = 0; i < REPLY_FRAMES; i++) {
		int more;
		size_t size = sizeof(more);
		int got = zmq_recv(t->asker, ret[i], 299, 0);
		assert_in_range(got, 0, 299);
		ret[i][got] = '\0';
		zmq_getsockopt(t->asker, ZMQ_RCVMORE, &more, &size);
		assert_int_equal(more, i + 1 < REPLY_FRAMES);
	}
}

#define TEXT(s)                \
	{                      \
		(s), strlen(s) \
	}

static void expect_status(struct bench *t, const struct part *parts, size_t n, const char *status,
			  const char *why)
{
	char reply[REPLY_FRAMES][300];
	ask(t, parts, n, reply);
	if (strcmp(reply[0], "1.0") != 0 || strcmp(reply[2], status) != 0)
		fail_msg("%s: answered %s", why, reply[2]);
	assert_string_equal(reply[4], strcmp(status, "200") == 0 ? t->allowed_text : "");
}

static void test_answers(void **state)
{
	struct bench *t = *state;
	char long_frame[1000];
	memset(long_frame, 'l', sizeof(long_frame));
	const struct part good[] = {TEXT("1.0"), TEXT("id-1"),	TEXT(ZAP_DOMAIN), TEXT("::1"),
				    TEXT(""),	 TEXT("CURVE"), {t->allowed, 32}};
	const struct {
		const char *why;
		int frame; /* which is another */
		struct part part;
		const char *status;
	} cases[] = {
		{"an allowed key", 6, {t->allowed, 32}, "200"},
		{"an unknown key may try again later", 6, {t->unknown, 32}, "300"},
		{"a key that is cut", 6, {t->allowed, 31}, "400"},
		{"a key with more behind it", 6, {long_frame, sizeof(long_frame)}, "400"},
		{"no key", 6, {"", 0}, "400"},
		{"another mechanism", 5, TEXT("NULL"), "400"},
		{"a password", 5, TEXT("PLAIN"), "400"},
		{"another domain", 2, TEXT("global"), "400"},
		{"another version of ZAP", 0, TEXT("2.0"), "500"},
		{"a long address is nobody's fault", 3, {long_frame, sizeof(long_frame)}, "200"},
		{"a long id cannot be given back", 1, {long_frame, sizeof(long_frame)}, "200"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct part parts[ARRAY_SIZE(good)];
		memcpy(parts, good, sizeof(parts));
		parts[cases[i].frame] = cases[i].part;
		expect_status(t, parts, ARRAY_SIZE(parts), cases[i].status, cases[i].why);
	}
}

static void test_counts_of_frames(void **state)
{
	struct bench *t = *state;
	const struct part parts[] = {TEXT("1.0"),      TEXT("id"),    TEXT(ZAP_DOMAIN),
				     TEXT("::1"),      TEXT(""),      TEXT("CURVE"),
				     {t->allowed, 32}, TEXT("extra"), TEXT("extra")};
	for (size_t n = 1; n <= ARRAY_SIZE(parts); n++)
		expect_status(t, parts, n, n == 7 ? "200" : "500", "seven frames are a request");
}

static void test_id_comes_back(void **state)
{
	struct bench *t = *state;
	char reply[REPLY_FRAMES][300];
	const struct part parts[] = {TEXT("1.0"), TEXT("request 42"), TEXT(ZAP_DOMAIN), TEXT(""),
				     TEXT(""),	  TEXT("CURVE"),      {t->allowed, 32}};
	ask(t, parts, ARRAY_SIZE(parts), reply);
	assert_string_equal(reply[1], "request 42");
}

static void test_revoking_and_allowing_twice(void **state)
{
	struct bench *t = *state;
	const struct part parts[] = {TEXT("1.0"), TEXT("id"),	 TEXT(ZAP_DOMAIN), TEXT(""),
				     TEXT(""),	  TEXT("CURVE"), {t->allowed, 32}};
	zap_allow(t->zap, t->allowed_text);
	zap_revoke(t->zap, t->allowed_text); /* once is enough */
	expect_status(t, parts, ARRAY_SIZE(parts), "300", "revoked");
	zap_revoke(t->zap, t->allowed_text);
	for (int i = 0; i < 80; i++) {
		char other[KEY_TEXT_SIZE];
		memset(t->unknown, i, sizeof(t->unknown));
		zmq_z85_encode(other, t->unknown, sizeof(t->unknown));
		zap_allow(t->zap, other);
	}
	expect_status(t, parts, ARRAY_SIZE(parts), "300", "others were allowed");
	zap_allow(t->zap, t->allowed_text);
	expect_status(t, parts, ARRAY_SIZE(parts), "200", "allowed again");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_answers),
		TEST(test_counts_of_frames),
		TEST(test_id_comes_back),
		TEST(test_revoking_and_allowing_twice),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
