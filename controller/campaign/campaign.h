// SPDX-License-Identifier: GPL-3.0-or-later
/* campaign - the life of one submission of a recipe: preflight, plan, runs given out and taken
 * in, until every run has its result or somebody says stop. This is where recipe, plan, store,
 * schedule and fleet meet; none of them knows another. */
#ifndef ASSAY_CAMPAIGN_CAMPAIGN_H
#define ASSAY_CAMPAIGN_CAMPAIGN_H

#include "controller/plan/plan.h"
#include "controller/recipe/recipe.h"
#include "controller/store/store.h"

struct campaign_progress {
	size_t planned, done, invalid; /* runs; invalid ones are among the done */
	const char *label;	       /* of the cell that runs now; "" for none */
	uint32_t iteration;
	bool warmup;
	enum run_state state;
	uint64_t eta_ns; /* still to go; 0: not known yet */
};

/* What a person is shown meanwhile. All are required; arg is the listener's own. */
struct campaign_listener {
	void (*planned)(void *arg, const char *id, size_t runs);
	void (*progress)(void *arg, const struct campaign_progress *progress);
	void (*note)(void *arg, const char *sentence);
};

/* All borrowed for the call. */
struct campaign_options {
	const struct recipe *recipe;
	const struct submission *submission; /* stored with a new campaign, for resuming */
	struct store *store;
	const char *where;  /* of the store: gives the agent a spool of its own for it */
	const char *resume; /* id of the campaign to go on with; NULL: a new one */
	const char *root;   /* where the agent reads sys/ and proc/; NULL: / */
	/* Endpoints to await an agent at that somebody else starts, with this user's agent key.
	 * NULL: one is started as a child. */
	const char *control, *bulk;
	const struct campaign_listener *listener;
	void *arg;
};

struct campaign_outcome {
	char id[ULID_SIZE]; /* "": it never came to a plan, and nothing was changed */
	bool interrupted;
	size_t planned, done, invalid;
};

/* Runs it in this thread; SIGINT, SIGTERM and SIGHUP end it in order. -EINVAL: the recipe asks for
 * what this host cannot do; every complaint is in *errors. */
int campaign_run(const struct campaign_options *options, struct campaign_outcome *ret,
		 struct recipe_errors *errors, struct err *err);

/* What a campaign was submitted with; kept as JSON in its row, since a recipe's text alone does
 * not make the same plan again. All owned. */
struct submission {
	char *path;  /* of the recipe file: relative images are beside it */
	char **sets; /* NULL: none */
	int64_t runs;
	char *images;
};
char *submission_to_json(const struct submission *submission);
int submission_from_json(const char *json, struct submission *ret, struct err *err);
void submission_done(struct submission *submission);

static inline void cleanup_submission(struct submission *submission)
{
	submission_done(submission);
}

/* What would run here: cells with accelerators left open, in the order of execution. */
int campaign_plan(const struct recipe *recipe, const struct host_info *host, uint64_t seed,
		  struct matrix *ret_matrix, struct plan *ret_plan, struct recipe_errors *errors,
		  struct err *err);

/* Says hello to an agent of this host and gives what it says of itself. */
int campaign_host(const char *root, struct host_info *ret, struct err *err);

#endif
