// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/meter/meter.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "agent/meter/state.h"
#include "proto/base/mem.h"

static int check_tables(struct err *err)
{
	int r = counter_sources_check(err);
	if (r == 0)
		r = energy_sources_check(err);
	if (r == 0)
		r = collectors_check(err);
	return r;
}

int meter_open(const struct host_root *root, const struct run_spec *spec, struct meter **ret,
	       struct err *err)
{
	autoclean(meter) struct meter *m = xcalloc(1, sizeof(*m));
	m->root = root;
	m->spec = spec;
	m->output.read_fd = m->output.write_fd = -1;
	m->errors.read_fd = m->errors.write_fd = -1;
	m->exit_instant = (size_t)NO_INSTANT;
	m->sched = "never ran";
	memory_open(root, spec->measure.memory_every_ns, &m->memory);
	if (check_tables(err) < 0 || marks_open(spec, &m->marks, err) < 0 ||
	    counters_open(&counter_perf, root, spec->measure.counters, &m->counters, err) < 0 ||
	    energies_open(energy_sources, root, spec->measure.energy, &m->energies, err) < 0 ||
	    capture_open(spec->output_limit_bytes, &m->output, err) < 0 ||
	    capture_open(spec->output_limit_bytes, &m->errors, err) < 0)
		return err_code(err);
	*ret = take(m);
	return 0;
}

void meter_close(struct meter *m)
{
	if (!m)
		return;
	capture_close(&m->output);
	capture_close(&m->errors);
	marks_close(m->marks);
	counters_close(m->counters);
	energies_close(m->energies);
	memory_close(m->memory);
	free(m->instants);
	free(m->counter_values);
	free(m->energy_values);
	free(m);
}

int meter_console_fd(const struct meter *m)
{
	return m->output.write_fd;
}

int meter_stderr_fd(const struct meter *m)
{
	return m->errors.write_fd;
}

static void close_end(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

void meter_guest_started(struct meter *m)
{
	close_end(&m->output.write_fd);
	close_end(&m->errors.write_fd);
}

static void read_all(struct meter *m, size_t instant)
{
	counters_read(m->counters, m->counter_values + instant * counters_slots(m->counters));
	energies_read(m->energies, m->energy_values + instant * energies_slots(m->energies));
}

int meter_attach(struct meter *m, pid_t pid, struct err *err)
{
	struct boost boost;
	if (pid <= 0)
		return err_say(err, EINVAL, "meter: %d is no process to attach to", (int)pid);
	counters_attach(m->counters, pid);
	memory_attach(m->memory, pid);
	boost_begin(&boost);
	m->wake_ns = boost_wake_ns();
	boost_end(&boost);
	meter_reserve(m);
	read_all(m,
		 0); /* into the cache, with the code behind it; the first instant overwrites it */
	return 0;
}

void meter_reserve(struct meter *m)
{
	size_t n = marks_count(m->marks);
	if (m->instants)
		return;
	m->instants = xcalloc(n, sizeof(*m->instants));
	m->counter_values = xcalloc(n * counters_slots(m->counters), sizeof(*m->counter_values));
	m->energy_values = xcalloc(n * energies_slots(m->energies), sizeof(*m->energy_values));
}

/* The instant's number; there is one for each mark, and each mark happens once. */
static size_t next_instant(struct meter *m)
{
	assert(m->n_instants < marks_count(m->marks));
	return m->n_instants++;
}

size_t meter_stamp(struct meter *m, uint64_t lower_ns, uint64_t t_ns, uint64_t blur_ns)
{
	size_t i = next_instant(m);
	read_all(m, i);
	m->instants[i] = (struct instant){
		.lower_ns = lower_ns,
		.t_ns = t_ns,
		.read_ns = clock_raw_ns(),
		.blur_ns = blur_ns,
	};
	return i;
}

size_t meter_stamp_again(struct meter *m, size_t instant, uint64_t lower_ns, uint64_t blur_ns)
{
	size_t i = next_instant(m), slots = counters_slots(m->counters),
	       zones = energies_slots(m->energies);
	m->instants[i] = m->instants[instant];
	m->instants[i].lower_ns = lower_ns;
	m->instants[i].blur_ns = blur_ns;
	for (size_t k = 0; k < slots; k++)
		m->counter_values[i * slots + k] = m->counter_values[instant * slots + k];
	for (size_t k = 0; k < zones; k++)
		m->energy_values[i * zones + k] = m->energy_values[instant * zones + k];
	return i;
}

static size_t mark_of(enum mark_kind kind)
{
	return kind == MARK_START ? AT_START : kind == MARK_RESUME ? AT_RESUME : AT_EXIT;
}

/* At a beginning the clock is read last, at an end first: the wall time is the innermost. */
void meter_mark(struct meter *m, enum mark_kind kind)
{
	assert(kind == MARK_START || kind == MARK_RESUME || kind == MARK_EXIT);
	meter_reserve(m);
	if (marks_get(m->marks, mark_of(kind))->seen)
		return;
	uint64_t before_ns = clock_raw_ns();
	size_t i = meter_stamp(m, before_ns, before_ns, 0);
	if (kind != MARK_EXIT) {
		m->instants[i].t_ns = clock_raw_ns();
		m->instants[i].read_ns = m->instants[i].t_ns;
		m->instants[i].blur_ns = m->instants[i].t_ns - before_ns;
		m->alive_ns = m->instants[i].t_ns;
	}
	if (kind == MARK_START)
		memory_start(m->memory, m->instants[i].t_ns);
	marks_reach(m->marks, mark_of(kind), m->console.bytes, m->console.lines);
	marks_settle(m->marks, i);
}
