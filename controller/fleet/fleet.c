// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/fleet/fleet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <version.h>

#include "proto/base/clock.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

static const uint64_t heartbeat_ns = NSEC_PER_SEC;
/* A busy single-core host may starve its agent for seconds; ten missed beats are a lost agent. */
static const uint64_t silence_limit_ns = 10 * NSEC_PER_SEC;

enum {
	BULK_WINDOW_BYTES = 4 << 20, /* what one agent may have on its way to the database */
	AGENTS_MAX = 4096,
};

struct member {
	struct fleet_agent public; /* first: given to listeners */
	char key[KEY_TEXT_SIZE];   /* that it proved */
	uint64_t missing;	   /* sequence of a record that could not be committed; 0: none */
};

struct fleet {
	struct loop *loop; /* borrowed */
	void *control, *bulk;
	const struct fleet_listener *listener;
	void *arg;
	struct member **members;
	size_t n;
	uint64_t beats;
	uint64_t ticked_ns;
};

static struct member *find(struct fleet *f, const char *name)
{
	for (size_t i = 0; i < f->n; i++)
		if (strcmp(f->members[i]->public.name, name) == 0)
			return f->members[i];
	return NULL;
}

static void member_free(struct member *m)
{
	host_info_done(&m->public.host);
	free(m);
}

static void remove_member(struct fleet *f, struct member *m, const char *why)
{
	for (size_t i = 0; i < f->n; i++) {
		if (f->members[i] != m)
			continue;
		f->members[i] = f->members[--f->n];
		break;
	}
	f->listener->left(f->arg, &m->public, why);
	member_free(m);
}

static void refuse(struct fleet *f, const char *peer, const char *why)
{
	struct message m = {.kind = MESSAGE_REFUSED};
	STRCPY_FIXED(m.refused.why, why);
	log_warn("refused agent=%s why=\"%s\"", peer, why);
	wire_send_to(f->control, peer, &m, NULL);
}

/* What speaks against this hello; NULL: nothing. */
static const char *objection(struct fleet *f, const char *peer, const char *key,
			     const struct msg_hello *hello, char *text, size_t size)
{
	const struct member *known = find(f, peer);
	if (hello->protocol != WIRE_PROTOCOL) {
		snprintf(text, size,
			 "it speaks protocol %u (%s), this controller %d (%s); install the same"
			 " version on both",
			 hello->protocol, hello->version, WIRE_PROTOCOL,
			 ASSAY_VERSION " " ASSAY_COMMIT);
		return text;
	}
	if (strcmp(hello->agent, peer) != 0)
		return "its name in hello is not the name that it connected with";
	if (known && strcmp(known->key, key) != 0)
		return "another agent of that name, with another key, is here already";
	if (!known && f->n >= AGENTS_MAX)
		return "this controller has as many agents as it can take";
	return NULL;
}

static void welcome(struct fleet *f, struct member *m)
{
	struct message w = {.kind = MESSAGE_WELCOME};
	w.welcome.protocol = WIRE_PROTOCOL;
	STRCPY_FIXED(w.welcome.version, ASSAY_VERSION " " ASSAY_COMMIT);
	w.welcome.heartbeat_ns = heartbeat_ns;
	w.welcome.bulk_window_bytes = BULK_WINDOW_BYTES;
	w.welcome.committed = f->listener->committed(f->arg, m->public.name, m->public.epoch);
	wire_send_to(f->control, m->public.name, &w, NULL);
}

static void on_hello(struct fleet *f, const char *peer, const char *key, struct msg_hello *hello)
{
	char text[300];
	const char *why = objection(f, peer, key, hello, text, sizeof(text));
	if (why) {
		refuse(f, peer, why);
		return;
	}
	struct member *m = find(f, peer);
	if (!m) {
		m = xcalloc(1, sizeof(*m));
		*ARRAY_PUSH(f->members, f->n) = m;
	}
	host_info_done(&m->public.host);
	m->public.host = hello->host;
	hello->host = (struct host_info){0};
	STRCPY_FIXED(m->public.name, peer);
	STRCPY_FIXED(m->public.epoch, hello->epoch);
	STRCPY_FIXED(m->key, key);
	m->missing = 0;
	m->public.spooled = hello->spooled;
	m->public.heard_ns = clock_monotonic_ns();
	welcome(f, m);
	f->listener->joined(f->arg, &m->public);
}

