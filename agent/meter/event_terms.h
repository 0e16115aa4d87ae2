// SPDX-License-Identifier: GPL-3.0-or-later
/* event_terms - the grammar of `term=value,term,...` and of a PMU's format files. Touches no file.
 */
#ifndef ASSAY_METER_EVENT_TERMS_H
#define ASSAY_METER_EVENT_TERMS_H

#include "agent/meter/event_name.h"

enum { TERMS = 32 }; /* of one event */

struct event_term {
	char name[NAME_SIZE];
	uint64_t value;
	bool asked; /* "term=?": the recipe must give it */
};

struct event_terms {
	struct event_term term[TERMS];
	size_t n;
	char alias[NAME_SIZE]; /* the events/ file that was meant; "" none */
};

/* A name of a PMU, event or term: it cannot leave its folder. */
bool event_is_word(const char *s);

/* Takes one "term", "term=value" or "term=?" off the front of *list, which is NULL after the last.
 * *ret_bare: it came without a value, and has 1. -EINVAL names `event`. */
int event_next_term(char **list, const char *event, struct event_term *ret, bool *ret_bare,
		    struct err *err);

/* A later term replaces an earlier one: what the recipe writes wins over the alias. */
int event_set_term(struct event_terms *terms, const struct event_term *term, const char *event,
		   struct err *err);

/* Spreads the value over the bits that a format such as "config1:0-7,32-35" names. -ERANGE: it is
 * wider than they are. -ENOTSUP: not a format that perf_event_attr has room for. */
int event_spread(const char *format, uint64_t value, struct event_code *code);

#endif
