// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/run.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "agent/guest/guest.h"
#include "agent/host/host.h"
#include "agent/images.h"
#include "agent/meter/meter.h"
#include "agent/meter/stamps.h"
#include "agent/self.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"

enum { STOP_GRACE_NS = 2000000000 }; /* a guest that was asked to end gets this long */

struct run {
	const struct run_env *env; /* borrowed */
	enum run_mode mode;
	struct run_spec *spec; /* own copy, images resolved */
	struct attempt *attempt;
	enum run_state state;
	const struct guest_driver *driver;
	struct guest *guest;
	struct guest_exit guest_exit;
	struct meter *meter;
	struct stamps *stamps; /* NULL: not asked for, or the driver cannot hand it on */
	enum meter_end end;
	bool ran; /* meter_run came back: `end` is true */
	char *folder;
	struct place place;
	cpu_set_t own_cpus; /* of the agent's threads before the run */
	bool moved;
	uint64_t deadline_ns;
	struct host_snapshot before;
	bool snapshot;
};

typedef int step_f(struct run *run, struct err *err);

static void copy_ids(struct attempt *a, const struct run_spec *spec)
{
	STRCPY_FIXED(a->campaign, spec->campaign);
	STRCPY_FIXED(a->run_key, spec->run_key);
	a->attempt = spec->attempt;
}

static int receive(struct run *r, struct err *err)
{
	if (guest_driver_find(r->spec->guest.driver, &r->driver, err) < 0)
		return err_code(err);
	return r->driver->check(&r->spec->guest, err);
}

static int fetch(struct run *r, struct err *err)
{
	return images_resolve(&r->spec->guest, r->env->hash_cache, err);
}

static void add_cpu_fact(struct run *r, const char *name, const int *cpus, size_t n)
{
	char list[200] = "";
	size_t used = 0;
	for (size_t i = 0; i < n && used + 8 < sizeof(list); i++)
		used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%d", i ? "," : "",
					 cpus[i]);
	if (n)
		attempt_fact(r->attempt, name, "%s", list);
}

static int take_place(struct run *r, struct err *err)
{
	if (host_place(r->env->root, &r->spec->place, &r->place, err) < 0)
		return err_code(err);
	attempt_fact(r->attempt, "cpus.why", "%s", r->place.why);
	add_cpu_fact(r, "cpus.guest", r->place.guest, r->place.n_guest);
	add_cpu_fact(r, "cpus.vmm", r->place.vmm, r->place.n_vmm);
	add_cpu_fact(r, "cpus.housekeeping", r->place.housekeeping, r->place.n_housekeeping);
	if (self_affinity(&r->own_cpus, err) < 0)
		return err_code(err);
	r->moved = r->place.n_housekeeping > 0;
	return self_move(r->place.housekeeping, r->place.n_housekeeping, err);
}

static int open_stamps(struct run *r, struct err *err)
{
	if (!r->spec->measure.stamps || r->mode != RUN_MODE_MEASURE)
		return 0;
	if (r->driver->takes_stamps)
		return stamps_open(r->env->root, r->spec->measure.stamps, &r->stamps, err);
	attempt_fact(r->attempt, "stamps", "none: a guest of the driver %s cannot be handed a ring",
		     r->driver->name);
	return 0;
}

static int prepare(struct run *r, struct err *err)
{
	char id[ULID_SIZE];
	ulid_make(id);
	r->folder = xasprintf("%s/run-%s", r->env->state_folder, id);
	if (file_mkdirs(r->folder, 0700, err) < 0 || take_place(r, err) < 0 ||
	    meter_open(r->env->root, r->spec, &r->meter, err) < 0 || open_stamps(r, err) < 0)
		return err_code(err);
	int stamps = r->stamps ? stamps_fd(r->stamps) : -1;
	struct guest_env env = {
		.keeper = r->env->keeper,
		.root = r->env->root,
		.folder = r->folder,
		.console_fd = meter_console_fd(r->meter),
		.stderr_fd = meter_stderr_fd(r->meter),
		.place = {.guest = {r->place.guest, r->place.n_guest},
			  .vmm = {r->place.vmm, r->place.n_vmm}},
		.stamps_fd = r->stamps ? &stamps : NULL,
	};
	if (r->driver->prepare(&env, r->spec, &r->guest, err) < 0)
		return err_code(err);
	meter_guest_started(r->meter);
	return 0;
}

