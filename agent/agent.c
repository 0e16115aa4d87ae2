// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/agent.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <version.h>

#include "agent/guest/guest.h"
#include "agent/host/host.h"
#include "agent/meter/meter.h"
#include "agent/outbox.h"
#include "agent/spool.h"
#include "agent/worker.h"
#include "proto/base/file.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/wire/loop.h"
#include "proto/wire/socket.h"

/* A controller that says nothing gets another hello this often. */
static const uint64_t hello_every_ns = NSEC_PER_SEC;
/* On the way out, what is spooled may still leave for this long; the rest waits on disk. */
static const uint64_t farewell_ns = 2 * NSEC_PER_SEC;

struct agent {
	const struct agent_options *options; /* borrowed */
	struct loop *loop;
	struct wire *wire;
	void *control, *bulk; /* sockets, owned */
	struct spool *spool;
	struct outbox *outbox;
	struct worker *worker;
	struct host_info host;
	char name[NAME_SIZE];
	bool welcomed;
	bool draining;	      /* take nothing more; leave when all is acknowledged */
	bool hurry;	      /* draining, and told not to wait for acknowledgements for long */
	uint64_t leave_by_ns; /* in a hurry and idle: when waiting ends; 0: not yet */
	struct loop_source *hello_timer, *heartbeat_timer;
	uint64_t beats;
	int keeper_fd;	    /* pidfd of the keeper */
	struct err refused; /* why it cannot go on */
};

static void describe_host(const struct host_root *root, struct host_info *ret)
{
	struct err err = ERR_NONE;
	if (host_facts(root, ret, &err) < 0)
		log_warn("host-facts error=\"%s\"", err.text);
	meter_capabilities(root, ret);
	for (size_t i = 0; guest_drivers[i]; i++)
		guest_drivers[i]->probe(root, ret);
}

static void send_control(struct agent *a, const struct message *m)
{
	struct err err = ERR_NONE;
	if (wire_send(a->control, m, &err) < 0)
		log_debug("not-sent kind=%s error=\"%s\"", message_kind_name(m->kind), err.text);
}

static void say_hello(void *arg)
{
	struct agent *a = arg;
	char *features[] = {NULL}; /* none yet: the vocabulary of protocol 1 */
	struct message m = {.kind = MESSAGE_HELLO};
	m.hello.protocol = WIRE_PROTOCOL;
	m.hello.features = features;
	m.hello.spooled = spool_pending(a->spool) ? spool_last(a->spool) : 0;
	m.hello.host = a->host;
	STRCPY_FIXED(m.hello.version, ASSAY_VERSION " " ASSAY_COMMIT);
	STRCPY_FIXED(m.hello.agent, a->name);
	STRCPY_FIXED(m.hello.epoch, spool_epoch(a->spool));
	send_control(a, &m);
}

static void say_bye(struct agent *a, const char *why)
{
	struct message m = {.kind = MESSAGE_BYE};
	STRCPY_FIXED(m.bye.why, why);
	send_control(a, &m);
}

/* What is not acknowledged then stays in the spool, for the next time. */
static bool waits_for_acknowledgement(struct agent *a)
{
	uint64_t now_ns = clock_monotonic_ns();
	if (!spool_pending(a->spool))
		return false;
	if (a->hurry && !a->leave_by_ns)
		a->leave_by_ns = now_ns + farewell_ns;
	return !a->hurry || now_ns < a->leave_by_ns;
}

static void leave_if_done(struct agent *a)
{
	/* Who is told to hurry does not wait for somebody to make room on a disk. */
	bool busy = worker_load(a->worker) && !(a->hurry && worker_is_stuck(a->worker));
	if (!a->draining || busy || waits_for_acknowledgement(a))
		return;
	say_bye(a, "drained");
	loop_quit(a->loop);
}

static void beat(void *arg)
{
	struct agent *a = arg;
	struct message m = {.kind = MESSAGE_HEARTBEAT};
	m.heartbeat.count = ++a->beats;
	m.heartbeat.spooled = spool_pending(a->spool);
	send_control(a, &m);
	outbox_tick(a->outbox);
	leave_if_done(a);
}

static void on_welcome(struct agent *a, const struct msg_welcome *w)
{
	struct err err = ERR_NONE;
	if (a->welcomed)
		return;
	a->welcomed = true;
	loop_remove(take(a->hello_timer));
	loop_remove(take(a->heartbeat_timer));
	uint64_t every_ns = w->heartbeat_ns ? w->heartbeat_ns : NSEC_PER_SEC;
	if (loop_add_timer(a->loop, every_ns, every_ns, beat, a, &a->heartbeat_timer, &err) < 0)
		log_error("heartbeat error=\"%s\"", err.text);
	log_info("welcome controller=\"%s\" committed=%llu", w->version,
		 (unsigned long long)w->committed);
	outbox_open(a->outbox, w->committed, w->bulk_window_bytes);
}

