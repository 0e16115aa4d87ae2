// SPDX-License-Identifier: GPL-3.0-or-later
/* The key of a run: what changes it, what does not, and that it never changes by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "controller/plan/plan.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

/* Whoever adds a member to a spec comes by here: it belongs into the key (controller/plan/runkey.c)
 * and into the table below, or among those that do not count. */
_Static_assert(sizeof(struct run_spec) == 448, "a member of struct run_spec was added or removed");
_Static_assert(sizeof(struct guest_spec) == 248, "a member of struct guest_spec ...");
_Static_assert(sizeof(struct disk_spec) == 48, "a member of struct disk_spec ...");
_Static_assert(sizeof(struct window_spec) == 96, "a member of struct window_spec ...");
_Static_assert(sizeof(struct image_ref) == 152, "a member of struct image_ref ...");

static const char sha_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
static const char sha_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

/* A spec in which everything is something. */
static struct run_spec *full_spec(void)
{
	struct run_spec *s = run_spec_new();
	struct guest_spec *g = &s->guest;
	s->cell = xstrdup("{\"guest\":\"vm\"}");
	STRCPY_FIXED(g->name, "vm");
	STRCPY_FIXED(g->driver, "qemu");
	strv_push(&g->command, "a");
	strv_push(&g->command, "bc");
	strv_push(&g->env, "K=v");
	g->vcpus = 2;
	g->memory_bytes = 1 << 30;
	g->machine = xstrdup("q35");
	g->accel = xstrdup("kvm");
	g->cpu = xstrdup("host");
	g->kernel = xstrdup("/k");
	g->initrd = xstrdup("/i");
	g->append = xstrdup("quiet");
	g->disks = xcalloc(2, sizeof(*g->disks));
	g->n_disks = 2;
	g->disks[0] = (struct disk_spec){xstrdup("/d"), true, "virtio", "raw"};
	g->disks[1] = (struct disk_spec){xstrdup("/e"), false, "nvme", "qcow2"};
	strv_push(&g->args, "-x");
	g->images = xcalloc(2, sizeof(*g->images));
	g->n_images = 2;
	STRCPY_FIXED(g->images[0].name, "first");
	STRCPY_FIXED(g->images[0].sha256, sha_b);
	g->images[0].size_bytes = 7;
	g->images[0].path = xstrdup("/p");
	STRCPY_FIXED(g->images[1].name, "second");
	STRCPY_FIXED(g->images[1].sha256, sha_a);
	s->windows = xcalloc(1, sizeof(*s->windows));
	s->n_windows = 1;
	STRCPY_FIXED(s->windows[0].name, "bench");
	s->windows[0].from = (struct mark_spec){MARK_CONSOLE, xstrdup("B")};
	s->windows[0].to = (struct mark_spec){MARK_CONSOLE, xstrdup("E")};
	strv_push(&s->measure.counters, "cycles");
	strv_push(&s->measure.energy, "package");
	s->measure.memory_every_ns = 100000000;
	s->place = (struct place_spec){1, 3};
	s->quiet = (struct quiet_spec){2.5, 600000000000};
	s->timeout_ns = 120000000000;
	s->output_limit_bytes = 16 << 20;
	return s;
}

static void set(char **text, const char *value)
{
	free(*text);
	*text = xstrdup(value);
}

/* Each changes one member. */
#define CHANGE(name, statement)                   \
	static void name(struct run_spec *s)      \
	{                                         \
		struct guest_spec *g = &s->guest; \
		(void)g;                          \
		statement;                        \
	}
