// SPDX-License-Identifier: GPL-3.0-or-later
/* store - where results are kept: one row of a back-end table a kind of database.
 *
 * Everything that arrives from an agent is committed together with the (agent, epoch, sequence)
 * that it came with, in one transaction; only then may it be acknowledged. What was committed is
 * ignored when it comes again. */
#ifndef ASSAY_STORE_STORE_H
#define ASSAY_STORE_STORE_H

#include "proto/measure/host.h"
#include "proto/measure/result.h"

struct store;

enum campaign_state { CAMPAIGN_RUNNING, CAMPAIGN_INTERRUPTED, CAMPAIGN_DONE, CAMPAIGN_STATES };
const char *campaign_state_name(enum campaign_state state);

struct store_campaign { /* strings owned by whoever holds the struct */
	char id[ULID_SIZE];
	char *name;
	uint64_t created_ns; /* wall clock */
	uint64_t seed;
	enum campaign_state state;
	char *recipe;  /* the text of the recipe file */
	char *options; /* JSON: sets, runs, images: what resuming needs to make the same plan */
	char *compare_axis, *compare_baseline; /* NULL: none */
};
void store_campaign_done(struct store_campaign *campaign);

enum store_run_state { RUN_PENDING, RUN_LEASED, RUN_DONE, RUN_GIVEN_UP, STORE_RUN_STATES };

struct store_run {
	int64_t id; /* made by the store */
	char key[HASH_HEX_SIZE];
	char *cell;  /* axes JSON; owned */
	char *label; /* for people; owned */
	uint32_t iteration;
	bool warmup;
	uint32_t position;
	enum store_run_state state;
	uint32_t attempts; /* made so far */
};

/* A record's place in its agent's stream. */
struct store_stream {
	const char *agent; /* id of the agent; borrowed */
	const char *epoch; /* ULID of the spool */
	uint64_t sequence;
};

/* One row of the view `results`. Borrowed for the call. */
struct store_result {
	const char *campaign, *host, *axes;
	uint32_t iteration, attempt;
	bool warmup;
	const char *window, *metric, *scope, *unit;
	bool present;
	double value;
	double running_share;
	const char *source, *note;
	enum verdict verdict;
	const char *reasons; /* JSON array of "code: text" */
};

/* One attempt for listings. Borrowed for the call. */
struct store_attempt {
	const char *run_key, *axes, *label, *host;
	uint32_t iteration, attempt;
	bool warmup;
	bool ended;
	enum verdict verdict;
	const char *reasons;	     /* JSON array of "code: text" */
	uint64_t begun_ns, ended_ns; /* wall clock; 0: unknown */
};

/* All are required. Functions return 0 or a negative errno with a sentence. */
struct store_backend {
	const char *name;   /* "sqlite", "memory" */
	const char *scheme; /* of --db URLs: "sqlite:"; plain paths go to the first row */
	/* create: make it where it is missing. An unknown newer schema is -EPROTONOSUPPORT. */
	int (*open)(const char *where, bool create, struct store **ret, struct err *err);
	void (*close)(struct store *store);

	int (*host)(struct store *store, const struct host_info *host, struct err *err);
	/* Campaign, its cells and its runs at once. Runs' ids are filled in. */
	int (*create)(struct store *store, const struct store_campaign *campaign,
		      struct store_run *runs, size_t n, struct err *err);
	int (*campaign_state)(struct store *store, const char *id, enum campaign_state state,
			      struct err *err);
	/* id: a ULID, a unique prefix of one, or NULL for the newest. -ENOENT if there is none. */
	int (*campaign)(struct store *store, const char *id, struct store_campaign *ret,
			struct err *err);
	int (*campaigns)(struct store *store,
			 int (*each)(const struct store_campaign *, const size_t counts[3],
				     void *arg),
			 void *arg,
			 struct err *err); /* newest first; counts: planned, done, invalid */
	int (*runs)(struct store *store, const char *campaign, struct store_run **ret,
		    size_t *ret_n, struct err *err); /* by position */

	/* A try is about to begin: counts the attempt, leases the run. */
	int (*lease)(struct store *store, const char *campaign, const char *run_key,
		     const char *agent, uint32_t *ret_attempt, struct err *err);
	/* Commits what an attempt left, and the sequence. again: it was there already. */
	int (*begun)(struct store *store, const struct store_stream *stream,
		     const struct attempt *attempt, const char *host, bool *ret_again,
		     struct err *err);
	/* bytes of artifacts are in the blob table by their sha256 when this returns. */
	int (*ended)(struct store *store, const struct store_stream *stream,
		     const struct attempt *attempt, const char *host, bool *ret_again,
		     struct err *err);
	/* A run whose attempts are all used up, or that is to be tried again. */
	int (*run_state)(struct store *store, const char *campaign, const char *run_key,
			 enum store_run_state state, struct err *err);
	/* The value that a check saw first in this campaign, made by `value` where none is there:
	 * owned by the caller. */
	int (*agree)(struct store *store, const char *campaign, const char *check,
		     const char *value, const char *run_key, char **ret_first, char **ret_first_key,
		     struct err *err);

	int (*results)(struct store *store, const char *campaign,
		       int (*each)(const struct store_result *, void *arg), void *arg,
		       struct err *err);
	int (*attempts)(struct store *store, const char *campaign,
			int (*each)(const struct store_attempt *, void *arg), void *arg,
			struct err *err);
	/* An artifact's bytes, owned by the caller. */
	int (*blob)(struct store *store, const char *sha256, void **ret, size_t *ret_size,
		    struct err *err);
	/* The console (or other artifact) of an attempt. -ENOENT: it left none. */
	int (*artifact)(struct store *store, const char *campaign, const char *run_key,
			uint32_t attempt, const char *name, char ret_sha256[HASH_HEX_SIZE],
			struct err *err);
	/* Median wall time of earlier valid runs with this cell and recipe name, 0: never ran. */
	int (*expected_ns)(struct store *store, const char *recipe, const char *cell,
			   uint64_t *ret_ns, struct err *err);
};

/* Base of every back-end's struct, first member. */
struct store {
	const struct store_backend *backend;
};

extern const struct store_backend store_sqlite, store_memory;
extern const struct store_backend *const store_backends[];
int store_backends_check(struct err *err);

/* where: a path, or scheme:rest. */
int store_open(const char *where, bool create, struct store **ret, struct err *err);
void store_close(struct store *store); /* NULL is fine */
CLEANUP_DEFINE(store, struct store *, store_close)

#endif
