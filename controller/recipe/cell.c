// SPDX-License-Identifier: GPL-3.0-or-later
/* Cells: a point of the matrix with its references resolved, made a run_spec. */
#include <errno.h>
#include <string.h>

#include "controller/recipe/check.h"
#include "controller/recipe/images.h"
#include "controller/recipe/inside.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

/* Of all cells together: thousands of them with hundreds of values. */
enum { SPENT_MAX = 128 << 20, NODE_COST = 128 };

/* Sections that cells are made of; the others are the same for all, or make the cells. */
static const char *const cell_sections[] = {"guests", "windows", "measure", "host", "runs", NULL};
static const char *const fixed_sections[] = {"name",  "images", "compare", "checks",
					     "parse", "hosts",	"runs",	   NULL};

static bool is_one_of(const char *word, const char *const *words)
{
	while (*words && strcmp(*words, word) != 0)
		words++;
	return *words;
}

/* only: the guest that is meant; others are left out. */
static struct node *expand(struct scope *scope, const struct node *node, const struct key *key,
			   const char *path, const char *only, struct complaints *complaints)
{
	if (node->kind == NODE_SCALAR)
		return refs_expand(scope, node, key, path, complaints);
	struct node *copy = node_new(node->kind, node->place);
	scope->spent_bytes += NODE_COST;
	for (size_t i = 0; i < node->n; i++) {
		const struct node *item = node->items[i];
		const struct key *row = item->key ? key_child(key, item->key) : key;
		bool is_other = only && item->key && strcmp(key->path, "guests") == 0 &&
				strcmp(item->key, only) != 0;
		if (!row || is_other)
			continue;
		autofree char *item_path = item->key ? xasprintf("%.200s.%.100s", path, item->key)
						     : xasprintf("%.200s.%zu", path, i);
		node_add(copy, item->key, item->key_place,
			 expand(scope, item, row, item_path, only, complaints));
	}
	return copy;
}

static struct node *expand_sections(struct scope *scope, const char *const *sections,
				    const char *only, struct complaints *complaints)
{
	struct node *root = node_new(NODE_MAP, scope->root->place);
	for (size_t i = 0; i < scope->root->n; i++) {
		const struct node *section = scope->root->items[i];
		if (is_one_of(section->key, sections))
			node_add(root, section->key, section->key_place,
				 expand(scope, section, key_row(section->key), section->key, only,
					complaints));
	}
	return root;
}

struct node *cell_fixed(const struct recipe *recipe, struct complaints *complaints)
{
	struct scope scope = {.root = recipe->root};
	struct node *fixed = expand_sections(&scope, fixed_sections, NULL, complaints);
	check_resolved(fixed, complaints);
	return fixed;
}

/* The guest of a cell: its axis says it, or there is only one. NULL: the recipe is wrong. */
static const char *guest_of(const struct node *root, const struct node *point)
{
	const struct node *value = node_get(point, "guest");
	const struct node *guests = node_get(root, "guests");
	const struct node *guest = value ? node_get(guests, value->text)
				   : guests && guests->n == 1 && guests->kind == NODE_MAP
					   ? guests->items[0]
					   : NULL;
	return guest ? guest->key : NULL;
}

static struct node *resolve(struct scope *scope, const char *guest, struct complaints *complaints)
{
	struct node *tree = expand_sections(scope, cell_sections, guest, complaints);
	check_resolved(tree, complaints);
	return tree;
}

static bool overspent(const struct scope *scope, struct complaints *complaints)
{
	if (scope->spent_bytes <= SPENT_MAX)
		return false;
	complain(complaints, scope->root->place,
		 "the cells are too many and too large: together more than 128 MiB");
	return true;
}

void cell_try_all(const struct recipe *recipe, struct complaints *complaints)
{
	struct scope scope = {.root = recipe->root};
	for (size_t i = 0; i < recipe->points.n && !overspent(&scope, complaints); i++) {
		scope.point = recipe->points.items[i];
		const char *guest = guest_of(recipe->root, scope.point);
		if (guest)
			node_free(resolve(&scope, guest, complaints));
	}
}

