// SPDX-License-Identifier: GPL-3.0-or-later
/* Axes to cells to specs: order, names, references, and the copy that one run gets. */
#include "tests/controller/recipe/recipe_help.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "proto/base/clock.h"

struct shape {
	const char *why;
	const char *yaml;
	const char *expected; /* "axes label" a line */
};

#define TWO "guests: {a: {driver: process, command: [t]}, b: {driver: process, command: [t]}}\n"

static const struct shape shapes[] = {
	{"one guest needs no axis", HEAD GUEST, "{} a\n"},
	{"the axis guest", HEAD TWO "axes: {guest: [b, a]}\n",
	 "{\"guest\":\"b\"} b\n{\"guest\":\"a\"} a\n"},
	{"the first axis is the slowest, keys are sorted",
	 HEAD TWO "axes: {guest: [a, b], accel: [kvm, tcg]}\n",
	 "{\"accel\":\"kvm\",\"guest\":\"a\"} a, accel=kvm\n"
	 "{\"accel\":\"tcg\",\"guest\":\"a\"} a, accel=tcg\n"
	 "{\"accel\":\"kvm\",\"guest\":\"b\"} b, accel=kvm\n"
	 "{\"accel\":\"tcg\",\"guest\":\"b\"} b, accel=tcg\n"},
	{"axes without the axis guest", HEAD GUEST "axes: {n: [1, 2]}\n",
	 "{\"n\":1} a, n=1\n{\"n\":2} a, n=2\n"},
	{"values as they were written",
	 HEAD GUEST
	 "axes: {n: [1.50, '1', -0, 1e3, 0x10, 007, true, 'false', 1e999, \"q\\\"\", .5]}\n",
	 "{\"n\":1.50} a, n=1.50\n{\"n\":\"1\"} a, n=1\n{\"n\":-0} a, n=-0\n{\"n\":1e3} a, n=1e3\n"
	 "{\"n\":\"0x10\"} a, n=0x10\n{\"n\":\"007\"} a, n=007\n{\"n\":true} a, n=true\n"
	 "{\"n\":\"false\"} a, n=false\n"
	 "{\"n\":\"1e999\"} a, n=1e999\n{\"n\":\"q\\\"\"} a, n=q\"\n{\"n\":\".5\"} a, n=.5\n"},
	{"exclude takes all that match, include adds at the end",
	 HEAD GUEST "axes: {n: [1, 2], m: [x, y]}\nexclude: [{n: 1}]\ninclude: [{m: z, n: 9}]\n",
	 "{\"m\":\"x\",\"n\":2} a, n=2, m=x\n{\"m\":\"y\",\"n\":2} a, n=2, m=y\n"
	 "{\"m\":\"z\",\"n\":9} a, n=9, m=z\n"},
	{"include may bring back what exclude took",
	 HEAD GUEST "axes: {n: [1, 2]}\nexclude: [{n: 1}, {n: 2}]\ninclude: [{n: 1}]\n",
	 "{\"n\":1} a, n=1\n"},
};

static void test_shapes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		autotext struct text said = {0};
		automatrix struct matrix m = {0};
		print_message("%s\n", shapes[i].why);
		autorecipe struct recipe *r = parse(shapes[i].yaml);
		cells(r, NULL, &m);
		for (size_t c = 0; c < m.n; c++) {
			json_t *json = json_loads(m.cells[c].axes, 0, NULL);
			assert_non_null(json);
			json_decref(json);
			assert_string_equal(m.cells[c].axes, m.cells[c].spec->cell);
			text_addf(&said, "%s %s\n", m.cells[c].axes, m.cells[c].label);
		}
		assert_string_equal(said.data, shapes[i].expected);
	}
}

