// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/recipe/refs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "controller/recipe/images.h"
#include "controller/recipe/suggest.h"
#include "proto/base/mem.h"

enum {
	EXPANDED_MAX = 64 << 10, /* of one value: Linux takes no longer argument than twice this */
	SPENT_MAX = 128 << 20,	 /* of all cells: thousands of them with hundreds of values */
	NODE_COST = 128,	 /* about what a node takes, beside its text */
};

static const struct {
	const char *name; /* with its dot */
	unsigned ref;
} spaces[] = {
	{"axis.", REF_AXIS},   {"param.", REF_PARAM}, {"host.", REF_HOST},
	{"image.", REF_IMAGE}, {"run.", REF_RUN},
};

enum piece_kind { PIECE_END, PIECE_TEXT, PIECE_REF, PIECE_BROKEN };

struct piece {
	enum piece_kind kind;
	const char *text; /* PIECE_TEXT, PIECE_BROKEN */
	size_t size;
	unsigned ref;		  /* PIECE_REF */
	char name[2 * NAME_SIZE]; /* what follows the namespace's dot */
};

/* Braces are ordinary characters there, unless they hold a reference. */
static bool braces_are_text(const struct key *key)
{
	return key->type == KEY_PATTERN || !key->refs;
}

static bool read_ref(const char *brace, struct piece *ret)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-./:";
	for (size_t i = 0; i < ARRAY_SIZE(spaces); i++) {
		if (!text_starts(brace + 1, spaces[i].name))
			continue;
		const char *name = brace + 1 + strlen(spaces[i].name);
		size_t size = strspn(name, allowed);
		if (!size || name[size] != '}' || size >= sizeof(ret->name))
			return false;
		*ret = (struct piece){.kind = PIECE_REF, .ref = spaces[i].ref};
		memcpy(ret->name, name, size);
		ret->text = brace;
		ret->size = (size_t)(name + size + 1 - brace);
		return true;
	}
	return false;
}

/* The next piece from *at on; *at moves behind it. */
static struct piece next_piece(const char **at, bool braces_text)
{
	struct piece p = {.kind = PIECE_TEXT, .text = *at, .size = strcspn(*at, "{")};
	if (!**at) {
		p.kind = PIECE_END;
	} else if (p.size) {
		*at += p.size;
	} else if (!braces_text && (*at)[1] == '{') {
		p.size = 1;
		*at += 2;
	} else if (read_ref(*at, &p)) {
		*at += p.size;
	} else {
		const char *end = strchr(*at, '}');
		p.kind = braces_text ? PIECE_TEXT : PIECE_BROKEN;
		p.size = braces_text || !end ? 1 : (size_t)(end + 1 - *at);
		*at += p.size;
	}
	return p;
}

bool refs_in(const struct node *scalar, const struct key *key)
{
	const char *at = scalar->text;
	struct piece p;
	while ((p = next_piece(&at, braces_are_text(key))).kind != PIECE_END)
		if (p.kind == PIECE_REF || p.kind == PIECE_BROKEN)
			return true;
	return false;
}

static const char *space_key(unsigned ref)
{
	return ref == REF_AXIS ? "axes" : ref == REF_PARAM ? "params" : "images";
}

static void unknown_name(const struct node *map, const struct piece *p, const char *name,
			 struct place place, const char *what, struct complaints *complaints)
{
	complain(complaints, place, "%s: {%.*s}: there is no '%s' under %s%s", what,
		 (int)(p->size - 2), p->text + 1, name, space_key(p->ref),
		 suggest_key(name, map, NULL).text);
}

/* "image.NAME.PART" has NAME as its name; the others have no parts. */
static void split_part(struct piece *p, char **ret_part)
{
	char *dot = p->ref == REF_IMAGE ? strchr(p->name, '.') : NULL;
	*ret_part = dot ? dot + 1 : NULL;
	if (dot)
		*dot = '\0';
}

static void check_ref(const struct node *root, struct piece *p, const struct key *key,
		      struct place place, const char *what, struct complaints *complaints)
{
	char *part;
	split_part(p, &part);
	if (!(key->refs & p->ref)) {
		complain(complaints, place, "%s: {%.*s} cannot be used here%s", what,
			 (int)(p->size - 2), p->text + 1,
			 key->refs == REF_PARAM ? ", only {param.NAME} can" : "");
	} else if (p->ref == REF_RUN) {
		if (strcmp(p->name, "iteration") != 0)
			complain(complaints, place,
				 "%s: {run.%s} is unknown; there is {run.iteration}", what,
				 p->name);
	} else if (p->ref != REF_HOST) {
		const struct node *map = node_get(root, space_key(p->ref));
		if (!node_get(map, p->name))
			unknown_name(map, p, p->name, place, what, complaints);
	}
}

