// SPDX-License-Identifier: GPL-3.0-or-later
/* store - where results are kept: one row of a back-end table a kind of database.
 *
 * Everything that arrives from an agent is committed together with the (agent, epoch, sequence)
 * that it came with, in one transaction; only then may it be acknowledged. What was committed is
 * ignored when it comes again.
 *
 * A run may have had several attempts. Its results are those of the accepted one: the last ended
 * attempt that is not invalid, else the last ended one. */
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
const char *store_run_state_name(enum store_run_state state);

/* Codes of reasons that say nothing about the guest: the attempt was lost with its agent or
 * controller, so the run deserves another. */
#define STORE_LOST_CODES(X) \
	X("agent-lost") X("controller-lost") X("interrupted") X("cancelled") X("lost")
bool store_code_is_lost(const char *code);

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
	/* Filled by runs(), not looked at by create(). */
	bool ended;	      /* one of its attempts has: what follows is of the last that did */
	enum verdict verdict; /* only where ended */
	bool lost;	      /* only where ended: it has one of STORE_LOST_CODES */
};
void store_runs_free(struct store_run *runs, size_t n);

/* A record's place in its agent's stream. */
struct store_stream {
	const char *agent; /* id of the agent; borrowed */
	const char *epoch; /* ULID of the spool */
	uint64_t sequence;
};

enum { STORE_BLOB_LIMIT_BYTES = 512 << 20 }; /* of one artifact; SQLite's own limit is 10^9 */

/* One row of the view `results` or `absent`. Borrowed for the call. */
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

/* All are required. Functions return 0 or a negative errno with a sentence, and leave what they
 * return untouched then. An `each` that returns non-zero ends the walk, which returns the same and
 * leaves err alone; it may not write to the store, nor begin the same walk again. */
struct store_backend {
	const char *name;   /* "sqlite", "memory" */
	const char *scheme; /* of --db URLs: "sqlite:"; plain paths go to the first row */
	/* create: make it where it is missing. An unknown newer schema is -EPROTONOSUPPORT. */
	int (*open)(const char *where, bool create, struct store **ret, struct err *err);
	void (*close)(struct store *store);

	/* Facts that changed keep their old rows, with the time until which they held. */
	int (*host)(struct store *store, const struct host_info *host, struct err *err);
	/* Campaign, its cells and its runs at once. Runs' ids are filled in. -EEXIST: it is there,
	 * or two runs have one key. */
	int (*create)(struct store *store, const struct store_campaign *campaign,
		      struct store_run *runs, size_t n, struct err *err);
	int (*campaign_state)(struct store *store, const char *id, enum campaign_state state,
			      struct err *err);
	/* Only this process gives out runs of that campaign, until the store is closed or another
	 * campaign is claimed. -EBUSY: another process does. */
	int (*claim)(struct store *store, const char *campaign, struct err *err);
	/* id: a ULID, a unique prefix of one, or NULL for the newest. -ENOENT if there is none,
	 * -ENOTUNIQ if several begin so. */
	int (*campaign)(struct store *store, const char *id, struct store_campaign *ret,
			struct err *err);
	/* Newest first. counts: planned runs; done or given up; of these without a usable
	 * attempt. Warm-ups are in none of them, as in reports. */
	int (*campaigns)(struct store *store,
			 int (*each)(const struct store_campaign *, const size_t counts[3],
				     void *arg),
			 void *arg, struct err *err);
	/* By position; store_runs_free(). */
	int (*runs)(struct store *store, const char *campaign, struct store_run **ret,
		    size_t *ret_n, struct err *err);

