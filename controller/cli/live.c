// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/cli/live.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "controller/cli/cli.h"
#include "proto/base/mem.h"

/* A terminal need not be redrawn more often than an eye follows. */
static const uint64_t redraw_ns = 100 * NSEC_PER_MSEC;

void live_init(struct live *l, bool quiet)
{
	*l = (struct live){
		.width = cli_terminal_width(STDERR_FILENO),
		.quiet = quiet,
		.started_ns = clock_monotonic_ns(),
	};
}

void live_clear(struct live *l)
{
	if (l->drawn)
		fputs("\r\033[K", stderr);
	l->drawn = false;
}

void live_duration(uint64_t ns, char *ret, size_t size)
{
	uint64_t s = (ns + NSEC_PER_SEC / 2) / NSEC_PER_SEC;
	if (s >= 3600)
		snprintf(ret, size, "%llu h %02llu min", (unsigned long long)(s / 3600),
			 (unsigned long long)(s / 60 % 60));
	else if (s >= 60)
		snprintf(ret, size, "%llu min %02llu s", (unsigned long long)(s / 60),
			 (unsigned long long)(s % 60));
	else
		snprintf(ret, size, "%llu s", (unsigned long long)s);
}

static void planned(void *arg, const char *id, size_t runs)
{
	struct live *l = arg;
	STRCPY_FIXED(l->id, id);
	if (l->quiet)
		return;
	live_clear(l);
	fprintf(stderr, "campaign %s: %zu runs\n", id, runs);
}

/* state: what the run is doing; NULL: it is done. */
static void compose(const struct campaign_progress *p, const char *state, char *ret, size_t size)
{
	char eta[60] = "", invalid[40] = "";
	if (p->eta_ns) {
		char left[30];
		/* "0 s" would be a promise */
		live_duration(p->eta_ns > NSEC_PER_SEC ? p->eta_ns : NSEC_PER_SEC, left,
			      sizeof(left));
		snprintf(eta, sizeof(eta), ", about %s left", left);
	}
	if (p->invalid)
		snprintf(invalid, sizeof(invalid), ", %zu invalid", p->invalid);
	if (p->label[0])
		snprintf(ret, size, "%zu/%zu%s%s  %s %s%u%s%s", p->done, p->planned, invalid, eta,
			 p->label, p->warmup ? "warm-up " : "#", p->iteration, state ? ": " : "",
			 state ? state : "");
	else
		snprintf(ret, size, "%zu/%zu%s%s", p->done, p->planned, invalid, eta);
}

static void progress(void *arg, const struct campaign_progress *p)
{
	struct live *l = arg;
	char line[300];
	if (l->quiet)
		return;
	compose(p, l->width ? run_state_name(p->state) : NULL, line, sizeof(line));
	if (!l->width) {
		if (p->done != l->last_done)
			fprintf(stderr, "%s\n", line);
		l->last_done = p->done;
		return;
	}
	uint64_t now_ns = clock_monotonic_ns();
	if (now_ns - l->drawn_ns < redraw_ns && p->done < p->planned)
		return;
	l->drawn_ns = now_ns;
	l->drawn = true;
	fprintf(stderr, "\r\033[K%.*s", l->width - 1, line);
	fflush(stderr);
}

static void note(void *arg, const char *sentence)
{
	struct live *l = arg;
	live_clear(l);
	fprintf(stderr, "assay: note: %s\n", sentence);
}

const struct campaign_listener live_listener = {
	.planned = planned,
	.progress = progress,
	.note = note,
};