static void test_defaults_of_a_vm(void **state)
{
	automatrix struct matrix m = {0};
	(void)state;
	autorecipe struct recipe *r = parse(HEAD "guests: {a: {driver: qemu, kernel: /k}}\n");
	cells(r, NULL, &m);
	const struct run_spec *s = m.cells[0].spec;
	assert_string_equal(s->guest.name, "a");
	assert_string_equal(s->guest.driver, "qemu");
	assert_int_equal(s->guest.vcpus, 1);
	assert_int_equal(s->guest.memory_bytes, 512 << 20);
	assert_string_equal(s->guest.machine, "q35");
	assert_string_equal(s->guest.accel, "auto");
	assert_string_equal(s->guest.cpu, "auto");
	assert_string_equal(s->guest.kernel, "/k");
	assert_null(s->guest.initrd);
	assert_null(s->guest.append);
	assert_null(s->guest.command);
	assert_int_equal(s->guest.n_disks, 0);
	assert_int_equal(s->guest.n_images, 0);
	assert_int_equal(s->n_windows, 0);
	assert_null(s->measure.counters);
	assert_null(s->measure.energy);
	assert_int_equal(s->measure.memory_every_ns, 0);
	assert_int_equal(s->measure.stamps, 0);
	assert_int_equal(s->place.guest_cores, 0);
	assert_int_equal(s->place.vmm_cores, 0);
	assert_true(s->quiet.busy_pct < 0);
	assert_int_equal(s->quiet.wait_ns, 0);
	assert_true(s->timeout_ns == 120ull * NSEC_PER_SEC);
	assert_int_equal(s->output_limit_bytes, 16 << 20);
}

/* A driver is not handed what it would have to ignore. */
static void test_defaults_of_a_process(void **state)
{
	automatrix struct matrix m = {0};
	(void)state;
	autorecipe struct recipe *r = parse(HEAD GUEST);
	cells(r, NULL, &m);
	const struct guest_spec *g = &m.cells[0].spec->guest;
	assert_string_equal(g->command[0], "t");
	assert_null(g->command[1]);
	assert_null(g->env);
	assert_int_equal(g->vcpus, 0);
	assert_int_equal(g->memory_bytes, 0);
	assert_null(g->machine);
	assert_null(g->accel);
	assert_null(g->cpu);
}

static const char everything[] = HEAD
	"axes: {mem: [64M], guest: [vm]}\n"
	"params: {n: 3, json: '{\"a\": 1}', dot: a.b}\n"
	"guests:\n"
	"  vm:\n"
	"    driver: qemu\n"
	"    vcpus: '{param.n}'\n"
	"    memory: '{axis.mem}'\n"
	"    machine: microvm\n"
	"    accel: tcg\n"
	"    cpu: max\n"
	"    kernel: '/boot/{host.kernel}'\n"
	"    initrd: /i\n"
	"    append: 'n={param.n} {{x} {param.json} i={run.iteration}'\n"
	"    disk:\n"
	"      - {file: /d0}\n"
	"      - {file: '/d{run.iteration}', fresh: false, bus: nvme, format: qcow2}\n"
	"    args: [-device, 'x,mem={axis.mem}']\n"
	"windows:\n"
	"  boot: {from: start, to: resume}\n"
	"  bench: {from: {console: 'B{2} {param.dot}'}, to: exit}\n"
	"measure: {counters: [cycles, 'cycles:u'], energy: [package], memory: {every: 10ms}}\n"
	"host: {cpus: {guest: 2, vmm: 1}, quiet: {busy_pct: 2.5, wait: 1m}}\n"
	"runs: {timeout: 7s, output_limit: 1M}\n";

static struct host_info some_host(void)
{
	struct host_info host = {.name = "h"};
	host_fact(&host, "kernel", "6.1.0");
	return host;
}

