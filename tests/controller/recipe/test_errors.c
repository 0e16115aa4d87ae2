// SPDX-License-Identifier: GPL-3.0-or-later
/* Wrong recipes and exactly what is said of them: line, column, what was found, what is expected.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "controller/recipe/recipe.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

/* What most cases need to be wrong in one thing only. */
#define HEAD  "assay: 1\nname: x\n"
#define GUEST "guests: {a: {driver: process, command: [t]}}\n"

struct wrong {
	const char *why;
	const char *yaml;
	const char *expected;
};

static const struct wrong wrongs[] = {
	{"an empty file", "",
	 "r:1:1: the recipe is empty; recipes/process.yaml is a small one to begin with\n"},
	{"nothing but comments", "# hello\n",
	 "r:1:1: the recipe is empty; recipes/process.yaml is a small one to begin with\n"},
	{"not YAML", "a: [1, 2\n",
	 "r:2:1: not YAML: flow sequence without a closing bracket; it was opened at 1:4\n"},
	{"a tab as indentation", "guests:\n\ta: 1\n",
	 "r:2:1: not YAML: tab character may not be used as indentation\n"},
	{"a scalar", "hello\n",
	 "r:1:1: found 'hello', expected a map of keys such as 'assay: 1'\n"},
	{"a list", "- a\n", "r:1:1: found a list, expected a map of keys such as 'assay: 1'\n"},
	{"two documents", HEAD GUEST "---\nname: y\n",
	 "r:4:1: a second document begins here; a recipe is one\n"},
	{"a program instead of a recipe", "\177ELF\002\001",
	 "r:1:1: the byte 0x7f is not text; a recipe is YAML in UTF-8\n"},
	{"Latin-1", "name: caf\351\n",
	 "r:1:10: the byte 0xe9 is not text; a recipe is YAML in UTF-8\n"},
	{"an overlong form", "name: \xc0\xaf\n",
	 "r:1:7: the byte 0xc0 is not text; a recipe is YAML in UTF-8\n"},
	{"columns count characters", HEAD GUEST "description: {\xc3\xa4\xc3\xb6: 1}\n",
	 "r:4:14: description: found a map, expected a text\n"},

	{"an unknown key with a near one", HEAD GUEST "windos: {}\n",
	 "r:4:1: unknown key 'windos'; did you mean 'windows'?\n"},
	{"an unknown key in a map", HEAD GUEST "runs: {iteratons: 3}\n",
	 "r:4:8: unknown key 'iteratons' in runs; did you mean 'iterations'?\n"},
	{"an unknown key far from all", HEAD GUEST "runs: {zzz: 3}\n",
	 "r:4:8: unknown key 'zzz' in runs; known are iterations, warmup, order, seed, timeout, "
	 "retries, output_limit\n"},
	{"a key of a later version", HEAD GUEST "host: {frequency: {fix: base}}\n",
	 "r:4:8: unknown key 'frequency' in host; known are cpus, quiet\n"},
	{"a key of another driver is not offered",
	 HEAD "guests: {a: {driver: process, command: [t], memery: 1}}\n",
	 "r:3:45: unknown key 'memery' in guests.a; known are driver, command, env\n"},
	{"a key of another driver",
	 HEAD "guests: {a: {driver: process, command: [t], memory: 1M}}\n",
	 "r:3:45: guests.a.memory: belongs to the driver qemu, but this guest's is process\n"},
	{"a duplicate key", HEAD GUEST "runs:\n  warmup: 1\n  retries: 1\n  warmup: 2\n",
	 "r:7:3: the key 'warmup' is there twice; first on line 5\n"},
	{"a duplicate key of another kind", HEAD GUEST "guests: [a]\n",
	 "r:4:1: the key 'guests' is there twice; first on line 3\n"
	 "r:4:9: guests: found a list, expected a map of names\n"},
	{"required keys", "description: x\n",
	 "r:1:1: the key 'assay' is missing; expected 1\n"
	 "r:1:1: the key 'guests' is missing; expected a map of names\n"
	 "r:1:1: the key 'name' is missing; expected a name of a-z, 0-9 and -\n"},
	{"a required key of a guest", HEAD "guests:\n  a: {memory: 1M}\n",
	 "r:4:3: guests.a: the key 'driver' is missing; expected process, qemu or fake\n"},
	{"a later version", "assay: 2\nname: x\n" GUEST "\n",
	 "r:1:8: assay: found '2', expected 1\n"},
	{"a name with capitals", "assay: 1\nname: My Recipe\n" GUEST,
	 "r:2:7: name: found 'My Recipe', expected a name of a-z, 0-9 and -\n"},
	{"a name that is too long",
	 "assay: 1\nname: "
	 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n" GUEST,
	 "r:2:7: name: has 64 characters, at most 63 are possible\n"},

	{"a text where a number belongs", HEAD GUEST "runs: {iterations: ten}\n",
	 "r:4:20: runs.iterations: found 'ten', expected a whole number from 1 to 1000000\n"},
	{"a list where a number belongs", HEAD GUEST "runs: {iterations: [1]}\n",
	 "r:4:20: runs.iterations: found a list, expected a whole number from 1 to 1000000\n"},
	{"a number out of range", HEAD GUEST "runs: {iterations: 0}\n",
	 "r:4:20: runs.iterations: found '0', expected a whole number from 1 to 1000000\n"},
	{"a scalar where a map belongs", HEAD GUEST "runs: 3\n",
	 "r:4:7: runs: found '3', expected a map\n"},
	{"nothing where a map belongs", HEAD GUEST "runs:\n",
	 "r:4:1: runs: found nothing, expected a map\n"},
	{"a shell line", HEAD "guests: {a: {driver: process, command: sleep 1}}\n",
	 "r:3:40: guests.a.command: found 'sleep 1', expected a list of: a text\n"},
	{"an empty command", HEAD "guests: {a: {driver: process, command: []}}\n",
	 "r:3:40: guests.a.command: has 0 entries, expected 1 to 1024\n"},
	{"a list in a list", HEAD "guests: {a: {driver: process, command: [a, [b]]}}\n",
	 "r:3:44: guests.a.command.1: found a list, expected a text\n"},
	{"nothing in a list", HEAD "guests: {a: {driver: process, command: [a, ~]}}\n",
	 "r:3:44: guests.a.command.1: found nothing, expected a text\n"},
	{"a size with a wrong unit", HEAD "guests: {a: {driver: qemu, kernel: /k, memory: 512X}}\n",
	 "r:3:48: guests.a.memory: '512X' has the unknown unit 'X'; expected a size such as 512M "
	 "or "
	 "1GiB (K M G T)\n"},
	{"a size that is too small", HEAD "guests: {a: {driver: qemu, kernel: /k, memory: 512}}\n",
	 "r:3:48: guests.a.memory: '512' is out of range, expected 1M to 64T\n"},
	{"a duration without a unit", HEAD GUEST "runs: {timeout: 5}\n",
	 "r:4:17: runs.timeout: '5' has no unit; expected a duration such as 100ms or 10m (ns us "
	 "ms "
	 "s m h d)\n"},
	{"a duration that is too long", HEAD GUEST "measure: {memory: {every: 2h}}\n",
	 "r:4:27: measure.memory.every: '2h' is out of range, expected 1ms to 1h\n"},
	{"no room for stamps", HEAD GUEST "measure: {stamps: 1}\n",
	 "r:4:19: measure.stamps: found '1', expected true, false or a whole number from 2 to "
	 "4096\n"},
	{"more room than events", HEAD GUEST "measure: {stamps: 4097}\n",
	 "r:4:19: measure.stamps: found '4097', expected true, false or a whole number from 2 to "
	 "4096\n"},
	{"a share past 100", HEAD GUEST "host: {quiet: {busy_pct: 101}}\n",
	 "r:4:26: host.quiet.busy_pct: found '101', expected a number from 0 to 100\n"},
	{"no truth", HEAD "guests: {a: {driver: qemu, disk: {file: /d, fresh: yes}}}\n",
	 "r:3:52: guests.a.disk.fresh: found 'yes', expected true or false\n"},
	{"a word with a near one", HEAD "guests: {a: {driver: quemu}}\n",
	 "r:3:22: guests.a.driver: found 'quemu', expected process, qemu or fake; did you mean "
	 "'qemu'?\n"},
	{"a word far from all", HEAD GUEST "runs: {order: backwards}\n",
	 "r:4:15: runs.order: found 'backwards', expected blocks, random or sequential\n"},
	{"a word in a list", HEAD GUEST "measure: {energy: [package, drma]}\n",
	 "r:4:29: measure.energy.1: found 'drma', expected package, dram or psys; did "
	 "you mean 'dram'?\n"},
	{"an event that cannot be one", HEAD GUEST "measure: {counters: [cycles, 'a b']}\n",
	 "r:4:30: measure.counters.1: found 'a b', expected an event such as cycles or "
	 "page-faults\n"},
	{"an event twice", HEAD GUEST "measure: {counters: [cycles, cycles]}\n",
	 "r:4:30: measure.counters: 'cycles' is there twice\n"},
	{"a tag", HEAD GUEST "runs: {iterations: !!int 3}\n",
	 "r:4:26: found a YAML tag (!...); recipes have none: each key knows its type\n"},
	{"a list as a key", HEAD GUEST "? [a]\n: 1\n",
	 "r:4:3: found a list or map where a key belongs\n"},
	{"a name that is none", HEAD "guests: {a.b: {driver: process, command: [t]}}\n",
	 "r:3:10: guests: 'a.b' is no name; expected at most 63 letters, digits, _ and -\n"},
	{"a variable that is none",
	 HEAD "guests: {a: {driver: process, command: [t], env: {1X: y}}}\n",
	 "r:3:51: guests.a.env: '1X' is no name; expected letters, digits and _, as for any "
	 "environment variable\n"},

	{"no guest for an axis", HEAD GUEST "axes: {guest: [a, debain]}\n",
	 "r:4:19: axes.guest: there is no guest 'debain'\n"},
	{"a guest misspelt",
	 HEAD "guests: {debian: {driver: process, command: [t]}}\n"
	      "axes: {guest: [debain]}\n",
	 "r:4:16: axes.guest: there is no guest 'debain'; did you mean 'debian'?\n"},
	{"no guest at all", HEAD "guests: {}\n",
	 "r:3:9: guests: has 0 entries, expected 1 to 256\n"},
	{"several guests and no axis",
	 HEAD "guests: {a: {driver: process, command: [t]}, b: {driver: process, command: [t]}}\n",
	 "r:3:1: guests: there are 2, and no axis says which is run; write axes: {guest: [a, "
	 "b]}\n"},
	{"a process without a command", HEAD "guests: {a: {driver: process}}\n",
	 "r:3:10: guests.a: the key 'command' is missing; expected program and arguments as a "
	 "list\n"},
	{"a VM without anything to boot", HEAD "guests: {a: {driver: qemu}}\n",
	 "r:3:10: guests.a: has nothing to boot; expected 'kernel' or 'disk' (or 'args' that bring "
	 "something)\n"},
	{"a command line without a kernel",
	 HEAD "guests: {a: {driver: qemu, disk: {file: /d}, append: x}}\n",
	 "r:3:46: guests.a.append: needs 'kernel' beside it\n"},
	{"a disk of nothing", HEAD "guests: {a: {driver: qemu, disk: [{bus: nvme}]}}\n",
	 "r:3:35: guests.a.disk: has neither 'image' nor 'file', expected one of them\n"},
	{"a relative path on the host", HEAD "guests: {a: {driver: qemu, kernel: vmlinuz}}\n",
	 "r:3:36: guests.a.kernel: 'vmlinuz' is not an absolute path on the host; files that are "
	 "to "
	 "be sent there are images: {image.NAME}\n"},
	{"an image that is a path", HEAD "guests: {a: {driver: qemu, disk: {image: /d}}}\n",
	 "r:3:42: guests.a.disk.image: '/d' is no image, expected {image.NAME}\n"},
	{"an image of two kinds", HEAD GUEST "images: {i: {build: a, file: b}}\n",
	 "r:4:24: images.i: has both 'build' and 'file', expected one of them\n"},
	{"an image of no kind", HEAD GUEST "images: {i: {}}\n",
	 "r:4:10: images.i: has neither 'build' nor 'file', expected one of them\n"},
	{"a hash that is none", HEAD GUEST "images: {i: {file: b, sha256: abc}}\n",
	 "r:4:31: images.i.sha256: found 'abc', expected 64 hex digits\n"},

	{"an unknown axis",
	 HEAD "guests: {a: {driver: process, command: ['{axis.acel}']}}\n"
	      "axes: {accel: [1]}\n",
	 "r:3:41: guests.a.command.0: {axis.acel}: there is no 'acel' under axes; did you mean "
	 "'accel'?\n"},
	{"an unknown param", HEAD "guests: {a: {driver: process, command: ['{param.n}']}}\n",
	 "r:3:41: guests.a.command.0: {param.n}: there is no 'n' under params\n"},
	{"an unknown image",
	 HEAD "guests: {a: {driver: process, command: ['{image.x.y}']}}\n"
	      "images: {xx: {build: q}}\n",
	 "r:3:41: guests.a.command.0: {image.x.y}: there is no 'x' under images; did you mean "
	 "'xx'?\n"},
	{"an unknown namespace", HEAD "guests: {a: {driver: process, command: ['{foo}']}}\n",
	 "r:3:41: guests.a.command.0: '{foo}' is no reference; known are {axis.NAME}, "
	 "{param.NAME}, "
	 "{image.NAME}, {host.FACT} and {run.iteration}, and {{ is a literal brace\n"},
	{"a brace that is not closed", HEAD "guests: {a: {driver: process, command: ['x{y']}}\n",
	 "r:3:41: guests.a.command.0: '{' is no reference; known are {axis.NAME}, {param.NAME}, "
	 "{image.NAME}, {host.FACT} and {run.iteration}, and {{ is a literal brace\n"},
	{"an unknown fact of the run",
	 HEAD "guests: {a: {driver: process, command: ['{run.attempt}']}}\n",
	 "r:3:41: guests.a.command.0: {run.attempt} is unknown; there is {run.iteration}\n"},
	{"a literal that would be taken for a reference later",
	 HEAD "guests: {a: {driver: process, command: ['{{run.iteration}']}}\n",
	 "r:3:41: guests.a.command.0: a literal {run.iteration} cannot be written\n"},
	{"an axis where all cells must agree",
	 HEAD GUEST "axes: {n: [1]}\nruns: {iterations: '{axis.n}'}\n",
	 "r:5:20: runs.iterations: {axis.n} cannot be used here, only {param.NAME} can\n"},
	{"a reference in a param", HEAD GUEST "params: {a: 1, b: '{param.a}'}\n",
	 "r:4:19: params.b: {param.a} cannot be used here\n"},
	{"an image as a number",
	 HEAD
	 "guests: {a: {driver: qemu, kernel: /k, vcpus: '{image.i}'}}\nimages: {i: {build: q}}\n",
	 "r:3:47: guests.a.vcpus: {image.i} cannot be used here\n"},
	{"a value that is wrong for one cell",
	 HEAD "guests: {a: {driver: qemu, kernel: /k, memory: '{axis.m}'}}\naxes: {m: [1G, 1Y]}\n",
	 "r:3:48: guests.a.memory: '1Y' has the unknown unit 'Y'; expected a size such as 512M or "
	 "1GiB (K M G T)\n"},
	{"a value that is wrong through a param",
	 HEAD GUEST "params: {n: many}\nruns: {iterations: '{param.n}'}\n",
	 "r:5:20: runs.iterations: found 'many', expected a whole number from 1 to 1000000\n"},
	{"a driver that an axis gets wrong",
	 HEAD "guests: {a: {driver: '{axis.d}', command: [t]}}\naxes: {d: [process, xen]}\n",
	 "r:3:22: guests.a.driver: found 'xen', expected process, qemu or fake\n"},

	{"a bad regex", HEAD GUEST "windows: {w: {from: start, to: {console: 'a(b'}}}\n",
	 "r:4:42: windows.w.to.console: 'a(b' is no regular expression: missing closing "
	 "parenthesis "
	 "at character 4\n"},
	{"an empty regex", HEAD GUEST "checks: {c: {console: ''}}\n",
	 "r:4:23: checks.c.console: found an empty pattern, which matches everything\n"},
	{"a check with two groups", HEAD GUEST "checks: {c: {console: '(a)(b)'}}\n",
	 "r:4:23: checks.c.console: the pattern has 2 groups in parentheses, expected none or one; "
	 "write (?:...) for one that only holds things together\n"},
	{"a parser without a group", HEAD GUEST "parse: {p: {regex: 'x', metric: m, unit: ms}}\n",
	 "r:4:20: parse.p.regex: the pattern has 0 groups in parentheses, expected one; write "
	 "(?:...) for one that only holds things together\n"},
	{"a parser of an unknown window",
	 HEAD GUEST "parse: {p: {regex: '(x)', metric: m, unit: ms, window: whoel}}\n",
	 "r:4:56: parse.p.window: there is no window 'whoel'; did you mean 'whole'?\n"},
	{"a unit that is too long",
	 HEAD GUEST "parse: {p: {regex: '(x)', metric: m, unit: kilofortnightssss}}\n",
	 "r:4:44: parse.p.unit: has 17 characters, at most 15 are possible\n"},
	{"the reserved window", HEAD GUEST "windows: {whole: {from: start, to: exit}}\n",
	 "r:4:11: windows.whole: the name is taken; that window is always there, from exec to "
	 "exit\n"},
	{"a window that ends before it begins",
	 HEAD GUEST "windows: {w: {from: resume, to: start}}\n",
	 "r:4:33: windows.w.to: the window would end before it begins\n"},
	{"a mark that is none", HEAD GUEST "windows: {w: {from: boot, to: exit}}\n",
	 "r:4:21: windows.w.from: found 'boot', expected start, resume, exit or {console: "
	 "REGEX}\n"},
	{"a window without an end", HEAD GUEST "windows: {w: {from: start}}\n",
	 "r:4:11: windows.w: the key 'to' is missing; expected start, resume, exit or {console: "
	 "REGEX}\n"},

	{"an empty axis", HEAD GUEST "axes: {n: []}\n",
	 "r:4:11: axes.n: has 0 entries, expected 1 to 4096\n"},
	{"an axis that is no list", HEAD GUEST "axes: {n: 3}\n",
	 "r:4:11: axes.n: found '3', expected a list of: a text, a number, true or false\n"},
	{"a value twice", HEAD GUEST "axes: {n: [1, 2, '1']}\n",
	 "r:4:18: axes.n: the value '1' is there twice\n"},
	{"an exclude that matches nothing", HEAD GUEST "axes: {n: [1, 2]}\nexclude: [{n: 3}]\n",
	 "r:5:11: exclude: no cell has these values, or an earlier entry excludes them\n"},
	{"an exclude of an unknown axis",
	 HEAD GUEST "axes: {accel: [1, 2]}\nexclude: [{acel: 1}]\n",
	 "r:5:12: exclude: there is no axis 'acel'; did you mean 'accel'?\n"},
	{"an exclude of everything", HEAD GUEST "axes: {n: [1]}\nexclude: [{n: 1}]\n",
	 "r:5:1: exclude: no cell is left\n"},
	{"an empty exclude", HEAD GUEST "axes: {n: [1]}\nexclude: [{}]\n",
	 "r:5:11: exclude: this entry is empty and would exclude everything\n"},
	{"an include that says too little",
	 HEAD GUEST "axes: {n: [1], m: [1]}\ninclude: [{n: 2}]\n",
	 "r:5:11: include: this entry has no value for the axis 'm'\n"},
	{"an include that is there", HEAD GUEST "axes: {n: [1]}\ninclude: [{n: 1}]\n",
	 "r:5:11: include: this cell is already there\n"},
	{"too many cells",
	 HEAD GUEST
	 "axes: {a: [1,2,3,4,5,6,7,8,9], b: [1,2,3,4,5,6,7,8,9], c: [1,2,3,4,5,6,7,8,9], d: "
	 "[1,2,3,4,5,6,7,8,9]}\n",
	 "r:4:80: axes: with 'd' there are more than 4096 combinations\n"},
	{"a comparison along no axis", HEAD GUEST "compare: {axis: guest}\n",
	 "r:4:17: compare.axis: there is no axis 'guest'\n"},
	{"a baseline that is no value",
	 HEAD GUEST "axes: {accel: [kvm, tcg]}\ncompare: {axis: accel, baseline: kvn}\n",
	 "r:5:34: compare.baseline: 'kvn' is no value of the axis 'accel'; did you mean 'kvm'?\n"},
	{"hosts in both ways", HEAD GUEST "hosts: {each: kvm, any: kvm}\n",
	 "r:4:20: hosts: has both 'each' and 'any', expected one of them\n"},
	{"an expression that ends too soon", HEAD GUEST "hosts: {each: kvm and}\n",
	 "r:4:15: hosts.each: the expression ends where a name, 'not' or '(' is expected\n"},

	{"several errors, in the order of the file",
	 "assay: 1\nnam: x\nguests: {a: {driver: process, command: t, memory: 1}}\n"
	 "axes: {n: [1, 1]}\nruns: {timeout: 1, retrys: 3}\n",
	 "r:1:1: the key 'name' is missing; expected a name of a-z, 0-9 and -\n"
	 "r:2:1: unknown key 'nam'; did you mean 'name'?\n"
	 "r:3:40: guests.a.command: found 't', expected a list of: a text\n"
	 "r:3:43: guests.a.memory: belongs to the driver qemu, but this guest's is process\n"
	 "r:4:15: axes.n: the value '1' is there twice\n"
	 "r:5:17: runs.timeout: '1' has no unit; expected a duration such as 100ms or 10m (ns us "
	 "ms "
	 "s m h d)\n"
	 "r:5:20: unknown key 'retrys' in runs; did you mean 'retries'?\n"},
	{"an alias of nothing", HEAD GUEST "description: *d\n",
	 "r:4:14: there is no anchor &d before this alias\n"},
	{"an alias of itself", HEAD GUEST "params: &p {a: *p}\n",
	 "r:4:16: the alias *p is part of what it stands for\n"},
};

