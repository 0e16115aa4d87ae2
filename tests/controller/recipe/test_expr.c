// SPDX-License-Identifier: GPL-3.0-or-later
/* What a recipe asks of a host: what is true, what is not and why, and what cannot be read. */
#include "tests/controller/recipe/recipe_help.h"

#include <errno.h>
#include <stdio.h>

#include "controller/recipe/expr.h"

static struct host_info some_host(void)
{
	struct host_info host = {.name = "amd1"};
	host_capability(&host, "kvm", true, "/dev/kvm", NULL);
	host_capability(&host, "energy.package", false, "no RAPL here", "a bare-metal host");
	host_fact(&host, "cpu.vendor", "AuthenticAMD");
	host_fact(&host, "cpu.cores", "16");
	host_fact(&host, "memory.bytes", "%llu", 32ull << 30);
	host_fact(&host, "cpu.frequency", "2400000000");
	host_fact(&host, "kernel", "6.1.0-18-amd64");
	host_fact(&host, "cpu.model", "AMD EPYC 7B13");
	return host;
}

struct question {
	const char *expression;
	const char *no; /* NULL: true of the host */
};

static const struct question questions[] = {
	{"kvm", NULL},
	{"  ( kvm )\n", NULL},
	{"energy.package", "it lacks energy.package: no RAPL here; a bare-metal host"},
	{"not energy.package", NULL},
	{"not kvm", "'not kvm' is false of it"},
	{"not   kvm  and cpu.cores = 16", "'not kvm' is false of it"},
	{"not (kvm and cpu.cores = 16)", "'not (kvm and cpu.cores = 16)' is false of it"},
	{"kvm and energy.package", "it lacks energy.package: no RAPL here; a bare-metal host"},
	{"energy.package and zzzz", "it lacks energy.package: no RAPL here; a bare-metal host"},
	{"energy.package or kvm", NULL},
	{"kvm or energy.package and cpu.cores = 1", NULL}, /* and binds closer */
	{"(kvm or energy.package) and cpu.cores = 1", "cpu.cores is '16', not = 1"},
	{"energy.package or cpu.cores < 4",
	 "it lacks energy.package: no RAPL here; a bare-metal host, and cpu.cores is '16', not < "
	 "4"},
	{"cpu.vendor = AuthenticAMD", NULL},
	{"cpu.vendor=AuthenticAMD", NULL},
	{"cpu.vendor != GenuineIntel", NULL},
	{"cpu.vendor = GenuineIntel", "cpu.vendor is 'AuthenticAMD', not = GenuineIntel"},
	{"cpu.model = 'AMD EPYC 7B13'", NULL},
	{"cpu.model = \"AMD EPYC 7B13\"", NULL},
	{"cpu.cores >= 16", NULL},
	{"cpu.cores > 16", "cpu.cores is '16', not > 16"},
	{"cpu.cores = 16.0", NULL},
	{"cpu.cores <= 16 and cpu.cores < 17", NULL},
	{"memory.bytes >= 32G", NULL},
	{"memory.bytes < 16GiB", "memory.bytes is '34359738368', not < 16GiB"},
	{"cpu.frequency > 2GHz", NULL},
	{"kernel > 5", "kernel is '6.1.0-18-amd64', which cannot be compared with 5 as a number"},
	{"kvn", "it knows no capability 'kvn'; did you mean 'kvm'?"},
	{"cpu.cors = 3", "it knows no fact 'cpu.cors'; did you mean 'cpu.cores'?"},
	{"not zzzzzzzz", NULL}, /* what a host says nothing of is false */
	{"zzzzzzzz != 3", "it knows no fact 'zzzzzzzz'"},
};

static void test_questions(void **state)
{
	autohost struct host_info host = some_host();
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(questions); i++) {
		struct err err = ERR_NONE;
		print_message("%s\n", questions[i].expression);
		int r = expr_match(questions[i].expression, &host, &err);
		assert_int_equal(r, questions[i].no ? -ENOENT : 0);
		assert_string_equal(err.text, questions[i].no ? questions[i].no : "");
		assert_int_equal(expr_check(questions[i].expression, &err), 0);
	}
}

static const struct question unreadable[] = {
	{"", "the expression ends where a name, 'not' or '(' is expected"},
	{"kvm and", "the expression ends where a name, 'not' or '(' is expected"},
	{"and kvm", "found 'and' at character 1 of the expression, expected a name, 'not' or '('"},
	{"not not kvm",
	 "found 'not' at character 5 of the expression, expected a name, 'not' or '('"},
	{"kvm energy",
	 "found 'energy' at character 5 of the expression, expected 'and', 'or' or the end"},
	{"(kvm", "the expression ends where 'and', 'or' or ')' is expected"},
	{"kvm)", "found ')' at character 4 of the expression, expected 'and', 'or' or the end"},
	{"a == 3", "found '==' at character 3 of the expression, expected one of = != < <= > >="},
	{"a =", "the expression ends where a value is expected"},
	{"a = 'x", "found ''x' at character 5 of the expression, expected a closing quote"},
	{"a & b", "found '&' at character 3 of the expression, expected 'and', 'or' or the end"},
	{"a = (b)", "found '(' at character 5 of the expression, expected a value"},
};

static void test_unreadable(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(unreadable); i++) {
		struct err err = ERR_NONE;
		print_message("%s\n", unreadable[i].expression);
		assert_int_equal(expr_check(unreadable[i].expression, &err), -EINVAL);
		assert_string_equal(err.text, unreadable[i].no);
	}
}

static void test_depth_and_size(void **state)
{
	char text[5000];
	struct err err;
	(void)state;
	memset(text, '(', sizeof(text));
	text[4000] = '\0';
	assert_int_equal(expr_check(text, &err), -EINVAL);
	assert_string_equal(err.text, "the expression is nested more than 32 deep");
	memset(text, 'a', sizeof(text));
	text[4999] = '\0';
	assert_int_equal(expr_check(text, &err), -EINVAL);
	assert_string_equal(err.text, "the expression has more than 4096 characters");
	text[300] = '\0';
	assert_int_equal(expr_check(text, &err), -EINVAL);
	assert_non_null(strstr(err.text, "expected a shorter word"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_depth_and_size),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
