// SPDX-License-Identifier: GPL-3.0-or-later
/* expr - what a recipe asks of a host: "energy.package and cpu.vendor = AuthenticAMD".
 *
 *	any:     all { "or" all }
 *	all:     one { "and" one }
 *	one:     ["not"] ( "(" any ")" | NAME | NAME RELATION LITERAL )
 *	RELATION = != < <= > >=
 *	LITERAL  a bare word, a number (also with a unit: 16G, 2.4GHz), or text in ' or "
 *
 * A name alone is a capability of the host; one with a relation is a fact. = and != compare numbers
 * where both are, else text; the others compare numbers. What a host says nothing of is false. */
#ifndef ASSAY_RECIPE_EXPR_H
#define ASSAY_RECIPE_EXPR_H

#include "proto/measure/host.h"

/* Whether it can be read at all: 0, or -EINVAL with what was found where and expected. */
int expr_check(const char *expression, struct err *err);

/* 0: true of the host. -ENOENT: not, and why, in words. -EINVAL: it cannot be read. */
int expr_match(const char *expression, const struct host_info *host, struct err *err);

#endif
