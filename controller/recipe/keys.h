// SPDX-License-Identifier: GPL-3.0-or-later
/* keys - every key that a recipe may have, as rows of one table. Checking, defaults, the help of
 * the command line and docs/recipe.md come from it.
 *
 * A path is written with dots; "*" stands for a name that the recipe chooses. Places in lists are
 * not part of a path: "guests.*.disk.file" is the key `file` of each map in the list `disk`. */
#ifndef ASSAY_RECIPE_KEYS_H
#define ASSAY_RECIPE_KEYS_H

#include "controller/recipe/tree.h"
#include "proto/base/text.h"

enum key_type {
	KEY_MAP,	 /* its keys are rows of the table */
	KEY_NAMES,	 /* a map of names that the recipe chooses */
	KEY_VARIABLES,	 /* the same, names of environment variables */
	KEY_LIST,	 /* of `item` */
	KEY_MAPS,	 /* a list of maps */
	KEY_MAP_OR_MAPS, /* a map, or a list of such maps */
	KEY_MARK,	 /* start, resume or exit, or a map with `console` */
	KEY_TEXT,	 /* any scalar, as it is written */
	KEY_SCALAR,	 /* the same, but it matters whether it is a number, a truth or a text */
	KEY_SLUG,	 /* a-z 0-9 - */
	KEY_NAME,	 /* A-Z a-z 0-9 _ - */
	KEY_EVENT,	 /* a performance event as perf spells it */
	KEY_WORD,	 /* one of `words` */
	KEY_COUNT,	 /* a whole number; node->whole */
	KEY_NUMBER,	 /* node->real */
	KEY_TRUTH,	 /* true or false; node->whole */
	KEY_AMOUNT,	 /* true, false or a number from `least` on; node->whole: 1, 0 or that */
	KEY_BYTES,	 /* node->whole */
	KEY_DURATION,	 /* node->whole, ns */
	KEY_PATTERN,	 /* PCRE2 with least to most groups */
	KEY_EXPRESSION,	 /* about a host, see expr.h */
	KEY_FILE,	 /* an image, or an absolute path on the host */
	KEY_SHA256,
	KEY_TYPES
};

/* What may stand in braces in a value. */
enum {
	REF_PARAM = 1,
	REF_AXIS = 2,
	REF_HOST = 4,
	REF_IMAGE = 8,
	REF_RUN = 16,
	REF_CELL = REF_PARAM | REF_AXIS | REF_HOST, /* known once a cell meets its host */
	REF_GUEST = REF_CELL | REF_IMAGE | REF_RUN,
};

struct key {
	const char *path;
	enum key_type type;
	enum key_type item;   /* KEY_LIST */
	unsigned refs;	      /* REF_...; 0: none, braces mean nothing there */
	bool required;	      /* where the map around it is there */
	const char *fallback; /* the default as a recipe would write it; NULL: none */
	const char *words;    /* KEY_WORD, also as item: separated by spaces */
	uint64_t least;	      /* of a quantity, of entries, of groups, of characters */
	uint64_t most;	      /* 0 with least 0: no limit but those of the file */
	const char *driver;   /* the only one that knows this key; NULL: all */
	const char *help;     /* one sentence */
};

extern const struct key recipe_keys[];
extern const size_t recipe_keys_count;

/* The row of exactly this path, stars included; NULL: none. */
const struct key *key_row(const char *path);
/* The row for the key `name` in the map that `parent` describes (NULL: the recipe itself). */
const struct key *key_child(const struct key *parent, const char *name);
/* The row for a real path: "guests.debian.memory", "measure.counters.2". NULL: none. */
const struct key *key_match(const char *path);
/* Names of the keys that rows below parent have, NULL-ended; free() the array only. Those of other
 * drivers are left out (driver NULL: all). */
const char **key_children(const struct key *parent, const char *driver);
/* Whether guests of that driver know the key; a driver that is not known yet knows all. */
bool key_fits_driver(const struct key *key, const char *driver);

/* "a whole number from 1 to 1000000": what a value of this key is. */
void key_expected(const struct key *key, struct text *ret);

#endif
