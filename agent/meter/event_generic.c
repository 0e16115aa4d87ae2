// SPDX-License-Identifier: GPL-3.0-or-later
/* event_generic - the names that perf(1) has by itself: software, hardware and cache events.
 *
 * Trap: the same name is another event on another CPU (cache-misses is the last level on Intel,
 * the second on AMD Zen). Source: tools/perf/util/parse-events.l, tools/perf/util/evsel.c
 * (which operations a cache has), uapi/linux/perf_event.h. */
#include <errno.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "agent/meter/event_name.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

static const struct {
	const char *name;
	uint32_t type;
	uint64_t config;
	const char *unit;
} plain[] = {
	{"cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, "count"},
	{"cpu-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, "count"},
	{"instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_INSTRUCTIONS, "count"},
	{"cache-references", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_REFERENCES, "count"},
	{"cache-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_CACHE_MISSES, "count"},
	{"branches", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS, "count"},
	{"branch-instructions", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_INSTRUCTIONS, "count"},
	{"branch-misses", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BRANCH_MISSES, "count"},
	{"bus-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_BUS_CYCLES, "count"},
	{"stalled-cycles-frontend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND,
	 "count"},
	{"idle-cycles-frontend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_FRONTEND,
	 "count"},
	{"stalled-cycles-backend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_BACKEND,
	 "count"},
	{"idle-cycles-backend", PERF_TYPE_HARDWARE, PERF_COUNT_HW_STALLED_CYCLES_BACKEND, "count"},
	{"ref-cycles", PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES, "count"},
	{"task-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, "ns"},
	{"cpu-clock", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK, "ns"},
	{"page-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, "count"},
	{"faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS, "count"},
	{"minor-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MIN, "count"},
	{"major-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_PAGE_FAULTS_MAJ, "count"},
	{"context-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, "count"},
	{"cs", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CONTEXT_SWITCHES, "count"},
	{"cpu-migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, "count"},
	{"migrations", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_MIGRATIONS, "count"},
	{"alignment-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_ALIGNMENT_FAULTS, "count"},
	{"emulation-faults", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_EMULATION_FAULTS, "count"},
	{"cgroup-switches", PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CGROUP_SWITCHES, "count"},
};

enum { LOAD = 1, STORE = 2, PREFETCH = 4 };

static const struct {
	const char *name;
	unsigned ops;
} caches[] = {
	[PERF_COUNT_HW_CACHE_L1D] = {"L1-dcache", LOAD | STORE | PREFETCH},
	[PERF_COUNT_HW_CACHE_L1I] = {"L1-icache", LOAD | PREFETCH},
	[PERF_COUNT_HW_CACHE_LL] = {"LLC", LOAD | STORE | PREFETCH},
	[PERF_COUNT_HW_CACHE_DTLB] = {"dTLB", LOAD | STORE | PREFETCH},
	[PERF_COUNT_HW_CACHE_ITLB] = {"iTLB", LOAD},
	[PERF_COUNT_HW_CACHE_BPU] = {"branch", LOAD},
	[PERF_COUNT_HW_CACHE_NODE] = {"node", LOAD | STORE | PREFETCH},
};

static const struct {
	const char *accesses, *misses;
	unsigned op;
} cache_ops[] = {
	[PERF_COUNT_HW_CACHE_OP_READ] = {"loads", "load-misses", LOAD},
	[PERF_COUNT_HW_CACHE_OP_WRITE] = {"stores", "store-misses", STORE},
	[PERF_COUNT_HW_CACHE_OP_PREFETCH] = {"prefetches", "prefetch-misses", PREFETCH},
};

enum { CACHE_NAMES = ARRAY_SIZE(caches) * ARRAY_SIZE(cache_ops) * 2, CACHE_NAME_SIZE = 32 };

/* All names, made once: built from two tables, so that neither list can forget one. */
static struct {
	char cache[CACHE_NAMES][CACHE_NAME_SIZE];
	uint64_t config[CACHE_NAMES];
	size_t n_cache;
	const char *all[ARRAY_SIZE(plain) + CACHE_NAMES + 1];
} names;
static pthread_once_t names_once = PTHREAD_ONCE_INIT;

static void add_cache_name(size_t cache, size_t op, bool misses)
{
	size_t n = names.n_cache++;
	snprintf(names.cache[n], CACHE_NAME_SIZE, "%s-%s", caches[cache].name,
		 misses ? cache_ops[op].misses : cache_ops[op].accesses);
	names.config[n] = cache | op << 8 | (uint64_t)misses << 16;
}

static void make_names(void)
{
	size_t n = 0;
	for (size_t c = 0; c < ARRAY_SIZE(caches); c++)
		for (size_t o = 0; o < ARRAY_SIZE(cache_ops); o++)
			for (int misses = 0; misses < 2; misses++)
				if (caches[c].ops & cache_ops[o].op)
					add_cache_name(c, o, misses);
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++)
		names.all[n++] = plain[i].name;
	for (size_t i = 0; i < names.n_cache; i++)
		names.all[n++] = names.cache[i];
}

const char *const *event_generic_names(void)
{
	pthread_once(&names_once, make_names);
	return names.all;
}

static bool find(const char *name, struct event_code *ret, const char **unit)
{
	event_generic_names();
	for (size_t i = 0; i < ARRAY_SIZE(plain); i++) {
		if (strcmp(name, plain[i].name) == 0) {
			ret->type = plain[i].type;
			ret->config[0] = plain[i].config;
			*unit = plain[i].unit;
			return true;
		}
	}
	for (size_t i = 0; i < names.n_cache; i++) {
		if (strcmp(name, names.cache[i]) == 0) {
			ret->type = PERF_TYPE_HW_CACHE;
			ret->config[0] = names.config[i];
			return true;
		}
	}
	return false;
}

enum event_exclude event_software_exclude(uint64_t config)
{
	switch (config) {
	case PERF_COUNT_SW_TASK_CLOCK:
	case PERF_COUNT_SW_CPU_CLOCK:
		return EXCLUDE_IGNORED;
	case PERF_COUNT_SW_CONTEXT_SWITCHES:
	case PERF_COUNT_SW_CPU_MIGRATIONS:
	case PERF_COUNT_SW_CGROUP_SWITCHES:
		return EXCLUDE_EMPTIES;
	default:
		return EXCLUDE_WORKS;
	}
}

/* rHEX: config as it is. "r" alone, or a word that goes on after the hex, is no such name. */
static bool find_raw(const char *name, struct event_code *ret)
{
	char *end;
	if (name[0] != 'r' || !name[1] || strlen(name) > 17 ||
	    strspn(name + 1, "0123456789abcdefABCDEF") != strlen(name + 1))
		return false;
	ret->type = PERF_TYPE_RAW;
	ret->config[0] = strtoull(name + 1, &end, 16);
	return true;
}

/* Cuts ":u" or ":k" from the end of `name`. */
static int cut_modifier(char *name, struct event_code *ret, struct err *err)
{
	char *colon = strchr(name, ':');
	if (!colon)
		return 0;
	if (strcmp(colon, ":u") == 0)
		ret->exclude_kernel = true;
	else if (strcmp(colon, ":k") == 0)
		ret->exclude_user = true;
	else
		return err_say(err, ENOENT, "%s: not a generic event", name);
	*colon = '\0';
	return 0;
}

/* Hybrid CPUs: the type of the core's PMU rides in the upper half of a generic config, and takes
 * the place of a raw one's type. Without it only the P cores count. */
static void spread_hybrid(const struct event_code *code, const struct event_code *hybrid, size_t n,
			  struct event_def *ret)
{
	ret->sum = EVENT_ALTERNATIVES;
	for (size_t i = 0; i < n; i++) {
		struct event_code *c = ARRAY_PUSH(ret->codes, ret->n_codes);
		*c = *code;
		STRCPY_FIXED(c->pmu, hybrid[i].pmu);
		if (code->type == PERF_TYPE_RAW)
			c->type = hybrid[i].type;
		else
			c->config[0] |= (uint64_t)hybrid[i].type << 32;
	}
}

int event_generic(const char *name, const struct event_code *hybrid, size_t n,
		  struct event_def *ret, struct err *err)
{
	struct event_code code = {.exclude = EXCLUDE_WORKS};
	const char *unit = "count";
	char word[NAME_SIZE];
	STRCPY_FIXED(word, name);
	if (cut_modifier(word, &code, err) < 0)
		return err_code(err);
	if (!find(word, &code, &unit) && !find_raw(word, &code))
		return err_say(err, ENOENT, "%s: not a generic event", name);
	code.software = code.type == PERF_TYPE_SOFTWARE;
	if (code.software)
		code.exclude = event_software_exclude(code.config[0]);
	if (code.exclude == EXCLUDE_EMPTIES && code.exclude_kernel)
		return err_say(err, EINVAL, "event '%s' happens in the kernel only; leave :u away",
			       name);
	STRCPY_FIXED(ret->source, "perf");
	STRCPY_FIXED(ret->unit, unit);
	ret->scale = 1;
	if (n && !code.software)
		spread_hybrid(&code, hybrid, n, ret);
	else
		*ARRAY_PUSH(ret->codes, ret->n_codes) = code;
	return 0;
}