static int settle(struct run *r, struct err *err)
{
	if (r->mode == RUN_MODE_MEASURE && r->spec->quiet.busy_pct >= 0 &&
	    host_quiet(r->env->root, &r->spec->quiet, r->env->cancel_fd, r->attempt, err) < 0)
		return err_code(err);
	host_snapshot(r->env->root, &r->before);
	r->snapshot = true;
	return 0;
}

static int launch(struct run *r, struct err *err)
{
	r->deadline_ns = clock_monotonic_ns() + r->spec->timeout_ns;
	struct guest_wait wait = {.deadline_ns = r->deadline_ns, .cancel_fd = r->env->cancel_fd};
	if (r->env->spool && spool_begin(r->env->spool, r->attempt, err) < 0)
		return err_wrap(err, "nothing is started that could be lost");
	if (meter_attach(r->meter, r->guest->pid, err) < 0)
		return err_code(err);
	meter_mark(r->meter, MARK_START);
	if (r->driver->start(r->guest, &wait, err) < 0)
		return err_code(err);
	if (r->driver->pin && r->driver->pin(r->guest, err) < 0)
		return err_code(err);
	meter_mark(r->meter, MARK_RESUME);
	return r->driver->go(r->guest, err);
}

static enum meter_news listen_to(void *arg)
{
	static const enum meter_news meaning[] = {
		[GUEST_GOES_ON] = METER_NEWS_NONE,
		[GUEST_HALTED] = METER_NEWS_HALTED,
		[GUEST_SILENT] = METER_NEWS_LAST,
	};
	struct run *r = arg;
	return meaning[r->driver->listen(r->guest)];
}

static int watch(struct run *r, struct err *err)
{
	struct meter_wait wait = {
		.pid = r->guest->pid,
		.exit_fd = r->guest->exit_fd,
		.cancel_fd = r->env->cancel_fd,
		.deadline_ns = r->deadline_ns,
		.stop_at_first_mark = r->mode == RUN_MODE_PROBE,
		.news = r->driver->listen && r->guest->event_fd >= 0 ? listen_to : NULL,
		.news_fd = r->guest->event_fd,
		.arg = r,
	};
	if (meter_run(r->meter, &wait, &r->end, err) < 0)
		return err_code(err);
	r->ran = true;
	if (r->end == METER_STOPPED)
		attempt_event(r->attempt, RUN_EVENT_REACHED, clock_raw_ns());
	return 0;
}

static const struct artifact *find_artifact(const struct attempt *a, const char *name)
{
	for (size_t i = 0; i < a->n_artifacts; i++)
		if (strcmp(a->artifacts[i].name, name) == 0 && a->artifacts[i].bytes)
			return &a->artifacts[i];
	return NULL;
}

static void copy_printable(const char *bytes, size_t n, char *ret, size_t size)
{
	size_t i = 0;
	for (; i < n && i < size - 1; i++)
		ret[i] = isprint((unsigned char)bytes[i]) ? bytes[i] : ' ';
	ret[i] = '\0';
}

/* What a person would look at first: the last line that was printed, without control bytes; of a
 * long one its end. */