void refs_check(const struct node *root, const struct node *scalar, const struct key *key,
		const char *what, struct complaints *complaints)
{
	const char *at = scalar->text;
	struct piece p;
	if (key->refs & REF_RUN && strstr(at, "{" REF_RUN_ITERATION))
		complain(complaints, scalar->place,
			 "%s: a literal {run.iteration} cannot be written", what);
	while ((p = next_piece(&at, braces_are_text(key))).kind != PIECE_END) {
		if (p.kind == PIECE_REF)
			check_ref(root, &p, key, scalar->place, what, complaints);
		else if (p.kind == PIECE_BROKEN)
			complain(complaints, scalar->place,
				 "%s: '%.*s' is no reference; known are {axis.NAME}, {param.NAME}, "
				 "{image.NAME}, {host.FACT} and {run.iteration}, and {{ is a "
				 "literal brace",
				 what, (int)(p.size > 60 ? 60 : p.size), p.text);
	}
}

/* What a reference stands for. */
struct meaning {
	const char *text; /* NULL: not known yet, or wrong */
	char own[sizeof(IMAGE_TOKEN) + HASH_HEX_SIZE];
};

static int resolve_host(const struct scope *scope, const char *fact, struct meaning *ret,
			struct err *err)
{
	if (!scope->host)
		return 0;
	ret->text = host_fact_value(scope->host, fact);
	if (ret->text)
		return 0;
	autofree const char **names = xcalloc(scope->host->n_facts + 1, sizeof(*names));
	for (size_t i = 0; i < scope->host->n_facts; i++)
		names[i] = scope->host->facts[i].name;
	return err_say(err, ENOENT, "host %s has no fact '%s'%s", scope->host->name, fact,
		       suggest(fact, names).text);
}

static int resolve_image(const struct scope *scope, const char *name, const char *part,
			 struct meaning *ret, struct place where, struct complaints *complaints)
{
	strcpy(ret->own, IMAGE_TOKEN);
	ret->text = ret->own;
	if (!scope->images) { /* only its shape is wanted */
		memset(ret->own + strlen(IMAGE_TOKEN), '0', HASH_HEX_SIZE - 1);
		return 0;
	}
	return image_set_use(scope->images, name, part, where, ret->own + strlen(IMAGE_TOKEN),
			     complaints);
}

/* Images complain themselves, at their own place; others leave a sentence in err. */
static int resolve(const struct scope *scope, struct piece *p, const struct key *key,
		   struct meaning *ret, struct place where, struct complaints *complaints,
		   struct err *err)
{
	char *part;
	const struct node *from = NULL;
	split_part(p, &part);
	if (!(key->refs & p->ref))
		return 0; /* said by refs_check() */
	if (p->ref == REF_HOST)
		return resolve_host(scope, p->name, ret, err);
	if (p->ref == REF_IMAGE)
		return resolve_image(scope, p->name, part, ret, where, complaints);
	if (p->ref == REF_RUN)
		ret->text = REF_RUN_ITERATION;
	else if (p->ref == REF_PARAM)
		from = node_get(node_get(scope->root, "params"), p->name);
	else if (scope->point)
		from = node_get(scope->point, p->name);
	if (from && from->kind == NODE_SCALAR)
		ret->text = from->text;
	return 0;
}

/* In a pattern, a value is matched as it is. */
static void add_value(struct text *to, const char *value, const struct key *key)
{
	for (const char *c = value; *c; c++) {
		if (key->type == KEY_PATTERN && strchr("\\^$.[]|()?*+{}#- ", *c))
			text_add(to, "\\");
		text_add_bytes(to, c, 1);
	}
}

/* Adds one piece; false: what it stands for is not known. */
static bool add_piece(struct text *to, const struct key *key, const struct piece *p,
		      const struct meaning *meaning, struct err *err)
{
	if (p->kind != PIECE_REF) {
		text_add_bytes(to, p->text, p->size);
		return true;
	}
	if (!meaning->text)
		return false;
	if (to->size + strlen(meaning->text) <= EXPANDED_MAX)
		add_value(to, meaning->text, key);
	else
		err_say(err, E2BIG, "with what its references stand for it is longer than 64 KiB");
	return !err->code;
}

struct node *refs_expand(struct scope *scope, const struct node *scalar, const struct key *key,
			 const char *what, struct complaints *complaints)
{
	struct node *copy = node_copy(scalar);
	autotext struct text text = {0};
	const char *at = scalar->text;
	struct err err = ERR_NONE;
	struct piece p;
	scope->spent_bytes += NODE_COST + strlen(at);
	if (!refs_in(scalar, key) && (braces_are_text(key) || !strchr(at, '{')))
		return copy;
	while (!copy->unknown && (p = next_piece(&at, braces_are_text(key))).kind != PIECE_END) {
		struct meaning m = {0};
		int r = p.kind == PIECE_REF
				? resolve(scope, &p, key, &m, scalar->place, complaints, &err)
				: 0;
		copy->unknown = r < 0 || !add_piece(&text, key, &p, &m, &err);
	}
	if (err.code)
		complain(complaints, scalar->place, "%s: %s", what, err.text);
	free(copy->text);
	scope->spent_bytes += text.size;
	copy->text = text_take(&text);
	return copy;
}

char *refs_iteration(const char *text, uint32_t iteration)
{
	autotext struct text result = {0};
	const char *found;
	if (!text)
		return NULL;
	while ((found = strstr(text, REF_RUN_ITERATION))) {
		text_add_bytes(&result, text, (size_t)(found - text));
		text_addf(&result, "%u", iteration);
		text = found + strlen(REF_RUN_ITERATION);
	}
	text_add(&result, text);
	return text_take(&result);
}
