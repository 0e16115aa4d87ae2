// SPDX-License-Identifier: GPL-3.0-or-later
/* ingest - records of agents' spools into the store, with the meaning that the recipe gives to
 * what a guest printed: parsers make readings, checks make reasons. The raw bytes are stored too,
 * so that meaning can be made again. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "controller/campaign/life.h"
#include "controller/parse/parse.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"

/* The recipe of a record's campaign: this one's, or that of an earlier campaign in the same store
 * whose controller was killed before all of it came in. NULL: nobody knows what it meant. */
static const struct recipe *recipe_of(struct campaign *c, const char *id)
{
	struct store_campaign stored = {0};
	struct recipe_errors errors = {0};
	if (strcmp(id, c->id) == 0)
		return c->o->recipe;
	if (strcmp(id, c->other_id) == 0)
		return c->other;
	recipe_free(take(c->other));
	STRCPY_FIXED(c->other_id, id);
	if (c->o->store->backend->campaign(c->o->store, id, &stored, NULL) < 0)
		return NULL;
	autoclean(submission) struct submission sub = {0};
	if (submission_from_json(stored.options, &sub, NULL) == 0) {
		struct recipe_options options = {
			.sets = sub.sets, .runs = sub.runs, .images = sub.images};
		recipe_parse(sub.path, stored.recipe, strlen(stored.recipe), &options, &c->other,
			     &errors);
	}
	recipe_errors_done(&errors);
	store_campaign_done(&stored);
	return c->other;
}

static void make_readings(const struct recipe_head *head, const char *bytes, size_t size,
			  struct attempt *a)
{
	for (size_t i = 0; i < head->n_parses; i++) {
		const struct parse_rule *rule = &head->parses[i];
		const struct parser *parser;
		struct parse_state *state;
		struct err err = ERR_NONE;
		struct parse_options options = {
			.metric = rule->metric, .pattern = rule->pattern, .unit = rule->unit};
		if (parser_find(rule->parser, &parser, &err) < 0 ||
		    parser->open(&options, &state, &err) < 0) {
			char metric[2 * NAME_SIZE];
			snprintf(metric, sizeof(metric), "%s/%s", rule->name, rule->metric);
			attempt_absent(a, rule->window, metric, "guest", rule->unit, "%s",
				       err.text);
			continue;
		}
		parser->feed(state, bytes, size);
		parser->finish(state, rule->name, rule->window, a);
	}
}

static int check_agreement(struct campaign *c, const struct check_rule *rule, const char *value,
			   struct attempt *a, struct err *err)
{
	autofree char *first = NULL, *first_key = NULL;
	if (c->o->store->backend->agree(c->o->store, a->campaign, rule->name, value, a->run_key,
					&first, &first_key, err) < 0)
		return err_code(err);
	if (strcmp(first, value) != 0)
		attempt_reason(a, VERDICT_INVALID, "check",
			       "%s: it printed %.80s, but run %.12s of this campaign printed %.80s",
			       rule->name, value, first_key, first);
	return 0;
}

static int check(struct campaign *c, const struct check_rule *rule, const char *bytes, size_t size,
		 struct attempt *a, struct err *err)
{
	autofree char *value = parse_capture(rule->pattern, bytes, size);
	if (!value)
		attempt_reason(a, VERDICT_INVALID, "check",
			       "%s: nothing it printed matches '%.200s'", rule->name,
			       rule->pattern);
	else if (!rule->equals)
		return check_agreement(c, rule, value, a, err);
	else if (strcmp(value, rule->equals) != 0)
		attempt_reason(a, VERDICT_INVALID, "check",
			       "%s: it printed %.120s, expected %.120s", rule->name, value,
			       rule->equals);
	return 0;
}

/* The console, as far as it came in. A blob that was dropped on the way (its bytes did not have its
 * hash) takes the meaning away, not the attempt. */
