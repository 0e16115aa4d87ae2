// SPDX-License-Identifier: GPL-3.0-or-later
/* zap - a thread with a REP socket, asked by libzmq's I/O threads at each handshake.
 *
 * A request is version, id, domain, address, identity, mechanism, and for CURVE the 32 bytes of
 * the client's key; the answer is version, id, status, text, user id, metadata. The user id is
 * the proved key as Z85; it is found again on every message of that connection ("User-Id").
 *
 * Trap: an unknown key is answered 300 ("try again later") and not 400. A 400 makes libzmq 4.3.4
 * at the client give up for ever; after a 300 it tries again when its ZMQ_HANDSHAKE_IVL is over,
 * so a key that is allowed later gets in without anybody starting anything again.
 * Source: ZeroMQ RFC 27; the trap was tried with libzmq 4.3.4. */
#include "proto/wire/zap.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <zmq.h>

#include "proto/base/mem.h"

enum { CURVE_KEY_BYTES = 32, FRAME_BYTES = 255, REQUEST_FRAMES = 7 };

struct known_key {
	char text[KEY_TEXT_SIZE];
};

struct zap {
	void *context; /* borrowed */
	void *socket;  /* owned; the thread's from zap_start() on */
	pthread_t thread;
	bool running;
	pthread_mutex_t lock;	/* over the two below */
	struct known_key *keys; /* owned */
	size_t n_keys;
};

/* One frame; what is longer than it may be is kept as too long. */
struct frame {
	size_t size;
	uint8_t bytes[FRAME_BYTES];
};

struct zap *zap_new(void *context)
{
	struct zap *zap = xcalloc(1, sizeof(*zap));
	zap->context = context;
	pthread_mutex_init(&zap->lock, NULL);
	return zap;
}

/* The index of the key, or n_keys. */
static size_t find(const struct zap *zap, const char *key)
{
	size_t i = 0;
	while (i < zap->n_keys && strcmp(zap->keys[i].text, key) != 0)
		i++;
	return i;
}

void zap_allow(struct zap *zap, const char key[KEY_TEXT_SIZE])
{
	pthread_mutex_lock(&zap->lock);
	if (find(zap, key) == zap->n_keys)
		STRCPY_FIXED(ARRAY_PUSH(zap->keys, zap->n_keys)->text, key);
	pthread_mutex_unlock(&zap->lock);
}

void zap_revoke(struct zap *zap, const char key[KEY_TEXT_SIZE])
{
	pthread_mutex_lock(&zap->lock);
	size_t i = find(zap, key);
	if (i < zap->n_keys)
		zap->keys[i] = zap->keys[--zap->n_keys];
	pthread_mutex_unlock(&zap->lock);
}

static bool is_allowed(struct zap *zap, const char *key)
{
	pthread_mutex_lock(&zap->lock);
	bool allowed = find(zap, key) < zap->n_keys;
	pthread_mutex_unlock(&zap->lock);
	return allowed;
}

/* One whole request; more frames than it has are read and dropped, *ret_n counts them too. */
static int receive(void *socket, struct frame frames[REQUEST_FRAMES], size_t *ret_n)
{
	int more = 1;
	*ret_n = 0;
	while (more) {
		struct frame spare, *f = *ret_n < REQUEST_FRAMES ? &frames[*ret_n] : &spare;
		size_t more_size = sizeof(more);
		int n = zmq_recv(socket, f->bytes, sizeof(f->bytes), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || zmq_getsockopt(socket, ZMQ_RCVMORE, &more, &more_size) < 0)
			return -errno;
		f->size = (size_t)n;
		++*ret_n;
	}
	return 0;
}

static bool is(const struct frame *f, const char *text)
{
	return f->size == strlen(text) && memcmp(f->bytes, text, f->size) == 0;
}

/* The status of the answer; ret_key is "" unless it is 200. */
static const char *judge(struct zap *zap, const struct frame *frames, size_t n,
			 char ret_key[KEY_TEXT_SIZE])
{
	char key[KEY_TEXT_SIZE];
	ret_key[0] = '\0';
	if (n != REQUEST_FRAMES || !is(&frames[0], "1.0"))
		return "500";
	if (!is(&frames[2], ZAP_DOMAIN) || !is(&frames[5], "CURVE") ||
	    frames[6].size != CURVE_KEY_BYTES ||
	    !zmq_z85_encode(key, frames[6].bytes, CURVE_KEY_BYTES))
		return "400";
	if (!is_allowed(zap, key))
		return "300";
	memcpy(ret_key, key, sizeof(key));
	return "200";
}

static int answer(struct zap *zap)
{
	struct frame frames[REQUEST_FRAMES] = {0};
	char key[KEY_TEXT_SIZE];
	size_t n;
	int r = receive(zap->socket, frames, &n);
	if (r < 0)
		return r;
	const char *status = judge(zap, frames, n, key);
	const struct frame *id = &frames[1];
	size_t id_size = n > 1 && id->size <= FRAME_BYTES ? id->size : 0;
	if (zmq_send(zap->socket, "1.0", 3, ZMQ_SNDMORE) < 0 ||
	    zmq_send(zap->socket, id->bytes, id_size, ZMQ_SNDMORE) < 0 ||
	    zmq_send(zap->socket, status, 3, ZMQ_SNDMORE) < 0 ||
	    zmq_send(zap->socket, "", 0, ZMQ_SNDMORE) < 0 ||
	    zmq_send(zap->socket, key, strlen(key), ZMQ_SNDMORE) < 0 ||
	    zmq_send(zap->socket, "", 0, 0) < 0)
		return -errno;
	return 0;
}

static void *serve(void *arg)
{
	struct zap *zap = arg;
	int r;
	do {
		r = answer(zap);
	} while (r != -ETERM);
	zmq_close(zap->socket);
	return NULL;
}

/* Signals are for the program's own thread, which has them in its loop. */
static int start_thread(struct zap *zap)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int code = pthread_create(&zap->thread, NULL, serve, zap);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -code;
}

int zap_start(struct zap *zap, struct err *err)
{
	if (zap->running)
		return 0;
	zap->socket = zmq_socket(zap->context, ZMQ_REP);
	if (!zap->socket)
		return err_say(err, errno, "make the ZAP socket: %s", zmq_strerror(errno));
	int r = zmq_bind(zap->socket, ZAP_ENDPOINT) < 0 ? -errno : start_thread(zap);
	if (r < 0) {
		zmq_close(zap->socket);
		return err_say(err, -r, "start the ZAP handler: %s", zmq_strerror(-r));
	}
	zap->running = true;
	return 0;
}

void zap_free(struct zap *zap)
{
	if (!zap)
		return;
	if (zap->running)
		pthread_join(zap->thread, NULL);
	pthread_mutex_destroy(&zap->lock);
	free(zap->keys);
	free(zap);
}
