// SPDX-License-Identifier: GPL-3.0-or-later
/* plan - cells times iterations to an ordered list of runs: randomised complete blocks from a
 * stored seed. A block holds each cell once, in an order of its own, so that drift of the machine
 * hits all cells alike. Warm-ups come first and are marked. Pure: the same cells and seed give the
 * same plan for ever, on every machine. */
#ifndef ASSAY_PLAN_PLAN_H
#define ASSAY_PLAN_PLAN_H

#include "controller/recipe/recipe.h"

struct planned_run {
	size_t cell; /* index into the matrix */
	uint32_t iteration;
	bool warmup;
	uint32_t position; /* in the order of execution, from 0 */
	char key[HASH_HEX_SIZE];
};

struct plan {
	struct planned_run *runs; /* in order of execution; owned */
	size_t n;
	uint64_t seed;
};

/* host: the fingerprint of where it will run, part of the key. */
int plan_make(const struct recipe_head *head, const struct matrix *matrix, const char *host,
	      uint64_t seed, struct plan *ret, struct err *err);
void plan_done(struct plan *plan);

/* SHA-256 over all that defines a run: guest, images, windows, what is measured, placement,
 * limits, host, iteration, warm-up. Not: names of files, campaign, attempt. */
void plan_run_key(const struct run_spec *spec, const char *host, uint32_t iteration, bool warmup,
		  char ret[HASH_HEX_SIZE]);

#endif
