// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/measure/spec.h"

#include "proto/base/mem.h"

static const char *const mark_kinds[MARK_KINDS] = {
	[MARK_START] = "start",
	[MARK_RESUME] = "resume",
	[MARK_EXIT] = "exit",
	[MARK_CONSOLE] = "console",
};

const char *mark_kind_name(enum mark_kind kind)
{
	return kind < MARK_KINDS ? mark_kinds[kind] : "unknown";
}

size_t strv_count(char *const *v)
{
	size_t n = 0;
	while (v && v[n])
		n++;
	return n;
}

void strv_push(char ***v, const char *s)
{
	size_t n = strv_count(*v);
	*v = xreallocarray(*v, n + 2, sizeof(**v));
	(*v)[n] = xstrdup(s);
	(*v)[n + 1] = NULL;
}

void strv_free(char **v)
{
	cleanup_strv(&v);
}

struct run_spec *run_spec_new(void)
{
	return xcalloc(1, sizeof(struct run_spec));
}

static void guest_spec_done(struct guest_spec *g)
{
	strv_free(g->command);
	strv_free(g->env);
	strv_free(g->args);
	free(g->machine);
	free(g->accel);
	free(g->cpu);
	free(g->kernel);
	free(g->initrd);
	free(g->append);
	for (size_t i = 0; i < g->n_disks; i++)
		free(g->disks[i].file);
	free(g->disks);
	for (size_t i = 0; i < g->n_images; i++)
		free(g->images[i].path);
	free(g->images);
}

void run_spec_free(struct run_spec *spec)
{
	if (!spec)
		return;
	free(spec->cell);
	guest_spec_done(&spec->guest);
	for (size_t i = 0; i < spec->n_windows; i++) {
		free(spec->windows[i].from.pattern);
		free(spec->windows[i].to.pattern);
	}
	free(spec->windows);
	strv_free(spec->measure.counters);
	strv_free(spec->measure.energy);
	free(spec);
}