CHANGE(cell, set(&s->cell, "{}"))
CHANGE(guest_name, STRCPY_FIXED(g->name, "wm"))
CHANGE(driver, STRCPY_FIXED(g->driver, "fake"))
CHANGE(command, set(&g->command[1], "bd"))
CHANGE(command_more, strv_push(&g->command, ""))
CHANGE(command_split, (set(&g->command[0], "ab"), set(&g->command[1], "c")))
CHANGE(env, set(&g->env[0], "K=w"))
CHANGE(command_or_env, strv_push(&g->command, "K=v"); strv_free(g->env); g->env = NULL)
CHANGE(vcpus, g->vcpus++)
CHANGE(memory, g->memory_bytes++)
CHANGE(machine, set(&g->machine, "pc"))
CHANGE(accel, set(&g->accel, "tcg"))
CHANGE(cpu, set(&g->cpu, "max"))
CHANGE(kernel, set(&g->kernel, "/l"))
CHANGE(kernel_absent, set(&g->kernel, NULL))
CHANGE(initrd, set(&g->initrd, "/j"))
CHANGE(append, set(&g->append, "quiet "))
CHANGE(disk_file, set(&g->disks[1].file, "/f"))
CHANGE(disk_fresh, g->disks[0].fresh = false)
CHANGE(disk_fresh_of_another, g->disks[0].fresh = false; g->disks[1].fresh = true)
CHANGE(disk_bus, STRCPY_FIXED(g->disks[0].bus, "nvme"))
CHANGE(disk_format, STRCPY_FIXED(g->disks[0].format, "qcow2"))
CHANGE(disk_gone, free(take(g->disks[1].file)); g->n_disks--)
CHANGE(args, set(&g->args[0], "-y"))
CHANGE(image_sha256, STRCPY_FIXED(g->images[0].sha256, "c"))
CHANGE(image_gone, g->n_images--)
CHANGE(window_name, STRCPY_FIXED(s->windows[0].name, "boot"))
CHANGE(window_from_kind, s->windows[0].from.kind = MARK_RESUME)
CHANGE(window_from_pattern, set(&s->windows[0].from.pattern, "C"))
CHANGE(window_to_kind, s->windows[0].to.kind = MARK_EXIT)
CHANGE(window_to_pattern, set(&s->windows[0].to.pattern, "F"))
CHANGE(counters, strv_push(&s->measure.counters, "instructions"))
CHANGE(counter_or_energy, strv_push(&s->measure.counters, "package"); strv_free(s->measure.energy);
       s->measure.energy = NULL)
CHANGE(energy, set(&s->measure.energy[0], "cores"))
CHANGE(memory_every, s->measure.memory_every_ns = 0)
CHANGE(stamps, s->measure.stamps = 1024)
CHANGE(more_stamps, s->measure.stamps = 2048)
CHANGE(guest_cores, s->place.guest_cores = 0)
CHANGE(cores_swapped, s->place.guest_cores = 3; s->place.vmm_cores = 1)
CHANGE(vmm_cores, s->place.vmm_cores++)
CHANGE(busy_pct, s->quiet.busy_pct = 2.5000000000000004)
CHANGE(busy_pct_none, s->quiet.busy_pct = -1)
CHANGE(busy_pct_zero, s->quiet.busy_pct = 0)
CHANGE(wait, s->quiet.wait_ns++)
CHANGE(timeout, s->timeout_ns++)
CHANGE(output_limit, s->output_limit_bytes++)
/* These are not the run, or are its arguments to plan_run_key(). */
CHANGE(campaign, STRCPY_FIXED(s->campaign, "01J00000000000000000000000"))
CHANGE(run_key, STRCPY_FIXED(s->run_key, "x"))
CHANGE(attempt, s->attempt = 4)
CHANGE(iteration, s->iteration = 5)
CHANGE(warmup, s->warmup = true)
/* An image is its content. */
CHANGE(image_name, STRCPY_FIXED(g->images[0].name, "zzz"))
CHANGE(image_path, set(&g->images[0].path, "/q"))
CHANGE(image_size, g->images[0].size_bytes++)
CHANGE(image_order, struct image_ref first = g->images[0]; g->images[0] = g->images[1];
       g->images[1] = first)

struct change {
	const char *why;
	void (*change)(struct run_spec *s);
	bool counts;
};

#define COUNTS(name)              \
	{                         \
#name, name, true \
	}
#define IGNORED(name)              \
	{                          \
#name, name, false \
	}

