// SPDX-License-Identifier: GPL-3.0-or-later
/* event_name - from the name of an event, as a recipe spells it, to what perf_event_open takes.
 *
 * Names, in the order in which they are tried:
 *	task-clock, cycles, LLC-load-misses   as perf spells them, with :u or :k behind
 *	r1a8                                  raw, hex
 *	pmu/event/  pmu/term=val,term/        the PMU's own files say what they mean
 *	PMU::EVENT:UMASK                      libpfm4
 * A PMU that is there in several instances (uncore_imc_0, uncore_imc_1) is named without the
 * number, and its instances are summed. Source: Documentation/ABI/testing/
 * sysfs-bus-event_source-devices-{events,format}, perf_event_open(2). */
#ifndef ASSAY_METER_EVENT_NAME_H
#define ASSAY_METER_EVENT_NAME_H

#include "proto/base/sysfs.h"
#include "proto/measure/spec.h"

enum { EVENT_CODES = 64 }; /* instances of one PMU that are summed */

/* What leaving the kernel out does to an event. */
enum event_exclude {
	EXCLUDE_REFUSED, /* its PMU refuses all such bits */
	EXCLUDE_WORKS,
	EXCLUDE_IGNORED, /* a clock: the bit is taken and changes nothing */
	EXCLUDE_EMPTIES, /* it happens in the kernel only: what is left is a 0 that means nothing */
};

/* One event of one PMU. */
struct event_code {
	char pmu[NAME_SIZE]; /* folder under event_source/devices; "" where the kernel picks it */
	uint32_t type;
	uint64_t config[3]; /* config, config1, config2 */
	bool exclude_user;  /* only as the name itself asks for */
	bool exclude_kernel;
	bool software; /* lives in software context: joins any group */
	enum event_exclude exclude;
	bool system; /* counts a package or a machine: never opened on a task */
	int *cpus;   /* of a system PMU: one CPU for each instance; owned */
	size_t n_cpus;
};

/* How the codes of one event become one number. */
enum event_sum {
	EVENT_SUM,	    /* each counts a part of the machine; one code: just that */
	EVENT_ALTERNATIVES, /* a task is counted by whichever core it is on (hybrid CPUs) */
};

struct event_def {
	char name[NAME_SIZE]; /* as the recipe spells it */
	char source[SOURCE_SIZE];
	char unit[UNIT_SIZE];
	double scale; /* multiplied after the difference was taken */
	bool level;   /* a level, not a counter: never differenced */
	enum event_sum sum;
	struct event_code *codes; /* owned */
	size_t n_codes;
};

/* 0, or
 *	-ENODEV  known, but this host lacks it (its readings will be absent)
 *	-ENOENT  no table knows it; the sentence has the nearest known name
 *	-EINVAL  malformed, or a value that does not fit its field */
int event_resolve(const struct host_root *root, const char *name, struct event_def *ret,
		  struct err *err);
void event_def_done(struct event_def *def);

/* Whether it can be an event on any host: 0, -ENOENT, or -EINVAL where it is malformed. */
int event_check(const char *name, struct err *err);

/* Parts of the above, one file each; every one gives -ENOENT for a name that is not its own. */

/* Names that perf(1) has by itself. `hybrid` are the core PMUs of a hybrid host, n of them. */
int event_generic(const char *name, const struct event_code *hybrid, size_t n,
		  struct event_def *ret, struct err *err);
const char *const *event_generic_names(void); /* NULL-ended */
enum event_exclude event_software_exclude(uint64_t config);

/* `pmu/.../`. -ENODEV where the PMU, its event or its term is not on this host. */
int event_sysfs(const struct host_root *root, const char *name, struct event_def *ret,
		struct err *err);
/* Only its form. */
int event_sysfs_check(const char *name, struct err *err);
/* Core PMUs of a hybrid host; 0 where all cores are alike. */
size_t event_sysfs_hybrid(const struct host_root *root, struct event_code *ret, size_t size);
/* Adds the CPUs of the PMU that has this dynamic type. -ENODEV where no PMU has it. */
int event_sysfs_type(const struct host_root *root, uint32_t type, struct event_code *ret,
		     struct err *err);

/* libpfm4 reads this machine's /sys whatever the root is: only for a real root. */
int event_pfm(const struct host_root *root, const char *name, struct event_def *ret,
	      struct err *err);
/* Whether any of its tables, of any machine, has the name; else the nearest goes into the text. */
int event_pfm_check(const char *name, struct err *err);

#endif
