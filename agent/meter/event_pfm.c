// SPDX-License-Identifier: GPL-3.0-or-later
/* event_pfm - event names of libpfm4, for what neither perf nor sysfs names.
 *
 * Traps: libpfm4 sets exclude_guest unless told otherwise, which makes a KVM guest's cycles
 * vanish, so all exclude bits but those that the name asks for are dropped. Where a named uncore
 * PMU is not on the host it encodes it as a raw core event: what is not a core event is believed
 * only if its type is that of a PMU of this host. Its set-up is not thread-safe.
 * Source: libpfm(3), pfm_get_os_event_encoding(3). */
#include <errno.h>
#include <linux/perf_event.h>
#include <perfmon/pfmlib.h>
#include <perfmon/pfmlib_perf_event.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "agent/meter/event_name.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

/* libpfm4's state is the process's; this is the one place that sets it up. */
static pthread_once_t pfm_once = PTHREAD_ONCE_INIT;

static void pfm_start(void)
{
	pfm_initialize();
}

static bool pmu_info(pfm_pmu_t pmu, pfm_pmu_info_t *ret)
{
	*ret = (pfm_pmu_info_t){.size = sizeof(*ret)};
	return pfm_get_pmu_info(pmu, ret) == PFM_SUCCESS;
}

/* Whether the event of that full name (pmu::event:...) is of a core PMU of this very machine. */
static bool is_core_event(const char *full_name)
{
	const char *end = strstr(full_name, "::");
	pfm_pmu_info_t info;
	for (int i = PFM_PMU_NONE; end && i < PFM_PMU_MAX; i++) {
		if (!pmu_info((pfm_pmu_t)i, &info) ||
		    strlen(info.name) != (size_t)(end - full_name) ||
		    strncmp(info.name, full_name, strlen(info.name)) != 0)
			continue;
		return info.is_present &&
		       (info.type == PFM_PMU_TYPE_CORE || info.type == PFM_PMU_TYPE_OS_GENERIC);
	}
	return false;
}

static int pfm_failure(const char *name, int code, struct err *err)
{
	if (code == PFM_ERR_NOTFOUND || code == PFM_ERR_NOTSUPP || code == PFM_ERR_NOINIT)
		return err_say(err, ENOENT, "%s: not an event that libpfm4 has for this CPU", name);
	return err_say(err, EINVAL, "event '%s': libpfm4 says: %s", name, pfm_strerror(code));
}

int event_pfm(const struct host_root *root, const char *name, struct event_def *ret,
	      struct err *err)
{
	struct perf_event_attr attr = {.size = sizeof(attr)};
	autofree char *full_name = NULL;
	pfm_perf_encode_arg_t arg = {.attr = &attr, .fstr = &full_name, .size = sizeof(arg)};
	pthread_once(&pfm_once, pfm_start);
	int r = pfm_get_os_event_encoding(name, PFM_PLM0 | PFM_PLM3, PFM_OS_PERF_EVENT_EXT, &arg);
	if (r != PFM_SUCCESS)
		return pfm_failure(name, r, err);
	struct event_code code = {
		.type = attr.type,
		.config = {attr.config, attr.config1, attr.config2},
		.exclude = attr.type == PERF_TYPE_SOFTWARE ? event_software_exclude(attr.config)
							   : EXCLUDE_WORKS,
		.software = attr.type == PERF_TYPE_SOFTWARE,
		.exclude_user = attr.exclude_user,
		.exclude_kernel = attr.exclude_kernel,
	};
	if (!full_name || !is_core_event(full_name)) {
		if (attr.type <= PERF_TYPE_BREAKPOINT)
			return err_say(err, ENODEV, "this host lacks the PMU of event '%s'", name);
		if (event_sysfs_type(root, attr.type, &code, err) < 0)
			return err_wrap(err, "event '%s'", name);
	}
	STRCPY_FIXED(ret->source, "perf:pfm4");
	STRCPY_FIXED(ret->unit, "count");
	ret->scale = 1;
	*ARRAY_PUSH(ret->codes, ret->n_codes) = code;
	return 0;
}

/* Looks through the tables of every machine that libpfm4 knows, present or not. */
static bool find_event(const char *pmu, const char *event, const char ***names, size_t *n)
{
	pfm_pmu_info_t info;
	for (int i = PFM_PMU_NONE; i < PFM_PMU_MAX; i++) {
		if (!pmu_info((pfm_pmu_t)i, &info) || (pmu[0] && strcasecmp(pmu, info.name) != 0))
			continue;
		for (int e = info.first_event; e != -1; e = pfm_get_event_next(e)) {
			pfm_event_info_t event_info = {.size = sizeof(event_info)};
			if (pfm_get_event_info(e, PFM_OS_NONE, &event_info) != PFM_SUCCESS)
				continue;
			if (strcasecmp(event, event_info.name) == 0)
				return true;
			*ARRAY_PUSH(*names, *n) = event_info.name;
		}
	}
	return false;
}

int event_pfm_check(const char *name, struct err *err)
{
	char pmu[NAME_SIZE] = "", event[NAME_SIZE];
	const char *colons = strstr(name, "::"), *from = colons ? colons + 2 : name;
	autofree const char **names = NULL;
	size_t n = 0;
	pthread_once(&pfm_once, pfm_start);
	if (colons && colons - name < NAME_SIZE)
		memcpy(pmu, name, (size_t)(colons - name));
	STRCPY_FIXED(event, from);
	event[strcspn(event, ":")] = '\0';
	if (find_event(pmu, event, &names, &n))
		return 0;
	/* perf's own names first: among equally near ones they are what was meant */
	autofree const char **all = NULL;
	size_t n_all = 0;
	for (const char *const *g = event_generic_names(); !pmu[0] && *g; g++)
		*ARRAY_PUSH(all, n_all) = *g;
	for (size_t i = 0; i < n; i++)
		*ARRAY_PUSH(all, n_all) = names[i];
	*ARRAY_PUSH(all, n_all) = NULL;
	const char *nearest = text_nearest(event, all);
	return err_say(err, ENOENT, "unknown event '%s'%s%s%s", name,
		       nearest ? ", did you mean '" : "; `perf list` shows those of this host",
		       nearest ? nearest : "", nearest ? "'?" : "");
}
