// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/meter/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/mem.h"
#include "proto/base/table.h"

#define EVERY_LEAST_NS                                                             \
	NSEC_PER_MSEC /* a sample costs 30 us of the meter's CPU, wake-up included \
		       */
#define DEAR_EVERY_NS  NSEC_PER_SEC
#define DEAR_SHARE     1000	    /* an expensive sample may cost a thousandth of the time */
#define LAUNCHER_SLACK (1ull << 20) /* bytes; rusage must be past the launcher's peak by this */
#define PEAK_SLACK     (256 << 10)  /* bytes; the kernel's counts are no better */
#define SAMPLES_LEAST  3	    /* both ends and one between; fewer say nothing of a window */

const struct collector *const collectors[] = {&collector_statm, &collector_smaps, &collector_fake,
					      NULL};

int collectors_check(struct err *err)
{
	static const struct table_member required[] = {
		TABLE_MEMBER(struct collector, metric.name),
		TABLE_MEMBER(struct collector, metric.unit),
		TABLE_MEMBER(struct collector, metric.help),
		TABLE_MEMBER(struct collector, open),
		TABLE_MEMBER(struct collector, sample),
		TABLE_MEMBER(struct collector, close),
		{NULL, 0},
	};
	return table_check("collectors", (const void *const *)collectors, required, err);
}

struct stream {
	const struct collector *collector;
	struct collection *collection; /* owned; NULL: could not be opened */
	struct samples samples;
	struct err why;	      /* of the last sample or opening that failed */
	uint64_t next_ns;     /* expensive ones: not before, MONOTONIC */
	uint64_t last_raw_ns; /* when the latest sample was taken */
};

struct memory {
	const struct host_root *root; /* borrowed */
	uint64_t every_ns;
	uint64_t due_ns;	      /* MONOTONIC; 0: not going yet */
	uint64_t launcher_peak_bytes; /* of the process before its exec; rusage never forgets it */
	struct stream rss, pss;
	struct peaks peaks;
};

void memory_open(const struct host_root *root, uint64_t every_ns, struct memory **ret)
{
	struct memory *m = xcalloc(1, sizeof(*m));
	m->root = root;
	m->every_ns = every_ns;
	m->rss.collector = &collector_statm;
	m->pss.collector = &collector_smaps;
	if (every_ns && every_ns < EVERY_LEAST_NS)
		m->every_ns = EVERY_LEAST_NS;
	if (every_ns) {
		samples_open(&m->rss.samples);
		samples_open(&m->pss.samples);
		peaks_open(&m->peaks);
	}
	*ret = m;
}

static void stream_close(struct stream *s)
{
	s->collector->close(s->collection);
	samples_close(&s->samples);
}

void memory_close(struct memory *m)
{
	if (!m)
		return;
	stream_close(&m->rss);
	stream_close(&m->pss);
	if (m->every_ns)
		peaks_close(&m->peaks);
	free(m);
}

void memory_attach(struct memory *m, pid_t pid)
{
	if (!m->every_ns)
		return;
	m->launcher_peak_bytes = peaks_attach(&m->peaks, m->root, pid);
	m->rss.collector->close(take(m->rss.collection));
	m->pss.collector->close(take(m->pss.collection));
	m->rss.collector->open(m->root, pid, &m->rss.collection, &m->rss.why);
	m->pss.collector->open(m->root, pid, &m->pss.collection, &m->pss.why);
	m->due_ns = 0;
}

void memory_start(struct memory *m, uint64_t t_ns)
{
	if (m->every_ns)
		peaks_start(&m->peaks, t_ns);
}

uint64_t memory_due_ns(struct memory *m)
{
	if (!m->every_ns || !m->rss.collection)
		return UINT64_MAX;
	if (!m->due_ns) {
		m->due_ns = clock_monotonic_ns() + m->every_ns;
		m->pss.next_ns = m->due_ns;
	}
	return m->due_ns;
}

static void take_sample(struct stream *s, uint64_t t_ns)
{
	uint64_t value;
	if (!s->collection || s->collector->sample(s->collection, &value, &s->why) < 0)
		return;
	samples_add(&s->samples, t_ns, value);
	s->last_raw_ns = t_ns;
}

static void take_dear_sample(struct stream *s, uint64_t t_ns, uint64_t now_ns)
{
	take_sample(s, t_ns);
	uint64_t pause_ns = DEAR_SHARE * (clock_monotonic_ns() - now_ns);
	s->next_ns = now_ns + (pause_ns > DEAR_EVERY_NS ? pause_ns : DEAR_EVERY_NS);
}

void memory_tick(struct memory *m, uint64_t now_ns, bool quiet)
{
	if (now_ns < memory_due_ns(m))
		return;
	take_sample(&m->rss, clock_raw_ns());
	if (quiet && now_ns >= m->pss.next_ns)
		take_dear_sample(&m->pss, clock_raw_ns(), now_ns);
	/* absolute deadlines; those that were missed are left out, not made up for */
	m->due_ns += m->every_ns * ((now_ns - m->due_ns) / m->every_ns + 1);
}

void memory_mark(struct memory *m, uint64_t t_ns, bool last)
{
	if (!m->every_ns)
		return;
	take_sample(&m->rss, t_ns);
	peaks_take(&m->peaks, t_ns);
	if (last) /* as of the mark: it is the end of the windows that it ends */
		take_dear_sample(&m->pss, t_ns, clock_monotonic_ns());
}

