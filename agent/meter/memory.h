// SPDX-License-Identifier: GPL-3.0-or-later
/* memory - how much memory the guest's process holds, over time. Bytes.
 *
 * Resident (rss) is cheap to read and is sampled at fixed times and at every mark, with the
 * kernel's own peak of it; it counts a shared page in every process that maps it, and a page
 * mapped twice twice. Proportional (pss)
 * divides shared pages, but the kernel walks the page tables for it (milliseconds for a large
 * guest, holding its address space's lock), so it is read only while no window is open.
 * Hugetlb pages are in neither. Source: proc_pid_statm(5), proc_pid_smaps(5). */
#ifndef ASSAY_METER_MEMORY_H
#define ASSAY_METER_MEMORY_H

#include <sys/types.h>

#include "proto/base/sysfs.h"
#include "proto/measure/result.h"

enum {
	MEMORY_SAMPLES = 65536,
	MEMORY_PEAKS = 1024, /* more than a run can have marks */
};

struct collector;

/* Base of every collector's own struct, first member. */
struct collection {
	const struct collector *collector;
};

struct metric_row {
	const char *name;
	enum metric_kind kind;
	const char *unit;
	const char *help;
};

struct collector { /* All functions are required. */
	const char *name;
	struct metric_row metric; /* what it collects */
	bool cheap;		  /* may run while a window is being measured */
	/* root is borrowed and outlives the collection. */
	int (*open)(const struct host_root *root, pid_t pid, struct collection **ret,
		    struct err *err);
	/* -ESRCH: the process has no memory any more. */
	int (*sample)(struct collection *collection, uint64_t *ret, struct err *err);
	void (*close)(struct collection *collection); /* NULL is fine */
};

extern const struct collector collector_statm, collector_smaps, collector_fake;
extern const struct collector *const collectors[]; /* NULL-ended */
int collectors_check(struct err *err);

/* Samples of one metric, in a room that never grows: when it is full, neighbours are merged. */
struct sample {
	uint64_t t_ns; /* RAW; of the last of the merged */
	double mean;
	double peak;
	uint32_t merged; /* samples in it */
};
struct samples {
	struct sample *all; /* owned, MEMORY_SAMPLES of them */
	size_t n;
	uint32_t merge; /* each new entry takes this many samples */
};
void samples_open(struct samples *ret);
void samples_close(struct samples *samples);
void samples_add(struct samples *samples, uint64_t t_ns, uint64_t value);
/* Mean and peak of what lies in [from, to]; false: nothing does. */
bool samples_between(const struct samples *samples, uint64_t from_ns, uint64_t to_ns,
		     struct sample *ret);

/* What the kernel keeps of the largest rss since the process's exec, at instants. */
struct peak {
	uint64_t t_ns; /* RAW */
	uint64_t bytes;
};
struct peaks {
	struct peak *all; /* owned, MEMORY_PEAKS of them */
	size_t n;
	int fd; /* owned; -1: the process cannot be asked */
};
void peaks_open(struct peaks *ret);
void peaks_close(struct peaks *peaks);
/* Gives the peak so far, of what the process is before its exec. */
uint64_t peaks_attach(struct peaks *peaks, const struct host_root *root, pid_t pid);
void peaks_start(struct peaks *peaks, uint64_t t_ns); /* an instant before the exec: 0 bytes */
void peaks_take(struct peaks *peaks, uint64_t t_ns);
const struct peak *peaks_at(const struct peaks *peaks, uint64_t t_ns); /* NULL: not taken then */

struct memory;

/* every_ns 0: nothing is sampled, and all calls do nothing. */
void memory_open(const struct host_root *root, uint64_t every_ns, struct memory **ret);
void memory_close(struct memory *memory); /* NULL is fine */

/* The process, before its exec: what it holds now is its launcher's. */
void memory_attach(struct memory *memory, pid_t pid);
/* The mark before the exec was at t_ns (RAW). */
void memory_start(struct memory *memory, uint64_t t_ns);
/* When the next periodic sample is due, CLOCK_MONOTONIC; UINT64_MAX: never. The first call after
 * memory_attach() sets the clock going. */
uint64_t memory_due_ns(struct memory *memory);
/* The periodic sample, if it is due. quiet: no window is open, expensive ones are fine. */
void memory_tick(struct memory *memory, uint64_t now_ns, bool quiet);
/* A sample at a mark that was at t_ns (RAW). last: no window is open, nor will be. */
void memory_mark(struct memory *memory, uint64_t t_ns, bool last);

/* Readings of one window. max_rss_bytes: of the reaped tree for a window that ends with the guest,
 * else 0. */
void memory_report(const struct memory *memory, const struct window *window, uint64_t max_rss_bytes,
		   struct attempt *attempt);
void memory_report_absent(const struct memory *memory, const char *window, const char *why,
			  struct attempt *attempt);

#endif
