// SPDX-License-Identifier: GPL-3.0-or-later
/* marks - which instants of a run are waited for, and which have been seen.
 *
 * A window waits for its `from`; from the byte behind that on it waits for its `to`. Only first
 * occurrences count, so the number of marks is known before the guest starts, and nothing is
 * allocated while it runs. Several marks may be of one instant: they share its counters. */
#ifndef ASSAY_METER_MARKS_H
#define ASSAY_METER_MARKS_H

#include "agent/meter/console.h"
#include "proto/measure/result.h"

enum {
	WINDOWS = 256, /* of one run */
	PATTERN_SIZE = 1024,
};

/* The marks that every run has; those of windows follow, two each. */
enum { AT_START, AT_RESUME, AT_EXIT, AT_END, AT_WINDOWS };

struct mark_seen {
	bool seen;
	size_t instant; /* the caller's number of the moment; shared by marks of one moment */
	uint64_t console_bytes;
	uint64_t console_lines;
};

struct marks;

/* Compiles all patterns; -EINVAL names the window and the place of the mistake. spec is borrowed
 * and outlives the marks. */
int marks_open(const struct run_spec *spec, struct marks **ret, struct err *err);
void marks_close(struct marks *marks); /* NULL is fine */
CLEANUP_DEFINE(marks, struct marks *, marks_close)

size_t marks_count(const struct marks *marks); /* AT_WINDOWS + 2 * windows */
const struct mark_seen *marks_get(const struct marks *marks, size_t mark);

/* Searches a line. True: something was found that marks_settle() must put to an instant. Where in
 * the console the line is goes into what is found. */
bool marks_search(struct marks *marks, const struct console_line *line, uint64_t console_bytes,
		  uint64_t console_lines);
/* An instant that is no line: start, resume, exit, end. Also true for windows that begin or end
 * with it. */
void marks_reach(struct marks *marks, size_t mark, uint64_t console_bytes, uint64_t console_lines);
void marks_settle(struct marks *marks, size_t instant);

bool marks_console_seen(const struct marks *marks);	 /* any console mark was */
size_t marks_open_windows(const struct marks *marks);	 /* begun and not ended */
size_t marks_waiting_windows(const struct marks *marks); /* not ended */
/* How often a pattern gave up at its match limit: marks may have been missed. */
uint64_t marks_gave_up(const struct marks *marks);

#endif
