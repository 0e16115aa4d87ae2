// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/recipe/keys.h"

#include <inttypes.h>
#include <string.h>

#include "proto/base/clock.h"
#include "proto/base/mem.h"

#define KIB  1024ull
#define MIB  (1024 * KIB)
#define GIB  (1024 * MIB)
#define TIB  (1024 * GIB)
#define HOUR (3600 * NSEC_PER_SEC)

/* A seed is stored as a signed 64-bit number. */
#define SEED_MAX INT64_MAX

/* In the order of the reference page: what a first recipe needs comes first. */
const struct key recipe_keys[] = {
	{"assay", KEY_COUNT, .required = true, .least = 1, .most = 1,
	 .help = "The version of the recipe language, always 1."},
	{"name", KEY_SLUG, .required = true, .least = 1, .most = NAME_SIZE - 1,
	 .help = "What campaigns of this recipe are called."},
	{"description", KEY_TEXT, .help = "What is compared and why, for people."},

	{"guests", KEY_NAMES, .required = true, .least = 1, .most = 256,
	 .help = "What is launched and measured; the names are yours."},
	{"guests.*", KEY_MAP, .help = "One guest."},
	{"guests.*.driver", KEY_WORD, .refs = REF_PARAM | REF_AXIS, .required = true,
	 .words = "process qemu fake",
	 .help = "The kind of guest: a plain process, a VM or unikernel under QEMU; fake is "
		 "scripted and only tests assay itself."},
	{"guests.*.command", KEY_LIST, KEY_TEXT, .refs = REF_GUEST, .least = 1, .most = 1024,
	 .driver = "process",
	 .help = "Program and arguments, one list entry each; never a shell line."},
	{"guests.*.env", KEY_VARIABLES, .most = 256, .driver = "process",
	 .help = "Environment variables, added to a clean environment."},
	{"guests.*.env.*", KEY_TEXT, .refs = REF_GUEST, .help = "The value of one variable."},
	{"guests.*.vcpus", KEY_COUNT, .refs = REF_CELL, .fallback = "1", .least = 1, .most = 4096,
	 .driver = "qemu", .help = "Virtual CPUs."},
	{"guests.*.memory", KEY_BYTES, .refs = REF_CELL, .fallback = "512M", .least = MIB,
	 .most = 64 * TIB, .driver = "qemu", .help = "Memory of the VM."},
	{"guests.*.machine", KEY_TEXT, .refs = REF_CELL, .fallback = "q35", .least = 1,
	 .most = NAME_SIZE - 1, .driver = "qemu",
	 .help = "QEMU's machine type, such as q35, pc or microvm."},
	{"guests.*.accel", KEY_WORD, .refs = REF_CELL, .fallback = "auto", .words = "auto kvm tcg",
	 .driver = "qemu",
	 .help = "How the guest's instructions run: by the CPU (kvm) or translated (tcg); auto is "
		 "kvm where the host has it, and the result says which it was."},
	{"guests.*.cpu", KEY_TEXT, .refs = REF_CELL, .fallback = "auto", .least = 1, .most = 1024,
	 .driver = "qemu",
	 .help = "QEMU's -cpu; auto is host under kvm (qemu64 where that is refused) and max under "
		 "tcg."},
	{"guests.*.kernel", KEY_FILE, .refs = REF_GUEST, .driver = "qemu",
	 .help = "The kernel that QEMU loads itself: an image, or an absolute path on the host."},
	{"guests.*.initrd", KEY_FILE, .refs = REF_GUEST, .driver = "qemu",
	 .help = "The initial RAM disk beside the kernel."},
	{"guests.*.append", KEY_TEXT, .refs = REF_GUEST, .driver = "qemu",
	 .help = "The kernel's command line."},
	{"guests.*.disk", KEY_MAP_OR_MAPS, .most = 16, .driver = "qemu",
	 .help = "A disk, or a list of disks in the order in which the guest sees them."},
	{"guests.*.disk.image", KEY_FILE, .refs = REF_GUEST,
	 .help = "What is on the disk: an image of this recipe, as {image.NAME}."},
	{"guests.*.disk.file", KEY_FILE, .refs = REF_GUEST,
	 .help = "What is on the disk: an absolute path on the host, whose content assay neither "
		 "checks nor records."},
	{"guests.*.disk.fresh", KEY_TRUTH, .refs = REF_CELL, .fallback = "true",
	 .help = "Whether each run begins with the disk as it is and its writes are thrown away."},
	{"guests.*.disk.bus", KEY_WORD, .refs = REF_CELL, .fallback = "virtio",
	 .words = "virtio nvme", .help = "How the guest sees the disk."},
	{"guests.*.disk.format", KEY_WORD, .refs = REF_CELL, .fallback = "raw",
	 .words = "raw qcow2", .help = "The format of the file."},
	{"guests.*.args", KEY_LIST, KEY_TEXT, .refs = REF_GUEST, .most = 1024, .driver = "qemu",
	 .help = "Further arguments for QEMU, as they are."},

	{"images", KEY_NAMES, .most = 256,
	 .help = "Files that define guests; their hashes are part of every result."},
	{"images.*", KEY_MAP, .help = "One image, built or a file."},
	{"images.*.build", KEY_SLUG, .refs = REF_PARAM, .least = 1, .most = NAME_SIZE - 1,
	 .help = "An image that `images/build.sh NAME` makes; its parts are {image.NAME.PART}."},
	{"images.*.file", KEY_TEXT, .refs = REF_PARAM, .least = 1, .most = 4000,
	 .help = "A file, absolute or relative to the recipe's folder."},
	{"images.*.sha256", KEY_SHA256, .refs = REF_PARAM,
	 .help = "What the file must be: 64 hex digits, as sha256sum prints them."},

	{"axes", KEY_NAMES, .most = 16,
	 .help = "What is varied: every combination of the axes' values is a cell, and each cell "
		 "is "
		 "run `runs.iterations` times."},
	{"axes.*", KEY_LIST, KEY_SCALAR, .least = 1, .most = 4096,
	 .help = "The values of one axis; those of the axis `guest` name guests, others are meant "
		 "where {axis.NAME} stands."},
	{"include", KEY_MAPS, .most = 4096,
	 .help = "Further cells, each with a value for every axis."},
	{"include.*", KEY_SCALAR, .help = "The cell's value on one axis."},
	{"exclude", KEY_MAPS, .most = 4096,
	 .help = "Combinations to leave out: all cells that have these values."},
	{"exclude.*", KEY_SCALAR, .help = "The value on one axis."},
	{"params", KEY_NAMES, .most = 256,
	 .help = "Values with a name, meant where {param.NAME} stands, and to be changed by "
		 "`--set params.NAME=VALUE`."},
	{"params.*", KEY_SCALAR, .help = "One such value."},

	{"windows", KEY_NAMES, .most = 64,
	 .help = "Parts of a run to measure; the window `whole` is always there, from exec to "
		 "exit."},
	{"windows.*", KEY_MAP, .help = "One window."},
	{"windows.*.from", KEY_MARK, .required = true,
	 .help = "Where it begins: start (exec), resume (the guest's first instruction), or the "
		 "first match of a pattern on the console."},
	{"windows.*.from.console", KEY_PATTERN, .refs = REF_CELL, .required = true, .most = 100,
	 .help = "A regular expression (PCRE2), searched in each line."},
	{"windows.*.to", KEY_MARK, .required = true,
	 .help = "Where it ends: resume, exit, or the first match after it began."},
	{"windows.*.to.console", KEY_PATTERN, .refs = REF_CELL, .required = true, .most = 100,
	 .help = "A regular expression (PCRE2), searched in each line."},

	{"measure", KEY_MAP, .help = "What is read in each window, besides time."},
	{"measure.counters", KEY_LIST, KEY_EVENT, .refs = REF_CELL, .most = 64,
	 .help = "Events to count, named as perf names them."},
	{"measure.energy", KEY_LIST, KEY_WORD, .refs = REF_CELL, .most = 8,
	 .words = "package dram psys",
	 .help = "Domains whose energy is read; what the host lacks is absent, with the reason."},
	{"measure.memory", KEY_MAP, .help = "Memory of the guest's processes over time."},
	{"measure.memory.every", KEY_DURATION, .refs = REF_CELL, .required = true,
	 .least = NSEC_PER_MSEC, .most = HOUR, .help = "How often it is sampled."},
	{"measure.stamps", KEY_AMOUNT, .refs = REF_CELL, .fallback = "false", .least = 2,
	 .most = STAMPS_MAX,
	 .help = "Room for instants that a process guest names itself, by "
		 "proto/stamp/assay_stamp.h; "
		 "they become events of the run. true: 1024 of them; a number is rounded up to a "
		 "power of two."},

	{"runs", KEY_MAP, .help = "How often, in which order, and when to give up."},
	{"runs.iterations", KEY_COUNT, .refs = REF_PARAM, .fallback = "10", .least = 1,
	 .most = 1000000, .help = "Measured runs of each cell; --runs replaces it."},
	{"runs.warmup", KEY_COUNT, .refs = REF_PARAM, .fallback = "1", .most = 10000,
	 .help = "Runs of each cell before those, marked and left out of statistics; one fills the "
		 "caches of the host."},
	{"runs.order", KEY_WORD, .refs = REF_PARAM, .fallback = "blocks",
	 .words = "blocks random sequential",
	 .help = "blocks: each round runs every cell once, shuffled anew, so that drift hits all "
		 "alike; random: all runs shuffled; sequential: cell by cell."},
	{"runs.seed", KEY_COUNT, .refs = REF_PARAM, .fallback = "0", .most = SEED_MAX,
	 .help = "Where the shuffling starts; 0 draws one, which is stored with the campaign."},
	{"runs.timeout", KEY_DURATION, .refs = REF_CELL, .fallback = "120s", .least = NSEC_PER_MSEC,
	 .most = 30 * 24 * HOUR, .help = "A run that takes longer is ended and invalid."},
	{"runs.retries", KEY_COUNT, .refs = REF_PARAM, .fallback = "2", .most = 100,
	 .help = "Further attempts at a run that was lost or failed."},
	{"runs.output_limit", KEY_BYTES, .refs = REF_CELL, .fallback = "16M", .least = KIB,
	 .most = GIB,
	 .help = "A guest that prints more, on console or stderr, is ended and the run invalid."},

	{"compare", KEY_MAP, .help = "Which axis the results are compared along."},
	{"compare.axis", KEY_NAME, .required = true, .help = "The axis."},
	{"compare.baseline", KEY_SCALAR,
	 .help = "The value that the others are compared with; the axis' first unless said."},

	{"checks", KEY_NAMES, .most = 64, .help = "What a run must have printed to be valid."},
	{"checks.*", KEY_MAP, .help = "One check."},
	{"checks.*.console", KEY_PATTERN, .refs = REF_PARAM, .required = true, .most = 1,
	 .help = "Finds the value on the console: the group, or the whole match if there is none."},
	{"checks.*.equals", KEY_TEXT, .refs = REF_PARAM, .least = 1,
	 .help = "What the value must be; without it, all runs of the campaign must agree."},
	{"parse", KEY_NAMES, .most = 64,
	 .help = "Numbers that the guest prints, made readings of the metric NAME/METRIC."},
	{"parse.*", KEY_MAP, .help = "One number."},
	{"parse.*.regex", KEY_PATTERN, .refs = REF_PARAM, .required = true, .least = 1, .most = 1,
	 .help = "Finds the number on the console: the group."},
	{"parse.*.metric", KEY_NAME, .required = true, .help = "What the number is called."},
	{"parse.*.unit", KEY_TEXT, .required = true, .least = 1, .most = UNIT_SIZE - 1,
	 .help = "Its unit, as results show it: ms, MiB/s, count."},
	{"parse.*.window", KEY_NAME, .fallback = "whole", .help = "The window that it is about."},

	{"hosts", KEY_MAP, .help = "On which hosts; without it, on any one."},
	{"hosts.each", KEY_EXPRESSION, .least = 1,
	 .help = "On every host of which this is true: capabilities, and facts compared with = != "
		 "< "
		 "<= > >=, joined by and, or, not and parentheses."},
	{"hosts.any", KEY_EXPRESSION, .least = 1,
	 .help = "On any of the hosts of which this is true."},
	{"host", KEY_MAP, .help = "How a host is prepared for a run."},
	{"host.cpus", KEY_MAP, .help = "Physical cores that a run has for itself."},
	{"host.cpus.guest", KEY_COUNT, .refs = REF_CELL, .fallback = "0", .most = 4096,
	 .help = "Cores for the process or the vCPUs; 0 leaves them where the kernel puts them."},
	{"host.cpus.vmm", KEY_COUNT, .refs = REF_CELL, .fallback = "0", .most = 4096,
	 .help = "Cores for all other threads of a VMM."},
	{"host.quiet", KEY_MAP, .help = "Waits until the host has nothing else to do."},
	{"host.quiet.busy_pct", KEY_NUMBER, .refs = REF_CELL, .required = true, .most = 100,
	 .help = "The busy share of the whole machine, in percent, that still counts as quiet."},
	{"host.quiet.wait", KEY_DURATION, .refs = REF_CELL, .fallback = "10m", .most = 24 * HOUR,
	 .help = "How long to wait for that before the run goes on, flagged."},
};

