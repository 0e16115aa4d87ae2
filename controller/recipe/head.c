// SPDX-License-Identifier: GPL-3.0-or-later
/* What is the same for all cells, out of a recipe that is in order. */
#include <string.h>

#include "controller/recipe/check.h"
#include "controller/recipe/inside.h"
#include "proto/base/mem.h"

static void fill_checks(struct recipe *recipe)
{
	const struct node *checks = node_get(recipe->fixed, "checks");
	size_t n = checks ? checks->n : 0;
	recipe->checks = xcalloc(n + 1, sizeof(*recipe->checks));
	for (size_t i = 0; i < n; i++) {
		struct check_rule *rule = &recipe->checks[i];
		const struct node *equals = node_get(checks->items[i], "equals");
		STRCPY_FIXED(rule->name, checks->items[i]->key);
		rule->pattern = xstrdup(node_get(checks->items[i], "console")->text);
		rule->equals = equals ? xstrdup(equals->text) : NULL;
	}
	recipe->head.checks = recipe->checks;
	recipe->head.n_checks = n;
}

static void fill_parses(struct recipe *recipe)
{
	const struct node *parse = node_get(recipe->fixed, "parse");
	size_t n = parse ? parse->n : 0;
	recipe->parses = xcalloc(n + 1, sizeof(*recipe->parses));
	for (size_t i = 0; i < n; i++) {
		struct parse_rule *rule = &recipe->parses[i];
		const struct node *p = parse->items[i];
		STRCPY_FIXED(rule->name, p->key);
		STRCPY_FIXED(rule->parser, "regex");
		STRCPY_FIXED(rule->metric, node_get(p, "metric")->text);
		STRCPY_FIXED(rule->unit, node_get(p, "unit")->text);
		STRCPY_FIXED(rule->window,
			     value_text(recipe->fixed, "parse.%s.window", rule->name));
		rule->pattern = xstrdup(node_get(p, "regex")->text);
	}
	recipe->head.parses = recipe->parses;
	recipe->head.n_parses = n;
}

static void fill_axes(struct recipe *recipe)
{
	const struct node *axes = node_get(recipe->root, "axes");
	recipe->axes = xcalloc((axes ? axes->n : 0) + 1, sizeof(*recipe->axes));
	for (size_t i = 0; axes && i < axes->n; i++)
		recipe->axes[i] = axes->items[i]->key;
	recipe->head.axes = recipe->axes;
}

void head_fill(struct recipe *recipe)
{
	const struct node *fixed = recipe->fixed;
	const char *each = value_text(fixed, "hosts.each");
	recipe->head = (struct recipe_head){
		.name = value_text(fixed, "name"),
		.path = recipe->path,
		.text = recipe->text,
		.iterations = (uint32_t)value_whole(fixed, "runs.iterations"),
		.warmup = (uint32_t)value_whole(fixed, "runs.warmup"),
		.order = (enum run_order)value_whole(fixed, "runs.order"),
		.seed = value_whole(fixed, "runs.seed"),
		.retries = (uint32_t)value_whole(fixed, "runs.retries"),
		.compare_axis = value_text(fixed, "compare.axis"),
		.compare_baseline = value_text(fixed, "compare.baseline"),
		.hosts_expression = each ? each : value_text(fixed, "hosts.any"),
		.hosts_each = each,
	};
	fill_checks(recipe);
	fill_parses(recipe);
	fill_axes(recipe);
}
