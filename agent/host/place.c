// SPDX-License-Identifier: GPL-3.0-or-later
/* place - which CPUs a run gets.
 *
 * Whole cores, one CPU of each; the siblings stay empty, since a busy sibling takes a third of a
 * core away at moments that nobody controls. A guest's cores are of one NUMA node where one node
 * has enough, of the faster kind on a hybrid host, isolated ones first, and CPU 0's core last: it
 * takes most interrupts. The VMM's cores are near, but never isolated ones while there are others:
 * nothing balances load there, so all of its threads would stay on the first.
 *
 * The same host and the same demand always give the same place. */
#include "agent/host/host.h"

#include <errno.h>
#include <string.h>

#include "agent/host/topology.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

enum use { USE_NONE, USE_GUEST, USE_VMM };

/* The cores that may be given away, and to whom. */
struct choice {
	const struct topology *topology; /* borrowed */
	enum use *use;			 /* one a core; owned */
	size_t usable;
};

static bool is_first(const struct core *core)
{
	return core->cpus[0] == 0;
}

/* What a core is worth to its user: lower is better; the costs are ranks, not measured. */
static int cost(const struct core *core, enum use use)
{
	bool unwanted = use == USE_GUEST ? !core->isolated : core->isolated;
	return 100 * is_first(core) + 10 * core->efficient + unwanted;
}

static bool is_free(const struct choice *c, size_t core)
{
	return c->use[core] == USE_NONE && c->topology->cores[core].allowed;
}

/* The best free core of the node (-1: of any), the highest of equals; n_cores: there is none. */
static size_t best_core(const struct choice *c, enum use use, int node)
{
	const struct topology *t = c->topology;
	size_t best = t->n_cores;
	for (size_t i = 0; i < t->n_cores; i++) {
		if (!is_free(c, i) || (node >= 0 && t->cores[i].node != node))
			continue;
		if (best == t->n_cores || cost(&t->cores[i], use) <= cost(&t->cores[best], use))
			best = i;
	}
	return best;
}

/* Gives away up to n cores; returns the sum of their costs, *ret_given is their number. */
static int give(struct choice *c, enum use use, int node, size_t n, size_t *ret_given)
{
	int sum = 0;
	size_t given = 0;
	for (; given < n; given++) {
		size_t core = best_core(c, use, node);
		if (core == c->topology->n_cores)
			break;
		sum += cost(&c->topology->cores[core], use);
		c->use[core] = use;
	}
	*ret_given = given;
	return sum;
}

static void take_back(struct choice *c)
{
	for (size_t i = 0; i < c->topology->n_cores; i++)
		c->use[i] = USE_NONE;
}

/* What it costs to serve guest and VMM from one node, or -1 where it is too small. */
static int cost_of_node(struct choice *c, int node, size_t guest, size_t vmm)
{
	size_t guest_given, vmm_given;
	int sum = give(c, USE_GUEST, node, guest, &guest_given);
	sum += give(c, USE_VMM, node, vmm, &vmm_given);
	take_back(c);
	return guest_given == guest && vmm_given == vmm ? sum : -1;
}

/* The node that serves them at the least cost, the highest of equals; -1: none is large enough. */
static int best_node(struct choice *c, size_t guest, size_t vmm)
{
	int best = -1, least = 0;
	for (size_t i = 0; i < c->topology->n_cores; i++) {
		int node = c->topology->cores[i].node;
		if (i && node == c->topology->cores[i - 1].node)
			continue;
		int sum = cost_of_node(c, node, guest, vmm);
		if (sum < 0 || (best >= 0 && (sum > least || (sum == least && node < best))))
			continue;
		best = node;
		least = sum;
	}
	return best;
}

static void choose(struct choice *c, size_t guest, size_t vmm)
{
	size_t given;
	int node = best_node(c, guest, vmm);
	if (node < 0)
		node = best_node(c, guest, 0);
	give(c, USE_GUEST, node, guest, &given);
	give(c, USE_VMM, node, vmm, &given);
	if (given < vmm)
		give(c, USE_VMM, -1, vmm - given, &given);
}

static void add_cpu(int **cpus, size_t *n, int cpu)
{
	*ARRAY_PUSH(*cpus, *n) = cpu;
}

/* Everything that nobody got, but no isolated core; else a CPU is shared: the VMM's first one, or
 * the guest's where there is no VMM. */
static void keep_house(const struct choice *c, struct place *p)
{
	for (size_t i = 0; i < c->topology->n_cores; i++) {
		const struct core *core = &c->topology->cores[i];
		for (size_t s = 0; s < core->n_cpus && is_free(c, i) && !core->isolated; s++)
			add_cpu(&p->housekeeping, &p->n_housekeeping, core->cpus[s]);
	}
	if (p->n_housekeeping)
		return;
	p->shared = true;
	add_cpu(&p->housekeeping, &p->n_housekeeping, p->n_vmm ? p->vmm[0] : p->guest[0]);
}

