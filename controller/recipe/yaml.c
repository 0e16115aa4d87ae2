// SPDX-License-Identifier: GPL-3.0-or-later
/* libfyaml's events become nodes here. Its own documents are not used: the events come one by one,
 * so that depth, number and size are bounded before anything is built. */
#include "controller/recipe/yaml.h"

#include <errno.h>
#include <libfyaml.h>
#include <string.h>

#include "controller/recipe/plaintext.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

struct anchor {
	char *name; /* owned */
	const struct node *node;
};

struct builder {
	struct complaints *complaints;
	const char *origin;
	struct node *root;		       /* owned */
	struct node *open[YAML_DEPTH_MAX + 1]; /* the collections that are not at their end */
	size_t depth;
	char *key; /* of the value that comes next in a map; owned */
	struct place key_place;
	struct anchor *anchors; /* owned */
	size_t n_anchors;
	size_t n_nodes;
	size_t n_bytes;
	size_t n_documents;
};

static void builder_done(struct builder *b)
{
	for (size_t i = 0; i < b->n_anchors; i++)
		free(b->anchors[i].name);
	free(b->anchors);
	free(b->key);
	node_free(b->root);
}

/* libfyaml's marks of quoted text and of aliases are behind the quote or star. */
static bool mark_is_late(struct fy_event *event)
{
	struct fy_token *token = fy_event_get_token(event);
	enum fy_scalar_style style = FYSS_ANY;
	if (event->type == FYET_SCALAR && token)
		style = fy_token_scalar_style(token);
	return event->type == FYET_ALIAS || style == FYSS_SINGLE_QUOTED ||
	       style == FYSS_DOUBLE_QUOTED;
}

static struct place place_of(const struct builder *b, struct fy_event *event)
{
	const struct fy_mark *mark = fy_event_start_mark(event);
	struct place p = {.origin = b->origin};
	if (mark && mark->line >= 0) {
		bool late = mark->column > 0 && mark_is_late(event);
		p.line = (uint32_t)mark->line + 1;
		p.column = (uint32_t)mark->column + 1 - late;
	} else if (b->key) {
		p.line = b->key_place.line; /* a value that was left out stands at its key */
		p.column = b->key_place.column;
	} else {
		p.line = p.column = 1;
	}
	return p;
}

static char *token_text(struct fy_token *token)
{
	size_t size = 0;
	const char *text = token ? fy_token_get_text(token, &size) : NULL;
	return text ? xstrndup(text, size) : xstrdup("");
}

static int refuse(struct builder *b, struct place place, const char *why)
{
	complain(b->complaints, place, "%s", why);
	return -EINVAL;
}

/* Counts what a node costs, before it is kept. */
static int afford(struct builder *b, struct place place, size_t nodes, size_t bytes)
{
	b->n_nodes += nodes;
	b->n_bytes += bytes;
	if (b->n_nodes > YAML_NODES_MAX || b->n_bytes > YAML_COPIED_BYTES_MAX)
		return refuse(b, place,
			      "the recipe is too large: more than 8192 values or 4 MiB of text, "
			      "aliases counted as often as they are used");
	return 0;
}

static struct node *innermost(const struct builder *b)
{
	return b->depth ? b->open[b->depth - 1] : NULL;
}

/* A scalar where a map expects a key. */
static int keep_key(struct builder *b, struct fy_event *event)
{
	struct place place = place_of(b, event);
	autofree char *key = token_text(fy_event_get_token(event));
	const struct node *twin = node_get(innermost(b), key);
	if (!*key)
		return refuse(b, place, "found a value without a key");
	if (twin && twin->key_place.line)
		complain(b->complaints, place, "the key '%.100s' is there twice; first on line %u",
			 key, twin->key_place.line);
	b->key = take(key);
	b->key_place = place;
	return afford(b, place, 0, strlen(b->key));
}

static bool wants_key(const struct builder *b)
{
	const struct node *parent = innermost(b);
	return parent && parent->kind == NODE_MAP && !b->key;
}

