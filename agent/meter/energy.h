// SPDX-License-Identifier: GPL-3.0-or-later
/* energy - what the host's packages use while a guest runs, in microjoules.
 *
 * Energy is never of a process: it is of a package, or of the machine, and so is its scope. The
 * counters are updated about each millisecond, so short windows carry the power of a millisecond
 * as error: below 20 ms nothing is reported, below 200 ms it is flagged. Counters wrap within
 * minutes at high power: every zone is read at least each 30 s.
 * Source: docs/measuring.md; Documentation/power/powercap/powercap.rst. */
#ifndef ASSAY_METER_ENERGY_H
#define ASSAY_METER_ENERGY_H

#include "proto/base/sysfs.h"
#include "proto/measure/result.h"

struct energy_source;

/* Base of every source's own struct, first member. */
struct energy {
	const struct energy_source *source;
	uint64_t poll_ns; /* read at least this often; 0: 30 s will do */
};

/* One counter of a domain. */
struct energy_zone {
	char path[NAME_SIZE]; /* the source's own name for it */
	char name[NAME_SIZE]; /* "package-0", "package-1-die-0": unique, a reading's scope */
};

struct energy_source { /* All are required. */
	const char *name;
	/* The zones that together are the domain ("package", "dram", "psys"), none of them counted
	 * twice; array owned by the caller. -ENOENT: the source has no such domain here. */
	int (*find)(const struct host_root *root, const char *domain, struct energy_zone **ret,
		    size_t *ret_n, struct err *err);
	/* root is borrowed and outlives the zone. -EACCES: the agent may not read it. */
	int (*open)(const struct host_root *root, const char *path, struct energy **ret,
		    struct err *err);
	/* Microjoules since open(); never goes back. *ret_uj is untouched on failure. -ESTALE: the
	 * counter was set back (suspend, firmware): what was used since the last read is lost, and
	 * later reads go on without it. */
	int (*read)(struct energy *energy, uint64_t *ret_uj, struct err *err);
	void (*close)(struct energy *energy); /* NULL is fine */
};

extern const struct energy_source energy_power, energy_powercap, energy_fake;
extern const struct energy_source *const energy_sources[]; /* NULL-ended, best first */
int energy_sources_check(struct err *err);

/* Whether it can be a domain at all; -ENOENT says which are known. */
int energy_check_domain(const char *domain, struct err *err);

/* The best source that has the domain here and lets itself be opened, tried in `sources`; the
 * error says what each of them lacked. For capabilities. */
int energy_probe(const struct energy_source *const *sources, const struct host_root *root,
		 const char *domain, const struct energy_source **ret, size_t *ret_zones,
		 struct err *err);

/* One read of one zone. */
struct energy_value {
	uint64_t t_ns; /* RAW, middle of the read */
	uint64_t uj;
	uint32_t resets; /* how often it was set back so far: a window across one is lost */
	int error;	 /* positive errno where it could not be read */
};

struct energies;

/* domains: NULL-ended, may be NULL. -ENOENT: no such domain anywhere. What this host lacks stays,
 * absent. */
int energies_open(const struct energy_source *const *sources, const struct host_root *root,
		  char *const *domains, struct energies **ret, struct err *err);
void energies_close(struct energies *energies); /* NULL is fine */
CLEANUP_DEFINE(energies, struct energies *, energies_close)

size_t energies_slots(const struct energies *energies);
/* Reads every zone once, does not allocate; ret may be NULL where it is only to keep up. */
void energies_read(struct energies *energies, struct energy_value *ret);
/* Longest time between two reads; UINT64_MAX: nothing to read. */
uint64_t energies_poll_ns(const struct energies *energies);

void energies_report(const struct energies *energies, const char *window,
		     const struct energy_value *from, const struct energy_value *to,
		     struct attempt *attempt);
void energies_report_absent(const struct energies *energies, const char *window, const char *why,
			    struct attempt *attempt);

#endif
