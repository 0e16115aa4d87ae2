// SPDX-License-Identifier: GPL-3.0-or-later
/* fake - stand-ins without a kernel, for tests: a counter source, a collector, an energy source.
 *
 * Counters: an event's config is by how much it grows at each read, config1 the percent of the time
 * that it counts (0: always, past 100: never), config2 the errno that refuses it. EACCES refuses
 * only what counts the kernel too, as perf_event_paranoid 2 does. A group has room for four events.
 * Each read is 1 ms after the one before. Memory: a process that grows by 1 MiB with each sample.
 * Energy: a domain "fake-N" that uses N microjoules from one read to the next. */
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "agent/meter/counters.h"
#include "agent/meter/energy.h"
#include "agent/meter/memory.h"
#include "proto/base/mem.h"

enum { FAKE_ROOM = 4, FAKE_STEP_NS = 1000000 };

struct fake_group {
	struct counter_group base;
	struct event_code codes[FAKE_ROOM]; /* their cpus are not kept */
	struct counter_value now[FAKE_ROOM];
	bool started;
};

static int fake_add(struct counter_group *group, const struct event_code *code, struct err *err)
{
	struct fake_group *g = (struct fake_group *)group;
	int refusal = (int)(code->config[2] & 0xff);
	assert(group->source == &counter_fake);
	if (refusal && !(refusal == EACCES && code->exclude_kernel))
		return err_sys(err, refusal, "fake counter");
	if (group->n == FAKE_ROOM)
		return err_say(err, EINVAL, "fake counter: the group is full");
	g->codes[group->n] = *code;
	g->codes[group->n++].cpus = NULL;
	return 0;
}

static void fake_close(struct counter_group *group)
{
	free(group);
}

static int fake_open(const struct counter_target *target, const struct event_code *code,
		     struct counter_group **ret, struct err *err)
{
	if (code->system && target->pid >= 0)
		return err_say(err, EINVAL, "PMU %s counts a package, not a process", code->pmu);
	struct fake_group *g = xcalloc(1, sizeof(*g));
	g->base.source = &counter_fake;
	g->started = target->enable_on_exec;
	int r = fake_add(&g->base, code, err);
	if (r < 0) {
		fake_close(&g->base);
		return r;
	}
	*ret = &g->base;
	return 0;
}

static int fake_start(struct counter_group *group, struct err *err)
{
	(void)err;
	((struct fake_group *)group)->started = true;
	return 0;
}

static int fake_read(struct counter_group *group, struct counter_value *ret, struct err *err)
{
	struct fake_group *g = (struct fake_group *)group;
	(void)err;
	for (size_t i = 0; i < group->n; i++) {
		uint64_t config1 = g->codes[i].config[1];
		uint64_t share_pct = config1 == 0 ? 100 : config1 > 100 ? 0 : config1;
		ret[i] = g->now[i];
		g->now[i].value += g->started ? g->codes[i].config[0] : 0;
		g->now[i].enabled_ns += g->started ? FAKE_STEP_NS : 0;
		g->now[i].running_ns += g->started ? FAKE_STEP_NS / 100 * share_pct : 0;
	}
	return 0;
}

const struct counter_source counter_fake = {
	.name = "fake",
	.open = fake_open,
	.add = fake_add,
	.start = fake_start,
	.read = fake_read,
	.close = fake_close,
};

struct fake_collection {
	struct collection base;
	uint64_t samples;
};

static int fake_collect(const struct host_root *root, pid_t pid, struct collection **ret,
			struct err *err)
{
	(void)root;
	if (pid <= 0)
		return err_say(err, ESRCH, "fake: no process %d", (int)pid);
	struct fake_collection *f = xcalloc(1, sizeof(*f));
	f->base.collector = &collector_fake;
	*ret = &f->base;
	return 0;
}

static int fake_sample(struct collection *collection, uint64_t *ret, struct err *err)
{
	(void)err;
	*ret = ++((struct fake_collection *)collection)->samples << 20;
	return 0;
}

static void fake_collection_close(struct collection *collection)
{
	free(collection);
}

const struct collector collector_fake = {
	.name = "fake",
	.metric = {"fake", METRIC_INSTANT, "bytes", "1 MiB for each sample so far"},
	.cheap = true,
	.open = fake_collect,
	.sample = fake_sample,
	.close = fake_collection_close,
};

struct fake_energy {
	struct energy base;
	uint64_t step_uj, total_uj;
};

static int fake_energy_find(const struct host_root *root, const char *domain,
			    struct energy_zone **ret, size_t *ret_n, struct err *err)
{
	(void)root;
	struct energy_zone *zones = NULL;
	size_t n = 0;
	if (strcmp(domain, "package") != 0)
		return err_say(err, ENOENT, "fake: only packages");
	struct energy_zone *zone = ARRAY_PUSH(zones, n);
	STRCPY_FIXED(zone->path, "fake-1000");
	STRCPY_FIXED(zone->name, "package-0");
	*ret = zones;
	*ret_n = n;
	return 0;
}

static int fake_energy_open(const struct host_root *root, const char *path, struct energy **ret,
			    struct err *err)
{
	(void)root;
	char *end;
	unsigned long long step_uj = strncmp(path, "fake-", 5) == 0 ? strtoull(path + 5, &end, 10)
								    : 0;
	if (!step_uj || *end)
		return err_say(err, ENOENT, "fake: no domain %s", path);
	struct fake_energy *f = xcalloc(1, sizeof(*f));
	f->base.source = &energy_fake;
	f->step_uj = step_uj;
	*ret = &f->base;
	return 0;
}

static int fake_energy_read(struct energy *energy, uint64_t *ret_uj, struct err *err)
{
	struct fake_energy *f = (struct fake_energy *)energy;
	(void)err;
	*ret_uj = f->total_uj += f->step_uj;
	return 0;
}

static void fake_energy_close(struct energy *energy)
{
	free(energy);
}

const struct energy_source energy_fake = {
	.name = "fake",
	.find = fake_energy_find,
	.open = fake_energy_open,
	.read = fake_energy_read,
	.close = fake_energy_close,
};
