// SPDX-License-Identifier: GPL-3.0-or-later
/* lab - a test of this room over every row of store_backends, each with a store of its own that
 * holds the host "epyc" and the campaign CAMPAIGN of 6 runs. */
#ifndef ASSAY_TESTS_STORE_LAB_H
#define ASSAY_TESTS_STORE_LAB_H

#include "tests/controller/store/sample.h"

struct lab {
	struct store *store;
	const struct store_backend *b;
	char *folder; /* removed with all in it */
	struct err err_space;
	struct err *err;
};

static inline int lab_set_up(void **state)
{
	struct lab *lab = xcalloc(1, sizeof(*lab));
	const struct store_backend *b = *state;
	lab->b = b;
	lab->err = &lab->err_space;
	lab->folder = sample_folder();
	autofree char *where = b == &store_memory ? xstrdup("memory:")
						  : xasprintf("%s%s/db", b->scheme, lab->folder);
	struct err *err = lab->err;
	ASSERT_OK(store_open(where, true, &lab->store, lab->err));
	ASSERT_OK(sample_host(lab->store, lab->err));
	ASSERT_OK(sample_create(lab->store, CAMPAIGN, 6, lab->err));
	*state = lab;
	return 0;
}

static inline int lab_tear_down(void **state)
{
	struct lab *lab = *state;
	store_close(lab->store);
	cleanup_sample_folder(&lab->folder);
	free(lab);
	return 0;
}

#define LAB                                     \
	struct lab *lab = *state;               \
	struct store *s = lab->store;           \
	const struct store_backend *b = lab->b; \
	struct err *err = lab->err

struct lab_case {
	const char *name;
	CMUnitTestFunction test;
};

static inline int lab_run(const char *group, const struct lab_case *cases, size_t n_cases)
{
	struct CMUnitTest *tests = NULL;
	size_t n = 0;
	for (size_t i = 0; store_backends[i]; i++)
		for (size_t j = 0; j < n_cases; j++)
			*ARRAY_PUSH(tests, n) = (struct CMUnitTest){
				.name = xasprintf("%s: %s", store_backends[i]->name, cases[j].name),
				.test_func = cases[j].test,
				.setup_func = lab_set_up,
				.teardown_func = lab_tear_down,
				.initial_state = (void *)(uintptr_t)store_backends[i],
			};
	int failed = _cmocka_run_group_tests(group, tests, n, NULL, NULL);
	for (size_t i = 0; i < n; i++)
		free((void *)(uintptr_t)tests[i].name);
	free(tests);
	return failed;
}

#endif
