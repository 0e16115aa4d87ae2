// SPDX-License-Identifier: GPL-3.0-or-later
/* One run of a cell: a copy of its spec with the number of the iteration put in. */
#include "controller/recipe/recipe.h"
#include "controller/recipe/refs.h"
#include "proto/base/mem.h"

static char **copy_strv(char *const *v, uint32_t iteration)
{
	char **copy = NULL;
	for (; v && *v; v++) {
		autofree char *s = refs_iteration(*v, iteration);
		strv_push(&copy, s);
	}
	return copy;
}

static void copy_guest(struct guest_spec *to, const struct guest_spec *from, uint32_t iteration)
{
	*to = *from;
	to->command = copy_strv(from->command, iteration);
	to->env = copy_strv(from->env, iteration);
	to->args = copy_strv(from->args, iteration);
	to->machine = xstrdup(from->machine);
	to->accel = xstrdup(from->accel);
	to->cpu = xstrdup(from->cpu);
	to->kernel = refs_iteration(from->kernel, iteration);
	to->initrd = refs_iteration(from->initrd, iteration);
	to->append = refs_iteration(from->append, iteration);
	to->disks = from->n_disks ? xmemdup(from->disks, from->n_disks * sizeof(*to->disks)) : NULL;
	for (size_t i = 0; i < from->n_disks; i++)
		to->disks[i].file = refs_iteration(from->disks[i].file, iteration);
	to->images = from->n_images ? xmemdup(from->images, from->n_images * sizeof(*to->images))
				    : NULL;
	for (size_t i = 0; i < from->n_images; i++)
		to->images[i].path = xstrdup(from->images[i].path);
}

static void copy_windows(struct run_spec *to, const struct run_spec *from)
{
	to->windows = from->n_windows
			      ? xmemdup(from->windows, from->n_windows * sizeof(*to->windows))
			      : NULL;
	for (size_t i = 0; i < from->n_windows; i++) {
		to->windows[i].from.pattern = xstrdup(from->windows[i].from.pattern);
		to->windows[i].to.pattern = xstrdup(from->windows[i].to.pattern);
	}
}

int recipe_run_spec(const struct cell *cell, uint32_t iteration, bool warmup, struct run_spec **ret,
		    struct err *err)
{
	(void)err; /* nothing can fail yet; what drivers will need of a host may */
	const struct run_spec *from = cell->spec;
	struct run_spec *spec = xmemdup(from, sizeof(*from));
	spec->iteration = iteration;
	spec->warmup = warmup;
	spec->cell = xstrdup(from->cell);
	copy_guest(&spec->guest, &from->guest, iteration);
	copy_windows(spec, from);
	spec->measure.counters = copy_strv(from->measure.counters, iteration);
	spec->measure.energy = copy_strv(from->measure.energy, iteration);
	*ret = spec;
	return 0;
}