static void last_line(const struct attempt *a, const char *artifact, char *ret, size_t size)
{
	const struct artifact *f = find_artifact(a, artifact);
	const char *bytes = f ? f->bytes : NULL;
	size_t end = f ? f->size_bytes : 0;
	while (end && !isgraph((unsigned char)bytes[end - 1]))
		end--;
	size_t start = end;
	while (start && bytes[start - 1] != '\n' && bytes[start - 1] != '\r' &&
	       end - start < size - 1)
		start--;
	copy_printable(bytes + start, end - start, ret, size);
}

/* A VMM says first what is wrong and then dumps registers; warnings stand before both. */
static void first_complaint(const struct attempt *a, char *ret, size_t size)
{
	const struct artifact *f = find_artifact(a, "stderr");
	const char *p = f ? f->bytes : NULL, *end = p ? p + f->size_bytes : NULL;
	ret[0] = '\0';
	while (p < end) {
		size_t n = 0;
		while (p + n < end && p[n] != '\n')
			n++;
		if (n && isgraph((unsigned char)*p) && !memmem(p, n, "warning:", 8)) {
			copy_printable(p, n, ret, size);
			return;
		}
		p += n + 1;
	}
}

static void add_halted(struct attempt *a)
{
	char line[160];
	first_complaint(a, line, sizeof(line));
	attempt_reason(a, VERDICT_INVALID, RUN_REASON_HALTED,
		       "the guest stopped for good without ending%s%s", line[0] ? ": " : "", line);
}

static void add_end_reason(struct run *r)
{
	struct attempt *a = r->attempt;
	char line[160];
	last_line(a, "console", line, sizeof(line));
	if (!line[0])
		last_line(a, "stderr", line, sizeof(line));
	if (r->end == METER_TIMEOUT)
		attempt_reason(a, VERDICT_INVALID, RUN_REASON_TIMEOUT,
			       "still running after %.6g s; the last it printed: '%s'",
			       (double)r->spec->timeout_ns / 1e9, line);
	else if (r->end == METER_CANCELLED)
		attempt_reason(a, VERDICT_INVALID, "cancelled", "ended before it was done");
	else if (r->end == METER_HALTED)
		add_halted(a);
	else if (r->end == METER_OUTPUT_LIMIT)
		attempt_reason(a, VERDICT_INVALID, "output-limit",
			       "printed more than runs.output_limit, %llu bytes",
			       (unsigned long long)r->spec->output_limit_bytes);
	else if (!a->exited)
		attempt_reason(a, VERDICT_INVALID, "interrupted",
			       "the keeper was killed in the middle of this attempt");
	else if (r->end == METER_EXITED && a->exit_signal)
		attempt_reason(a, VERDICT_INVALID, "killed",
			       "the guest was killed by signal %d (%s); the last it printed: '%s'",
			       a->exit_signal, strsignal(a->exit_signal), line);
	else if (r->end == METER_EXITED && a->exit_code)
		attempt_reason(a, VERDICT_INVALID, "exit-status",
			       "the guest ended with status %d; the last it printed: '%s'",
			       a->exit_code, line);
}

static void keep_guest_words(struct run *r)
{
	struct attempt *a = r->attempt;
	for (size_t i = 0; i < r->guest->n_facts; i++)
		attempt_fact(a, r->guest->facts[i].name, "%s", r->guest->facts[i].value);
	for (size_t i = 0; i < r->guest->n_reasons; i++)
		attempt_reason(a, r->guest->reasons[i].level, r->guest->reasons[i].code, "%s",
			       r->guest->reasons[i].text);
}

/* Whatever state failed: the guest's tree is gone after this, and what it left is kept. */
static void close_run(struct run *r)
{
	struct attempt *a = r->attempt;
	if (r->guest) {
		r->driver->stop(r->guest, r->ran && r->end == METER_EXITED ? 0 : STOP_GRACE_NS);
		keep_guest_words(r);
		r->driver->destroy(take(r->guest), &r->guest_exit);
		a->exited = r->guest_exit.known;
		a->exit_code = r->guest_exit.code;
		a->exit_signal = r->guest_exit.signal;
	}
	if (r->meter)
		meter_finish(r->meter, r->guest_exit.max_rss_bytes, a);
	if (r->stamps && r->ran)
		stamps_report(r->stamps, a->begun.raw_ns, clock_raw_ns(), a);
	if (r->ran)
		add_end_reason(r);
	meter_close(take(r->meter));
	stamps_close(take(r->stamps));
}

