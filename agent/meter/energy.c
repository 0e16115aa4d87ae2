// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/meter/energy.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/base/table.h"
#include "proto/base/text.h"

enum { DOMAINS = 16, ZONES = 256 };

#define UPDATE_NS                                                                       \
	NSEC_PER_MSEC /* the counters are updated about this often (AMD PPR; Khan 2018) \
		       */
#define REFUSE_NS     (20 * NSEC_PER_MSEC)  /* an update is 5 % of it */
#define FLAG_NS	      (200 * NSEC_PER_MSEC) /* 0.5 % */
#define EDGE_ERROR    0.41   /* rms of two edges that are each late by up to one update */
#define IMPLAUSIBLE_W 1000.0 /* no package uses as much: the counter lies */
#define MIRROR_SHARE  0.01   /* dies of one AMD package that differ by less are one counter */
#define KEEP_ALIVE_NS (30 * NSEC_PER_SEC)

const struct energy_source *const energy_sources[] = {&energy_power, &energy_powercap, NULL};

static const char *const known_domains[] = {"package", "dram", "psys", NULL};

int energy_sources_check(struct err *err)
{
	static const struct table_member required[] = {
		TABLE_MEMBER(struct energy_source, find),
		TABLE_MEMBER(struct energy_source, open),
		TABLE_MEMBER(struct energy_source, read),
		TABLE_MEMBER(struct energy_source, close),
		{NULL, 0},
	};
	return table_check("energy sources", (const void *const *)energy_sources, required, err);
}

int energy_check_domain(const char *domain, struct err *err)
{
	for (size_t i = 0; known_domains[i]; i++)
		if (strcmp(domain, known_domains[i]) == 0)
			return 0;
	return err_say(err, ENOENT, "unknown energy domain '%s'; known are package, dram, psys",
		       domain);
}

struct zone {
	struct energy_zone name;
	struct energy *energy; /* owned */
	uint32_t resets;
};

struct domain {
	char name[NAME_SIZE];
	const struct energy_source *source; /* NULL: this host lacks it */
	struct zone *zones;
	size_t n_zones;
	size_t first_slot;
	char why[240]; /* of every source that was tried; as long as a note */
};

struct energies {
	const struct host_root *root; /* borrowed */
	bool amd;
	struct domain *domains;
	size_t n_domains;
	size_t n_slots;
};

static void close_zones(struct domain *d)
{
	for (size_t i = 0; i < d->n_zones; i++)
		d->source->close(d->zones[i].energy);
	free(d->zones);
	d->zones = NULL;
	d->n_zones = 0;
	d->source = NULL;
}

void energies_close(struct energies *e)
{
	if (!e)
		return;
	for (size_t i = 0; i < e->n_domains; i++)
		if (e->domains[i].source)
			close_zones(&e->domains[i]);
	free(e->domains);
	free(e);
}

static int open_zones(struct domain *d, const struct energy_source *source,
		      const struct host_root *root, struct err *err)
{
	autofree struct energy_zone *found = NULL;
	size_t n = 0;
	int r = source->find(root, d->name, &found, &n, err);
	if (r < 0)
		return r;
	if (n > ZONES)
		return err_say(err, E2BIG, "%zu zones of %s; at most %d", n, d->name, ZONES);
	d->source = source;
	for (size_t i = 0; i < n; i++) {
		struct zone *zone = ARRAY_PUSH(d->zones, d->n_zones);
		zone->name = found[i];
		r = source->open(root, found[i].path, &zone->energy, err);
		if (r < 0) {
			close_zones(d);
			return r;
		}
	}
	return 0;
}

/* The first source that has all of it; `why` collects what the others lack. */
static int open_domain(struct domain *d, const struct energy_source *const *sources,
		       const struct host_root *root, struct err *err)
{
	autotext struct text why = {0};
	int code = ENODEV;
	for (size_t i = 0; sources[i]; i++) {
		struct err one = ERR_NONE;
		if (open_zones(d, sources[i], root, &one) == 0)
			return 0;
		text_addf(&why, "%s%s", i ? "; " : "", one.text);
		code = one.code == EACCES ? EACCES : code;
	}
	return err_say(err, code, "%s", why.data ? why.data : "no source");
}

static bool is_amd(const struct host_root *root)
{
	char start[1024];
	autoclose int fd = openat(root->proc_fd, "cpuinfo", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, start, sizeof(start) - 1);
	if (n < 0)
		return false;
	start[n] = '\0';
	return strstr(start, "AuthenticAMD") || strstr(start, "HygonGenuine");
}

