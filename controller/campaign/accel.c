// SPDX-License-Identifier: GPL-3.0-or-later
/* accel - which accelerator each guest has, from what the preflight found to work. Pure.
 *
 * accel: auto means the best that every guest with accel: auto can use here, so that what is
 * compared stays comparable: one guest that does not boot under KVM takes all of them to TCG. */
#include <string.h>

#include "controller/campaign/life.h"
#include "proto/base/mem.h"

static bool is_auto(const char *s)
{
	return !s || strcmp(s, "auto") == 0;
}

static void set(char **field, const char *value)
{
	char *copy = xstrdup(value);
	free(*field);
	*field = copy;
}

/* The first guest with accel: auto that keeps KVM from all of them; NULL: none does. */
static const struct cell *find_spoiler(const struct matrix *m,
				       const struct msg_preflight_reply *answers)
{
	for (size_t i = 0; i < m->n; i++)
		if (answers[i].accel[0] && is_auto(m->cells[i].spec->guest.accel) &&
		    strcmp(answers[i].accel, "kvm") != 0)
			return &m->cells[i];
	return NULL;
}

struct accel_choice accel_choose(struct matrix *m, const struct msg_preflight_reply *answers)
{
	struct accel_choice ret = {0};
	const struct cell *spoiler = find_spoiler(m, answers);
	for (size_t i = 0; i < m->n; i++) {
		struct guest_spec *g = &m->cells[i].spec->guest;
		if (!answers[i].accel[0])
			continue; /* a guest without such a choice */
		if (is_auto(g->accel)) {
			set(&g->accel, spoiler ? "tcg" : "kvm");
			if (spoiler && strcmp(answers[i].accel, "kvm") == 0)
				ret.spoiler = spoiler->label;
		}
		if (is_auto(g->cpu)) /* the model that works goes with the accelerator that works */
			set(&g->cpu,
			    strcmp(g->accel, answers[i].accel) == 0 ? answers[i].cpu : "max");
		if (strcmp(g->accel, "kvm") == 0)
			ret.kvm = m->cells[i].label;
		else
			ret.tcg = m->cells[i].label;
	}
	return ret;
}
