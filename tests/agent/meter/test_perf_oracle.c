// SPDX-License-Identifier: GPL-3.0-or-later
/* An independent count of the same program: perf(1), where it is installed. Both count from exec
 * to exit, so what they say must agree. */
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "agent/meter/meter.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "tests/agent/meter/gated.h"

enum { ROUNDS = 5, PAGES = 20000, SPIN_MS = 60 };

struct counts {
	double faults, task_clock_ns;
};

static int guest_main(void)
{
	gated_touch(gated_room(PAGES), PAGES);
	gated_spin_ms(SPIN_MS);
	return 0;
}

static double value(const struct attempt *a, const char *metric)
{
	for (size_t i = 0; i < a->n_readings; i++)
		if (strcmp(a->readings[i].metric, metric) == 0 && a->readings[i].present)
			return a->readings[i].value;
	fail_msg("no %s", metric);
	return 0;
}

static struct counts count_by_meter(const struct host_root *root)
{
	struct err err = ERR_NONE;
	enum meter_end end;
	autoclean(run_spec) struct run_spec *spec = run_spec_new();
	autoclean(attempt) struct attempt *a = attempt_new();
	autoclean(meter) struct meter *m = NULL;
	strv_push(&spec->measure.counters, "page-faults");
	strv_push(&spec->measure.counters, "task-clock");
	assert_int_equal(meter_open(root, spec, &m, &err), 0);
	struct gated g = gated_start(meter_console_fd(m), meter_stderr_fd(m), "work", 0);
	meter_guest_started(m);
	assert_int_equal(meter_attach(m, g.pid, &err), 0);
	meter_mark(m, MARK_START);
	gated_go(&g);
	struct meter_wait wait = {.pid = g.pid, .exit_fd = g.exit_fd, .cancel_fd = -1};
	assert_int_equal(meter_run(m, &wait, &end, &err), 0);
	assert_int_equal(end, METER_EXITED);
	gated_end(&g, NULL);
	meter_finish(m, 0, a);
	return (struct counts){value(a, "page-faults"), value(a, "task-clock")};
}

static void run_perf(const char *out, const char *program)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	dup2(null, 1);
	dup2(null, 2);
	execlp("perf", "perf", "stat", "-x,", "-o", out, "-e", "page-faults,task-clock", "--",
	       program, "--guest", "work", "0", (char *)NULL);
	_exit(127);
}

/* "20123,,page-faults,..." and "63.12,msec,task-clock,..."; false: perf cannot be had. */
static bool count_by_perf(struct counts *ret)
{
	char out[] = "/tmp/assay-perf-XXXXXX", program[300];
	autofree char *text = NULL;
	size_t size;
	int status, fd = mkstemp(out);
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	if (fd < 0 || n < 0)
		abort();
	close(fd);
	program[n] = '\0';
	pid_t pid = fork();
	if (pid == 0)
		run_perf(out, program);
	waitpid(pid, &status, 0);
	int r = file_read(out, 1 << 16, &text, &size, NULL);
	unlink(out);
	*ret = (struct counts){0};
	if (!WIFEXITED(status) || WEXITSTATUS(status) || r < 0)
		return false;
	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		double number = strtod(line, NULL);
		if (strstr(line, ",page-faults"))
			ret->faults = number;
		if (strstr(line, ",msec,task-clock"))
			ret->task_clock_ns = number * 1e6;
	}
	return ret->faults > 0 && ret->task_clock_ns > 0;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

static double median(double *all)
{
	qsort(all, ROUNDS, sizeof(*all), by_size);
	return all[ROUNDS / 2];
}

static void agrees_with_perf(void **state)
{
	double faults[2][ROUNDS], clocks[2][ROUNDS];
	struct host_root root;
	struct counts c;
	(void)state;
	if (!count_by_perf(&c)) {
		print_message("perf is not installed, or may not count here\n");
		skip();
	}
	assert_int_equal(host_root_open("/", &root, NULL), 0);
	for (size_t i = 0; i < ROUNDS; i++) { /* in turns: what disturbs one disturbs both */
		assert_true(count_by_perf(&c));
		faults[0][i] = c.faults;
		clocks[0][i] = c.task_clock_ns;
		c = count_by_meter(&root);
		faults[1][i] = c.faults;
		clocks[1][i] = c.task_clock_ns;
	}
	host_root_close(&root);
	double perf_faults = median(faults[0]), own_faults = median(faults[1]);
	double perf_ns = median(clocks[0]), own_ns = median(clocks[1]);
	print_message("page-faults %g and %g, task-clock %g and %g ns\n", perf_faults, own_faults,
		      perf_ns, own_ns);
	assert_true(perf_faults > PAGES && perf_ns > SPIN_MS * 0.9e6);
	if (fabs(own_faults - perf_faults) > 0.01 * perf_faults)
		fail_msg("page-faults: %g, perf says %g", own_faults, perf_faults);
	if (fabs(own_ns - perf_ns) > 0.03 * perf_ns + 2e6)
		fail_msg("task-clock: %g ns, perf says %g", own_ns, perf_ns);
}

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "--guest") == 0)
		return guest_main();
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_perf),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
