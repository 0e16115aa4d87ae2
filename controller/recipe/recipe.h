// SPDX-License-Identifier: GPL-3.0-or-later
/* recipe - a YAML file that says what to compare, where, how often and what to measure.
 *
 * Three steps: load (text to a tree that remembers file, line and column), check (every key
 * against the table in keys.c; all errors at once), matrix (axes to cells, references in braces
 * resolved, one run_spec a cell). */
#ifndef ASSAY_RECIPE_RECIPE_H
#define ASSAY_RECIPE_RECIPE_H

#include "proto/measure/host.h"
#include "proto/measure/spec.h"

struct recipe;

/* One complaint, printed as "file:line:column: text". */
struct recipe_error {
	char where[300]; /* "recipes/x.yaml:12:5", or "--set runs.iterations" */
	char text[500];
};

struct recipe_errors {
	struct recipe_error *items; /* owned */
	size_t n;
};
void recipe_errors_done(struct recipe_errors *errors);

/* "KEY=VALUE" words of --set; KEY is a dotted path ("runs.iterations", "guests.debian.memory",
 * "axes.accel"); VALUE is YAML. NULL-ended; NULL: none. */
struct recipe_options {
	char *const *sets;
	int64_t runs;	    /* --runs: replaces runs.iterations; < 0: not given */
	const char *images; /* folder of built images (<name>/image.json); NULL: not looked at */
};

/* Loads and checks everything that needs no host: 0 and *ret, or -EINVAL and every error. */
int recipe_load(const char *path, const struct recipe_options *options, struct recipe **ret,
		struct recipe_errors *errors);
void recipe_free(struct recipe *recipe); /* NULL is fine */
CLEANUP_DEFINE(recipe, struct recipe *, recipe_free)

/* The same from text, for tests, fuzzing and resumed campaigns; name stands for the file. */
int recipe_parse(const char *name, const char *yaml, size_t size,
		 const struct recipe_options *options, struct recipe **ret,
		 struct recipe_errors *errors);

enum run_order { ORDER_BLOCKS, ORDER_RANDOM, ORDER_SEQUENTIAL };

/* A number or word that the console must show (or that must agree over the campaign's runs). */
struct check_rule {
	char name[NAME_SIZE];
	char *pattern; /* PCRE2 with one group, or none: then the whole match */
	char *equals;  /* the value it must be; NULL: all runs of the campaign must agree */
};

/* A reading out of the console: <name>/... with a unit. */
struct parse_rule {
	char name[NAME_SIZE];	/* the parser's instance: metrics are "<name>/<metric>" */
	char parser[NAME_SIZE]; /* row of controller/parse: "regex" */
	char metric[NAME_SIZE];
	char *pattern; /* regex: one group, the number */
	char unit[UNIT_SIZE];
	char window[NAME_SIZE]; /* whose reading it is; "whole" unless said */
};

/* The parts that are the same for all cells. Borrowed, lives as long as the recipe. */
struct recipe_head {
	const char *name;
	const char *path;
	const char *text; /* the file as it was read, sets appended as comments: for the database */
	uint32_t iterations;
	uint32_t warmup;
	enum run_order order;
	uint64_t seed;		      /* 0: make one */
	uint32_t retries;	      /* further attempts after one that was lost or failed */
	const char *compare_axis;     /* NULL: no comparison */
	const char *compare_baseline; /* NULL: the axis' first value */
	const char *hosts_expression; /* NULL: any host */
	bool hosts_each;
	const struct check_rule *checks;
	size_t n_checks;
	const struct parse_rule *parses;
	size_t n_parses;
	const char *const *axes; /* names, NULL-ended, in the recipe's order */
};
const struct recipe_head *recipe_head(const struct recipe *recipe);

/* One point of the matrix. */
struct cell {
	char *axes;	       /* JSON object, keys sorted: {"guest":"debian"}; owned */
	char *label;	       /* "debian" or "debian, accel=kvm": for people; owned */
	struct run_spec *spec; /* iteration, attempt and run key not filled; owned */
};

struct matrix {
	struct cell *cells;
	size_t n;
};
void matrix_done(struct matrix *matrix);

/* Axes with include and exclude, references resolved ({host.FACT} from host; NULL: left out, and
 * such a reference is an error). Images are hashed here: one that is missing is an error with the
 * command that makes it. cache_folder: where hashes of unchanged files are kept; NULL: nowhere. */
int recipe_matrix(const struct recipe *recipe, const struct host_info *host,
		  const char *cache_folder, struct matrix *ret, struct recipe_errors *errors);

/* The spec of one run: a deep copy of the cell's with {run.iteration} put in, and iteration and
 * warmup filled. *ret is owned by the caller. */
int recipe_run_spec(const struct cell *cell, uint32_t iteration, bool warmup, struct run_spec **ret,
		    struct err *err);

/* Whether the host is one of those that hosts.each or hosts.any asks for: 0, or -ENOENT with why
 * not, in words. */
int recipe_hosts_match(const struct recipe *recipe, const struct host_info *host, struct err *err);

/* Where a key stands, for errors found later: "file:line:column" of e.g. "measure.counters.2". */
void recipe_where(const struct recipe *recipe, const char *key, char *ret, size_t size);

/* The key table as text: one key's help, or (key NULL) the whole reference as Markdown. */
int recipe_help(const char *key, char **ret, struct err *err);

#endif