static void on_known(struct fleet *f, struct member *m, struct message *msg)
{
	switch (msg->kind) {
	case MESSAGE_HEARTBEAT:
		break;
	case MESSAGE_PREFLIGHT_REPLY:
		f->listener->preflight(f->arg, &m->public, &msg->preflight_reply);
		break;
	case MESSAGE_TAKEN:
		f->listener->taken(f->arg, &m->public, &msg->taken);
		break;
	case MESSAGE_PROGRESS:
		f->listener->progress(f->arg, &m->public, &msg->progress);
		break;
	case MESSAGE_BYE:
		remove_member(f, m, msg->bye.why);
		break;
	default:
		log_warn("unexpected agent=%s kind=%s", m->public.name,
			 message_kind_name(msg->kind));
	}
}

/* false: nothing to handle. */
static bool receive(void *socket, char peer[PEER_SIZE], char key[KEY_TEXT_SIZE], struct message *m)
{
	struct err err = ERR_NONE;
	int r = wire_recv_from(socket, peer, key, m, &err);
	if (r < 0 && r != -EAGAIN)
		log_warn("dropped error=\"%s\"", err.text);
	return r == 0;
}

static void on_control(void *arg, void *socket)
{
	struct fleet *f = arg;
	char peer[PEER_SIZE], key[KEY_TEXT_SIZE];
	struct message m = {0};
	if (!receive(socket, peer, key, &m))
		return;
	struct member *known = find(f, peer);
	if (known && strcmp(known->key, key) == 0) {
		known->public.heard_ns = clock_monotonic_ns();
	} else if (known && m.kind != MESSAGE_HELLO) {
		log_warn("ignored agent=%s why=\"not the key it said hello with\"", peer);
		known = NULL;
	}
	if (m.kind == MESSAGE_HELLO)
		on_hello(f, peer, key, &m.hello);
	else if (known)
		on_known(f, known, &m);
	message_done(&m);
}

static void acknowledge(struct fleet *f, struct member *m, uint64_t sequence)
{
	struct message ack = {.kind = MESSAGE_ACK};
	STRCPY_FIXED(ack.ack.epoch, m->public.epoch);
	ack.ack.sequence = sequence;
	wire_send_to(f->bulk, m->public.name, &ack, NULL); /* lost: it is sent again, and ignored */
}

/* An acknowledgement says "up to here", so nothing may be committed past a record that was not:
 * the agent would forget that one. It sends all of them again. */
static void on_record(struct fleet *f, struct member *m, const struct msg_record *record)
{
	struct err err = ERR_NONE;
	m->public.heard_ns = clock_monotonic_ns();
	if (m->missing && record->sequence > m->missing)
		return;
	if (f->listener->record(f->arg, &m->public, record, &err) == 0) {
		m->missing = 0;
		acknowledge(f, m, record->sequence);
		return;
	}
	m->missing = record->sequence;
	log_debug("not-committed agent=%s sequence=%" PRIu64 " error=\"%s\"", m->public.name,
		  record->sequence, err.text);
}

static void on_bulk(void *arg, void *socket)
{
	struct fleet *f = arg;
	char peer[PEER_SIZE], key[KEY_TEXT_SIZE];
	struct message m = {0};
	if (!receive(socket, peer, key, &m))
		return;
	struct member *known = find(f, peer);
	if (known && strcmp(known->key, key) == 0 && m.kind == MESSAGE_RECORD &&
	    strcmp(m.record.epoch, known->public.epoch) == 0)
		on_record(f, known, &m.record);
	message_done(&m);
}

