// SPDX-License-Identifier: GPL-3.0-or-later
/* shuffle - the same permutations from the same seed, for ever and on every machine.
 *
 * Numbers are SplitMix64 (Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators,
 * 2014), all 64 bits of the seed count; draws below a bound reject what would favour small numbers;
 * the shuffle is Fisher and Yates' from the end. Not a library's generator: a plan must not change
 * with a version of it. */
#ifndef ASSAY_PLAN_SHUFFLE_H
#define ASSAY_PLAN_SHUFFLE_H

#include <stddef.h>
#include <stdint.h>

struct shuffler {
	uint64_t state; /* begins as the seed */
};

uint64_t shuffle_next(struct shuffler *s);
/* 0 .. bound-1, each as likely; bound > 0. */
uint64_t shuffle_below(struct shuffler *s, uint64_t bound);
void shuffle(struct shuffler *s, size_t *items, size_t n);

#endif
