// SPDX-License-Identifier: GPL-3.0-or-later
/* guest - the table of drivers, and what every driver says about its guest. */
#include "agent/guest/guest.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/base/mem.h"
#include "proto/base/table.h"

const struct guest_driver *const guest_drivers[] = {
	&guest_process,
	&guest_qemu,
	&guest_fake,
	NULL,
};

static const struct table_member required[] = {
	TABLE_MEMBER(struct guest_driver, probe),   TABLE_MEMBER(struct guest_driver, check),
	TABLE_MEMBER(struct guest_driver, prepare), TABLE_MEMBER(struct guest_driver, start),
	TABLE_MEMBER(struct guest_driver, go),	    TABLE_MEMBER(struct guest_driver, stop),
	TABLE_MEMBER(struct guest_driver, destroy), {NULL, 0},
};

int guest_drivers_check(struct err *err)
{
	return table_check("guest", (const void *const *)guest_drivers, required, err);
}

int guest_driver_find(const char *name, const struct guest_driver **ret, struct err *err)
{
	const void *row;
	if (table_find((const void *const *)guest_drivers, "driver", name, &row, err) < 0)
		return err_code(err);
	*ret = row;
	return 0;
}

void guest_fact(struct guest *guest, const char *name, const char *fmt, ...)
{
	va_list ap;
	if (guest->n_facts == ARRAY_SIZE(guest->facts))
		return;
	struct fact *f = &guest->facts[guest->n_facts++];
	STRCPY_FIXED(f->name, name);
	va_start(ap, fmt);
	vsnprintf(f->value, sizeof(f->value), fmt, ap);
	va_end(ap);
}

/* A free place, or that of a reason that weighs less. */
static struct reason *reason_place(struct guest *guest, enum verdict level)
{
	if (guest->n_reasons < ARRAY_SIZE(guest->reasons))
		return &guest->reasons[guest->n_reasons++];
	for (size_t i = 0; i < guest->n_reasons; i++)
		if (guest->reasons[i].level < level)
			return &guest->reasons[i];
	return NULL;
}

void guest_reason(struct guest *guest, enum verdict level, const char *code, const char *fmt, ...)
{
	va_list ap;
	struct reason *r = reason_place(guest, level);
	if (!r)
		return;
	r->level = level;
	STRCPY_FIXED(r->code, code);
	va_start(ap, fmt);
	vsnprintf(r->text, sizeof(r->text), fmt, ap);
	va_end(ap);
}