/* Everything that is said of the recipe, one line each; NULL where it is right. */
static char *complaints_about(const char *yaml, size_t size)
{
	struct recipe *recipe = NULL;
	struct recipe_errors errors = {0};
	autotext struct text said = {0};
	int r = recipe_parse("r", yaml, size, NULL, &recipe, &errors);
	for (size_t i = 0; i < errors.n; i++)
		text_addf(&said, "%s: %s\n", errors.items[i].where, errors.items[i].text);
	assert_int_equal(r, recipe ? 0 : -EINVAL);
	assert_true(!recipe == (errors.n > 0));
	recipe_free(recipe);
	recipe_errors_done(&errors);
	return said.data ? text_take(&said) : NULL;
}

static void test_wrong_recipes(void **state)
{
	(void)state;
	size_t failed = 0;
	for (size_t i = 0; i < ARRAY_SIZE(wrongs); i++) {
		autofree char *said = complaints_about(wrongs[i].yaml, strlen(wrongs[i].yaml));
		if (text_equal(said, wrongs[i].expected))
			continue;
		failed++;
		print_message("%s:\n--- expected\n%s+++ said\n%s", wrongs[i].why,
			      wrongs[i].expected, said ? said : "(nothing)\n");
	}
	assert_int_equal(failed, 0);
}

