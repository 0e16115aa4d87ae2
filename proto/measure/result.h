// SPDX-License-Identifier: GPL-3.0-or-later
/* result - what happened in one attempt, raw and complete. The agent fills it, wire/ carries it,
 * the controller stores it and makes meaning of it.
 *
 * A reading that could not be had is absent and says why; it is never a number. */
#ifndef ASSAY_MEASURE_RESULT_H
#define ASSAY_MEASURE_RESULT_H

#include "proto/base/clock.h"
#include "proto/measure/spec.h"

enum verdict { VERDICT_VALID, VERDICT_FLAGGED, VERDICT_INVALID, VERDICTS };
const char *verdict_name(enum verdict verdict); /* "valid" "flagged" "invalid" */
int verdict_parse(const char *name, enum verdict *ret, struct err *err);

/* Why a run is flagged or invalid. code is stable, for queries; text is for people. */
struct reason {
	char code[NAME_SIZE]; /* "timeout", "no-mark", "exit-status", "console-limit" ... */
	enum verdict level;   /* FLAGGED or INVALID */
	char text[400];
};

/* When an instant was seen. Its true time lies in [lower_ns, t_ns]. RAW clock. */
struct mark {
	char name[NAME_SIZE];	/* "start", "exit", "bench.from" */
	uint64_t lower_ns;	/* the console had not yet said it */
	uint64_t t_ns;		/* the read that completed it returned */
	uint64_t read_ns;	/* all counters had been read */
	uint64_t console_bytes; /* console bytes up to and with it */
	uint64_t console_lines;
};

struct window {
	char name[NAME_SIZE];
	uint64_t from_ns; /* RAW */
	uint64_t to_ns;
	uint64_t uncertainty_ns; /* of the duration, from both marks' intervals */
	uint64_t console_bytes;	 /* printed inside it: each costs the guest an exit */
	uint64_t console_lines;
};

enum metric_kind {
	METRIC_COUNTER,	 /* grows; a window's reading is a difference */
	METRIC_INSTANT,	 /* a level; peak, mean or last are metrics of their own */
	METRIC_DISCRETE, /* a fact that does not change inside a run */
};

struct reading {
	char window[NAME_SIZE];
	char metric[NAME_SIZE];
	char scope[NAME_SIZE];	  /* "guest": the guest's processes; "host": the whole machine;
				     "cpu3", "package-0" */
	char unit[UNIT_SIZE];	  /* "ns" "bytes" "J" "Hz" "count" "pct", or a parser's own */
	char source[SOURCE_SIZE]; /* "perf", "smaps_rollup", "clock", "rusage", parser's name */
	bool present;
	double value;	      /* only where present */
	double running_share; /* 1: counted all the time; less: scaled up by multiplexing */
	double uncertainty;   /* one standard deviation, in unit; 0: not stated */
	char note[240];	      /* absent: why, and what would help; present: what to know */
};

struct event {
	char name[NAME_SIZE];
	uint64_t t_ns; /* RAW */
};

/* A file or log that the attempt left. */
struct artifact {
	char name[NAME_SIZE]; /* "console", "stderr" */
	char sha256[HASH_HEX_SIZE];
	uint64_t size_bytes;
	void *bytes; /* owned; NULL where they travel or are stored apart */
};

/* A fact about this attempt: "accelerator" "kvm", "cpus/guest" "1". */
struct fact {
	char name[NAME_SIZE];
	char value[240];
};

/* The names come from one list; verdicts and live lines print them. */
#define RUN_STATES(X)             \
	X(RECEIVED, "received")   \
	X(FETCHING, "fetching")   \
	X(PREPARING, "preparing") \
	X(SETTLING, "settling")   \
	X(LAUNCHING, "launching") \
	X(RUNNING, "running")     \
	X(CLOSING, "closing")     \
	X(RESTORING, "restoring") \
	X(SPOOLED, "spooled")     \
	X(FAILED, "failed")

enum run_state {
#define X(id, name) RUN_##id,
	RUN_STATES(X)
#undef X
		RUN_STATE_COUNT
};
const char *run_state_name(enum run_state state);

struct attempt {
	char campaign[ULID_SIZE];
	char run_key[HASH_HEX_SIZE];
	uint32_t attempt;
	enum run_state reached; /* how far it got before it closed */
	struct clock_bracket begun;
	struct clock_bracket ended;
	bool exited;		/* exit_code or exit_signal is true */
	int exit_code;		/* 0..255 */
	int exit_signal;	/* 0: none */
	uint64_t guest_life_ns; /* exec to exit, RAW */
	struct mark *marks;	/* arrays are owned */
	size_t n_marks;
	struct window *windows;
	size_t n_windows;
	struct reading *readings;
	size_t n_readings;
	struct reason *reasons;
	size_t n_reasons;
	struct event *events;
	size_t n_events;
	struct artifact *artifacts;
	size_t n_artifacts;
	struct fact *facts;
	size_t n_facts;
};

struct attempt *attempt_new(void);
void attempt_free(struct attempt *attempt); /* NULL is fine */
CLEANUP_DEFINE(attempt, struct attempt *, attempt_free)

/* The worst level of its reasons. */
enum verdict attempt_verdict(const struct attempt *attempt);

void attempt_reason(struct attempt *attempt, enum verdict level, const char *code, const char *fmt,
		    ...) __attribute__((format(printf, 4, 5)));
void attempt_fact(struct attempt *attempt, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void attempt_event(struct attempt *attempt, const char *name, uint64_t t_ns);
/* Adds a reading that is present (value) or absent (note says why); gives it for more. */
struct reading *attempt_reading(struct attempt *attempt, const char *window, const char *metric,
				const char *scope, const char *unit, const char *source,
				double value);
struct reading *attempt_absent(struct attempt *attempt, const char *window, const char *metric,
			       const char *scope, const char *unit, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* Hashes the bytes and takes ownership of them. */
void attempt_artifact(struct attempt *attempt, const char *name, void *bytes, size_t size);

#endif
