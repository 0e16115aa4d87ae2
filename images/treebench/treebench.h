// SPDX-License-Identifier: GPL-3.0-or-later
/* treebench - a benchmark of a content-addressed tree store, in the shape of Irmin's.
 *
 * It builds a tree with blobs in every directory of a chain depth levels deep, then commits to its
 * deepest directory ncommits times. The digest of the last commit depends on ncommits, depth and
 * tree_add only, so every guest must print the same one. The code needs no C library, no files and
 * no floating point; a platform gives it memory and a way to print. */
#pragma once

#include <stddef.h>

#include "images/treebench/options.h"

enum treebench_stage {
	TREEBENCH_INIT_BEGIN, /* right after BENCHMARK_START */
	TREEBENCH_RUN_BEGIN,  /* all of the first tree is stored */
	TREEBENCH_RUN_END,    /* all commits are done */
	TREEBENCH_STAGES
};

struct treebench_platform {
	void *arena; /* borrowed for the run */
	size_t arena_len;
	/* Print bytes as they are. ctx is the member below. */
	void (*write)(void *ctx, const char *bytes, size_t len);
	void *ctx;
	void (*reached)(enum treebench_stage stage); /* NULL: nobody wants to know */
};

enum treebench_status {
	TREEBENCH_DONE = 0,
	TREEBENCH_FAILED = 1, /* out of memory, or the store lost something */
	TREEBENCH_USAGE = 2,
};

/* Run and print. What the platform should exit with; other than 0, a sentence was printed. */
enum treebench_status treebench_run(const struct treebench_platform *platform,
				    const struct options *options);

/* The same with parameters from a line of words. */
enum treebench_status treebench_run_line(const struct treebench_platform *platform,
					 const char *line);