static void expect_one(const char *yaml, size_t size, const char *expected)
{
	autofree char *said = complaints_about(yaml, size);
	assert_non_null(said);
	assert_string_equal(said, expected);
}

static void test_nul_byte(void **state)
{
	static const char yaml[] = "assay: 1\nname: a\0b\n";
	(void)state;
	expect_one(yaml, sizeof(yaml) - 1,
		   "r:2:8: the byte 0x00 is not text; a recipe is YAML in UTF-8\n");
}

static void test_deep_nesting(void **state)
{
	autotext struct text yaml = {0};
	(void)state;
	text_add(&yaml, HEAD GUEST "description: ");
	for (int i = 0; i < 100000; i++)
		text_add(&yaml, "[");
	expect_one(yaml.data, yaml.size, "r:4:37: lists and maps are nested more than 24 deep\n");
}

static void test_deep_nesting_through_aliases(void **state)
{
	autotext struct text yaml = {0};
	(void)state;
	text_add(&yaml, HEAD GUEST "params:\n  p0: &p0 [x]\n");
	for (int i = 1; i < 60; i++)
		text_addf(&yaml, "  p%d: &p%d [*p%d]\n", i, i, i - 1);
	expect_one(yaml.data, yaml.size, "r:27:14: lists and maps are nested more than 24 deep\n");
}