	/* A try is about to begin: counts the attempt, leases the run. */
	int (*lease)(struct store *store, const char *campaign, const char *run_key,
		     const char *agent, uint32_t *ret_attempt, struct err *err);
	/* Commits what an attempt left, and the sequence. again: it was there already, and nothing
	 * but the sequence was written. host: fingerprint (or name) of one given to host() before;
	 * one that was not is made with that name.
	 * -ENOENT: no such campaign or run here; -EBADMSG: the record makes no sense. Nothing is
	 * written then: see skip_record(). */
	int (*begun)(struct store *store, const struct store_stream *stream,
		     const struct attempt *attempt, const char *host, bool *ret_again,
		     struct err *err);
	/* The same for its end; the run is then RUN_DONE (unless a later attempt is leased), and
	 * bytes of artifacts are in the blob table by their sha256. An artifact without bytes, here
	 * or by blob_chunk() before, is recorded all the same: blob() says -ENOENT of it.
	 * stream NULL: the controller closes an attempt whose agent is gone (host NULL: as begun
	 * said); should the agent's own record come after all, that replaces it. */
	int (*ended)(struct store *store, const struct store_stream *stream,
		     const struct attempt *attempt, const char *host, bool *ret_again,
		     struct err *err);
	/* Bytes of an artifact, in order, before the attempt that names it has ended; the last one
	 * makes the blob. A first chunk (offset 0) begins anew. size 0 only for an empty blob.
	 * -EBADMSG, -EFBIG: these bytes can never become that blob (gap, overrun, hash, limit): its
	 * parts are dropped and the sequence IS committed, since they would be no better sent
	 * again; acknowledge and log it. */
	int (*blob_chunk)(struct store *store, const struct store_stream *stream,
			  const char *sha256, uint64_t total_bytes, uint64_t offset_bytes,
			  const void *bytes, size_t size, bool *ret_again, struct err *err);
	/* Commits the sequence of a record that cannot be stored (unknown campaign, undecodable),
	 * so that it does not block its stream for ever. */
	int (*skip_record)(struct store *store, const struct store_stream *stream, struct err *err);
	/* The last sequence committed of that stream; 0: none. */
	int (*sequence)(struct store *store, const char *agent, const char *epoch, uint64_t *ret,
			struct err *err);
	/* A run whose attempts are all used up, or that is to be tried again. RUN_PENDING takes
	 * back attempts that were leased and never began, and their numbers with them. */
	int (*run_state)(struct store *store, const char *campaign, const char *run_key,
			 enum store_run_state state, struct err *err);
	/* The value that a check saw first in this campaign, made by `value` where none is there:
	 * owned by the caller. */
	int (*agree)(struct store *store, const char *campaign, const char *check,
		     const char *value, const char *run_key, char **ret_first, char **ret_first_key,
		     struct err *err);

	/* Of every run's accepted attempt, absent ones too; by position, then as they came. */
	int (*results)(struct store *store, const char *campaign,
		       int (*each)(const struct store_result *, void *arg), void *arg,
		       struct err *err);
	/* All attempts, by position and number. */
	int (*attempts)(struct store *store, const char *campaign,
			int (*each)(const struct store_attempt *, void *arg), void *arg,
			struct err *err);
	/* An artifact's bytes, owned by the caller; a NUL follows them. */
	int (*blob)(struct store *store, const char *sha256, void **ret, size_t *ret_size,
		    struct err *err);
	/* The console (or other artifact) of an attempt. -ENOENT: it left none. */
	int (*artifact)(struct store *store, const char *campaign, const char *run_key,
			uint32_t attempt, const char *name, char ret_sha256[HASH_HEX_SIZE],
			struct err *err);
	/* How long the attempt at such a run takes, begun to ended (preparing and settling are
	 * waited for too): the median over recent usable ones with this cell in campaigns of this
	 * name. 0: never ran. */
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
/* `where` without its scheme; borrowed from it. */
const char *store_path(const char *where);
void store_close(struct store *store); /* NULL is fine */
CLEANUP_DEFINE(store, struct store *, store_close)

/* For back-ends, so that all rows say the same. */
int store_campaign_state_parse(const char *name, enum campaign_state *ret);
int store_run_state_parse(const char *name, enum store_run_state *ret);
/* JSON array of "code: text", owned by the caller; NULL has none. */
char *store_reasons_json(const struct attempt *attempt);
/* -EINVAL unless it is 64 lower-case hex digits. */
int store_check_sha256(const char *sha256, struct err *err);

#endif