static void restore(struct run *r)
{
	struct err err = ERR_NONE;
	if (r->moved && self_restore(&r->own_cpus, &err) < 0)
		attempt_reason(r->attempt, VERDICT_FLAGGED, "not-restored", "%s", err.text);
	if (r->snapshot) {
		struct host_snapshot after;
		host_snapshot(r->env->root, &after);
		host_compare(&r->before, &after, r->attempt);
	}
	if (r->folder && file_remove_tree(r->folder, &err) < 0)
		attempt_reason(r->attempt, VERDICT_FLAGGED, "not-restored", "%s", err.text);
	place_done(&r->place);
	free(r->folder);
	run_spec_free(r->spec);
}

static const struct {
	step_f *enter;
	enum run_state next;
} steps[RUN_STATE_COUNT] = {
	[RUN_RECEIVED] = {receive, RUN_FETCHING},  [RUN_FETCHING] = {fetch, RUN_PREPARING},
	[RUN_PREPARING] = {prepare, RUN_SETTLING}, [RUN_SETTLING] = {settle, RUN_LAUNCHING},
	[RUN_LAUNCHING] = {launch, RUN_RUNNING},   [RUN_RUNNING] = {watch, RUN_CLOSING},
};

static void enter(struct run *r, enum run_state state)
{
	r->state = state;
	if (r->env->on_state)
		r->env->on_state(r->env->arg, state);
}

static void fail(struct run *r, const struct err *err)
{
	if (err->code == ECANCELED)
		attempt_reason(r->attempt, VERDICT_INVALID, "cancelled", "ended while %s",
			       run_state_name(r->state));
	else
		attempt_reason(r->attempt, VERDICT_INVALID, "failed", "while %s: %s",
			       run_state_name(r->state), err->text);
}

/* stderr says why a VMM did not come up; a failed launch without it is a riddle. */
static void explain_failure(struct run *r, size_t reason)
{
	char line[200];
	struct reason *why = &r->attempt->reasons[reason];
	first_complaint(r->attempt, line, sizeof(line));
	size_t used = strlen(why->text);
	if (line[0])
		snprintf(why->text + used, sizeof(why->text) - used, "; it said: %s", line);
}

static struct run_spec *copy_spec(const struct run_spec *spec, struct err *err)
{
	autofree void *bytes = NULL;
	size_t size;
	struct run_spec *copy = NULL;
	spec_encode(spec, &bytes, &size);
	return spec_decode(bytes, size, &copy, err) == 0 ? copy : NULL;
}

void run_execute(const struct run_env *env, const struct run_spec *spec, enum run_mode mode,
		 struct attempt *attempt)
{
	struct run r = {.env = env, .mode = mode, .attempt = attempt};
	struct err err = ERR_NONE;
	size_t failure = SIZE_MAX;
	copy_ids(attempt, spec);
	clock_bracket(&attempt->begun);
	r.spec = copy_spec(spec, &err);
	for (enum run_state s = RUN_RECEIVED; s != RUN_CLOSING; s = steps[s].next) {
		enter(&r, s);
		if (!r.spec || steps[s].enter(&r, &err) < 0) {
			failure = attempt->n_reasons;
			fail(&r, &err);
			break;
		}
	}
	attempt->reached = r.state;
	enter(&r, RUN_CLOSING);
	close_run(&r);
	if (failure != SIZE_MAX)
		explain_failure(&r, failure);
	enter(&r, RUN_RESTORING);
	restore(&r);
	clock_bracket(&attempt->ended);
}