/* Each line nine times the one before: 9^10 values of two characters. */
static void test_alias_bomb(void **state)
{
	autotext struct text yaml = {0};
	(void)state;
	text_add(&yaml, "a0: &a0 [lol]\n");
	for (int i = 1; i <= 10; i++) {
		text_addf(&yaml, "a%d: &a%d [", i, i);
		for (int j = 0; j < 9; j++)
			text_addf(&yaml, "%s*a%d", j ? ", " : "", i - 1);
		text_add(&yaml, "]\n");
	}
	expect_one(
		yaml.data, yaml.size,
		"r:5:30: the recipe is too large: more than 8192 values or 4 MiB of text, aliases "
		"counted as often as they are used\n");
}

static void test_alias_of_a_long_text(void **state)
{
	autotext struct text yaml = {0};
	(void)state;
	text_add(&yaml, "a: &a ");
	for (int i = 0; i < 1 << 19; i++)
		text_add(&yaml, "x");
	text_add(&yaml, "\nb: [*a, *a, *a, *a, *a, *a, *a, *a, *a]\n");
	expect_one(
		yaml.data, yaml.size,
		"r:2:29: the recipe is too large: more than 8192 values or 4 MiB of text, aliases "
		"counted as often as they are used\n");
}

static void test_huge_file(void **state)
{
	size_t size = (1 << 20) + 1;
	autofree char *yaml = xmalloc(size);
	(void)state;
	memset(yaml, '#', size);
	expect_one(yaml, size, "r:1:1: more than 1 MiB is too large for a recipe\n");
}

