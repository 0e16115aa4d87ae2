// SPDX-License-Identifier: GPL-3.0-or-later
/* list - every campaign of a store in a line, newest first. */
#include <inttypes.h>

#include "controller/report/grid.h"
#include "controller/report/json.h"
#include "controller/report/report.h"
#include "proto/base/mem.h"

enum { PLANNED, DONE, INVALID };

struct listing {
	struct grid grid;
	json_t *array;
};

static int add_line(const struct store_campaign *campaign, const size_t counts[3], void *arg)
{
	struct grid *grid = &((struct listing *)arg)->grid;
	char when[40];
	screen_time(campaign->created_ns, when, sizeof(when));
	grid_row(grid);
	grid_set(grid, 0, GRID_PLAIN, "%s", campaign->id);
	grid_set(grid, 1, GRID_PLAIN, "%s", campaign->name);
	grid_set(grid, 2, GRID_PLAIN, "%s", when);
	grid_set(grid, 3, GRID_PLAIN, "%s", campaign_state_name(campaign->state));
	grid_set(grid, 4, GRID_PLAIN, "%zu\t/\t%zu", counts[DONE], counts[PLANNED]);
	grid_set(grid, 5, GRID_PLAIN, "%zu", counts[INVALID]);
	return 0;
}

static int add_object(const struct store_campaign *campaign, const size_t counts[3], void *arg)
{
	char when[40];
	autofree char *seed = xasprintf("%" PRIu64, campaign->seed);
	screen_time(campaign->created_ns, when, sizeof(when));
	json_t *item = json_pack("{s:o, s:o, s:s, s:s, s:I, s:s, s:{s:I, s:I, s:I}}", "id",
				 json_text(campaign->id), "name", json_text(campaign->name),
				 "state", campaign_state_name(campaign->state), "created", when,
				 "created_ns", (json_int_t)campaign->created_ns, "seed", seed,
				 "runs", "planned", (json_int_t)counts[PLANNED], "done",
				 (json_int_t)counts[DONE], "invalid", (json_int_t)counts[INVALID]);
	json_array_append_new(((struct listing *)arg)->array, item);
	return 0;
}

static int list_json(struct store *store, FILE *out, struct err *err)
{
	struct listing listing = {.array = json_array()};
	int r = store->backend->campaigns(store, add_object, &listing, err);
	if (r < 0) {
		json_decref(listing.array);
		return r;
	}
	return json_print(listing.array, out, err);
}

int report_list(struct store *store, bool json, FILE *out, struct err *err)
{
	struct screen screen;
	struct listing listing = {0};
	if (json)
		return list_json(store, out, err);
	screen_init(&screen, out, 0, false);
	grid_init(&listing.grid, &screen);
	grid_column(&listing.grid, "campaign", NULL);
	grid_column(&listing.grid, "name", NULL);
	grid_column(&listing.grid, "begun", NULL);
	grid_column(&listing.grid, "state", NULL);
	grid_column(&listing.grid, "done", "RLR");
	grid_column(&listing.grid, "invalid", "R");
	int r = store->backend->campaigns(store, add_line, &listing, err);
	if (r == 0 && listing.grid.n_rows == 0)
		fputs("the database holds no campaign yet; `assay run RECIPE` makes one\n", out);
	else if (r == 0)
		grid_print(&listing.grid);
	grid_done(&listing.grid);
	return r;
}
