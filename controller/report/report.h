// SPDX-License-Identifier: GPL-3.0-or-later
/* report - what a campaign found, for people (terminal tables) and for programs (JSON).
 *
 * Symbols beyond ASCII are used where the locale's codeset is UTF-8: the program calls
 * setlocale(LC_CTYPE, "") at its start. Numbers are the same in every locale.
 *
 * Only valid and flagged runs that are no warm-ups are averaged; invalid ones are listed with
 * their reasons, absent readings with theirs. Numbers carry units and sensible digits. */
#ifndef ASSAY_REPORT_REPORT_H
#define ASSAY_REPORT_REPORT_H

#include <stdio.h>

#include "controller/store/store.h"

struct report_options {
	const char *campaign; /* id, prefix, or NULL for the newest */
	bool json;
	bool color;
	int width;	     /* of the terminal in columns; 0: not a terminal */
	const char *fail_if; /* "bench/wall > 1.05": see report_fail_if; NULL: none */
};

/* Is the expression well-formed? So that a campaign does not run for hours before it is refused.
 *	WINDOW/METRIC [of VALUE] OP NUMBER      as in "bench/energy/package of unikernel > 1.05"
 * It holds where the ratio's whole interval lies past NUMBER; fail_if.h has the rest. */
int report_fail_if(const char *expression, struct err *err);

/* Writes the whole report to out; json.h says what the JSON is. *ret_failed: fail_if holds (where
 * it cannot be judged it does not, and the report says so). -ENOENT: no such campaign; -EINVAL: the
 * expression, or nothing is compared. Nothing was written then. */
int report_campaign(struct store *store, const struct report_options *options, FILE *out,
		    bool *ret_failed, struct err *err);
/* Every campaign of the store, newest first. */
int report_list(struct store *store, bool json, FILE *out, struct err *err);

/* What a value looks like for people: 1234567 ns -> "1.235 ms", 536870912 bytes -> "512 MiB";
 * digits: significant ones. ret has room for size. */
void report_number(double value, const char *unit, int digits, char *ret, size_t size);

/* The host's facts and capabilities (assay host). */
int report_host(const struct host_info *host, bool json, FILE *out, struct err *err);

#endif