const size_t recipe_keys_count = ARRAY_SIZE(recipe_keys);

const struct key *key_row(const char *path)
{
	for (size_t i = 0; i < recipe_keys_count; i++)
		if (strcmp(recipe_keys[i].path, path) == 0)
			return &recipe_keys[i];
	return NULL;
}

/* The part of the row's path below parent, if it is one level below; NULL: it is elsewhere. */
static const char *name_below(const struct key *parent, const struct key *row)
{
	const char *name = row->path;
	if (parent) {
		size_t size = strlen(parent->path);
		if (strncmp(name, parent->path, size) != 0 || name[size] != '.')
			return NULL;
		name += size + 1;
	}
	return strchr(name, '.') ? NULL : name;
}

static const struct key *find_child(const struct key *parent, const char *name, size_t size)
{
	const struct key *star = NULL;
	for (size_t i = 0; i < recipe_keys_count; i++) {
		const char *n = name_below(parent, &recipe_keys[i]);
		if (n && strcmp(n, "*") == 0)
			star = &recipe_keys[i];
		else if (n && strlen(n) == size && memcmp(n, name, size) == 0)
			return &recipe_keys[i];
	}
	return star;
}

const struct key *key_child(const struct key *parent, const char *name)
{
	return find_child(parent, name, strlen(name));
}

