// SPDX-License-Identifier: GPL-3.0-or-later
/* Which accelerator each guest gets: what is compared stays comparable, and who asked for one by
 * name gets that one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "controller/campaign/life.h"
#include "proto/base/mem.h"

enum { CELLS = 3 };

static const struct accel_case {
	struct {
		const char *asked, *works; /* works "": a guest without such a choice */
	} in[CELLS];
	const char *out[CELLS];
	const char *spoiler, *kvm, *tcg;
	const char *why;
} cases[] = {
	{{{"auto", "kvm"}, {"auto", "kvm"}, {NULL, "kvm"}},
	 {"kvm", "kvm", "kvm"},
	 NULL,
	 "c",
	 NULL,
	 "all can, and nothing said is auto"},
	{{{"auto", "kvm"}, {"auto", "tcg"}, {"auto", "kvm"}},
	 {"tcg", "tcg", "tcg"},
	 "b",
	 NULL,
	 "c",
	 "one that cannot takes all with it, and is named"},
	{{{"auto", "tcg"}, {"auto", "tcg"}, {NULL, ""}},
	 {"tcg", "tcg", NULL},
	 NULL,
	 NULL,
	 "b",
	 "where none can there is nothing to say"},
	{{{"auto", "kvm"}, {"tcg", "tcg"}, {NULL, ""}},
	 {"kvm", "tcg", NULL},
	 NULL,
	 "a",
	 "b",
	 "tcg by name spoils nothing for auto, but both kinds are there"},
	{{{"kvm", "kvm"}, {"auto", "tcg"}, {"auto", "kvm"}},
	 {"kvm", "tcg", "tcg"},
	 "b",
	 "a",
	 "c",
	 "kvm by name stays kvm"},
	{{{NULL, ""}, {NULL, ""}, {NULL, ""}},
	 {NULL, NULL, NULL},
	 NULL,
	 NULL,
	 NULL,
	 "processes have no accelerator"},
};

static void assert_text(const char *found, const char *expected, const char *why)
{
	if (!found != !expected || (found && strcmp(found, expected) != 0))
		fail_msg("%s: found %s, expected %s", why, found ? found : "nothing",
			 expected ? expected : "nothing");
}

static void each_guest_gets_its_accelerator(void **state)
{
	static char labels[CELLS][2] = {"a", "b", "c"};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct accel_case *t = &cases[i];
		struct run_spec specs[CELLS] = {0};
		struct cell cells[CELLS] = {0};
		struct msg_preflight_reply answers[CELLS] = {0};
		struct matrix m = {.cells = cells, .n = CELLS};
		for (size_t j = 0; j < CELLS; j++) {
			cells[j].spec = &specs[j];
			cells[j].label = labels[j];
			specs[j].guest.accel = xstrdup(t->in[j].asked);
			STRCPY_FIXED(answers[j].accel, t->in[j].works);
			STRCPY_FIXED(answers[j].cpu, t->in[j].works[0] ? "host" : "");
		}
		struct accel_choice c = accel_choose(&m, answers);
		assert_text(c.spoiler, t->spoiler, t->why);
		assert_text(c.kvm, t->kvm, t->why);
		assert_text(c.tcg, t->tcg, t->why);
		for (size_t j = 0; j < CELLS; j++) {
			const struct guest_spec *g = &specs[j].guest;
			assert_text(g->accel, t->out[j], t->why);
			/* The model that was found to work is only known to work with its own. */
			if (t->out[j])
				assert_text(g->cpu,
					    strcmp(t->out[j], t->in[j].works) == 0 ? "host" : "max",
					    t->why);
			free(specs[j].guest.accel);
			free(specs[j].guest.cpu);
		}
	}
}

static void a_model_by_name_is_kept(void **state)
{
	struct run_spec spec = {.guest = {.accel = xstrdup("auto"), .cpu = xstrdup("Haswell")}};
	struct cell cell = {.spec = &spec};
	struct msg_preflight_reply answer = {.accel = "tcg", .cpu = "max"};
	struct matrix m = {.cells = &cell, .n = 1};
	(void)state;
	accel_choose(&m, &answer);
	assert_string_equal(spec.guest.cpu, "Haswell");
	assert_string_equal(spec.guest.accel, "tcg");
	free(spec.guest.accel);
	free(spec.guest.cpu);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_guest_gets_its_accelerator),
		cmocka_unit_test(a_model_by_name_is_kept),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