/* A value that references could blow up. */
static void test_expansion_is_bounded(void **state)
{
	autotext struct text yaml = {0};
	(void)state;
	text_add(&yaml, HEAD "guests: {a: {driver: process, command: ['");
	for (int i = 0; i < 1000; i++)
		text_add(&yaml, "{param.p}");
	text_add(&yaml, "']}}\nparams: {p: ");
	for (int i = 0; i < 1000; i++)
		text_add(&yaml, "x");
	text_add(&yaml, "}\n");
	expect_one(yaml.data, yaml.size,
		   "r:3:41: guests.a.command.0: with what its references stand for it is longer "
		   "than 64 KiB\n");
}

static void test_cells_are_bounded(void **state)
{
	autotext struct text yaml = {0};
	(void)state;
	text_add(&yaml,
		 HEAD "guests: {a: {driver: process, command: ['{param.p}']}}\nparams: {p: ");
	for (int i = 0; i < 60000; i++)
		text_add(&yaml, "x");
	text_add(&yaml, "}\naxes: {n: [");
	for (int i = 0; i < 4000; i++)
		text_addf(&yaml, "%s%d", i ? "," : "", i);
	text_add(&yaml, "]}\n");
	expect_one(yaml.data, yaml.size,
		   "r:1:1: the cells are too many and too large: together more than 128 MiB\n");
}