static int add_domain(struct energies *e, const struct energy_source *const *sources,
		      const char *name, struct err *err)
{
	struct err why = ERR_NONE;
	if (energy_check_domain(name, err) < 0)
		return err_code(err);
	if (e->n_domains == DOMAINS)
		return err_say(err, E2BIG, "more than %d energy domains", DOMAINS);
	struct domain *d = ARRAY_PUSH(e->domains, e->n_domains);
	STRCPY_FIXED(d->name, name);
	d->first_slot = e->n_slots;
	if (open_domain(d, sources, e->root, &why) < 0)
		STRCPY_FIXED(d->why, why.text);
	e->n_slots += d->n_zones;
	return 0;
}

int energies_open(const struct energy_source *const *sources, const struct host_root *root,
		  char *const *domains, struct energies **ret, struct err *err)
{
	autoclean(energies) struct energies *e = xcalloc(1, sizeof(*e));
	e->root = root;
	e->amd = is_amd(root);
	for (size_t i = 0; domains && domains[i]; i++)
		if (add_domain(e, sources, domains[i], err) < 0)
			return err_code(err);
	*ret = take(e);
	return 0;
}

int energy_probe(const struct energy_source *const *sources, const struct host_root *root,
		 const char *domain, const struct energy_source **ret, size_t *ret_zones,
		 struct err *err)
{
	struct domain d = {0};
	STRCPY_FIXED(d.name, domain);
	int r = open_domain(&d, sources, root, err);
	if (r < 0)
		return r;
	*ret = d.source;
	*ret_zones = d.n_zones;
	close_zones(&d);
	return 0;
}

size_t energies_slots(const struct energies *e)
{
	return e->n_slots;
}

uint64_t energies_poll_ns(const struct energies *e)
{
	uint64_t poll_ns = e->n_slots ? KEEP_ALIVE_NS : UINT64_MAX;
	for (size_t i = 0; i < e->n_domains; i++) {
		for (size_t k = 0; k < e->domains[i].n_zones; k++) {
			uint64_t own_ns = e->domains[i].zones[k].energy->poll_ns;
			if (own_ns && own_ns < poll_ns)
				poll_ns = own_ns;
		}
	}
	return poll_ns;
}

static void read_zone(const struct domain *d, struct zone *zone, struct energy_value *ret)
{
	struct energy_value value = {0};
	uint64_t before_ns = clock_raw_ns();
	int r = d->source->read(zone->energy, &value.uj, NULL);
	if (r == -ESTALE) {
		zone->resets++;
		r = d->source->read(zone->energy, &value.uj, NULL);
	}
	value.t_ns = before_ns + (clock_raw_ns() - before_ns) / 2;
	value.resets = zone->resets;
	value.error = -r;
	*ret = value;
}

void energies_read(struct energies *e, struct energy_value *ret)
{
	struct energy_value unused;
	for (size_t i = 0; i < e->n_domains; i++) {
		struct domain *d = &e->domains[i];
		for (size_t k = 0; k < d->n_zones; k++)
			read_zone(d, &d->zones[k], ret ? &ret[d->first_slot + k] : &unused);
	}
}

/* Why the difference of two reads is no value; NULL: it is one. */
static const char *lost(const struct energy_value *from, const struct energy_value *to)
{
	if (from->error || to->error)
		return strerror(from->error ? from->error : to->error);
	if (from->resets != to->resets)
		return "its counter was set back inside the window";
	if (to->uj < from->uj || to->t_ns <= from->t_ns)
		return "its counter went back";
	double watts = (double)(to->uj - from->uj) * 1e3 / (double)(to->t_ns - from->t_ns);
	return watts > IMPLAUSIBLE_W ? "its counter claims more than 1000 W" : NULL;
}

static double joules(const struct energy_value *from, const struct energy_value *to)
{
	return (double)(to->uj - from->uj) / 1e6;
}

/* Zen 1 and 2 show the package's counter once for each die: equal counts are one counter. */
static bool is_mirror(const struct energies *e, const struct domain *d, size_t zone,
		      const struct energy_value *from, const struct energy_value *to)
{
	const char *die = strstr(d->zones[zone].name.name, "-die-");
	size_t package = die ? (size_t)(die - d->zones[zone].name.name) : 0;
	double own = joules(&from[zone], &to[zone]);
	for (size_t i = 0; e->amd && die && i < zone; i++)
		if (strncmp(d->zones[i].name.name, d->zones[zone].name.name, package + 5) == 0 &&
		    fabs(joules(&from[i], &to[i]) - own) <= MIRROR_SHARE * own)
			return true;
	return false;
}

