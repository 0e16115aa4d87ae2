// SPDX-License-Identifier: GPL-3.0-or-later
/* node - the bytes of a directory in the store: written and read one entry at a time. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "images/treebench/store.h"

#define NODE_HEADER_LEN 5  /* kind and number of entries */
#define NODE_NAME_MAX	22 /* makes a tree_entry 64 bytes; the format could hold 255 */

struct node_entry {
	enum object_kind kind; /* blob or node */
	uint8_t name_len;
	const char *name;	     /* borrowed from the bytes */
	const struct digest *digest; /* borrowed from the bytes */
};

static inline uint32_t node_entry_len(uint8_t name_len)
{
	return 2u + name_len + (uint32_t)sizeof(struct digest);
}

/* Both return the position behind what they wrote. */
uint8_t *node_write_header(uint8_t *at, uint32_t entries);
uint8_t *node_write_entry(uint8_t *at, const struct node_entry *e);

struct node_reader {
	const uint8_t *at; /* borrowed: the object outlives the reader */
	const uint8_t *end;
	uint32_t left; /* entries */
};

void node_read(struct node_reader *r, const struct object *node);

/* False after the last entry, and, with entries left, for bytes that are not a node's. */
bool node_next(struct node_reader *r, struct node_entry *ret);
