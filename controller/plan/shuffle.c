// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/plan/shuffle.h"

uint64_t shuffle_next(struct shuffler *s)
{
	uint64_t z = s->state += 0x9e3779b97f4a7c15ull;
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

uint64_t shuffle_below(struct shuffler *s, uint64_t bound)
{
	uint64_t unfair = (0 - bound) % bound; /* 2^64 mod bound: draws below it are one too many */
	uint64_t draw;
	do
		draw = shuffle_next(s);
	while (draw < unfair);
	return draw % bound;
}

void shuffle(struct shuffler *s, size_t *items, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		size_t j = (size_t)shuffle_below(s, i);
		size_t item = items[i - 1];
		items[i - 1] = items[j];
		items[j] = item;
	}
}