static const struct change changes[] = {
	COUNTS(cell),
	COUNTS(guest_name),
	COUNTS(driver),
	COUNTS(command),
	COUNTS(command_more),
	COUNTS(command_split),
	COUNTS(env),
	COUNTS(command_or_env),
	COUNTS(vcpus),
	COUNTS(memory),
	COUNTS(machine),
	COUNTS(accel),
	COUNTS(cpu),
	COUNTS(kernel),
	COUNTS(kernel_absent),
	COUNTS(initrd),
	COUNTS(append),
	COUNTS(disk_file),
	COUNTS(disk_fresh),
	COUNTS(disk_fresh_of_another),
	COUNTS(disk_bus),
	COUNTS(disk_format),
	COUNTS(disk_gone),
	COUNTS(args),
	COUNTS(image_sha256),
	COUNTS(image_gone),
	COUNTS(window_name),
	COUNTS(window_from_kind),
	COUNTS(window_from_pattern),
	COUNTS(window_to_kind),
	COUNTS(window_to_pattern),
	COUNTS(counters),
	COUNTS(counter_or_energy),
	COUNTS(energy),
	COUNTS(memory_every),
	COUNTS(stamps),
	COUNTS(more_stamps),
	COUNTS(guest_cores),
	COUNTS(cores_swapped),
	COUNTS(vmm_cores),
	COUNTS(busy_pct),
	COUNTS(busy_pct_none),
	COUNTS(busy_pct_zero),
	COUNTS(wait),
	COUNTS(timeout),
	COUNTS(output_limit),
	IGNORED(campaign),
	IGNORED(run_key),
	IGNORED(attempt),
	IGNORED(iteration),
	IGNORED(warmup),
	IGNORED(image_name),
	IGNORED(image_path),
	IGNORED(image_size),
	IGNORED(image_order),
};

static void test_members(void **state)
{
	char keys[ARRAY_SIZE(changes) + 1][HASH_HEX_SIZE];
	(void)state;
	autoclean(run_spec) struct run_spec *full = full_spec();
	plan_run_key(full, "host", 3, false, keys[0]);
	for (size_t i = 0; i < ARRAY_SIZE(changes); i++) {
		autoclean(run_spec) struct run_spec *s = full_spec();
		changes[i].change(s);
		plan_run_key(s, "host", 3, false, keys[i + 1]);
		print_message("%s\n", changes[i].why);
		if (!changes[i].counts) {
			assert_string_equal(keys[i + 1], keys[0]);
			continue;
		}
		for (size_t j = 0; j <= i; j++)
			assert_true(strcmp(keys[i + 1], keys[j]) != 0 ||
				    (j && !changes[j - 1].counts));
	}
}

static void test_arguments(void **state)
{
	char base[HASH_HEX_SIZE], other[HASH_HEX_SIZE];
	(void)state;
	autoclean(run_spec) struct run_spec *s = full_spec();
	plan_run_key(s, "host", 1, false, base);
	plan_run_key(s, "host", 1, false, other);
	assert_string_equal(base, other);
	plan_run_key(s, "hosu", 1, false, other);
	assert_string_not_equal(base, other);
	plan_run_key(s, "host", 2, false, other);
	assert_string_not_equal(base, other);
	plan_run_key(s, "host", 1, true, other);
	assert_string_not_equal(base, other);
}

/* Results in people's databases are found by these. If one changes, every campaign runs anew: then
 * the first line of the bytes must say another version. Computed apart from the code, by hand of
 * the description in runkey.c. */
static void test_golden(void **state)
{
	char key[HASH_HEX_SIZE];
	(void)state;
	autoclean(run_spec) struct run_spec *s = full_spec();
	plan_run_key(s, "host", 3, true, key);
	assert_string_equal(key,
			    "e67ddb11770b2f7031c21fbdb986e218851bc45fbf1d1eada4ede4f71fa35a90");
	autoclean(run_spec) struct run_spec *empty = run_spec_new();
	empty->quiet.busy_pct = -1;
	plan_run_key(empty, NULL, 0, false, key);
	assert_string_equal(
		key,
		"d1385a9f6f75a606c810a58889b1c46b630e71c6d67b839a0b40e4c2c69961bd"); /* of "assay
											run key 1\n"
										      */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),
		cmocka_unit_test(test_arguments),
		cmocka_unit_test(test_golden),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
