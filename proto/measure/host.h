// SPDX-License-Identifier: GPL-3.0-or-later
/* host - what a host is (facts) and what it can measure (capabilities), as they travel in the
 * first message of an agent. Wall clock and names of people's machines live only here. */
#ifndef ASSAY_MEASURE_HOST_H
#define ASSAY_MEASURE_HOST_H

#include "proto/measure/result.h"

/* Something a recipe may ask for. Missing ones say why and what would bring them. */
struct capability {
	char name[NAME_SIZE]; /* "counters.hardware", "energy.package", "kvm" */
	bool present;
	char detail[240]; /* present: which, from where; absent: the reason */
	char remedy[240]; /* absent: what to do; "" where nothing helps */
};

struct host_info {
	char name[NAME_SIZE];		 /* hostname */
	char fingerprint[HASH_HEX_SIZE]; /* tells machines apart, cloned images included */
	struct fact *facts; /* "cpu.vendor" "AuthenticAMD", "kernel" "6.1.0" ...; owned */
	size_t n_facts;
	struct capability *capabilities; /* owned */
	size_t n_capabilities;
};

void host_info_done(struct host_info *info);

void host_fact(struct host_info *info, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* NULL where there is none of that name. */
const char *host_fact_value(const struct host_info *info, const char *name);
/* remedy may be NULL. */
void host_capability(struct host_info *info, const char *name, bool present, const char *detail,
		     const char *remedy);
const struct capability *host_capability_find(const struct host_info *info, const char *name);

#endif
