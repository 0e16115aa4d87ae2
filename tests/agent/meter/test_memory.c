// SPDX-License-Identifier: GPL-3.0-or-later
/* Memory of processes whose size is known, since this program made them. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "agent/meter/memory.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "tests/agent/meter/gated.h"

enum { PAGES = 16384 };		     /* 64 MiB */
static const double held = 64 << 20; /* the same in bytes */
/* statm batches its counts by thread and CPU: some 100 kB; ASan's shadow of what is touched */
static const double slack = 4 << 20;

/* A child that does `what`, says so, and waits to be killed. */
static pid_t child_that(void (*what)(void), bool *ret_ok)
{
	int ends[2];
	char done = 0;
	if (pipe2(ends, O_CLOEXEC) < 0)
		abort();
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		what();
		if (write(ends[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	close(ends[1]);
	*ret_ok = read(ends[0], &done, 1) == 1;
	close(ends[0]);
	return pid;
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void hold_nothing(void)
{
}

static void hold_anonymous(void)
{
	gated_touch(gated_room(PAGES), PAGES);
}

static void hold_memfd_twice(void)
{
	int fd = memfd_create("guest", MFD_CLOEXEC);
	if (fd < 0 || ftruncate(fd, (off_t)PAGES * 4096) < 0)
		_exit(3);
	for (int i = 0; i < 2; i++) {
		char *room = mmap(NULL, (size_t)PAGES * 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
				  fd, 0);
		if (room == MAP_FAILED)
			_exit(4);
		gated_touch(room, PAGES);
	}
}

static double sample(const struct collector *collector, const struct host_root *root, pid_t pid)
{
	struct collection *c = NULL;
	struct err err = ERR_NONE;
	uint64_t value = 0;
	if (collector->open(root, pid, &c, &err) < 0 || collector->sample(c, &value, &err) < 0)
		fail_msg("%s: %s", collector->name, err.text);
	collector->close(c);
	return (double)value;
}

static const struct {
	const char *why;
	void (*what)(void);
	double rss, pss; /* in units of what is held */
} sizes[] = {
	{"anonymous memory", hold_anonymous, 1, 1},
	{"a memfd that is mapped twice counts twice as resident", hold_memfd_twice, 2, 1},
};

static void sizes_are_what_was_touched(void **state)
{
	struct host_root root;
	bool ok;
	(void)state;
	assert_int_equal(host_root_open("/", &root, NULL), 0);
	pid_t empty = child_that(hold_nothing, &ok);
	assert_true(ok);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		pid_t pid = child_that(sizes[i].what, &ok);
		assert_true(ok);
		double rss = sample(&collector_statm, &root, pid) -
			     sample(&collector_statm, &root, empty);
		double pss = sample(&collector_smaps, &root, pid) -
			     sample(&collector_smaps, &root, empty);
		if (fabs(rss - sizes[i].rss * held) > slack)
			fail_msg("%s: rss %g", sizes[i].why, rss);
		if (fabs(pss - sizes[i].pss * held) > slack)
			fail_msg("%s: pss %g", sizes[i].why, pss);
		end_child(pid);
	}
	end_child(empty);
	host_root_close(&root);
}

static void every_collector_keeps_the_contract(void **state)
{
	struct host_root root;
	struct err err = ERR_NONE;
	bool ok;
	(void)state;
	assert_int_equal(host_root_open("/", &root, NULL), 0);
	assert_int_equal(collectors_check(&err), 0);
	for (size_t i = 0; collectors[i]; i++) {
		const struct collector *c = collectors[i];
		struct collection *open = NULL;
		uint64_t value = 0;
		pid_t pid = child_that(hold_nothing, &ok);
		c->close(NULL);
		assert_true(c->open(&root, -1, &open, &err) < 0);
		assert_null(open);
		assert_int_equal(c->open(&root, pid, &open, &err), 0);
		assert_ptr_equal(open->collector, c);
		assert_int_equal(c->sample(open, &value, &err), 0);
		assert_true(value >= 1 << 16);
		kill(pid, SIGKILL);
		siginfo_t info;
		waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT);
		value = 4711;
		if (c != &collector_fake) { /* gone, not reaped: no value, and not 0 */
			assert_true(c->sample(open, &value, &err) < 0);
			assert_int_equal(value, 4711);
		}
		c->close(open);
		end_child(pid);
	}
	host_root_close(&root);
}

/* A full room is thinned: the peak stays exact, the mean stays, the spans stay in order. */
static void merging_keeps_peak_and_mean(void **state)
{
	struct samples s;
	struct sample all, first, second;
	(void)state;
	samples_open(&s);
	enum { N = 5 * MEMORY_SAMPLES / 2 };
	for (uint64_t i = 1; i <= N; i++)
		samples_add(&s, i * 10, i == 77777 ? 1000000 : 1000 + i % 2 * 100);
	assert_true(s.n <= MEMORY_SAMPLES);
	assert_true(samples_between(&s, 0, UINT64_MAX, &all));
	assert_int_equal(all.merged, N);
	assert_true(all.peak == 1000000);
	assert_true(fabs(all.mean - 1050 - (1000000.0 - 1050) / N) < 1);
	assert_true(samples_between(&s, 0, N * 5, &first));
	assert_true(samples_between(&s, N * 5 + 1, N * 10, &second));
	assert_int_equal(first.merged + second.merged, N);
	assert_false(samples_between(&s, N * 10 + 1, UINT64_MAX, &all));
	samples_close(&s);
}

struct run {
	struct host_root root;
	struct memory *memory;
	struct attempt *attempt;
	pid_t pid;
};

static void run_open(struct run *r, uint64_t every_ns)
{
	bool ok;
	assert_int_equal(host_root_open("/", &r->root, NULL), 0);
	r->attempt = attempt_new();
	memory_open(&r->root, every_ns, &r->memory);
	r->pid = child_that(hold_anonymous, &ok);
	assert_true(ok);
	memory_attach(r->memory, r->pid);
}

static void run_close(struct run *r)
{
	end_child(r->pid);
	memory_close(r->memory);
	attempt_free(r->attempt);
	host_root_close(&r->root);
}

static const struct reading *find(const struct run *r, const char *metric)
{
	for (size_t i = 0; i < r->attempt->n_readings; i++)
		if (strcmp(r->attempt->readings[i].metric, metric) == 0)
			return &r->attempt->readings[i];
	fail_msg("no %s", metric);
	return NULL;
}

static void deadlines_are_absolute(void **state)
{
	struct run r;
	(void)state;
	run_open(&r, 10 * NSEC_PER_MSEC);
	uint64_t first_ns = memory_due_ns(r.memory);
	memory_tick(r.memory, first_ns - 1, true); /* not yet */
	assert_int_equal(memory_due_ns(r.memory), first_ns);
	memory_tick(r.memory, first_ns + 3 * NSEC_PER_MSEC, true); /* late */
	assert_int_equal(memory_due_ns(r.memory), first_ns + 10 * NSEC_PER_MSEC);
	memory_tick(r.memory, first_ns + 47 * NSEC_PER_MSEC, true); /* three were missed */
	assert_int_equal(memory_due_ns(r.memory), first_ns + 50 * NSEC_PER_MSEC);
	run_close(&r);
}

static void pss_is_never_taken_inside_a_window(void **state)
{
	struct run r;
	struct window w = {.name = "whole", .to_ns = UINT64_MAX};
	(void)state;
	run_open(&r, 10 * NSEC_PER_MSEC);
	uint64_t due_ns = memory_due_ns(r.memory);
	for (int i = 0; i < 5; i++)
		memory_tick(r.memory, due_ns + (uint64_t)i * NSEC_PER_SEC, false);
	memory_mark(r.memory, clock_raw_ns(), false);
	memory_report(r.memory, &w, 0, r.attempt);
	assert_true(find(&r, "rss")->present);
	assert_false(find(&r, "pss")->present);
	assert_non_null(strstr(find(&r, "pss")->note, "while no window is open"));
	r.attempt->n_readings = 0;
	memory_mark(r.memory, clock_raw_ns(), true); /* the last window is over */
	memory_report(r.memory, &w, 0, r.attempt);
	assert_true(find(&r, "pss")->present);
	assert_true(fabs(find(&r, "pss")->value - held) < 0.2 * held + slack);
	assert_non_null(strstr(find(&r, "pss")->note, "taken "));
	run_close(&r);
}

/* rusage remembers what the launcher held before exec: only more than that is the guest's. */
static void the_peak_of_rusage_must_be_the_guests(void **state)
{
	static const struct {
		uint64_t max_rss;
		const char *source;
	} cases[] = {{1 << 20, "VmHWM"}, {60 << 20, "VmHWM"}, {400 << 20, "rusage"}, {0, "VmHWM"}};
	struct run r;
	struct window w = {.name = "whole", .from_ns = 1, .to_ns = clock_raw_ns()};
	(void)state;
	run_open(&r, 10 * NSEC_PER_MSEC);
	memory_start(r.memory, w.from_ns);
	memory_mark(r.memory, w.to_ns, false);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		r.attempt->n_readings = 0;
		memory_report(r.memory, &w, cases[i].max_rss, r.attempt);
		assert_string_equal(find(&r, "rss/peak")->source, cases[i].source);
		assert_true(find(&r, "rss/peak")->value >= held);
	}
	/* a little more than the launcher held may be the launcher's own, still */
	uint64_t peak = (uint64_t)find(&r, "rss/peak")->value;
	r.attempt->n_readings = 0;
	memory_report(r.memory, &w, peak + (512 << 10), r.attempt);
	assert_string_equal(find(&r, "rss/peak")->source, "VmHWM");
	run_close(&r);
}

/* Does as it is told: 'p' touches PAGES and gives them back, 's' touches nothing. */
static pid_t obedient_child(int *ret_fd)
{
	int pair[2];
	char order;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		abort();
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		while (read(pair[1], &order, 1) == 1) {
			char *room = gated_room(PAGES);
			gated_touch(room, order == 'p' ? PAGES : 0);
			munmap(room, (size_t)PAGES * 4096);
			if (write(pair[1], &order, 1) != 1)
				break;
		}
		_exit(1);
	}
	close(pair[1]);
	*ret_fd = pair[0];
	return pid;
}