static int load_console(struct campaign *c, struct attempt *a, void **ret, size_t *ret_size,
			struct err *err)
{
	*ret = NULL;
	*ret_size = 0;
	for (size_t i = 0; i < a->n_artifacts; i++) {
		if (strcmp(a->artifacts[i].name, "console") != 0 || !a->artifacts[i].size_bytes)
			continue;
		int r = c->o->store->backend->blob(c->o->store, a->artifacts[i].sha256, ret,
						   ret_size, err);
		if (r < 0 && r != -ENOENT)
			return r;
		if (r < 0)
			attempt_reason(a, VERDICT_INVALID, "console-lost",
				       "what the guest printed did not arrive whole: %.200s",
				       err->text);
		return 0;
	}
	return 0;
}

/* A run that is invalid already has no say in what its campaign's runs agree on. */
static int interpret(struct campaign *c, struct attempt *a, struct err *err)
{
	const struct recipe *recipe = recipe_of(c, a->campaign);
	autofree void *bytes = NULL;
	size_t size = 0;
	if (!recipe)
		return 0;
	const struct recipe_head *head = recipe_head(recipe);
	if (!head->n_parses && !head->n_checks)
		return 0;
	if (load_console(c, a, &bytes, &size, err) < 0)
		return err_code(err);
	make_readings(head, bytes ? bytes : "", size, a);
	for (size_t i = 0; i < head->n_checks && attempt_verdict(a) != VERDICT_INVALID; i++)
		if (check(c, &head->checks[i], bytes ? bytes : "", size, a, err) < 0)
			return err_code(err);
	return 0;
}

static int ingest_ended(struct campaign *c, struct fleet_agent *agent,
			const struct store_stream *stream, struct attempt *a, struct err *err)
{
	bool again = false;
	if (interpret(c, a, err) < 0 ||
	    c->o->store->backend->ended(c->o->store, stream, a, agent->host.fingerprint, &again,
					err) < 0)
		return err_code(err);
	if (!again && strcmp(a->campaign, c->id) == 0)
		life_ended(c, a);
	return 0;
}

static int ingest_attempt(struct campaign *c, struct fleet_agent *agent,
			  const struct store_stream *stream, const struct msg_record *record,
			  struct err *err)
{
	autoclean(attempt) struct attempt *a = NULL;
	bool again;
	int r = record_decode_attempt(record->body, record->body_size, &a, err);
	if (r < 0)
		return err_say(err, EBADMSG, "an attempt that cannot be read: %.300s", err->text);
	if (record->kind == RECORD_BEGUN)
		return c->o->store->backend->begun(c->o->store, stream, a, agent->host.fingerprint,
						   &again, err);
	return ingest_ended(c, agent, stream, a, err);
}

static int ingest_blob(struct campaign *c, const struct store_stream *stream,
		       const struct msg_record *record, struct err *err)
{
	struct blob_chunk chunk = {0};
	bool again;
	int r = record_decode_blob(record->body, record->body_size, &chunk, err);
	if (r < 0)
		return err_say(err, EBADMSG, "a blob that cannot be read: %.300s", err->text);
	r = c->o->store->backend->blob_chunk(c->o->store, stream, chunk.sha256, chunk.total_bytes,
					     chunk.offset_bytes, chunk.bytes, chunk.size, &again,
					     err);
	free(chunk.bytes);
	return r;
}

int life_ingest(struct campaign *c, struct fleet_agent *agent, const struct msg_record *record,
		struct err *err)
{
	struct store_stream stream = {
		.agent = agent->name, .epoch = record->epoch, .sequence = record->sequence};
	int r = record->kind == RECORD_BLOB ? ingest_blob(c, &stream, record, err)
					    : ingest_attempt(c, agent, &stream, record, err);
	if (r == 0)
		return 0;
	if (r != -ENOENT && r != -EBADMSG && r != -EFBIG)
		return r;
	/* It will never be better: a campaign that this store does not have, or broken bytes. */
	life_note(c, "record %" PRIu64 " of %s is left out: %s", record->sequence, agent->name,
		  err->text);
	bool result_lost = record->kind == RECORD_ENDED && r != -ENOENT;
	struct err why = *err;
	if (c->o->store->backend->skip_record(c->o->store, &stream, err) < 0)
		return err_code(err);
	if (result_lost) { /* of which run, nobody can tell: resuming measures it again */
		err_wrap(&why, "a result of %s", agent->name);
		life_fail(c, &why);
	}
	return 0;
}