static void test_many_errors(void **state)
{
	struct recipe *recipe = NULL;
	struct recipe_errors errors = {0};
	autotext struct text yaml = {0};
	(void)state;
	text_add(&yaml, HEAD GUEST "runs:\n");
	for (int i = 0; i < 250; i++)
		text_addf(&yaml, "  wrong%d: 1\n", i);
	assert_int_equal(recipe_parse("r", yaml.data, yaml.size, NULL, &recipe, &errors), -EINVAL);
	assert_int_equal(errors.n, 101);
	assert_string_equal(errors.items[100].text, "150 further errors are not shown");
	recipe_errors_done(&errors);
}

static void test_no_file(void **state)
{
	struct recipe *recipe = NULL;
	struct recipe_errors errors = {0};
	(void)state;
	assert_int_equal(recipe_load("/nowhere/r.yaml", NULL, &recipe, &errors), -EINVAL);
	assert_int_equal(errors.n, 1);
	assert_string_equal(errors.items[0].where, "/nowhere/r.yaml");
	assert_string_equal(errors.items[0].text,
			    "open /nowhere/r.yaml: No such file or directory");
	recipe_errors_done(&errors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong_recipes),
		cmocka_unit_test(test_nul_byte),
		cmocka_unit_test(test_deep_nesting),
		cmocka_unit_test(test_deep_nesting_through_aliases),
		cmocka_unit_test(test_alias_bomb),
		cmocka_unit_test(test_alias_of_a_long_text),
		cmocka_unit_test(test_huge_file),
		cmocka_unit_test(test_expansion_is_bounded),
		cmocka_unit_test(test_cells_are_bounded),
		cmocka_unit_test(test_many_errors),
		cmocka_unit_test(test_no_file),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
