// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/recipe/sets.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "controller/recipe/yaml.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

#define SETS_HEADING "\n# --- set on the command line ---\n"

enum { KEY_DEPTH_MAX = 8 }; /* of --set: the table of keys is 5 deep */

static size_t depth_of(const char *key)
{
	size_t n = 1;
	for (; *key; key++)
		n += *key == '.';
	return n;
}

static struct node *parse_value(const char *value, const char *origin,
				struct complaints *complaints)
{
	struct node *node = NULL;
	if (yaml_parse(value, strlen(value), origin, &node, complaints) < 0)
		return NULL;
	if (!node) { /* nothing, or a comment */
		node = node_new(NODE_SCALAR, (struct place){.origin = origin});
		node->text = xstrdup("");
	}
	return node;
}

static void set_value(struct node *root, const char *key, const char *value, const char *origin,
		      struct complaints *complaints)
{
	struct place place = {.origin = origin};
	struct err err;
	if (depth_of(key) > KEY_DEPTH_MAX) {
		complain(complaints, place, "the key has more than %d parts", KEY_DEPTH_MAX);
		return;
	}
	struct node *node = parse_value(value, origin, complaints);
	if (node && node_set(root, key, node, &err) < 0)
		complain(complaints, place, "%s", err.text);
}

static void apply_one(struct node *root, const char *set, char ***origins,
		      struct complaints *complaints)
{
	size_t size = strcspn(set, "=");
	autofree char *key = xstrndup(set, size);
	autofree char *origin = xasprintf("--set %s", key);
	strv_push(origins, origin);
	const char *kept = (*origins)[strv_count(*origins) - 1];
	if (!set[size])
		complain(complaints, (struct place){.origin = kept},
			 "has no value; write --set KEY=VALUE");
	else if (strchr(set, '\n'))
		complain(complaints, (struct place){.origin = kept}, "must be one line");
	else
		set_value(root, key, set + size + 1, kept, complaints);
}

void sets_apply(struct node *root, const struct recipe_options *options, char ***origins,
		struct complaints *complaints)
{
	char number[24];
	for (char *const *set = options ? options->sets : NULL; set && *set; set++)
		apply_one(root, *set, origins, complaints);
	if (!options || options->runs < 0)
		return;
	strv_push(origins, "--runs");
	snprintf(number, sizeof(number), "%" PRId64, options->runs);
	set_value(root, "runs.iterations", number, (*origins)[strv_count(*origins) - 1],
		  complaints);
}

/* Where the sets of an earlier load begin; the text's end where there are none. */
static const char *find_heading(const char *text)
{
	const char *found = NULL, *next = text;
	while ((next = strstr(next, SETS_HEADING)))
		found = next++;
	return found ? found : text + strlen(text);
}

char *sets_in_text(const char *yaml, size_t size, const struct recipe_options *options)
{
	autofree char *copy = xstrndup(yaml, size);
	autotext struct text text = {0};
	bool any = options && ((options->sets && *options->sets) || options->runs >= 0);
	text_add_bytes(&text, copy, (size_t)(find_heading(copy) - copy));
	if (any)
		text_add(&text, SETS_HEADING);
	for (char *const *set = any ? options->sets : NULL; set && *set; set++)
		text_addf(&text, "# --set %s\n", *set);
	if (any && options->runs >= 0)
		text_addf(&text, "# --set runs.iterations=%" PRId64 "\n", options->runs);
	return text_take(&text);
}
