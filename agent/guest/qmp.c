// SPDX-License-Identifier: GPL-3.0-or-later
/* qmp - lines in, lines out, and what they mean. */
#include "agent/guest/qmp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/guest/deadline.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

struct qmp {
	int fd; /* owned */
	qmp_event_f *on_event;
	void *arg; /* borrowed */
	char version[200];
	json_int_t id;	   /* of the last command */
	struct err broken; /* code set: the stream cannot be followed any more */
	size_t used;	   /* bytes of `bytes` */
	size_t line;	   /* of them, those of the line that was given out last */
	char bytes[QMP_LINE_BYTES];
};

static int is_broken(const struct qmp *q, struct err *err)
{
	return q->broken.code ? err_say(err, q->broken.code, "%s", q->broken.text) : 0;
}

static int break_off(struct qmp *q, int code, const char *sentence, struct err *err)
{
	err_say(&q->broken, code, "%s", sentence);
	return is_broken(q, err);
}

/* More bytes from QEMU, at least one. */
static int fill(struct qmp *q, const struct guest_wait *wait, struct err *err)
{
	if (q->used == sizeof(q->bytes))
		return break_off(q, EMSGSIZE, "QMP: QEMU sent a line of more than 256 KiB", err);
	int r = deadline_wait_readable(q->fd, wait->deadline_ns, wait->cancel_fd);
	if (r < 0)
		return err_sys(err, -r, "QMP: wait for QEMU");
	ssize_t n = recv(q->fd, q->bytes + q->used, sizeof(q->bytes) - q->used, MSG_DONTWAIT);
	if (n < 0 && (errno == EINTR || errno == EAGAIN))
		return 0;
	if (n <= 0)
		return break_off(q, ECONNRESET, "QMP: QEMU closed the connection", err);
	q->used += (size_t)n;
	return 0;
}

/* The next line, without its end; it is true until the next call. */
static int next_line(struct qmp *q, const struct guest_wait *wait, const char **ret,
		     size_t *ret_size, struct err *err)
{
	size_t searched = 0;
	if (is_broken(q, err) < 0)
		return err_code(err);
	memmove(q->bytes, q->bytes + q->line, q->used -= q->line);
	q->line = 0;
	for (;;) {
		const char *end = memchr(q->bytes + searched, '\n', q->used - searched);
		if (end) {
			*ret = q->bytes;
			*ret_size = (size_t)(end - q->bytes);
			q->line = *ret_size + 1;
			return 0;
		}
		searched = q->used;
		if (fill(q, wait, err) < 0)
			return err_code(err);
	}
}

/* The start of bytes that may be anything, for a sentence. */
static void printable(const char *bytes, size_t size, char *ret, size_t ret_size)
{
	size_t n = 0;
	for (; n < size && n < ret_size - 1; n++)
		ret[n] = bytes[n] >= 0x20 && bytes[n] < 0x7f ? bytes[n] : '.';
	ret[n] = '\0';
}

static int next_object(struct qmp *q, const struct guest_wait *wait, json_t **ret, struct err *err)
{
	const char *line = NULL;
	size_t size = 0;
	json_error_t where;
	char start[61], sentence[200];
	if (next_line(q, wait, &line, &size, err) < 0)
		return err_code(err);
	autojson json_t *object = json_loadb(line, size, 0, &where);
	if (json_is_object(object)) {
		*ret = take(object);
		return 0;
	}
	printable(line, size, start, sizeof(start));
	snprintf(sentence, sizeof(sentence), "QMP: QEMU sent no JSON object but '%s'", start);
	return break_off(q, EPROTO, sentence, err);
}

/* The next object that is not an event. */
static int next_reply(struct qmp *q, const struct guest_wait *wait, json_t **ret, struct err *err)
{
	for (;;) {
		autojson json_t *object = NULL;
		if (next_object(q, wait, &object, err) < 0)
			return err_code(err);
		const char *event = json_string_value(json_object_get(object, "event"));
		if (!event) {
			*ret = take(object);
			return 0;
		}
		if (q->on_event)
			q->on_event(q->arg, event, json_object_get(object, "data"));
	}
}

