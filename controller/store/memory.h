// SPDX-License-Identifier: GPL-3.0-or-later
/* memory - what the files of this back-end share. Private to memory*.c. */
#ifndef ASSAY_STORE_MEMORY_H
#define ASSAY_STORE_MEMORY_H

#include "controller/store/store.h"

struct memory_attempt {
	uint32_t number;
	bool ended;
	bool by_controller; /* closed without the agent's word */
	char host[NAME_SIZE];
	struct attempt *attempt; /* owned; NULL: leased only */
};

struct memory_run {
	struct store_run row;		 /* its strings owned */
	struct memory_attempt *attempts; /* by number; owned */
	size_t n_attempts;
};

struct memory_agreement {
	char *check, *value, *run_key; /* owned */
};

struct memory_campaign {
	struct store_campaign row; /* its strings owned */
	struct memory_run *runs;   /* by position; owned */
	size_t n_runs;
	struct memory_agreement *agreements; /* owned */
	size_t n_agreements;
};

struct memory_host {
	char fingerprint[HASH_HEX_SIZE];
	char name[NAME_SIZE];
};

struct memory_stream {
	char *agent, *epoch; /* owned */
	uint64_t sequence;
};

/* A blob, or a part of one: then stream is set. */
struct memory_blob {
	char sha256[HASH_HEX_SIZE];
	char *agent, *epoch; /* owned; NULL: it is whole */
	char *bytes;	     /* owned */
	size_t size;
};

struct memory_store {
	struct store base;
	struct memory_campaign *campaigns; /* in order of their ids; owned */
	size_t n_campaigns;
	struct memory_host *hosts;
	size_t n_hosts;
	struct memory_stream *streams;
	size_t n_streams;
	struct memory_blob *blobs;
	size_t n_blobs;
};

struct memory_campaign *memory_find_campaign(struct memory_store *m, const char *id);
/* NULL with a sentence where there is none. */
struct memory_run *memory_find_run(struct memory_store *m, const char *campaign,
				   const char *run_key, struct err *err);
/* The last ended attempt that is not invalid, else the last ended one; NULL: none has. */
const struct memory_attempt *memory_accepted(const struct memory_run *run);

bool memory_seen(struct memory_store *m, const struct store_stream *stream);
void memory_commit(struct memory_store *m, const struct store_stream *stream);
int memory_sequence(struct store *store, const char *agent, const char *epoch, uint64_t *ret,
		    struct err *err);
int memory_skip(struct store *store, const struct store_stream *stream, struct err *err);

void memory_blob_put(struct memory_store *m, const char *sha256, const void *bytes, size_t size);
void memory_blob_done(struct memory_blob *blob);
int memory_blob_chunk(struct store *store, const struct store_stream *stream, const char *sha256,
		      uint64_t total_bytes, uint64_t offset_bytes, const void *bytes, size_t size,
		      bool *ret_again, struct err *err);
int memory_blob(struct store *store, const char *sha256, void **ret, size_t *ret_size,
		struct err *err);

int memory_host(struct store *store, const struct host_info *host, struct err *err);
int memory_lease(struct store *store, const char *campaign, const char *run_key, const char *agent,
		 uint32_t *ret_attempt, struct err *err);
int memory_begun(struct store *store, const struct store_stream *stream,
		 const struct attempt *attempt, const char *host, bool *ret_again, struct err *err);
int memory_ended(struct store *store, const struct store_stream *stream,
		 const struct attempt *attempt, const char *host, bool *ret_again, struct err *err);

int memory_results(struct store *store, const char *campaign,
		   int (*each)(const struct store_result *, void *arg), void *arg, struct err *err);
int memory_attempts(struct store *store, const char *campaign,
		    int (*each)(const struct store_attempt *, void *arg), void *arg,
		    struct err *err);
int memory_artifact(struct store *store, const char *campaign, const char *run_key,
		    uint32_t attempt, const char *name, char ret_sha256[HASH_HEX_SIZE],
		    struct err *err);
int memory_expected_ns(struct store *store, const char *recipe, const char *cell, uint64_t *ret_ns,
		       struct err *err);

#endif
