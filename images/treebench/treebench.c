// SPDX-License-Identifier: GPL-3.0-or-later
/* treebench - a benchmark of a content-addressed tree store, in the shape of Irmin's.
 *
 * BENCHMARK_START comes after parameters and arena are in order and right before the first tree is
 * built; BENCHMARK_END is the last line, after the result. Nothing between them depends on the
 * platform but memory and the printing of progress. */
#include "images/treebench/treebench.h"

#include <stdbool.h>

#include "images/treebench/bytes.h"
#include "images/treebench/pool.h"
#include "images/treebench/store.h"
#include "images/treebench/text.h"
#include "images/treebench/tree.h"

struct bench {
	const struct treebench_platform *platform;
	const struct options *options;
	struct pool pool;
	struct store store;
	struct tree *tree;	 /* of the head, when it is in memory; owned */
	struct tree_name *dirs;	 /* "0", "1" ... as many as depth; in the pool */
	struct tree_name *leafs; /* "1", "2" ... as many as tree_add; in the pool */
};

static void print_text(const struct bench *b, const struct text *t)
{
	if (b->options->fault != FAULT_SILENT)
		b->platform->write(b->platform->ctx, t->bytes, t->len);
}

static void print(const struct bench *b, const char *string)
{
	struct text t = {.len = 0};

	text_add(&t, string);
	print_text(b, &t);
}

static void print_marker(const struct bench *b, const char *line)
{
	if (b->options->markers)
		print(b, line);
}

static void reach(const struct bench *b, enum treebench_stage stage)
{
	if (b->platform->reached)
		b->platform->reached(stage);
}

static void name_number(struct tree_name *name, uint32_t number)
{
	struct text t = {.len = 0};

	text_add_uint(&t, number, 0);
	name->len = (uint8_t)t.len;
	bytes_copy(name->bytes, t.bytes, t.len);
}

static struct tree_name *names_new(struct bench *b, uint32_t first, uint32_t count)
{
	struct tree_name *names = pool_alloc(&b->pool, count * sizeof(*names));

	for (uint32_t i = 0; names && i < count; i++)
		name_number(&names[i], first + i);
	return names;
}

static enum store_error prepare(struct bench *b)
{
	pool_init(&b->pool, b->platform->arena, b->platform->arena_len);
	b->tree = NULL;
	b->dirs = names_new(b, 0, b->options->depth);
	b->leafs = names_new(b, 1, b->options->tree_add);
	if (!b->dirs || !b->leafs)
		return STORE_NO_MEMORY;
	return store_init(&b->store, &b->pool);
}

/* Set tree_add blobs at that depth. */
static enum store_error add_blobs(struct bench *b, uint32_t depth, const struct tree_name *content)
{
	enum store_error error = STORE_OK;

	for (uint32_t n = 0; error == STORE_OK && n < b->options->tree_add; n++)
		error = tree_add(&b->store, b->tree, b->dirs, depth, &b->leafs[n], content->bytes,
				 content->len);
	return error;
}

/* Store the tree in memory and make it the head. */
static enum store_error commit(struct bench *b)
{
	enum store_error error = tree_store(&b->store, b->tree);

	if (error != STORE_OK)
		return error;
	return store_commit(&b->store, &b->tree->digest, "author", "commit message");
}

static void clear_tree(struct bench *b)
{
	tree_free(&b->store, b->tree);
	b->tree = NULL;
}

static enum store_error initial_commit(struct bench *b)
{
	static const struct tree_name content = {.len = 4, .bytes = "init"};
	enum store_error error;

	b->tree = tree_new(&b->store);
	if (!b->tree)
		return STORE_NO_MEMORY;
	for (uint32_t depth = 1; depth <= b->options->depth; depth++) {
		error = add_blobs(b, depth, &content);
		if (error != STORE_OK)
			return error;
	}
	error = commit(b);
	clear_tree(b);
	return error;
}

static enum store_error one_commit(struct bench *b, uint32_t i)
{
	enum store_error error = STORE_OK;
	struct tree_name content;
	struct digest root;

	if (!b->tree) {
		error = store_head_tree(&b->store, &root);
		if (error == STORE_OK)
			error = tree_load(&b->store, &root, &b->tree);
	}
	if (error != STORE_OK)
		return error;
	name_number(&content, i);
	error = add_blobs(b, b->options->depth, &content);
	if (error == STORE_OK)
		error = commit(b);
	if (b->options->clear)
		clear_tree(b);
	return error;
}