static void test_everything(void **state)
{
	automatrix struct matrix m = {0};
	autohost struct host_info host = some_host();
	(void)state;
	autorecipe struct recipe *r = parse(everything);
	cells(r, &host, &m);
	const struct run_spec *s = m.cells[0].spec;
	const struct guest_spec *g = &s->guest;
	assert_int_equal(g->vcpus, 3);
	assert_int_equal(g->memory_bytes, 64 << 20);
	assert_string_equal(g->machine, "microvm");
	assert_string_equal(g->accel, "tcg");
	assert_string_equal(g->cpu, "max");
	assert_string_equal(g->kernel, "/boot/6.1.0");
	assert_string_equal(g->initrd, "/i");
	assert_string_equal(g->append, "n=3 {x} {\"a\": 1} i={run.iteration}");
	assert_int_equal(g->n_disks, 2);
	assert_string_equal(g->disks[0].file, "/d0");
	assert_true(g->disks[0].fresh);
	assert_string_equal(g->disks[0].bus, "virtio");
	assert_string_equal(g->disks[0].format, "raw");
	assert_false(g->disks[1].fresh);
	assert_string_equal(g->disks[1].bus, "nvme");
	assert_string_equal(g->disks[1].format, "qcow2");
	assert_string_equal(g->args[1], "x,mem=64M");
	assert_int_equal(s->n_windows, 2);
	assert_string_equal(s->windows[0].name, "boot");
	assert_int_equal(s->windows[0].from.kind, MARK_START);
	assert_int_equal(s->windows[0].to.kind, MARK_RESUME);
	assert_null(s->windows[0].to.pattern);
	assert_int_equal(s->windows[1].from.kind, MARK_CONSOLE);
	assert_string_equal(s->windows[1].from.pattern, "B{2} a\\.b");
	assert_int_equal(s->windows[1].to.kind, MARK_EXIT);
	assert_string_equal(s->measure.counters[1], "cycles:u");
	assert_string_equal(s->measure.energy[0], "package");
	assert_int_equal(s->measure.memory_every_ns, 10 * NSEC_PER_MSEC);
	assert_int_equal(s->place.guest_cores, 2);
	assert_int_equal(s->place.vmm_cores, 1);
	assert_true(s->quiet.busy_pct == 2.5);
	assert_true(s->quiet.wait_ns == 60ull * NSEC_PER_SEC);
	assert_true(s->timeout_ns == 7ull * NSEC_PER_SEC);
	assert_int_equal(s->output_limit_bytes, 1 << 20);
}

static void test_room_for_stamps(void **state)
{
	static const struct {
		const char *yaml;
		uint32_t room;
		const char *why;
	} cases[] = {
		{HEAD GUEST "measure: {counters: [cycles]}\n", 0, "nothing said"},
		{HEAD GUEST "measure: {stamps: false}\n", 0, "none"},
		{HEAD GUEST "measure: {stamps: true}\n", STAMPS_DEFAULT, "as many as most need"},
		{HEAD GUEST "measure: {stamps: 2}\n", 2, "the least"},
		{HEAD GUEST "measure: {stamps: 1025}\n", 2048, "the next power of two"},
		{HEAD GUEST "measure: {stamps: 4096}\n", STAMPS_MAX, "the most"},
		{HEAD GUEST "axes: {n: [64]}\nmeasure: {stamps: '{axis.n}'}\n", 64, "an axis"},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		automatrix struct matrix m = {0};
		print_message("%s\n", cases[i].why);
		autorecipe struct recipe *r = parse(cases[i].yaml);
		cells(r, NULL, &m);
		assert_int_equal(m.cells[0].spec->measure.stamps, cases[i].room);
	}
}