/* Why there is no sample, in one sentence. */
static const char *why_none(const struct stream *s)
{
	if (!s->collection && s->why.text[0])
		return s->why.text;
	if (s->why.text[0] && s->why.code != ESRCH)
		return s->why.text;
	return "no sample fell into it";
}

static const char *plural(uint32_t n)
{
	return n == 1 ? "" : "s";
}

static void report_rss(const struct memory *m, const struct window *w, const struct sample *s,
		       struct attempt *a)
{
	double every_ms = (double)m->every_ns / 1e6;
	if (s->merged >= SAMPLES_LEAST) {
		struct reading *r = attempt_reading(a, w->name, "rss", "guest", "bytes", "statm",
						    s->mean);
		snprintf(r->note, sizeof(r->note), "mean of %u samples, one each %g ms", s->merged,
			 every_ms);
	} else if (s->merged) {
		attempt_absent(
			a, w->name, "rss", "guest", "bytes",
			"only %u sample%s fell into it (one each %g ms), too few for a mean; "
			"shorten measure.memory.every",
			s->merged, plural(s->merged), every_ms);
	} else {
		attempt_absent(a, w->name, "rss", "guest", "bytes", "%s (one each %g ms)",
			       why_none(&m->rss), every_ms);
	}
}

/* The largest it was inside, where the kernel's own peak says so for sure. */
static bool find_peak(const struct memory *m, const struct window *w, const struct sample *s,
		      uint64_t max_rss_bytes, double *ret, const char **ret_source)
{
	const struct peak *from = peaks_at(&m->peaks, w->from_ns), *to;
	bool launcher = max_rss_bytes <= m->launcher_peak_bytes + LAUNCHER_SLACK;
	if (from && !from->bytes && !launcher && (double)max_rss_bytes >= s->peak) {
		*ret = (double)max_rss_bytes; /* of its whole life */
		*ret_source = "rusage";
		return true;
	}
	to = peaks_at(&m->peaks, w->to_ns);
	if (!to)
		return false;
	*ret = (double)to->bytes;
	*ret_source = "VmHWM";
	/* it rose, or a sample lies so near that there is no room for another peak */
	return (from && to->bytes > from->bytes) || (double)to->bytes - s->peak <= PEAK_SLACK;
}

static void report_peak(const struct memory *m, const struct window *w, const struct sample *s,
			uint64_t max_rss_bytes, struct attempt *a)
{
	double peak = 0;
	const char *source = NULL;
	char most[80] = "";
	if (find_peak(m, w, s, max_rss_bytes, &peak, &source)) {
		attempt_reading(a, w->name, "rss/peak", "guest", "bytes", source, peak);
		return;
	}
	if (source)
		snprintf(most, sizeof(most), ", which is at most the %.0f of its life so far",
			 peak);
	if (s->merged >= SAMPLES_LEAST) {
		struct reading *r = attempt_reading(a, w->name, "rss/peak", "guest", "bytes",
						    "statm", s->peak);
		snprintf(r->note, sizeof(r->note),
			 "largest of %u samples; a shorter peak between them is not seen%s",
			 s->merged, most);
	} else if (s->merged) {
		attempt_absent(a, w->name, "rss/peak", "guest", "bytes",
			       "only %u sample%s fell into it (one each %g ms), too few to see a "
			       "peak%s; shorten measure.memory.every",
			       s->merged, plural(s->merged), (double)m->every_ns / 1e6, most);
	} else {
		attempt_absent(a, w->name, "rss/peak", "guest", "bytes", "%s (one each %g ms)",
			       why_none(&m->rss), (double)m->every_ns / 1e6);
	}
}

/* The last sample of the window: marks take one when all windows are over. */
static void report_pss(const struct memory *m, const struct window *w, struct attempt *a)
{
	const struct samples *all = &m->pss.samples;
	const struct sample *found = NULL;
	for (size_t i = 0; i < all->n; i++)
		if (all->all[i].t_ns >= w->from_ns && all->all[i].t_ns <= w->to_ns)
			found = &all->all[i];
	if (!found) {
		attempt_absent(a, w->name, "pss", "guest", "bytes",
			       "%s; it is taken only while no window is open, at most each second",
			       why_none(&m->pss));
		return;
	}
	struct reading *r = attempt_reading(a, w->name, "pss", "guest", "bytes", "smaps_rollup",
					    found->mean);
	snprintf(r->note, sizeof(r->note), "taken %.3f s after the window began",
		 (double)(found->t_ns - w->from_ns) / 1e9);
}

void memory_report(const struct memory *m, const struct window *w, uint64_t max_rss_bytes,
		   struct attempt *a)
{
	if (!m->every_ns)
		return;
	struct sample s = {0};
	samples_between(&m->rss.samples, w->from_ns, w->to_ns, &s);
	report_rss(m, w, &s, a);
	report_peak(m, w, &s, max_rss_bytes, a);
	report_pss(m, w, a);
}

void memory_report_absent(const struct memory *m, const char *window, const char *why,
			  struct attempt *a)
{
	static const char *const metrics[] = {"rss", "rss/peak", "pss"};
	for (size_t i = 0; m->every_ns && i < ARRAY_SIZE(metrics); i++)
		attempt_absent(a, window, metrics[i], "guest", "bytes", "%s", why);
}