static int compare_cpus(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void fill(const struct choice *c, struct place *p)
{
	for (size_t i = 0; i < c->topology->n_cores; i++) {
		int first = c->topology->cores[i].cpus[0];
		if (c->use[i] == USE_GUEST)
			add_cpu(&p->guest, &p->n_guest, first);
		if (c->use[i] == USE_VMM)
			add_cpu(&p->vmm, &p->n_vmm, first);
	}
	keep_house(c, p);
	qsort(p->housekeeping, p->n_housekeeping, sizeof(int), compare_cpus);
}

/* Ascending CPUs as the kernel writes them: "0-3,8". */
static void add_list(struct text *text, const int *cpus, size_t n)
{
	for (size_t i = 0, j; i < n; i = j) {
		for (j = i + 1; j < n && cpus[j] == cpus[j - 1] + 1;)
			j++;
		text_addf(text, "%s%d", i ? "," : "", cpus[i]);
		if (j - i > 1)
			text_addf(text, "-%d", cpus[j - 1]);
	}
}

struct tally {
	int siblings[MAX_CPUS]; /* left empty */
	size_t n_siblings;
	size_t efficient, isolated; /* of the guest's cores */
	int node;		    /* of its first core; -1: it has none */
	bool spans;		    /* and others are of other nodes */
};

static void count_given(const struct choice *c, struct tally *ret)
{
	*ret = (struct tally){.node = -1};
	for (size_t i = 0; i < c->topology->n_cores; i++) {
		const struct core *core = &c->topology->cores[i];
		if (c->use[i] == USE_NONE)
			continue;
		for (size_t s = 1; s < core->n_cpus; s++)
			ret->siblings[ret->n_siblings++] = core->cpus[s];
		if (c->use[i] != USE_GUEST)
			continue;
		ret->spans = ret->spans || (ret->node >= 0 && ret->node != core->node);
		ret->node = core->node;
		ret->efficient += core->efficient;
		ret->isolated += core->isolated;
	}
	qsort(ret->siblings, ret->n_siblings, sizeof(int), compare_cpus);
}

static void add_part(struct text *text, const char *what, const int *cpus, size_t n)
{
	if (!n)
		return;
	text_addf(text, "%s%s on CPU ", text->size ? ", " : "", what);
	add_list(text, cpus, n);
}

static void explain(const struct choice *c, struct place *p)
{
	autotext struct text text = {0};
	struct tally tally;
	count_given(c, &tally);
	add_part(&text, "guest", p->guest, p->n_guest);
	if (tally.spans)
		text_add(&text, " of several NUMA nodes, since none has as many cores");
	if (tally.efficient)
		text_addf(&text, " with %zu efficiency cores, since the others do not suffice",
			  tally.efficient);
	if (tally.isolated)
		text_add(&text, " (isolated)");
	add_part(&text, "VMM", p->vmm, p->n_vmm);
	add_part(&text, "agent", p->housekeeping, p->n_housekeeping);
	if (p->shared)
		text_addf(&text, ", shared with the %s: no core is left for it",
			  p->n_vmm ? "VMM" : "guest");
	if (tally.n_siblings) {
		text_add(&text, "; siblings left empty: ");
		add_list(&text, tally.siblings, tally.n_siblings);
	}
	STRCPY_FIXED(p->why, text.data);
}

static int refuse(const struct choice *c, const struct place_spec *spec, struct err *err)
{
	const struct topology *t = c->topology;
	const char *cut = c->usable < t->n_cores ? " (the others are outside this cgroup's cpuset)"
						 : "";
	return err_say(
		err, ENOSPC,
		"the recipe asks for %u core(s) for the guest and %u for the VMM, but this host "
		"has %zu%s; lower host.cpus.guest or host.cpus.vmm",
		spec->guest_cores, spec->vmm_cores, c->usable, cut);
}

int host_place(const struct host_root *root, const struct place_spec *spec, struct place *ret,
	       struct err *err)
{
	autotopology struct topology topology = {0};
	struct place p = {0};
	if (!spec->guest_cores && !spec->vmm_cores) {
		STRCPY_FIXED(p.why, "no cores were asked for; the kernel decides");
		*ret = p;
		return 0;
	}
	if (topology_read(root, &topology, err) < 0)
		return err_wrap(err, "place the run");
	autofree enum use *use = xcalloc(topology.n_cores, sizeof(*use));
	struct choice c = {.topology = &topology, .use = use};
	for (size_t i = 0; i < topology.n_cores; i++)
		c.usable += topology.cores[i].allowed;
	if ((uint64_t)spec->guest_cores + spec->vmm_cores > c.usable)
		return refuse(&c, spec, err);
	choose(&c, spec->guest_cores, spec->vmm_cores);
	fill(&c, &p);
	explain(&c, &p);
	*ret = p;
	return 0;
}

void place_done(struct place *place)
{
	free(place->guest);
	free(place->vmm);
	free(place->housekeeping);
	*place = (struct place){0};
}
