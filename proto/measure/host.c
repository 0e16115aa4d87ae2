// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/measure/host.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/mem.h"

void host_info_done(struct host_info *info)
{
	free(info->facts);
	free(info->capabilities);
	*info = (struct host_info){0};
}

void host_fact(struct host_info *info, const char *name, const char *fmt, ...)
{
	va_list ap;
	struct fact *f = ARRAY_PUSH(info->facts, info->n_facts);
	STRCPY_FIXED(f->name, name);
	va_start(ap, fmt);
	vsnprintf(f->value, sizeof(f->value), fmt, ap);
	va_end(ap);
}

const char *host_fact_value(const struct host_info *info, const char *name)
{
	for (size_t i = 0; i < info->n_facts; i++)
		if (strcmp(info->facts[i].name, name) == 0)
			return info->facts[i].value;
	return NULL;
}

void host_capability(struct host_info *info, const char *name, bool present, const char *detail,
		     const char *remedy)
{
	struct capability *c = ARRAY_PUSH(info->capabilities, info->n_capabilities);
	STRCPY_FIXED(c->name, name);
	c->present = present;
	STRCPY_FIXED(c->detail, detail);
	STRCPY_FIXED(c->remedy, remedy);
}

const struct capability *host_capability_find(const struct host_info *info, const char *name)
{
	for (size_t i = 0; i < info->n_capabilities; i++)
		if (strcmp(info->capabilities[i].name, name) == 0)
			return &info->capabilities[i];
	return NULL;
}
