// SPDX-License-Identifier: GPL-3.0-or-later
/* pool - memory from one arena, by size classes. */
#include "images/treebench/pool.h"

#define SMALLEST      16
#define SMALLEST_LOG2 4
#define LARGEST	      ((size_t)1 << 43)

struct size_class {
	size_t index;
	size_t size; /* of every block in the class */
};

/* Class 4k + q holds blocks of 16 * 2^k * (4 + q) / 4 bytes. Blocks are also rounded up to 16. */
static struct size_class class_of(size_t size)
{
	struct size_class c;
	size_t log2, step, quarters;

	if (size < SMALLEST)
		size = SMALLEST;
	log2 = 63 - (size_t)__builtin_clzll(size);
	step = (size_t)1 << (log2 - 2);
	quarters = (size - ((size_t)1 << log2) + step - 1) / step;
	c.index = 4 * (log2 - SMALLEST_LOG2) + quarters;
	c.size = ((size_t)1 << log2) + quarters * step;
	c.size = (c.size + SMALLEST - 1) & ~(size_t)(SMALLEST - 1);
	return c;
}

void pool_init(struct pool *p, void *arena, size_t len)
{
	size_t misaligned = (uintptr_t)arena % SMALLEST;
	size_t skip = misaligned ? SMALLEST - misaligned : 0;

	if (skip > len)
		skip = len;
	p->next = (uint8_t *)arena + skip;
	p->end = (uint8_t *)arena + len;
	p->used_bytes = 0;
	for (size_t i = 0; i < POOL_CLASSES; i++)
		p->free[i] = NULL;
}

void *pool_alloc(struct pool *p, size_t size)
{
	struct size_class c;
	void *block;

	if (size > LARGEST)
		return NULL;
	c = class_of(size);
	if (p->free[c.index]) {
		block = p->free[c.index];
		p->free[c.index] = p->free[c.index]->next;
	} else if (c.size <= (size_t)(p->end - p->next)) {
		block = p->next;
		p->next += c.size;
	} else {
		return NULL;
	}
	p->used_bytes += c.size;
	return block;
}

void pool_free(struct pool *p, void *block, size_t size)
{
	struct size_class c = class_of(size);
	struct pool_free *f = block;

	if (!block)
		return;
	f->next = p->free[c.index];
	p->free[c.index] = f;
	p->used_bytes -= c.size;
}