struct sum {
	double joules;
	double variance; /* J squared */
	size_t zones, mirrors;
	uint64_t shortest_ns;
};

static const char *sum_zones(const struct energies *e, const struct domain *d,
			     const struct energy_value *from, const struct energy_value *to,
			     struct sum *ret)
{
	*ret = (struct sum){.shortest_ns = UINT64_MAX};
	for (size_t i = 0; i < d->n_zones; i++) {
		const char *why = lost(&from[i], &to[i]);
		if (why)
			return why;
		uint64_t span_ns = to[i].t_ns - from[i].t_ns;
		double j = joules(&from[i], &to[i]);
		double edge = EDGE_ERROR * j * (double)UPDATE_NS / (double)span_ns;
		ret->shortest_ns = span_ns < ret->shortest_ns ? span_ns : ret->shortest_ns;
		if (is_mirror(e, d, i, from, to)) {
			ret->mirrors++;
			continue;
		}
		ret->joules += j;
		ret->variance += edge * edge;
		ret->zones++;
	}
	return NULL;
}

static void report_zones(const struct energies *e, const struct domain *d, const char *metric,
			 const char *window, const struct energy_value *from,
			 const struct energy_value *to, struct attempt *a)
{
	for (size_t i = 0; i < d->n_zones; i++) {
		double j = joules(&from[i], &to[i]);
		if (is_mirror(e, d, i, from, to))
			continue;
		struct reading *r = attempt_reading(a, window, metric, d->zones[i].name.name, "J",
						    d->source->name, j);
		r->uncertainty = EDGE_ERROR * j * (double)UPDATE_NS /
				 (double)(to[i].t_ns - from[i].t_ns);
	}
}

static void report_domain(const struct energies *e, const struct domain *d, const char *window,
			  const struct energy_value *from, const struct energy_value *to,
			  struct attempt *a)
{
	char metric[NAME_SIZE];
	struct sum sum;
	snprintf(metric, sizeof(metric), "energy/%.40s", d->name);
	const char *why = sum_zones(e, d, from, to, &sum);
	if (why || sum.shortest_ns < REFUSE_NS) {
		attempt_absent(a, window, metric, "host", "J", "%s",
			       why ? why
				   : "the window is shorter than 20 ms; the counter is updated "
				     "each millisecond, so more than 5 % would be error");
		return;
	}
	struct reading *r = attempt_reading(a, window, metric, "host", "J", d->source->name,
					    sum.joules);
	r->uncertainty = sqrt(sum.variance);
	snprintf(r->note, sizeof(r->note), "gross, of the whole host: %zu zone%s%s%s", sum.zones,
		 sum.zones == 1 ? "" : "s",
		 sum.mirrors ? "; dies that show the same counter are left out" : "",
		 sum.shortest_ns < FLAG_NS ? "; a short window: mind its uncertainty" : "");
	if (sum.zones > 1)
		report_zones(e, d, metric, window, from, to, a);
	if (sum.shortest_ns < FLAG_NS)
		attempt_reason(a, VERDICT_FLAGGED, "energy-short-window",
			       "%s of window %s is from %.0f ms; below 200 ms the counters' update "
			       "time is more than 0.5 %% of it",
			       metric, window, (double)sum.shortest_ns / 1e6);
}

void energies_report_absent(const struct energies *e, const char *window, const char *why,
			    struct attempt *a)
{
	char metric[NAME_SIZE];
	for (size_t i = 0; i < e->n_domains; i++) {
		const struct domain *d = &e->domains[i];
		snprintf(metric, sizeof(metric), "energy/%.40s", d->name);
		attempt_absent(a, window, metric, "host", "J", "%s", d->source ? why : d->why);
	}
}

void energies_report(const struct energies *e, const char *window, const struct energy_value *from,
		     const struct energy_value *to, struct attempt *a)
{
	char metric[NAME_SIZE];
	for (size_t i = 0; i < e->n_domains; i++) {
		const struct domain *d = &e->domains[i];
		snprintf(metric, sizeof(metric), "energy/%.40s", d->name);
		if (d->source)
			report_domain(e, d, window, from + d->first_slot, to + d->first_slot, a);
		else
			attempt_absent(a, window, metric, "host", "J", "%s", d->why);
	}
}