static void on_refused(struct agent *a, const struct msg_refused *m)
{
	err_say(&a->refused, EPERM, "the controller refused this agent: %s", m->why);
	loop_quit(a->loop);
}

static void on_offer(struct agent *a, struct msg_offer *offer)
{
	struct message m = {.kind = MESSAGE_TAKEN};
	STRCPY_FIXED(m.taken.campaign, offer->spec->campaign);
	STRCPY_FIXED(m.taken.run_key, offer->spec->run_key);
	m.taken.attempt = offer->spec->attempt;
	if (a->draining) {
		STRCPY_FIXED(m.taken.refused, "the agent is on its way out");
	} else {
		worker_submit(a->worker, &(struct worker_job){.spec = take(offer->spec)});
	}
	send_control(a, &m);
}

static void on_preflight(struct agent *a, struct msg_preflight *m)
{
	struct worker_job job = {.preflight = true, .preflight_id = m->id, .spec = take(m->spec)};
	worker_submit(a->worker, &job);
}

static void drain(struct agent *a, bool now)
{
	a->draining = true;
	a->hurry |= now;
	if (now)
		worker_cancel(a->worker, "");
	leave_if_done(a);
}

static void handle(struct agent *a, struct message *m)
{
	switch (m->kind) {
	case MESSAGE_WELCOME:
		on_welcome(a, &m->welcome);
		break;
	case MESSAGE_REFUSED:
		on_refused(a, &m->refused);
		break;
	case MESSAGE_PREFLIGHT:
		on_preflight(a, &m->preflight);
		break;
	case MESSAGE_OFFER:
		on_offer(a, &m->offer);
		break;
	case MESSAGE_CANCEL:
		worker_cancel(a->worker, m->cancel.run_key);
		break;
	case MESSAGE_DRAIN:
		drain(a, m->drain.now);
		break;
	case MESSAGE_HEARTBEAT:
		break;
	default:
		log_warn("unexpected kind=%s", message_kind_name(m->kind));
	}
}

/* false: nothing to handle. */
static bool receive(void *socket, struct message *ret)
{
	struct err err = ERR_NONE;
	int r = wire_recv(socket, ret, &err);
	if (r < 0 && r != -EAGAIN)
		log_warn("dropped error=\"%s\"", err.text);
	return r == 0;
}

static void on_control(void *arg, void *socket)
{
	struct agent *a = arg;
	struct message m = {0};
	if (!receive(socket, &m))
		return;
	handle(a, &m);
	message_done(&m);
}

static void on_bulk(void *arg, void *socket)
{
	struct agent *a = arg;
	struct message m = {0};
	if (!receive(socket, &m))
		return;
	if (m.kind == MESSAGE_ACK && strcmp(m.ack.epoch, spool_epoch(a->spool)) == 0)
		outbox_acknowledged(a->outbox, m.ack.sequence);
	message_done(&m);
	leave_if_done(a);
}

static void on_worker(void *arg, int fd, uint32_t events)
{
	struct agent *a = arg;
	struct worker_event e;
	(void)fd;
	(void)events;
	while (worker_next_event(a->worker, &e)) {
		struct message m = {0};
		if (e.kind == WORKER_PREFLIGHT) {
			m.kind = MESSAGE_PREFLIGHT_REPLY;
			m.preflight_reply = e.reply;
			send_control(a, &m);
			free(e.reply.problems);
			continue;
		}
		m.kind = MESSAGE_PROGRESS;
		STRCPY_FIXED(m.progress.run_key, e.run_key);
		m.progress.attempt = e.attempt;
		m.progress.state = e.state;
		send_control(a, &m);
		/* Its BEGUN is spooled once it runs, its end now: there is something to send. */
		if (e.state == RUN_RUNNING || e.kind == WORKER_RUN_SPOOLED)
			outbox_pump(a->outbox);
	}
	leave_if_done(a);
}

static void on_signal(void *arg, int signal)
{
	struct agent *a = arg;
	log_info("signal name=%s", strsignal(signal));
	drain(a, true);
}

/* Without its keeper an agent can neither start guests nor promise that they end with it. */
static void on_keeper_ended(void *arg, int fd, uint32_t events)
{
	struct agent *a = arg;
	(void)fd;
	(void)events;
	err_say(&a->refused, ECHILD, "the keeper, which starts and ends guests, was killed");
	loop_quit(a->loop);
}