static void print_progress(const struct bench *b, uint32_t i)
{
	struct text t = {.len = 0};

	text_add(&t, "\rcommits: ");
	text_add_uint(&t, i, 4);
	text_add(&t, "/");
	text_add_uint(&t, b->options->ncommits, 0);
	print_text(b, &t);
}

static bool every(uint32_t i, uint32_t period)
{
	return period && i % period == 0;
}

static enum store_error all_commits(struct bench *b)
{
	const struct options *o = b->options;
	enum store_error error = STORE_OK;

	for (uint32_t i = 1; error == STORE_OK && i <= o->ncommits; i++) {
		if (every(i, o->gc))
			error = store_collect(&b->store);
		if (every(i, o->display))
			print_progress(b, i);
		if (error == STORE_OK)
			error = one_commit(b, i);
	}
	if (o->display && o->display <= o->ncommits)
		print(b, "\n"); /* the progress has not ended its line */
	return error;
}

static void print_result(const struct bench *b)
{
	struct digest head = b->store.head;
	struct text t = {.len = 0};

	if (b->options->fault == FAULT_WRONG)
		head.bytes[0] ^= 0xff;
	text_add(&t, "treebench: result ");
	text_add_hex(&t, head.bytes, sizeof(head.bytes));
	text_add(&t, "\n");
	print_text(b, &t);
}

static void spam(const struct bench *b)
{
	for (uint64_t i = 0;; i++) {
		struct text t = {.len = 0};

		text_add(&t, "treebench: fault injection, line ");
		text_add_uint(&t, i, 0);
		text_add(&t, "\n");
		print_text(b, &t);
	}
}

/* Comes back only when there is no such fault to inject here. */
static void inject_fault(const struct bench *b)
{
	volatile uint32_t *nothing = NULL;

	switch (b->options->fault) {
	case FAULT_HANG:
		for (volatile uint32_t spin = 0;; spin = spin + 1)
			;
	case FAULT_CRASH:
		__builtin_trap();
	case FAULT_NULL:
		__asm__ volatile("" : "+r"(nothing)); /* or the compiler would know, and trap */
		*nothing = 0;
		break;
	case FAULT_SPAM:
		spam(b);
		break;
	case FAULT_NONE:
	case FAULT_WRONG:
	case FAULT_SILENT:
		break;
	}
}

static enum treebench_status give_up(const struct bench *b, enum store_error error)
{
	struct text t = {.len = 0};

	if (error == STORE_NO_MEMORY) {
		text_add(&t, "treebench: out of memory: the arena of ");
		text_add_uint(&t, b->platform->arena_len, 0);
		text_add(&t, " bytes is too small for these parameters\n");
	} else {
		text_add(&t, "treebench: an object is missing from the store\n");
	}
	print_text(b, &t);
	return TREEBENCH_FAILED;
}

enum treebench_status treebench_run(const struct treebench_platform *platform,
				    const struct options *options)
{
	struct bench b = {.platform = platform, .options = options};
	enum store_error error = prepare(&b);

	if (error != STORE_OK)
		return give_up(&b, error);
	print_marker(&b, "BENCHMARK_START\n");
	reach(&b, TREEBENCH_INIT_BEGIN);
	inject_fault(&b);
	error = initial_commit(&b);
	if (error != STORE_OK)
		return give_up(&b, error);
	print(&b, "[init done]\n");
	reach(&b, TREEBENCH_RUN_BEGIN);
	error = all_commits(&b);
	if (error != STORE_OK)
		return give_up(&b, error);
	reach(&b, TREEBENCH_RUN_END);
	print(&b, "[run done]\n");
	print_result(&b);
	print_marker(&b, "BENCHMARK_END\n");
	return TREEBENCH_DONE;
}

enum treebench_status treebench_run_line(const struct treebench_platform *platform,
					 const char *line)
{
	struct options options = options_default;
	struct text why = {.len = 0};

	if (options_line(&options, line, &why) < 0) {
		platform->write(platform->ctx, why.bytes, why.len);
		return TREEBENCH_USAGE;
	}
	return treebench_run(platform, &options);
}
