// SPDX-License-Identifier: GPL-3.0-or-later
/* run_bench - what a run needs around it, real but for the guest: a keeper, a state folder with a
 * spool, and specs of guests that do as they are told. */
#ifndef ASSAY_TESTS_RUN_BENCH_H
#define ASSAY_TESTS_RUN_BENCH_H

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "agent/run.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

struct bench {
	struct keeper *keeper;
	struct host_root root;
	struct spool *spool;
	char folder[40]; /* state */
	char *hash_cache, *spool_path;
	int cancel_fd;
};

static inline int set_up(void **state)
{
	struct bench *b = xcalloc(1, sizeof(*b));
	struct err err = ERR_NONE;
	strcpy(b->folder, "/tmp/assay-run-XXXXXX");
	if (keeper_start("test-run", &b->keeper, &err) < 0 ||
	    host_root_open("/", &b->root, &err) < 0 || !mkdtemp(b->folder))
		return -1;
	b->hash_cache = xasprintf("%s/hashes", b->folder);
	b->spool_path = xasprintf("%s/spool.db", b->folder);
	b->cancel_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*state = b;
	return spool_open(b->spool_path, &b->spool, &err);
}

static inline int tear_down(void **state)
{
	struct bench *b = *state;
	spool_close(b->spool);
	keeper_stop(b->keeper);
	host_root_close(&b->root);
	close(b->cancel_fd);
	file_remove_tree(b->folder, NULL);
	free(b->hash_cache);
	free(b->spool_path);
	free(b);
	return 0;
}

/* command: words, separated by spaces. */
static inline struct run_spec *spec_of(const char *driver, const char *command, unsigned n)
{
	struct run_spec *s = run_spec_new();
	autofree char *all = xstrdup(command);
	char *rest = all, *word;
	STRCPY_FIXED(s->campaign, "01ARZ3NDEKTSV4RRFFQ69G5FAV");
	hash_bytes(&n, sizeof(n), s->run_key);
	s->attempt = 1;
	STRCPY_FIXED(s->guest.name, "g");
	STRCPY_FIXED(s->guest.driver, driver);
	while ((word = strsep(&rest, " ")))
		strv_push(&s->guest.command, word);
	s->timeout_ns = 20 * NSEC_PER_SEC;
	s->quiet.busy_pct = -1;
	return s;
}

static inline const struct reason *reason_of(const struct attempt *a, const char *code)
{
	for (size_t i = 0; i < a->n_reasons; i++)
		if (strcmp(a->reasons[i].code, code) == 0)
			return &a->reasons[i];
	return NULL;
}

/* Entries of a folder, without "." and "..", that begin with `prefix`. */
static inline size_t count_entries(const char *folder, const char *prefix)
{
	size_t n = 0;
	DIR *dir = opendir(folder);
	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));)
		n += e->d_name[0] != '.' && text_starts(e->d_name, prefix);
	closedir(dir);
	return n;
}

#define RUN_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

#endif