static char *copy_text(const struct node *guest, const char *name, bool with_default)
{
	const struct node *node = node_get(guest, name);
	if (!node && !with_default)
		return NULL;
	autofree char *path = xasprintf("guests.x.%s", name);
	return xstrdup(node ? node->text : key_match(path)->fallback);
}

static char **copy_list(const struct node *list)
{
	char **v = NULL;
	for (size_t i = 0; list && i < list->n; i++)
		strv_push(&v, list->items[i]->text);
	return v;
}

static char **copy_variables(const struct node *map)
{
	char **v = NULL;
	for (size_t i = 0; map && i < map->n; i++) {
		autofree char *pair = xasprintf("%s=%s", map->items[i]->key, map->items[i]->text);
		strv_push(&v, pair);
	}
	return v;
}

/* disk: one map of the recipe; path: its own, so that defaults are found. */
static void add_disk(struct guest_spec *spec, const struct node *tree, const struct node *disk,
		     const char *path)
{
	struct disk_spec *d = ARRAY_PUSH(spec->disks, spec->n_disks);
	const struct node *image = node_get(disk, "image");
	d->file = xstrdup((image ? image : node_get(disk, "file"))->text);
	d->fresh = value_whole(tree, "%s.fresh", path);
	STRCPY_FIXED(d->bus, value_text(tree, "%s.bus", path));
	STRCPY_FIXED(d->format, value_text(tree, "%s.format", path));
}

static void fill_disks(struct guest_spec *spec, const struct node *tree, const struct node *guest)
{
	const struct node *disk = node_get(guest, "disk");
	autofree char *path = xasprintf("guests.%s.disk", guest->key);
	if (disk && disk->kind == NODE_MAP)
		add_disk(spec, tree, disk, path);
	for (size_t i = 0; disk && disk->kind == NODE_LIST && i < disk->n; i++) {
		autofree char *item = xasprintf("%s.%zu", path, i);
		add_disk(spec, tree, disk->items[i], item);
	}
}

/* Defaults are those of QEMU's guests: a driver is not told what it has no use for. */
static void fill_guest(struct guest_spec *spec, const struct node *tree, const char *name)
{
	const struct node *guest = node_get(node_get(tree, "guests"), name);
	const char *driver = node_get(guest, "driver")->text;
	bool vm = strcmp(driver, "qemu") == 0;
	STRCPY_FIXED(spec->name, name);
	STRCPY_FIXED(spec->driver, driver);
	spec->command = copy_list(node_get(guest, "command"));
	spec->env = copy_variables(node_get(guest, "env"));
	if (vm || node_get(guest, "vcpus"))
		spec->vcpus = (uint32_t)value_whole(tree, "guests.%s.vcpus", name);
	if (vm || node_get(guest, "memory"))
		spec->memory_bytes = value_whole(tree, "guests.%s.memory", name);
	spec->machine = copy_text(guest, "machine", vm);
	spec->accel = copy_text(guest, "accel", vm);
	spec->cpu = copy_text(guest, "cpu", vm);
	spec->kernel = copy_text(guest, "kernel", false);
	spec->initrd = copy_text(guest, "initrd", false);
	spec->append = copy_text(guest, "append", false);
	spec->args = copy_list(node_get(guest, "args"));
	fill_disks(spec, tree, guest);
}

static void fill_mark(struct mark_spec *spec, const struct node *mark)
{
	static const enum mark_kind words[] = {MARK_START, MARK_RESUME, MARK_EXIT};
	if (mark->kind == NODE_SCALAR) {
		spec->kind = words[mark->whole];
		return;
	}
	spec->kind = MARK_CONSOLE;
	spec->pattern = xstrdup(node_get(mark, "console")->text);
}

static void fill_windows(struct run_spec *spec, const struct node *tree)
{
	const struct node *windows = node_get(tree, "windows");
	for (size_t i = 0; windows && i < windows->n; i++) {
		struct window_spec *w = ARRAY_PUSH(spec->windows, spec->n_windows);
		STRCPY_FIXED(w->name, windows->items[i]->key);
		fill_mark(&w->from, node_get(windows->items[i], "from"));
		fill_mark(&w->to, node_get(windows->items[i], "to"));
	}
}

