// SPDX-License-Identifier: GPL-3.0-or-later
/* meter - everything that is measured of one attempt, between its marks.
 *
 * A meter is opened before the guest exists, attached to the guest's gated process before it
 * execs, and runs in the caller's thread until the guest is gone: it reads the guest's console
 * from its own pipe, stamps what matches, reads all counters once at each mark, and samples memory
 * by absolute deadlines. Between marks nothing logs, allocates or touches a disk. Counters are
 * never toggled: a window is the difference of two reads (MEASURING rules in docs/measuring.md). */
#ifndef ASSAY_METER_METER_H
#define ASSAY_METER_METER_H

#include <sys/types.h>

#include "proto/base/sysfs.h"
#include "proto/measure/host.h"
#include "proto/measure/result.h"

struct meter;

enum meter_end {
	METER_EXITED,	    /* the guest is gone by itself */
	METER_STOPPED,	    /* all marks that a probe waits for were seen (stop_at_first_mark) */
	METER_TIMEOUT,	    /* the deadline passed */
	METER_CANCELLED,    /* cancel_fd became readable */
	METER_HALTED,	    /* the guest is there, and will never go on */
	METER_OUTPUT_LIMIT, /* the console or stderr is past its limit */
};

/* What came by news_fd. */
enum meter_news { METER_NEWS_NONE, METER_NEWS_HALTED, METER_NEWS_LAST };

struct meter_wait {
	pid_t pid;	      /* whose memory is sampled */
	int exit_fd;	      /* readable when the guest is gone (a pidfd); borrowed */
	int cancel_fd;	      /* readable: end now; borrowed; -1: none */
	uint64_t deadline_ns; /* CLOCK_MONOTONIC; 0: none */
	bool stop_at_first_mark;
	/* Asked once at first and then whenever news_fd is readable, until METER_NEWS_LAST; in the
	 * meter's thread, so it must be quick. NULL: nobody has news. */
	enum meter_news (*news)(void *arg);
	void *arg;
	int news_fd; /* borrowed */
};

/* Compiles patterns, makes the pipes, resolves event names. An event name that no source knows is
 * -ENOENT, a malformed one -EINVAL; one that this host lacks is no error: its readings will be
 * absent. root and spec are borrowed and outlive the meter. */
int meter_open(const struct host_root *root, const struct run_spec *spec, struct meter **ret,
	       struct err *err);
void meter_close(struct meter *meter); /* NULL is fine */
CLEANUP_DEFINE(meter, struct meter *, meter_close)

/* Ends that the guest writes to; borrowed, given to the guest as stdout and stderr. The console is
 * what marks are searched in. Call meter_guest_started() once the guest has its copies. */
int meter_console_fd(const struct meter *meter);
int meter_stderr_fd(const struct meter *meter);
void meter_guest_started(struct meter *meter);

/* Opens all counters on the gated process: inherit, enable_on_exec. What the kernel refuses is
 * absent with its reason; only our own bugs are errors. */
int meter_attach(struct meter *meter, pid_t pid, struct err *err);

/* An instant that the caller caused: stamps it and reads the counters. */
void meter_mark(struct meter *meter, enum mark_kind kind);

/* Until the guest is gone or ended by `wait`; what was printed before that is read to the end. */
int meter_run(struct meter *meter, const struct meter_wait *wait, enum meter_end *ret,
	      struct err *err);

/* Marks, windows, readings, the raw console and stderr as artifacts, and reasons (no-mark, lost
 * or flagged readings) into the attempt. Call once, after the guest is reaped. max_rss_bytes: of
 * the reaped tree, 0 if unknown. */
void meter_finish(struct meter *meter, uint64_t max_rss_bytes, struct attempt *attempt);

/* Whether the name can be an event at all, on any host: 0, or -ENOENT with the nearest known, or
 * -EINVAL where it is malformed. */
int meter_check_event(const struct host_root *root, const char *event, struct err *err);

/* What this host can measure, each missing thing with reason and remedy. */
void meter_capabilities(const struct host_root *root, struct host_info *info);

#endif
