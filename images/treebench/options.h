// SPDX-License-Identifier: GPL-3.0-or-later
/* options - the parameters of a run, as words "key=value" or "treebench.key=value".
 *
 * The prefix lets one command line serve this program in every guest: Linux keeps words with a dot
 * for others, and the init of the Debian image picks out those that begin with "treebench.". */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct text;

/* What to do wrong on purpose, to test whoever runs us. All but wrong, silent and none act right
 * after BENCHMARK_START. */
enum options_fault {
	FAULT_NONE,
	FAULT_HANG,   /* compute for ever */
	FAULT_CRASH,  /* an illegal instruction */
	FAULT_NULL,   /* a write through a null pointer */
	FAULT_WRONG,  /* end well with a wrong result */
	FAULT_SPAM,   /* print lines for ever */
	FAULT_SILENT, /* end well without printing anything */
};

struct options {
	uint32_t ncommits; /* commits after the initial one */
	uint32_t depth;	   /* directories above the deepest blobs */
	uint32_t tree_add; /* blobs in each directory, and set by each commit */
	uint32_t display;  /* commits from one line of progress to the next, 0 for none */
	uint32_t clear;	   /* 1: forget the tree in memory after each commit */
	uint32_t gc;	   /* commits from one collection to the next, 0 for never */
	uint32_t markers;  /* 1: print BENCHMARK_START and BENCHMARK_END */
	enum options_fault fault;
};

extern const struct options options_default;

/* Take one word. 0, or -1 with a sentence in *why and *o unchanged. */
int options_word(struct options *o, const char *word, size_t len, struct text *why);

/* Take the words of a line, separated by white space. 0, or -1 as above at the first wrong word. */
int options_line(struct options *o, const char *line, struct text *why);