static int read_greeting(struct qmp *q, const struct guest_wait *wait, struct err *err)
{
	autojson json_t *greeting = NULL;
	int major, minor, micro;
	const char *package = "";
	if (next_reply(q, wait, &greeting, err) < 0)
		return err_code(err);
	if (json_unpack(greeting, "{s:{s:{s:{s:i,s:i,s:i},s?s}}}", "QMP", "version", "qemu",
			"major", &major, "minor", &minor, "micro", &micro, "package", &package) < 0)
		return break_off(q, EPROTO, "QMP: QEMU did not greet with its version", err);
	snprintf(q->version, sizeof(q->version), "%d.%d.%d%s%.100s%s", major, minor, micro,
		 *package ? " (" : "", package, *package ? ")" : "");
	return 0;
}

int qmp_open(int fd, qmp_event_f *on_event, void *arg, const struct guest_wait *wait,
	     struct qmp **ret, struct err *err)
{
	autoclean(qmp) struct qmp *q = xmalloc(sizeof(*q));
	memset(q, 0, offsetof(struct qmp, bytes));
	q->fd = fd;
	q->on_event = on_event;
	q->arg = arg;
	if (read_greeting(q, wait, err) < 0 ||
	    qmp_command(q, "qmp_capabilities", wait, NULL, err) < 0)
		return err_code(err);
	*ret = take(q);
	return 0;
}

void qmp_close(struct qmp *qmp)
{
	if (!qmp)
		return;
	close(qmp->fd);
	free(qmp);
}

const char *qmp_version(const struct qmp *qmp)
{
	return qmp->version;
}

static int send_command(struct qmp *q, const char *command, struct err *err)
{
	autofree char *line = xasprintf("{\"execute\": \"%s\", \"id\": %lld}\n", command,
					(long long)++q->id);
	size_t size = strlen(line);
	ssize_t n;
	/* So short that it fits, or QEMU has long stopped reading. */
	while ((n = send(q->fd, line, size, MSG_NOSIGNAL | MSG_DONTWAIT)) < 0 && errno == EINTR)
		;
	if (n == (ssize_t)size)
		return 0;
	if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
		return err_say(err, ECONNRESET, "QMP: QEMU closed the connection");
	return break_off(q, EIO, "QMP: QEMU does not read its commands", err);
}

/* Ours, or without an id because QEMU could not read it; not one that we gave up waiting for. */
static bool is_answer(const struct qmp *q, const json_t *reply)
{
	const json_t *id = json_object_get(reply, "id");
	return !id || json_integer_value(id) == q->id;
}

static int take_answer(struct qmp *q, const char *command, json_t *reply, json_t **ret_value,
		       struct err *err)
{
	const char *refusal = NULL;
	json_t *value = json_object_get(reply, "return");
	if (value) {
		if (ret_value)
			*ret_value = json_incref(value);
		return 0;
	}
	if (json_unpack(reply, "{s:{s:s}}", "error", "desc", &refusal) < 0)
		return break_off(q, EPROTO, "QMP: QEMU's reply has neither return nor error", err);
	return err_say(err, EREMOTEIO, "QMP: QEMU refused %s: %.300s", command, refusal);
}

int qmp_command(struct qmp *qmp, const char *command, const struct guest_wait *wait,
		json_t **ret_value, struct err *err)
{
	if (is_broken(qmp, err) < 0 || send_command(qmp, command, err) < 0)
		return err_code(err);
	for (;;) {
		autojson json_t *reply = NULL;
		if (next_reply(qmp, wait, &reply, err) < 0)
			return err_wrap(err, "%s", command);
		if (is_answer(qmp, reply))
			return take_answer(qmp, command, reply, ret_value, err);
	}
}

int qmp_fd(const struct qmp *qmp)
{
	return qmp->fd;
}

int qmp_drain(struct qmp *qmp, uint64_t deadline_ns)
{
	struct guest_wait wait = {.deadline_ns = deadline_ns, .cancel_fd = -1};
	struct err err = ERR_NONE;
	json_t *reply = NULL;
	while (next_reply(qmp, &wait, &reply, &err) == 0)
		json_decref(reply);
	return -err.code;
}