static int remember_anchor(struct builder *b, struct fy_event *event, const struct node *node)
{
	struct fy_token *token = fy_event_get_anchor_token(event);
	if (!token)
		return 0;
	if (b->n_anchors == YAML_ANCHORS_MAX)
		return refuse(b, node->place, "more than 128 anchors (&...) are too many");
	struct anchor *a = ARRAY_PUSH(b->anchors, b->n_anchors);
	a->name = token_text(token);
	a->node = node;
	return 0;
}

static void attach(struct builder *b, struct node *node)
{
	struct node *parent = innermost(b);
	if (!parent)
		b->root = node;
	else
		node_add(parent, b->key, b->key_place, node);
	free(take(b->key));
}

static int refuse_tag(struct builder *b, struct fy_event *event)
{
	if (!fy_event_get_tag_token(event))
		return 0;
	return refuse(b, place_of(b, event),
		      "found a YAML tag (!...); recipes have none: each key knows its type");
}

static int add_scalar(struct builder *b, struct fy_event *event)
{
	struct fy_token *token = fy_event_get_token(event);
	if (wants_key(b))
		return keep_key(b, event);
	autonode struct node *node = node_new(NODE_SCALAR, place_of(b, event));
	node->text = token_text(token);
	node->quoted = token && fy_token_scalar_style(token) != FYSS_PLAIN;
	if (refuse_tag(b, event) < 0 || afford(b, node->place, 1, strlen(node->text)) < 0 ||
	    remember_anchor(b, event, node) < 0)
		return -EINVAL;
	attach(b, take(node));
	return 0;
}

static int open_collection(struct builder *b, struct fy_event *event, enum node_kind kind)
{
	struct place place = place_of(b, event);
	if (wants_key(b))
		return refuse(b, place, "found a list or map where a key belongs");
	if (b->depth >= YAML_DEPTH_MAX)
		return refuse(b, place, "lists and maps are nested more than 24 deep");
	if (refuse_tag(b, event) < 0 || afford(b, place, 1, 0) < 0)
		return -EINVAL;
	autonode struct node *node = node_new(kind, place);
	if (remember_anchor(b, event, node) < 0)
		return -EINVAL;
	b->open[b->depth] = node;
	attach(b, take(node));
	b->depth++;
	return 0;
}

static void measure(const struct node *node, size_t *nodes, size_t *bytes)
{
	++*nodes;
	*bytes += node->text ? strlen(node->text) : 0;
	*bytes += node->key ? strlen(node->key) : 0;
	for (size_t i = 0; i < node->n; i++)
		measure(node->items[i], nodes, bytes);
}

static size_t height(const struct node *node)
{
	size_t highest = 0;
	for (size_t i = 0; i < node->n; i++) {
		size_t h = height(node->items[i]);
		highest = h > highest ? h : highest;
	}
	return highest + (node->kind != NODE_SCALAR);
}

static bool is_open(const struct builder *b, const struct node *node)
{
	for (size_t i = 0; i < b->depth; i++)
		if (b->open[i] == node)
			return true;
	return false;
}

static int add_alias(struct builder *b, struct fy_event *event)
{
	struct place place = place_of(b, event);
	autofree char *name = token_text(fy_event_get_token(event));
	const struct node *target = NULL;
	size_t nodes = 0, bytes = 0;
	if (wants_key(b))
		return refuse(b, place, "found an alias (*...) where a key belongs");
	for (size_t i = b->n_anchors; i > 0 && !target; i--)
		if (strcmp(b->anchors[i - 1].name, name) == 0)
			target = b->anchors[i - 1].node;
	if (!target || is_open(b, target)) {
		complain(b->complaints, place,
			 target ? "the alias *%.100s is part of what it stands for"
				: "there is no anchor &%.100s before this alias",
			 name);
		return -EINVAL;
	}
	measure(target, &nodes, &bytes);
	if (b->depth + height(target) > YAML_DEPTH_MAX)
		return refuse(b, place, "lists and maps are nested more than 24 deep");
	if (afford(b, place, nodes, bytes) < 0)
		return -EINVAL;
	attach(b, node_copy(target));
	return 0;
}

