// SPDX-License-Identifier: GPL-3.0-or-later
/* counters - the kernel's event counters of one guest, as groups that are read together.
 *
 * They are opened once, never toggled and never reset: a window is the difference of two reads.
 * Software events are a group of their own, which is always on; hardware events share groups as
 * far as their PMU has room, and are scaled by the kernel's own times where it has not.
 * Source: perf_event_open(2), docs/measuring.md. */
#ifndef ASSAY_METER_COUNTERS_H
#define ASSAY_METER_COUNTERS_H

#include <sys/types.h>

#include "agent/meter/event_name.h"
#include "proto/measure/result.h"

/* One read of one event. */
struct counter_value {
	uint64_t value;
	uint64_t enabled_ns; /* how long it should have counted, all threads summed */
	uint64_t running_ns; /* how long it did */
	int error;	     /* positive errno where it could not be read */
};

struct counter_target {
	pid_t pid;	     /* -1: whatever runs on `cpu` */
	int cpu;	     /* -1: wherever `pid` runs */
	bool inherit;	     /* threads and children that come later too */
	bool enable_on_exec; /* nothing is counted before the target's exec */
};

struct counter_source;

/* Base of every source's own struct, first member. */
struct counter_group {
	const struct counter_source *source;
	size_t n; /* events in it */
};

struct counter_source { /* All are required. */
	const char *name;
	/* Opens the leader of a group that does not count yet. */
	int (*open)(const struct counter_target *target, const struct event_code *code,
		    struct counter_group **ret, struct err *err);
	/* Puts one more event into the group. -EINVAL: it does not fit, open another group. Only
	 * before the target's first fork after exec. */
	int (*add)(struct counter_group *group, const struct event_code *code, struct err *err);
	/* Lets a group count that has no exec to wait for. */
	int (*start)(struct counter_group *group, struct err *err);
	/* One value for each event, in the order of adding, by one system call. */
	int (*read)(struct counter_group *group, struct counter_value *ret, struct err *err);
	void (*close)(struct counter_group *group); /* NULL is fine */
};

extern const struct counter_source counter_perf, counter_fake;
extern const struct counter_source *const counter_sources[]; /* NULL-ended */
int counter_sources_check(struct err *err);

/* The arithmetic of one window. */
enum count_state {
	COUNT_EXACT,
	COUNT_SCALED,	   /* multiplexed: value is an estimate, share < 1 */
	COUNT_NOT_COUNTED, /* was never on the PMU in this window: no value */
	COUNT_NOT_RUNNING, /* nothing of the guest ran: 0, and true */
	COUNT_BROKEN,	   /* a read failed or went back: no value */
};
struct count {
	enum count_state state;
	double value;
	double share; /* of the enabled time that it counted */
	int error;    /* COUNT_BROKEN: positive errno */
};
void count_between(const struct counter_value *from, const struct counter_value *to,
		   struct count *ret);

struct counters;

/* Resolves the names (NULL-ended, may be NULL). -ENOENT or -EINVAL where a name can be no event
 * anywhere; one that this host lacks stays, absent. */
int counters_open(const struct counter_source *source, const struct host_root *root,
		  char *const *names, struct counters **ret, struct err *err);
void counters_close(struct counters *counters); /* NULL is fine */
CLEANUP_DEFINE(counters, struct counters *, counters_close)

/* Opens everything on the process that has not exec'd yet. What the kernel refuses is absent with
 * its sentence. */
void counters_attach(struct counters *counters, pid_t pid);

/* Values of one snapshot; 0 before counters_attach(). */
size_t counters_slots(const struct counters *counters);
/* Reads each group once. Does not allocate. */
void counters_read(struct counters *counters, struct counter_value *ret);

/* Readings of one window from its two snapshots. */
void counters_report(const struct counters *counters, const char *window,
		     const struct counter_value *from, const struct counter_value *to,
		     struct attempt *attempt);
/* Absent readings of a window that was not seen. */
void counters_report_absent(const struct counters *counters, const char *window, const char *why,
			    struct attempt *attempt);
/* What holds for the whole attempt: flags and facts. Once. */
void counters_report_flags(const struct counters *counters, struct attempt *attempt);

#endif