static void test_spec_of_a_run(void **state)
{
	automatrix struct matrix m = {0};
	autohost struct host_info host = some_host();
	struct err err;
	(void)state;
	autorecipe struct recipe *r = parse(everything);
	cells(r, &host, &m);
	autoclean(run_spec) struct run_spec *s = NULL;
	assert_int_equal(recipe_run_spec(&m.cells[0], 12, true, &s, &err), 0);
	assert_int_equal(s->iteration, 12);
	assert_true(s->warmup);
	assert_string_equal(s->guest.append, "n=3 {x} {\"a\": 1} i=12");
	assert_string_equal(s->guest.disks[1].file, "/d12");
	assert_string_equal(m.cells[0].spec->guest.disks[1].file, "/d{run.iteration}");
	matrix_done(&m); /* nothing of the copy is borrowed from it: the sanitizer looks */
	assert_string_equal(s->windows[1].from.pattern, "B{2} a\\.b");
	assert_string_equal(s->measure.counters[0], "cycles");
	assert_string_equal(s->cell, "{\"guest\":\"vm\",\"mem\":\"64M\"}");
	assert_string_equal(s->guest.args[0], "-device");
	assert_string_equal(s->guest.machine, "microvm");
}

static void test_environment(void **state)
{
	automatrix struct matrix m = {0};
	(void)state;
	autorecipe struct recipe *r = parse(
		HEAD "guests: {a: {driver: process, command: [t], env: {B: 1, A: 'x y', N: "
		     "'{run.iteration}'}}}\n");
	cells(r, NULL, &m);
	autoclean(run_spec) struct run_spec *s = NULL;
	assert_int_equal(recipe_run_spec(&m.cells[0], 4, false, &s, NULL), 0);
	assert_string_equal(s->guest.env[0], "B=1");
	assert_string_equal(s->guest.env[1], "A=x y");
	assert_string_equal(s->guest.env[2], "N=4");
	assert_null(s->guest.env[3]);
}

static void expect_refusal(const char *yaml, const struct host_info *host, const char *expected)
{
	struct recipe_errors errors = {0};
	automatrix struct matrix m = {0};
	autorecipe struct recipe *r = parse(yaml);
	assert_int_equal(recipe_matrix(r, host, NULL, &m, &errors), -EINVAL);
	autofree char *said = said_take(&errors);
	assert_string_equal(said, expected);
	assert_int_equal(m.n, 0);
}

static void test_host_facts(void **state)
{
	autohost struct host_info host = some_host();
	(void)state;
	expect_refusal(HEAD "guests: {a: {driver: process, command: ['{host.kernel}']}}\n", NULL,
		       "r:3:41: '{host.kernel}' depends on the host, and there is none\n");
	expect_refusal(HEAD "guests: {a: {driver: process, command: ['{host.kernle}']}}\n", &host,
		       "r:3:41: guests.a.command.0: host h has no fact 'kernle'; did you mean "
		       "'kernel'?\n");
	expect_refusal(HEAD "guests: {a: {driver: qemu, kernel: /k, vcpus: '{host.kernel}'}}\n",
		       &host,
		       "r:3:47: guests.a.vcpus: found '6.1.0', expected a whole number from 1 to "
		       "4096\n");
}

/* Only the guest of the cell is resolved: the others' references are nobody's business. */
static void test_other_guests_do_not_matter(void **state)
{
	automatrix struct matrix m = {0};
	autostrv char **sets = SETS("axes.guest=[a]");
	struct recipe_options options = {.sets = sets, .runs = -1};
	(void)state;
	autorecipe struct recipe *r = parse_as(
		"r",
		HEAD "axes: {guest: [a, b]}\n"
		     "guests: {a: {driver: process, command: [t]}, b: {driver: process, "
		     "command: ['{image.i}']}}\n"
		     "images: {i: {build: nowhere}}\n",
		&options);
	cells(r, NULL, &m);
	assert_int_equal(m.n, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_defaults_of_a_vm),
		cmocka_unit_test(test_defaults_of_a_process),
		cmocka_unit_test(test_everything),
		cmocka_unit_test(test_spec_of_a_run),
		cmocka_unit_test(test_room_for_stamps),
		cmocka_unit_test(test_environment),
		cmocka_unit_test(test_host_facts),
		cmocka_unit_test(test_other_guests_do_not_matter),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