static void obey(int fd, char order)
{
	assert_int_equal(write(fd, &order, 1), 1);
	assert_int_equal(read(fd, &order, 1), 1);
}

/* A peak between two samples is seen where the kernel's own says so; where nothing does, there is
 * no number. Times are the test's own. */
static void peaks_are_right_or_absent(void **state)
{
	static const struct {
		const char *before, *inside; /* orders */
		size_t samples;		     /* in the window, besides those of its marks */
		const char *source;	     /* "": absent */
		bool high;		     /* the value is that of the peak */
		const char *note, *why;
	} cases[] = {
		{"", "p", 0, "VmHWM", true, "", "rose inside, and no sample saw it"},
		{"s", "s", 0, "VmHWM", false, "", "flat: what it holds is what it ever held"},
		{"p", "s", 0, "", false, "too few", "may have been as high again, or not"},
		{"p", "s", 1, "statm", false, "at most", "three samples, and the bound"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct run r = {.attempt = attempt_new()};
		struct window w = {.name = "w", .from_ns = 100, .to_ns = 200};
		int fd;
		assert_int_equal(host_root_open("/", &r.root, NULL), 0);
		memory_open(&r.root, NSEC_PER_SEC, &r.memory);
		r.pid = obedient_child(&fd);
		obey(fd, 's'); /* its first round costs pages of its own */
		memory_attach(r.memory, r.pid);
		for (const char *o = cases[i].before; *o; o++)
			obey(fd, *o);
		memory_mark(r.memory, w.from_ns, false);
		for (const char *o = cases[i].inside; *o; o++)
			obey(fd, *o);
		for (size_t k = 0; k < cases[i].samples; k++)
			memory_mark(r.memory, w.from_ns + 1 + k, false);
		memory_mark(r.memory, w.to_ns, false);
		memory_report(r.memory, &w, 0, r.attempt);
		const struct reading *peak = find(&r, "rss/peak");
		if (peak->present != (cases[i].source[0] != '\0') ||
		    strcmp(peak->source, peak->present ? cases[i].source : peak->source) != 0 ||
		    (peak->present && (peak->value >= held) != cases[i].high) ||
		    !strstr(peak->note, cases[i].note))
			fail_msg("%s: %d %g by '%s', '%s'", cases[i].why, peak->present,
				 peak->value, peak->source, peak->note);
		/* a mean needs more than the two ends */
		assert_int_equal(find(&r, "rss")->present, cases[i].samples > 0);
		run_close(&r);
		close(fd);
	}
}

static void windows_without_samples_are_absent(void **state)
{
	struct run r;
	struct window w = {.name = "early", .from_ns = 1, .to_ns = 2};
	(void)state;
	run_open(&r, 10 * NSEC_PER_MSEC);
	memory_mark(r.memory, clock_raw_ns(), false);
	memory_report(r.memory, &w, 0, r.attempt);
	assert_int_equal(r.attempt->n_readings, 3);
	for (size_t i = 0; i < 3; i++)
		assert_false(r.attempt->readings[i].present);
	assert_non_null(strstr(find(&r, "rss")->note, "10 ms"));
	run_close(&r);
}

static void unasked_it_does_nothing(void **state)
{
	struct run r;
	struct window w = {.name = "whole", .to_ns = UINT64_MAX};
	(void)state;
	run_open(&r, 0);
	assert_true(memory_due_ns(r.memory) == UINT64_MAX);
	memory_tick(r.memory, UINT64_MAX - 1, true);
	memory_mark(r.memory, 5, true);
	memory_report(r.memory, &w, 5, r.attempt);
	memory_report_absent(r.memory, "w", "why", r.attempt);
	assert_int_equal(r.attempt->n_readings, 0);
	run_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_what_was_touched),
		cmocka_unit_test(every_collector_keeps_the_contract),
		cmocka_unit_test(merging_keeps_peak_and_mean),
		cmocka_unit_test(deadlines_are_absolute),
		cmocka_unit_test(pss_is_never_taken_inside_a_window),
		cmocka_unit_test(the_peak_of_rusage_must_be_the_guests),
		cmocka_unit_test(peaks_are_right_or_absent),
		cmocka_unit_test(windows_without_samples_are_absent),
		cmocka_unit_test(unasked_it_does_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
