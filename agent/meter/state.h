// SPDX-License-Identifier: GPL-3.0-or-later
/* state - what a meter holds; shared by the files that open, run and report it, nobody else's. */
#ifndef ASSAY_METER_STATE_H
#define ASSAY_METER_STATE_H

#include "agent/meter/capture.h"
#include "agent/meter/console.h"
#include "agent/meter/counters.h"
#include "agent/meter/energy.h"
#include "agent/meter/marks.h"
#include "agent/meter/memory.h"
#include "agent/meter/meter.h"

enum { NO_INSTANT = -1 };

/* A moment at which everything was read. Its true time lies in [lower_ns, t_ns]. */
struct instant {
	uint64_t lower_ns;
	uint64_t t_ns;
	uint64_t read_ns;
	uint64_t blur_ns; /* how far from t_ns it can be by what is known of the meter's wake-ups */
};

/* The piece of console that is being searched. */
struct piece {
	uint64_t lower_ns, t_ns;
	bool slept;	 /* the meter was waiting for it, so only the wake-up lies between */
	bool after_exit; /* found in the pipe when the guest was gone */
	size_t instant;	 /* NO_INSTANT until the first mark in it */
};

struct meter {
	const struct host_root *root;  /* borrowed, outlives the meter */
	const struct run_spec *spec;   /* borrowed, outlives the meter */
	struct capture output, errors; /* the guest's console and stderr */
	struct console console;
	struct marks *marks;
	struct counters *counters;
	struct energies *energies;
	struct memory *memory;

	struct instant *instants; /* owned, as many as there are marks */
	size_t n_instants;
	struct counter_value *counter_values; /* owned; counters_slots() for each instant */
	struct energy_value *energy_values;   /* owned; energies_slots() for each instant */

	struct piece piece;
	size_t exit_instant;
	uint64_t alive_ns;	  /* RAW: the guest was surely not gone yet */
	uint64_t console_idle_ns; /* RAW: a poll came back and the console had nothing */
	uint64_t exit_idle_ns;	  /* and the guest was still there */
	uint64_t energy_due_ns;	  /* MONOTONIC */
	uint64_t wake_ns;	  /* how late this thread wakes up, the worst of a few */
	bool last_taken;	  /* the memory sample after the last window */
	bool ran;
	enum meter_end end;
	const char *sched; /* as what the meter's thread ran */
};

/* Room for all instants; before the guest starts. */
void meter_reserve(struct meter *meter);
/* Reads everything now, as the instant that was at t_ns. */
size_t meter_stamp(struct meter *meter, uint64_t lower_ns, uint64_t t_ns, uint64_t blur_ns);
/* Another instant with what was read at `instant`. */
size_t meter_stamp_again(struct meter *meter, size_t instant, uint64_t lower_ns, uint64_t blur_ns);
/* Takes what is in the pipes now, to its end at most; marks are searched if `search`. */
void meter_drain(struct meter *meter, bool search);

/* A thread that is to be woken fast: SCHED_FIFO if allowed, no timer slack. */
struct boost {
	int policy, priority;
	long slack_ns;
	bool fifo;
};
void boost_begin(struct boost *ret);
void boost_end(const struct boost *boost);
/* The worst lateness of a few short timers on this thread. */
uint64_t boost_wake_ns(void);

#endif