static bool is_list(const struct key *row)
{
	return row &&
	       (row->type == KEY_LIST || row->type == KEY_MAPS || row->type == KEY_MAP_OR_MAPS);
}

const struct key *key_match(const char *path)
{
	const struct key *row = NULL;
	while (path) {
		const char *rest;
		size_t size = path_segment(path, &rest);
		bool place_in_list = is_list(row) && size && strspn(path, "0123456789") == size;
		if (!place_in_list)
			row = find_child(row, path, size);
		if (!row || !size)
			return NULL;
		path = rest;
	}
	return row;
}

bool key_fits_driver(const struct key *key, const char *driver)
{
	return !key->driver || !driver || strcmp(driver, "fake") == 0 ||
	       strcmp(driver, key->driver) == 0;
}

const char **key_children(const struct key *parent, const char *driver)
{
	const char **names = xcalloc(recipe_keys_count + 1, sizeof(*names));
	size_t n = 0;
	for (size_t i = 0; i < recipe_keys_count; i++) {
		const char *name = name_below(parent, &recipe_keys[i]);
		if (name && strcmp(name, "*") != 0 && key_fits_driver(&recipe_keys[i], driver))
			names[n++] = name;
	}
	return names;
}

/* Type names for people; ranges are added where they say more. */
static const char *const type_names[KEY_TYPES] = {
	[KEY_MAP] = "a map",
	[KEY_NAMES] = "a map of names",
	[KEY_VARIABLES] = "a map of environment variables",
	[KEY_LIST] = "a list",
	[KEY_MAPS] = "a list of maps",
	[KEY_MAP_OR_MAPS] = "a map or a list of maps",
	[KEY_MARK] = "start, resume, exit or {console: REGEX}",
	[KEY_TEXT] = "a text",
	[KEY_SCALAR] = "a text, a number, true or false",
	[KEY_SLUG] = "a name of a-z, 0-9 and -",
	[KEY_NAME] = "a name of letters, digits, _ and -",
	[KEY_EVENT] = "an event such as cycles or page-faults",
	[KEY_COUNT] = "a whole number",
	[KEY_NUMBER] = "a number",
	[KEY_TRUTH] = "true or false",
	[KEY_AMOUNT] = "true, false or a whole number",
	[KEY_BYTES] = "a size such as 512M or 1GiB",
	[KEY_DURATION] = "a duration such as 100ms or 10m",
	[KEY_PATTERN] = "a regular expression",
	[KEY_EXPRESSION] = "an expression such as 'energy.package and kvm'",
	[KEY_FILE] = "an image such as {image.NAME}, or an absolute path",
	[KEY_SHA256] = "64 hex digits",
};

static void add_words(const char *words, struct text *ret)
{
	while (*words) {
		size_t size = strcspn(words, " ");
		text_add_bytes(ret, words, size);
		words += size;
		words += *words == ' ';
		if (*words)
			text_add(ret, strchr(words, ' ') ? ", " : " or ");
	}
}

static void add_type(const struct key *key, enum key_type type, struct text *ret)
{
	if (type == KEY_WORD)
		add_words(key->words, ret);
	else
		text_add(ret, type_names[type]);
}

void key_expected(const struct key *key, struct text *ret)
{
	if (key->type == KEY_COUNT && key->least == key->most) {
		text_addf(ret, "%" PRIu64, key->least);
		return;
	}
	add_type(key, key->type, ret);
	if (key->type == KEY_LIST) {
		text_add(ret, " of: ");
		add_type(key, key->item, ret);
	}
	if (key->type == KEY_COUNT || key->type == KEY_NUMBER || key->type == KEY_AMOUNT)
		text_addf(ret, " from %" PRIu64 " to %" PRIu64, key->least, key->most);
}
