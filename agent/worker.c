// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/worker.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "agent/preflight.h"
#include "proto/base/mem.h"

struct worker {
	struct run_env env;
	void (*spool_trouble)(const struct err *err);
	pthread_t thread;
	pthread_mutex_t lock; /* all below */
	pthread_cond_t wake;
	struct worker_job *jobs;
	size_t n_jobs;
	struct worker_event *events;
	size_t n_events;
	bool busy, quit, stuck;
	char current[HASH_HEX_SIZE]; /* run key while busy */
	uint32_t current_attempt;
	int event_fd;
};

static void signal_fd(int fd)
{
	eventfd_write(fd, 1); /* fails only at 2^64-2 unread events */
}

static void post(struct worker *w, const struct worker_event *event)
{
	pthread_mutex_lock(&w->lock);
	*ARRAY_PUSH(w->events, w->n_events) = *event;
	pthread_mutex_unlock(&w->lock);
	signal_fd(w->event_fd);
}

/* The two clocks of a measured window must not see this: it costs a lock and a write to an
 * eventfd, and happens only between states, never between marks. */
static void on_state(void *arg, enum run_state state)
{
	struct worker *w = arg;
	struct worker_event event = {
		.kind = WORKER_PROGRESS, .attempt = w->current_attempt, .state = state};
	STRCPY_FIXED(event.run_key, w->current);
	post(w, &event);
}

static bool is_quitting(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	bool quit = w->quit;
	pthread_mutex_unlock(&w->lock);
	return quit;
}

static void set_stuck(struct worker *w, bool stuck)
{
	pthread_mutex_lock(&w->lock);
	w->stuck = stuck;
	pthread_mutex_unlock(&w->lock);
}

bool worker_is_stuck(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	bool stuck = w->stuck;
	pthread_mutex_unlock(&w->lock);
	return stuck;
}

/* A full disk is waited for: the result stays in memory until it could be spooled. */
static void spool_result(struct worker *w, const struct attempt *attempt)
{
	struct err err = ERR_NONE;
	bool trouble = false;
	while (spool_end(w->env.spool, attempt, &err) < 0) {
		if (!trouble)
			w->spool_trouble(&err);
		trouble = true;
		set_stuck(w, true);
		if (is_quitting(w))
			return; /* the spool still has it as begun: its end will be "agent-lost" */
		nanosleep(&(struct timespec){.tv_sec = 1}, NULL);
	}
	set_stuck(w, false);
	if (trouble)
		w->spool_trouble(NULL);
}

static void do_run(struct worker *w, const struct worker_job *job)
{
	autoclean(attempt) struct attempt *attempt = attempt_new();
	run_execute(&w->env, job->spec, RUN_MODE_MEASURE, attempt);
	spool_result(w, attempt);
	struct worker_event event = {
		.kind = WORKER_RUN_SPOOLED, .attempt = job->spec->attempt, .state = RUN_SPOOLED};
	STRCPY_FIXED(event.run_key, job->spec->run_key);
	post(w, &event);
}

static void do_preflight(struct worker *w, const struct worker_job *job)
{
	struct worker_event event = {.kind = WORKER_PREFLIGHT};
	struct run_env env = w->env;
	env.on_state = NULL;
	event.reply.id = job->preflight_id;
	preflight(&env, job->spec, &event.reply);
	post(w, &event);
}

/* false: time to go. */
static bool next_job(struct worker *w, struct worker_job *ret)
{
	eventfd_t drop;
	pthread_mutex_lock(&w->lock);
	w->busy = false;
	while (!w->n_jobs && !w->quit)
		pthread_cond_wait(&w->wake, &w->lock);
	bool go = !w->quit;
	if (go) {
		*ret = w->jobs[0];
		memmove(w->jobs, w->jobs + 1, --w->n_jobs * sizeof(*w->jobs));
		w->busy = true;
		STRCPY_FIXED(w->current, ret->spec->run_key);
		w->current_attempt = ret->spec->attempt;
		eventfd_read(w->env.cancel_fd, &drop); /* a cancel meant for the job before */
	}
	pthread_mutex_unlock(&w->lock);
	return go;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct worker_job job;
	while (next_job(w, &job)) {
		if (job.preflight)
			do_preflight(w, &job);
		else
			do_run(w, &job);
		run_spec_free(job.spec);
	}
	return NULL;
}

static void free_worker(struct worker *w)
{
	cleanup_close(&w->env.cancel_fd);
	cleanup_close(&w->event_fd);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w->jobs);
	free(w->events);
	free(w);
}

int worker_start(const struct run_env *env, void (*spool_trouble)(const struct err *err),
		 struct worker **ret, struct err *err)
{
	struct worker *w = xcalloc(1, sizeof(*w));
	w->env = *env;
	w->env.on_state = on_state;
	w->env.arg = w;
	w->spool_trouble = spool_trouble;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->wake, NULL);
	w->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	w->env.cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int r = w->env.cancel_fd < 0 || w->event_fd < 0 ? EMFILE
							: pthread_create(&w->thread, NULL, work, w);
	if (r) {
		free_worker(w);
		return err_sys(err, r, "start the worker's thread");
	}
	*ret = w;
	return 0;
}

static void drop_jobs(struct worker *w, const char *run_key)
{
	size_t kept = 0;
	for (size_t i = 0; i < w->n_jobs; i++) {
		if (!run_key[0] || strcmp(w->jobs[i].spec->run_key, run_key) == 0)
			run_spec_free(w->jobs[i].spec);
		else
			w->jobs[kept++] = w->jobs[i];
	}
	w->n_jobs = kept;
}

void worker_stop(struct worker *w)
{
	struct worker_event event;
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->quit = true;
	drop_jobs(w, "");
	signal_fd(w->env.cancel_fd);
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	while (worker_next_event(w, &event))
		free(event.reply.problems);
	free_worker(w);
}

void worker_submit(struct worker *w, const struct worker_job *job)
{
	pthread_mutex_lock(&w->lock);
	*ARRAY_PUSH(w->jobs, w->n_jobs) = *job;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

void worker_cancel(struct worker *w, const char *run_key)
{
	pthread_mutex_lock(&w->lock);
	drop_jobs(w, run_key);
	if (w->busy && (!run_key[0] || strcmp(w->current, run_key) == 0))
		signal_fd(w->env.cancel_fd);
	pthread_mutex_unlock(&w->lock);
}

size_t worker_load(struct worker *w)
{
	pthread_mutex_lock(&w->lock);
	size_t load = w->n_jobs + w->busy;
	pthread_mutex_unlock(&w->lock);
	return load;
}

int worker_event_fd(const struct worker *w)
{
	return w->event_fd;
}

bool worker_next_event(struct worker *w, struct worker_event *ret)
{
	eventfd_t drop;
	pthread_mutex_lock(&w->lock);
	bool some = w->n_events > 0;
	if (some) {
		*ret = w->events[0];
		memmove(w->events, w->events + 1, --w->n_events * sizeof(*w->events));
	} else {
		eventfd_read(w->event_fd, &drop);
	}
	pthread_mutex_unlock(&w->lock);
	return some;
}
