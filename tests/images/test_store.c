// SPDX-License-Identifier: GPL-3.0-or-later
/* test_store - below the benchmark: SHA-256, memory, objects and trees. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "images/treebench/pool.h"
#include "images/treebench/sha256.h"
#include "images/treebench/store.h"
#include "images/treebench/text.h"
#include "images/treebench/tree.h"

#define MIB	     ((size_t)1 << 20)
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void assert_digest(const struct digest *d, const char *hex, const char *why)
{
	struct text t = {.len = 0};

	text_add_hex(&t, d->bytes, sizeof(d->bytes));
	text_add_bytes(&t, "", 1);
	if (strcmp(t.bytes, hex) != 0)
		fail_msg("%s: %s instead of %s", why, t.bytes, hex);
}

static void sha256_agrees_with_nist(void **state)
{
	static const struct {
		const char *message;
		const char *digest;
		const char *why;
	} cases[] = {
		{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		 "CAVP SHA256ShortMsg, Len = 0"},
		{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
		 "FIPS 180-2, B.1: one block"},
		{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
		 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
		 "FIPS 180-2, B.2: the length needs a block of its own"},
		{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
		 "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
		 "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1",
		 "NIST example: 896 bits"},
	};
	struct digest d;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		sha256_of(cases[i].message, strlen(cases[i].message), &d);
		assert_digest(&d, cases[i].digest, cases[i].why);
	}
}

static void sha256_takes_pieces_of_any_length(void **state)
{
	static const char a[997] = {[0 ... 996] = 'a'};
	struct sha256 s;
	struct digest d;
	size_t left = 1000000;

	(void)state;
	sha256_init(&s);
	for (size_t n = 1; left > 0; n = (n * 7 + 3) % sizeof(a)) {
		size_t len = n < left ? n : left;

		sha256_feed(&s, a, len);
		left -= len;
	}
	sha256_finish(&s, &d);
	assert_digest(&d, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
		      "FIPS 180-2, B.3: a million times 'a'");
}

static void pool_reuses_what_was_freed(void **state)
{
	void *arena = malloc(MIB);
	struct pool p;
	size_t used;

	(void)state;
	pool_init(&p, arena, MIB);
	for (size_t size = 0; size < 5000; size += 7) {
		void *block = pool_alloc(&p, size);

		assert_non_null(block);
		assert_int_equal((uintptr_t)block % 16, 0);
		memset(block, 0xa5, size);
		used = p.used_bytes;
		pool_free(&p, block, size);
		assert_ptr_equal(pool_alloc(&p, size), block);
		assert_int_equal(p.used_bytes, used);
		pool_free(&p, block, size);
		assert_true(used >= size && used <= 16 + size + size / 4);
	}
	assert_int_equal(p.used_bytes, 0);
	assert_null(pool_alloc(&p, MIB + 1));
	assert_null(pool_alloc(&p, SIZE_MAX));
	free(arena);
}

/* A store in memory of its own. */
struct fixture {
	struct pool pool;
	struct store store;
	void *arena; /* owned */
};

static int make_store(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->arena = malloc(4 * MIB);
	pool_init(&f->pool, f->arena, 4 * MIB);
	*state = f;
	return store_init(&f->store, &f->pool);
}

static int free_store(void **state)
{
	struct fixture *f = *state;

	free(f->arena);
	free(f);
	return 0;
}

static struct tree_name name(const char *string)
{
	struct tree_name n = {.len = (uint8_t)strlen(string)};

	memcpy(n.bytes, string, n.len);
	return n;
}

/* Set dir/leaf in the tree. */
static void add(struct fixture *f, struct tree *t, const char *dir, const char *leaf,
		const char *content)
{
	const struct tree_name d = name(dir), l = name(leaf);

	assert_int_equal(tree_add(&f->store, t, &d, 1, &l, content, (uint32_t)strlen(content)),
			 STORE_OK);
}

static void assert_content(struct fixture *f, struct tree *t, const char *dir, const char *leaf,
			   const char *content)
{
	const struct tree_name d = name(dir), l = name(leaf);
	const struct object *o = tree_find(&f->store, t, &d, 1, &l);

	if (!content) {
		assert_null(o);
		return;
	}
	assert_non_null(o);
	assert_int_equal(o->len, 1 + strlen(content));
	assert_memory_equal(o->bytes + 1, content, strlen(content));
}

static void same_content_is_the_same_object(void **state)
{
	struct fixture *f = *state;
	struct digest digests[2];
	uint32_t objects[2];

	for (int i = 0; i < 2; i++) {
		struct tree *t = tree_new(&f->store);
		const char *first = i ? "b" : "a", *second = i ? "a" : "b";

		add(f, t, first, "1", "x"); /* in one order, then in the other */
		add(f, t, second, "1", "x");
		assert_int_equal(tree_store(&f->store, t), STORE_OK);
		digests[i] = t->digest;
		objects[i] = f->store.object_count;
		tree_free(&f->store, t);
	}
	assert_true(digest_equal(&digests[0], &digests[1]));
	assert_int_equal(objects[0], 3); /* the blob, one directory twice, the root */
	assert_int_equal(objects[1], 3);
}