static int close_collection(struct builder *b)
{
	b->depth--;
	return 0;
}

static int open_document(struct builder *b, struct fy_event *event)
{
	if (++b->n_documents > 1)
		return refuse(b, place_of(b, event),
			      "a second document begins here; a recipe is one");
	return 0;
}

static int take_event(struct builder *b, struct fy_event *event)
{
	switch (event->type) {
	case FYET_DOCUMENT_START:
		return open_document(b, event);
	case FYET_SCALAR:
		return add_scalar(b, event);
	case FYET_ALIAS:
		return add_alias(b, event);
	case FYET_MAPPING_START:
		return open_collection(b, event, NODE_MAP);
	case FYET_SEQUENCE_START:
		return open_collection(b, event, NODE_LIST);
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		return close_collection(b);
	default:
		return 0;
	}
}

/* libfyaml insists on somewhere to print; what it says is collected as well, and read there. */
static void print_nothing(struct fy_diag *diag, void *user, const char *text, size_t size)
{
	(void)diag;
	(void)user;
	(void)text;
	(void)size;
}

static struct fy_diag *make_diag(void)
{
	struct fy_diag_cfg cfg;
	fy_diag_cfg_default(&cfg);
	cfg.fp = NULL;
	cfg.output_fn = print_nothing;
	cfg.colorize = false;
	struct fy_diag *diag = fy_diag_create(&cfg);
	if (diag)
		fy_diag_set_collect_errors(diag, true);
	return diag;
}

/* What the parser did not like. Only the first is about the recipe, the rest about the first. */
static int report_syntax(struct builder *b, struct fy_diag *diag)
{
	void *previous = NULL;
	const struct fy_diag_error *e = fy_diag_errors_iterate(diag, &previous);
	struct place place = {.line = 1, .column = 1, .origin = b->origin};
	if (e && e->line > 0) {
		place.line = (uint32_t)e->line;
		place.column = e->column > 0 ? (uint32_t)e->column : 1;
	}
	const char *why = e && e->msg ? e->msg : "the parser gives no reason";
	const struct node *open = innermost(b);
	if (open && strstr(why, "without a closing"))
		complain(b->complaints, place, "not YAML: %.300s; it was opened at %u:%u", why,
			 open->place.line, open->place.column);
	else
		complain(b->complaints, place, "not YAML: %.300s", why);
	return -EINVAL;
}

static int parse_events(struct builder *b, struct fy_parser *parser, struct fy_diag *diag)
{
	struct fy_event *event;
	int r = 0;
	while (r == 0 && (event = fy_parser_parse(parser))) {
		r = take_event(b, event);
		fy_parser_event_free(parser, event);
	}
	if (r == 0 && fy_parser_get_stream_error(parser))
		return report_syntax(b, diag);
	return r;
}

static int build(struct builder *b, const char *bytes, size_t size)
{
	struct fy_diag *diag = make_diag();
	struct fy_parse_cfg cfg = {
		.flags = FYPCF_QUIET | FYPCF_JSON_NONE | FYPCF_DEFAULT_VERSION_1_2,
		.diag = diag,
	};
	struct fy_parser *parser = diag ? fy_parser_create(&cfg) : NULL;
	int r = -EINVAL;
	if (!parser || fy_parser_set_string(parser, bytes, size) < 0)
		complain(b->complaints, (struct place){.origin = b->origin},
			 "the YAML parser could not start");
	else
		r = parse_events(b, parser, diag);
	fy_parser_destroy(parser);
	fy_diag_destroy(diag);
	return r;
}

int yaml_parse(const char *bytes, size_t size, const char *origin, struct node **ret,
	       struct complaints *complaints)
{
	struct builder b = {.complaints = complaints, .origin = origin};
	int r = plain_text(bytes, size, origin, complaints);
	if (r == 0 && size)
		r = build(&b, bytes, size);
	if (r == 0)
		*ret = take(b.root);
	builder_done(&b);
	return r;
}
