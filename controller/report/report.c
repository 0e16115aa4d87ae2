// SPDX-License-Identifier: GPL-3.0-or-later
/* report - gathers a campaign from the store into the model and prints that. */
#include "controller/report/report.h"

#include <errno.h>

#include "controller/report/fail_if.h"
#include "controller/report/json.h"
#include "controller/report/terminal.h"
#include "proto/base/mem.h"

struct gathering {
	struct report_model *model;
	struct err *err;
};

static int add_attempt(const struct store_attempt *attempt, void *arg)
{
	model_add_attempt(((struct gathering *)arg)->model, attempt);
	return 0;
}

static int add_result(const struct store_result *result, void *arg)
{
	struct gathering *g = arg;
	return model_add_result(g->model, result, g->err);
}

static int add_runs(struct store *store, const char *campaign, struct report_model *model,
		    struct err *err)
{
	struct store_run *runs = NULL;
	size_t n = 0;
	int r = store->backend->runs(store, campaign, &runs, &n, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		model_add_run(model, &runs[i]);
	store_runs_free(runs, n);
	return r;
}

static int gather(struct store *store, const struct store_campaign *campaign,
		  struct report_model *model, struct err *err)
{
	struct gathering g = {.model = model, .err = err};
	int r = add_runs(store, campaign->id, model, err);
	if (r == 0)
		r = store->backend->attempts(store, campaign->id, add_attempt, &g, err);
	if (r < 0)
		return r;
	model_seal(model);
	r = store->backend->results(store, campaign->id, add_result, &g, err);
	if (r == 0)
		model_finish(model);
	return r;
}

static int find_campaign(struct store *store, const char *id, struct store_campaign *ret,
			 struct err *err)
{
	int r = store->backend->campaign(store, id, ret, err);
	if (r == -ENOENT && !id)
		return err_say(err, ENOENT,
			       "the database holds no campaign yet; `assay run RECIPE` makes one");
	if (r == -ENOENT)
		return err_say(err, ENOENT,
			       "the database has no campaign '%.40s'; `assay list` shows those it "
			       "has",
			       id);
	return r;
}

static void print_fail_if(const struct screen *screen, const char *expression,
			  const struct fail_result *result)
{
	const char *verdict = result->holding  ? "holds"
			      : result->judged ? "does not hold"
					       : "cannot be judged";
	autofree char *text = xasprintf("fail-if %s: %s: %s", expression, verdict, result->detail);
	fputc('\n', screen->out);
	screen_wrap(screen, "", 2, text);
}

static int print(const struct report_model *model, const struct report_options *options, FILE *out,
		 bool *ret_failed, struct err *err)
{
	struct fail_result result = {0};
	struct fail_if condition;
	struct screen screen;
	int r = 0;
	if (options->fail_if) {
		r = fail_if_parse(options->fail_if, &condition, err);
		if (r == 0)
			r = fail_if_judge(&condition, model, &result, err);
	}
	if (r < 0)
		return r;
	if (options->json) {
		r = json_report(model, options->fail_if, &result, out, err);
	} else {
		screen_init(&screen, out, options->width, options->color);
		terminal_report(model, &screen);
		if (options->fail_if)
			print_fail_if(&screen, options->fail_if, &result);
	}
	if (r == 0 && (fflush(out) != 0 || ferror(out)))
		r = err_sys(err, errno ? errno : EIO, "write the report");
	if (r == 0)
		*ret_failed = result.holding > 0;
	return r;
}

int report_campaign(struct store *store, const struct report_options *options, FILE *out,
		    bool *ret_failed, struct err *err)
{
	struct store_campaign campaign = {0};
	int r = find_campaign(store, options->campaign, &campaign, err);
	if (r < 0)
		return r;
	struct report_model *model = model_new(&campaign);
	r = gather(store, &campaign, model, err);
	if (r == 0)
		r = print(model, options, out, ret_failed, err);
	model_free(model);
	store_campaign_done(&campaign);
	return r;
}