static void trees_come_back_from_the_store(void **state)
{
	struct fixture *f = *state;
	struct tree *t = tree_new(&f->store);
	struct tree *again;
	struct digest root;

	add(f, t, "a", "1", "one");
	add(f, t, "a", "10", "ten");
	add(f, t, "a", "2", "two");
	add(f, t, "b", "1", "");
	assert_content(f, t, "a", "10", "ten"); /* before it is hashed */
	assert_int_equal(tree_store(&f->store, t), STORE_OK);
	root = t->digest;
	tree_free(&f->store, t);

	assert_int_equal(tree_load(&f->store, &root, &again), STORE_OK);
	assert_content(f, again, "a", "1", "one");
	assert_content(f, again, "a", "10", "ten");
	assert_content(f, again, "a", "2", "two");
	assert_content(f, again, "b", "1", "");
	assert_content(f, again, "b", "2", NULL);
	assert_content(f, again, "c", "1", NULL);
	assert_int_equal(tree_store(&f->store, again), STORE_OK);
	assert_true(digest_equal(&again->digest, &root));
	tree_free(&f->store, again);
}

static void a_directory_takes_the_place_of_a_blob(void **state)
{
	struct fixture *f = *state;
	struct tree *t = tree_new(&f->store);
	const struct tree_name leaf = name("a");

	assert_int_equal(tree_add(&f->store, t, NULL, 0, &leaf, "blob", 4), STORE_OK);
	assert_non_null(tree_find(&f->store, t, NULL, 0, &leaf));
	add(f, t, "a", "1", "below");
	assert_null(tree_find(&f->store, t, NULL, 0, &leaf));
	assert_content(f, t, "a", "1", "below");
	tree_free(&f->store, t);
}

static void only_what_changed_is_stored(void **state)
{
	struct fixture *f = *state;
	struct tree *t = tree_new(&f->store);
	uint32_t before;

	add(f, t, "a", "1", "one");
	add(f, t, "b", "1", "two");
	assert_int_equal(tree_store(&f->store, t), STORE_OK);
	before = f->store.object_count;
	add(f, t, "b", "1", "three");
	assert_int_equal(tree_store(&f->store, t), STORE_OK);
	assert_int_equal(f->store.object_count, before + 3); /* the blob, b and the root */
	assert_int_equal(tree_store(&f->store, t), STORE_OK);
	assert_int_equal(f->store.object_count, before + 3);
	tree_free(&f->store, t);
}

static void commit_number(struct fixture *f, struct tree *t, int i)
{
	const char content[] = {(char)('0' + i), '\0'};

	add(f, t, "changing", "1", content);
	assert_int_equal(tree_store(&f->store, t), STORE_OK);
	assert_int_equal(store_commit(&f->store, &t->digest, "author", "message"), STORE_OK);
}

static void collecting_keeps_the_head_and_no_more(void **state)
{
	struct fixture *f = *state;
	struct tree *t = tree_new(&f->store);
	struct digest first, head, root;

	add(f, t, "staying", "1", "for ever");
	for (int i = 0; i < 5; i++) {
		commit_number(f, t, i);
		if (i == 0)
			first = f->store.head;
	}
	tree_free(&f->store, t);
	head = f->store.head;
	assert_non_null(store_find(&f->store, &first, OBJECT_COMMIT));

	assert_int_equal(store_collect(&f->store), STORE_OK);
	assert_true(digest_equal(&f->store.head, &head));
	assert_null(store_find(&f->store, &first, OBJECT_COMMIT));
	assert_int_equal(f->store.object_count, 6); /* commit, root, two directories, two blobs */
	assert_int_equal(store_head_tree(&f->store, &root), STORE_OK);
	assert_int_equal(tree_load(&f->store, &root, &t), STORE_OK);
	assert_content(f, t, "staying", "1", "for ever");
	assert_content(f, t, "changing", "1", "4");
	tree_free(&f->store, t);
	assert_int_equal(store_collect(&f->store), STORE_OK); /* marks were cleared */
	assert_int_equal(f->store.object_count, 6);
}

static void missing_objects_are_noticed(void **state)
{
	struct fixture *f = *state;
	const struct digest nothing = {{0}};
	struct digest root;
	struct tree *t;

	assert_int_equal(store_head_tree(&f->store, &root), STORE_MISSING);
	assert_int_equal(store_collect(&f->store), STORE_MISSING);
	assert_int_equal(tree_load(&f->store, &nothing, &t), STORE_MISSING);
	assert_int_equal(store_commit(&f->store, &nothing, "a", "m"), STORE_OK);
	assert_int_equal(store_collect(&f->store), STORE_MISSING);
	assert_null(store_find(&f->store, &f->store.head, OBJECT_NODE)); /* of another kind */
}

#define WITH_STORE(test) cmocka_unit_test_setup_teardown(test, make_store, free_store)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256_agrees_with_nist),
		cmocka_unit_test(sha256_takes_pieces_of_any_length),
		cmocka_unit_test(pool_reuses_what_was_freed),
		WITH_STORE(same_content_is_the_same_object),
		WITH_STORE(trees_come_back_from_the_store),
		WITH_STORE(a_directory_takes_the_place_of_a_blob),
		WITH_STORE(only_what_changed_is_stored),
		WITH_STORE(collecting_keeps_the_head_and_no_more),
		WITH_STORE(missing_objects_are_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
