// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/recipe/recipe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "controller/recipe/check.h"
#include "controller/recipe/expr.h"
#include "controller/recipe/inside.h"
#include "controller/recipe/sets.h"
#include "controller/recipe/yaml.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

void recipe_free(struct recipe *recipe)
{
	if (!recipe)
		return;
	for (size_t i = 0; i < recipe->head.n_checks; i++) {
		free(recipe->checks[i].pattern);
		free(recipe->checks[i].equals);
	}
	for (size_t i = 0; i < recipe->head.n_parses; i++)
		free(recipe->parses[i].pattern);
	free(recipe->checks);
	free(recipe->parses);
	free(recipe->axes);
	points_done(&recipe->points);
	node_free(recipe->fixed);
	node_free(recipe->root);
	strv_free(recipe->origins);
	free(recipe->text);
	free(recipe->images);
	free(recipe->folder);
	free(recipe->path);
	free(recipe);
}

/* "recipes" of "recipes/x.yaml", "." of "x.yaml"; owned by the caller. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return xstrdup(".");
	return slash == path ? xstrdup("/") : xstrndup(path, (size_t)(slash - path));
}

static struct recipe *recipe_new(const char *name, const char *yaml, size_t size,
				 const struct recipe_options *options)
{
	struct recipe *r = xcalloc(1, sizeof(*r));
	r->path = xstrdup(name);
	r->folder = folder_of(name);
	r->images = xstrdup(options ? options->images : NULL);
	r->text = sets_in_text(yaml, size, options);
	return r;
}

/* The tree that is checked: what was read, and what was set. Absent where nothing could be read. */
static void read_tree(struct recipe *r, const char *yaml, size_t size,
		      const struct recipe_options *options, struct complaints *complaints)
{
	struct place begin = {.line = 1, .column = 1};
	char found[80];
	if (yaml_parse(yaml, size, NULL, &r->root, complaints) < 0)
		return;
	if (!r->root) {
		complain(complaints, begin,
			 "the recipe is empty; recipes/process.yaml is a small one to begin with");
		return;
	}
	if (r->root->kind != NODE_MAP) {
		node_describe(r->root, found, sizeof(found));
		complain(complaints, r->root->place,
			 "found %s, expected a map of keys such as 'assay: 1'", found);
		node_free(take(r->root));
		return;
	}
	sets_apply(r->root, options, &r->origins, complaints);
}

static void check_all(struct recipe *r, struct complaints *complaints)
{
	check_written(r->root, complaints);
	check_rules(r->root, complaints);
	r->fixed = cell_fixed(r, complaints);
	if (points_make(r->root, &r->points, complaints) == 0)
		cell_try_all(r, complaints);
}

int recipe_parse(const char *name, const char *yaml, size_t size,
		 const struct recipe_options *options, struct recipe **ret,
		 struct recipe_errors *errors)
{
	autocomplaints struct complaints complaints = {0};
	struct recipe *r = recipe_new(name, yaml, size, options);
	read_tree(r, yaml, size, options, &complaints);
	if (r->root)
		check_all(r, &complaints);
	if (complaints.n || !r->root || !r->points.n) {
		complaints_report(&complaints, name, errors);
		recipe_free(r);
		return -EINVAL;
	}
	head_fill(r);
	*ret = r;
	return 0;
}

int recipe_load(const char *path, const struct recipe_options *options, struct recipe **ret,
		struct recipe_errors *errors)
{
	autofree char *yaml = NULL;
	size_t size;
	struct err err;
	if (file_read(path, YAML_BYTES_MAX, &yaml, &size, &err) == 0)
		return recipe_parse(path, yaml, size, options, ret, errors);
	struct recipe_error *e = ARRAY_PUSH(errors->items, errors->n);
	STRCPY_FIXED(e->where, path);
	STRCPY_FIXED(e->text, err.text);
	return -EINVAL;
}

const struct recipe_head *recipe_head(const struct recipe *recipe)
{
	return &recipe->head;
}

void recipe_where(const struct recipe *recipe, const char *key, char *ret, size_t size)
{
	autofree char *path = xstrdup(key);
	const struct node *node = node_find(recipe->root, path);
	char *dot;
	while (!node && (dot = strrchr(path, '.'))) {
		*dot = '\0';
		node = node_find(recipe->root, path);
	}
	if (!node)
		node = recipe->root;
	place_format(recipe->path,
		     node->key && node->kind != NODE_SCALAR ? node->key_place : node->place, ret,
		     size);
}

int recipe_hosts_match(const struct recipe *recipe, const struct host_info *host, struct err *err)
{
	if (!recipe->head.hosts_expression)
		return 0;
	int r = expr_match(recipe->head.hosts_expression, host, err);
	if (r < 0)
		err_wrap(err, "host %s is not one that the recipe asks for", host->name);
	return r;
}
