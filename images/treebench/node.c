// SPDX-License-Identifier: GPL-3.0-or-later
/* node - the bytes of a directory in the store. */
#include "images/treebench/node.h"

#include "images/treebench/bytes.h"

uint8_t *node_write_header(uint8_t *at, uint32_t entries)
{
	at[0] = OBJECT_NODE;
	bytes_put_be32(at + 1, entries);
	return at + NODE_HEADER_LEN;
}

uint8_t *node_write_entry(uint8_t *at, const struct node_entry *e)
{
	*at++ = (uint8_t)e->kind;
	*at++ = e->name_len;
	bytes_copy(at, e->name, e->name_len);
	at += e->name_len;
	bytes_copy(at, e->digest, sizeof(*e->digest));
	return at + sizeof(*e->digest);
}

void node_read(struct node_reader *r, const struct object *node)
{
	r->at = node->bytes + NODE_HEADER_LEN;
	r->end = node->bytes + node->len;
	r->left = node->len < NODE_HEADER_LEN ? 0 : bytes_get_be32(node->bytes + 1);
}

bool node_next(struct node_reader *r, struct node_entry *ret)
{
	if (!r->left || r->end - r->at < 2 || r->at[1] > NODE_NAME_MAX ||
	    r->end - r->at < node_entry_len(r->at[1]))
		return false;
	ret->kind = r->at[0];
	ret->name_len = r->at[1];
	ret->name = (const char *)r->at + 2;
	ret->digest = (const struct digest *)(r->at + 2 + ret->name_len);
	r->at += node_entry_len(ret->name_len);
	r->left--;
	return true;
}
