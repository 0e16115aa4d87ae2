// SPDX-License-Identifier: GPL-3.0-or-later
/* value - the text of one scalar as a value of its key's type, or the sentence that says why not.
 */
#ifndef ASSAY_RECIPE_VALUE_H
#define ASSAY_RECIPE_VALUE_H

#include "controller/recipe/keys.h"

/* type: the key's, or for an entry of a list its item's. Fills node->whole or node->real. The
 * sentence does not name the key. */
int value_read(struct node *scalar, const struct key *key, enum key_type type, struct err *err);

/* A pattern that compiles, and how many groups it has. */
int pattern_check(const char *pattern, uint32_t *ret_groups, struct err *err);

/* The index of the word in "auto kvm tcg"; -1: not one of them. */
int word_index(const char *words, const char *word);

/* KEY_BYTES or KEY_DURATION (ns) as a recipe would write it: "16M", "24h". */
void format_quantity(uint64_t value, enum key_type type, char *ret, size_t size);

/* A-Z a-z 0-9 _ -, not too long for NAME_SIZE. */
bool name_ok(const char *name);

#endif