/* This process may have been stopped (Ctrl-Z, a frozen machine): that time is nobody's silence. */
static void forgive_own_absence(struct fleet *f, uint64_t now_ns)
{
	uint64_t since_ns = now_ns - f->ticked_ns;
	if (f->ticked_ns && since_ns > 2 * heartbeat_ns)
		for (size_t i = 0; i < f->n; i++)
			f->members[i]->public.heard_ns += since_ns - heartbeat_ns;
	f->ticked_ns = now_ns;
}

static void on_tick(void *arg)
{
	struct fleet *f = arg;
	struct message m = {.kind = MESSAGE_HEARTBEAT};
	uint64_t now_ns = clock_monotonic_ns();
	m.heartbeat.count = ++f->beats;
	forgive_own_absence(f, now_ns);
	for (size_t i = f->n; i-- > 0;) {
		struct member *member = f->members[i];
		uint64_t heard_ns = member->public.heard_ns;
		if (now_ns > heard_ns && now_ns - heard_ns > silence_limit_ns)
			remove_member(f, member, "it was silent for 10 s");
		else
			wire_send_to(f->control, member->public.name, &m, NULL);
	}
}

int fleet_new(struct loop *loop, struct wire *wire, const struct fleet_options *o,
	      struct fleet **ret, struct err *err)
{
	struct loop_source *source;
	autoclean(fleet) struct fleet *f = xcalloc(1, sizeof(*f));
	f->loop = loop;
	f->listener = o->listener;
	f->arg = o->arg;
	if (wire_listen(wire, o->control, o->keys, &f->control, err) < 0 ||
	    wire_listen(wire, o->bulk, o->keys, &f->bulk, err) < 0 ||
	    loop_add_socket(loop, f->control, on_control, f, &source, err) < 0 ||
	    loop_add_socket(loop, f->bulk, on_bulk, f, &source, err) < 0 ||
	    loop_add_timer(loop, heartbeat_ns, heartbeat_ns, on_tick, f, &source, err) < 0)
		return err_code(err);
	*ret = take(f);
	return 0;
}

void fleet_free(struct fleet *f)
{
	if (!f)
		return;
	for (size_t i = 0; i < f->n; i++)
		member_free(f->members[i]);
	free(f->members);
	wire_close(f->control);
	wire_close(f->bulk);
	free(f);
}

int fleet_offer(struct fleet *f, struct fleet_agent *agent, struct run_spec *spec, struct err *err)
{
	struct message m = {.kind = MESSAGE_OFFER, .offer = {.spec = spec}};
	return wire_send_to(f->control, agent->name, &m, err);
}

int fleet_preflight(struct fleet *f, struct fleet_agent *agent, uint64_t id, struct run_spec *spec,
		    struct err *err)
{
	struct message m = {.kind = MESSAGE_PREFLIGHT, .preflight = {.id = id, .spec = spec}};
	return wire_send_to(f->control, agent->name, &m, err);
}

int fleet_cancel(struct fleet *f, struct fleet_agent *agent, const char *run_key, const char *why,
		 struct err *err)
{
	struct message m = {.kind = MESSAGE_CANCEL};
	STRCPY_FIXED(m.cancel.run_key, run_key);
	STRCPY_FIXED(m.cancel.why, why);
	return wire_send_to(f->control, agent->name, &m, err);
}

int fleet_drain(struct fleet *f, struct fleet_agent *agent, bool now, struct err *err)
{
	struct message m = {.kind = MESSAGE_DRAIN, .drain = {.now = now}};
	return wire_send_to(f->control, agent->name, &m, err);
}

void fleet_forget(struct fleet *f, const char *name, const char *why)
{
	for (size_t i = f->n; i-- > 0;)
		if (!name || strcmp(f->members[i]->public.name, name) == 0)
			remove_member(f, f->members[i], why);
}