static void on_spool_trouble(const struct err *err)
{
	if (err)
		log_error("spool error=\"%s\" remedy=\"make room; the result waits in memory\"",
			  err->text);
	else
		log_info("spool well-again");
}

static int open_spool(struct agent *a, struct err *err)
{
	size_t interrupted;
	autofree char *path = file_join(a->options->state_folder, a->options->spool_name);
	if (spool_open(path, &a->spool, err) < 0 ||
	    spool_end_interrupted(a->spool, &interrupted, err) < 0)
		return err_code(err);
	if (interrupted)
		log_warn("interrupted attempts=%zu", interrupted);
	return 0;
}

static int open_sockets(struct agent *a, struct err *err)
{
	struct key_pair keys;
	const struct agent_options *o = a->options;
	if (keys_load_or_make(o->keys_folder, "agent", &keys, err) < 0 ||
	    wire_new(&a->wire, err) < 0)
		return err_code(err);
	int r = wire_connect(a->wire, o->control, &keys, o->controller_key, a->name, &a->control,
			     err);
	if (r == 0)
		r = wire_connect(a->wire, o->bulk, &keys, o->controller_key, a->name, &a->bulk,
				 err);
	keys_forget(&keys);
	return r;
}

static int start_worker(struct agent *a, const char *hash_cache, struct err *err)
{
	struct run_env env = {
		.root = a->options->root,
		.keeper = a->options->keeper,
		.spool = a->spool,
		.state_folder = a->options->state_folder,
		.hash_cache = hash_cache,
	};
	return worker_start(&env, on_spool_trouble, &a->worker, err);
}

static int add_sources(struct agent *a, struct err *err)
{
	struct loop_source *s;
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (loop_add_signal(a->loop, signals[i], on_signal, a, &s, err) < 0)
			return err_code(err);
	if (loop_add_socket(a->loop, a->control, on_control, a, &s, err) < 0 ||
	    loop_add_socket(a->loop, a->bulk, on_bulk, a, &s, err) < 0 ||
	    loop_add_fd(a->loop, worker_event_fd(a->worker), EPOLLIN, on_worker, a, &s, err) < 0)
		return err_code(err);
	a->keeper_fd = (int)syscall(SYS_pidfd_open, keeper_pid(a->options->keeper), 0);
	if (a->keeper_fd < 0)
		return err_sys(err, errno, "watch the keeper");
	if (loop_add_fd(a->loop, a->keeper_fd, EPOLLIN, on_keeper_ended, a, &s, err) < 0)
		return err_code(err);
	/* A first heartbeat timer for the way out of an agent that was never welcomed. */
	if (loop_add_timer(a->loop, NSEC_PER_SEC, NSEC_PER_SEC, beat, a, &a->heartbeat_timer, err) <
	    0)
		return err_code(err);
	return loop_add_timer(a->loop, 0, hello_every_ns, say_hello, a, &a->hello_timer, err);
}

static int set_up(struct agent *a, const char *hash_cache, struct err *err)
{
	describe_host(a->options->root, &a->host);
	snprintf(a->name, sizeof(a->name), "%.40s-%.8s", a->host.name, a->host.fingerprint);
	/* Signals are blocked by the loop before there is a second thread to catch them. */
	if (loop_new(&a->loop, err) < 0 || open_spool(a, err) < 0)
		return err_code(err);
	sigset_t blocked;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &blocked, NULL);
	if (open_sockets(a, err) < 0 || start_worker(a, hash_cache, err) < 0)
		return err_code(err);
	a->outbox = outbox_new(a->spool, a->bulk);
	return add_sources(a, err);
}

static void tear_down(struct agent *a)
{
	worker_stop(a->worker);
	loop_free(a->loop); /* before the sockets that its sources borrow */
	outbox_free(a->outbox);
	wire_close(a->control);
	wire_close(a->bulk);
	wire_free(a->wire);
	spool_close(a->spool);
	if (a->keeper_fd >= 0)
		close(a->keeper_fd);
	host_info_done(&a->host);
}

int agent_serve(const struct agent_options *options, struct err *err)
{
	struct agent a = {.options = options, .keeper_fd = -1};
	autofree char *hash_cache = xasprintf("%s/hashes", options->state_folder);
	int r = set_up(&a, hash_cache, err);
	if (r == 0)
		r = loop_run(a.loop, err);
	if (r == 0 && a.refused.code) {
		*err = a.refused;
		r = -err->code;
	}
	tear_down(&a);
	return r;
}