/* A ring is a power of two long; runs that differ only in how that was written are the same. */
static uint32_t stamps_room(uint64_t whole)
{
	uint32_t room = 2;
	if (whole <= 1)
		return whole ? STAMPS_DEFAULT : 0;
	while (room < whole)
		room *= 2;
	return room;
}

static struct run_spec *make_spec(const struct node *tree, const char *guest)
{
	struct run_spec *spec = run_spec_new();
	const struct node *measure = node_get(tree, "measure");
	fill_guest(&spec->guest, tree, guest);
	fill_windows(spec, tree);
	spec->measure.counters = copy_list(node_get(measure, "counters"));
	spec->measure.energy = copy_list(node_get(measure, "energy"));
	spec->measure.memory_every_ns = value_whole(tree, "measure.memory.every");
	spec->measure.stamps = stamps_room(value_whole(tree, "measure.stamps"));
	spec->place.guest_cores = (uint32_t)value_whole(tree, "host.cpus.guest");
	spec->place.vmm_cores = (uint32_t)value_whole(tree, "host.cpus.vmm");
	spec->quiet.busy_pct = value_real(tree, "host.quiet.busy_pct");
	if (spec->quiet.busy_pct >= 0)
		spec->quiet.wait_ns = value_whole(tree, "host.quiet.wait");
	spec->timeout_ns = value_whole(tree, "runs.timeout");
	spec->output_limit_bytes = value_whole(tree, "runs.output_limit");
	return spec;
}

static int make_cell(struct scope *scope, struct cell *ret, struct complaints *complaints)
{
	const char *guest = guest_of(scope->root, scope->point);
	if (!guest)
		return -EINVAL;
	autonode struct node *tree = resolve(scope, guest, complaints);
	if (complaints->n)
		return -EINVAL;
	ret->axes = point_json(scope->point);
	ret->label = point_label(scope->point, guest);
	ret->spec = make_spec(tree, guest);
	ret->spec->cell = xstrdup(ret->axes);
	image_set_take(scope->images, &ret->spec->guest.images, &ret->spec->guest.n_images);
	return 0;
}

/* {host.FACT} without a host leaves holes that make_spec() could not fill. */
static void refuse_hostless(const struct recipe *recipe, const struct node *node,
			    const struct key *key, struct complaints *complaints)
{
	if (node->kind == NODE_SCALAR) {
		if (key->refs & REF_HOST && strstr(node->text, "{host."))
			complain(complaints, node->place,
				 "'%.100s' depends on the host, and there is none", node->text);
		return;
	}
	for (size_t i = 0; i < node->n; i++) {
		const struct node *item = node->items[i];
		const struct key *row = item->key ? key_child(key, item->key) : key;
		if (row)
			refuse_hostless(recipe, item, row, complaints);
	}
}

void matrix_done(struct matrix *matrix)
{
	for (size_t i = 0; i < matrix->n; i++) {
		free(matrix->cells[i].axes);
		free(matrix->cells[i].label);
		run_spec_free(matrix->cells[i].spec);
	}
	free(matrix->cells);
	*matrix = (struct matrix){0};
}

int recipe_matrix(const struct recipe *recipe, const struct host_info *host,
		  const char *cache_folder, struct matrix *ret, struct recipe_errors *errors)
{
	autocomplaints struct complaints complaints = {0};
	autoimage_set struct image_set *images = image_set_new(recipe->fixed, recipe->images,
							       recipe->folder, cache_folder);
	struct scope scope = {.root = recipe->root, .host = host, .images = images};
	struct matrix matrix = {0};
	if (!host)
		refuse_hostless(recipe, recipe->root, NULL, &complaints);
	for (size_t i = 0; i < recipe->points.n && !overspent(&scope, &complaints); i++) {
		struct cell cell = {0};
		scope.point = recipe->points.items[i];
		if (make_cell(&scope, &cell, &complaints) == 0)
			*ARRAY_PUSH(matrix.cells, matrix.n) = cell;
	}
	if (complaints.n) {
		complaints_report(&complaints, recipe->path, errors);
		matrix_done(&matrix);
		return -EINVAL;
	}
	*ret = matrix;
	return 0;
}
