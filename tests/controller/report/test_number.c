// SPDX-License-Identifier: GPL-3.0-or-later
/* test_number - how values are written: prefixes, digits, rounding over a prefix' edge. */
#include "controller/report/number.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <locale.h>
#include <math.h>
#include <string.h>

#include "controller/report/report.h"
#include "proto/base/mem.h"

#define NONE	 ((double)NAN) /* clang minds that NAN is a float */
#define INFINITE ((double)INFINITY)

static const struct {
	double value;
	const char *unit;
	int digits;
	const char *text;
	const char *why;
} numbers[] = {
	{1234567, "ns", 4, "1.235 ms", "as the header says"},
	{536870912, "bytes", 4, "512 MiB", "as the header says; exact: no zeros"},
	{536912345, "bytes", 4, "512.0 MiB", "not exact: the zero is a digit"},
	{0, "ns", 4, "0 ns", "zero has no prefix"},
	{0, "J", 4, "0 J", "zero is in the unit, not in the smallest prefix"},
	{0, "count", 4, "0", "a plain zero"},
	{NONE, "ns", 4, "-", "there is no number"},
	{NONE, "", 4, "-", "nor a unit"},
	{INFINITE, "ns", 4, "inf ns", "from arithmetic only"},
	{-INFINITE, "J", 4, "-inf J", "from arithmetic only"},
	{999, "ns", 4, "999 ns", "below the edge"},
	{999.94, "ns", 4, "999.9 ns", "rounds below the edge"},
	{999.96, "ns", 4, "1.000 us", "rounds over the edge: 1000.0 ns would be five digits"},
	{1000, "ns", 4, "1 us", "at the edge"},
	{0.25, "ns", 4, "0.25 ns", "there is nothing below ns"},
	{1e9, "ns", 4, "1 s", "seconds"},
	{90e9, "ns", 4, "90 s", "seconds up to ten minutes"},
	{599.9e9, "ns", 4, "599.9 s", "just below ten minutes"},
	{600e9, "ns", 4, "10 min", "ten minutes"},
	{5400e9, "ns", 4, "90 min", "there is nothing above min"},
	{-2500000, "ns", 4, "-2.5 ms", "a sign stays"},
	{2.5e-4, "J", 4, "250 uJ", "small energies"},
	{1.5e-9, "J", 4, "0.0015 uJ", "there is nothing below uJ"},
	{1.5e-12, "J", 4, "1.500e-06 uJ", "too small for plain digits"},
	{0.1234, "J", 4, "123.4 mJ", "mJ"},
	{12.345, "J", 3, "12.3 J", "three digits"},
	{4321, "J", 4, "4.321 kJ", "kJ"},
	{2.4e9, "Hz", 4, "2.4 GHz", "GHz"},
	{3600123456, "Hz", 4, "3.600 GHz", "not exact"},
	{800e6, "Hz", 4, "800 MHz", "MHz"},
	{512, "bytes", 4, "512 B", "bytes"},
	{1023, "bytes", 4, "1023 B", "binary edge: four digits before the point"},
	{1024, "bytes", 4, "1 KiB", "binary edge"},
	{1536, "bytes", 4, "1.5 KiB", "KiB"},
	{1048575, "bytes", 4, "1.000 MiB", "1023.999 KiB rounds to 1024"},
	{1.5 * 0x1p40, "bytes", 4, "1.5 TiB", "TiB"},
	{999, "count", 4, "999", "counts"},
	{75163, "count", 4, "75163", "below 1e5 no prefix"},
	{100000, "count", 4, "100 k", "counts have prefixes"},
	{431234567, "count", 4, "431.2 M", "counts"},
	{1e18, "count", 4, "1 E", "the largest counters"},
	{0.3706, "count", 3, "0.371", "a fraction of a count"},
	{12.5, "pct", 4, "12.5 %", "percent"},
	{751631, "ops/s", 4, "751.6 k ops/s", "a parser's unit, from 1e5"},
	{75163, "ops/s", 4, "75163 ops/s", "below 1e5 no prefix"},
	{751631, "MB/s", 4, "751631 MB/s", "no prefix on a prefix"},
	{0.5, "events", 4, "0.5 events", "a parser's unit"},
	{7, "", 4, "7", "no unit at all"},
	{1e22, "", 4, "1.000e+22", "too long for plain digits"},
	{1.0 / 3, "s", 2, "0.33 s", "two digits; `s` is a parser's unit here"},
	{123456, "ns", 0, "123 us", "the whole part is never cut"},
	{1.0 / 3, "", 99, "0.333333333333333", "digits above 15 are 15"},
};

static void test_numbers(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		char text[64];
		report_number(numbers[i].value, numbers[i].unit, numbers[i].digits, text,
			      sizeof(text));
		if (strcmp(text, numbers[i].text) != 0)
			fail_msg("%s: '%s', expected '%s'", numbers[i].why, text, numbers[i].text);
	}
}

static void test_small_room(void **state)
{
	(void)state;
	char text[5];
	report_number(1234567, "ns", 4, text, sizeof(text));
	assert_string_equal(text, "1.23");
	report_number(NONE, "ns", 4, text, 1);
	assert_string_equal(text, "");
}

static const struct {
	double value, spread;
	int decimals;
	const char *why;
} decimals[] = {
	{123.42, 1.234, 1, "two digits of the spread"},
	{45.678, 0.3, 2, "two digits of the spread"},
	{751.631, 7.377, 1, "two digits of the spread"},
	{159.33, 0.71, 1, "four digits of the value and one of the spread"},
	{20.332, 0.0008, 4, "one digit of the spread, though the value has six then"},
	{20.332, 0.0000008, 4, "never more than six digits of the value"},
	{0.5, 30, 0, "a spread larger than the value"},
	{0, 0.012, 3, "a mean of 0 follows its spread"},
	{512, 0, 0, "no spread, exact"},
	{512.03, 0, 1, "no spread: four digits"},
	{0.1234567, NONE, 4, "no spread: four digits"},
	{0, 0, 0, "nothing"},
	{NONE, 1, 0, "nothing"},
};

static void test_decimals(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(decimals); i++) {
		int found = number_decimals(decimals[i].value, decimals[i].spread, 4);
		if (found != decimals[i].decimals)
			fail_msg("%s: %d, expected %d", decimals[i].why, found,
				 decimals[i].decimals);
	}
}

static const struct {
	double smallest, largest;
	const char *unit;
	bool shared;
	const char *name;
	const char *why;
} shared[] = {
	{38, 13330, "count", true, "", "counts below 1e5 are plain"},
	{1.7, 431e3, "count", true, "", "a small one takes the prefix from the others"},
	{999, 431e3, "ops/s", true, "ops/s", "also before a parser's unit"},
	{1000, 431e3, "count", true, "k", "at the edge"},
	{12e3, 1.1e6, "count", true, "M", "0.012 M"},
	{9e3, 1.1e6, "count", false, "M", "0.009 M is too little"},
	{40.7e6, 2.02e9, "ns", true, "s", "0.0407 s"},
	{1.04e6, 1.753e9, "ns", false, "s", "0.00104 s is too little"},
	{868 << 10, 185 << 20, "bytes", true, "MiB", "0.848 MiB"},
	{INFINITE, 0, "ns", true, "ns", "all are 0"},
};

static void test_shared_scales(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(shared); i++) {
		struct scale scale;
		bool found = number_scale_shared(shared[i].smallest, shared[i].largest,
						 shared[i].unit, 4, &scale);
		if (found != shared[i].shared || strcmp(scale.name, shared[i].name) != 0)
			fail_msg("%s: '%s', %s", shared[i].why, scale.name,
				 found ? "shared" : "not shared");
	}
}

static const struct {
	double value;
	int decimals;
	const char *text;
} grouped[] = {
	{0, 0, "0"},
	{999, 0, "999"},
	{1000, 0, "1 000"},
	{-1000, 0, "-1 000"},
	{-999, 0, "-999"},
	{13330.5, 1, "13 330.5"},
	{1234567, 0, "1 234 567"},
	{0.12345, 5, "0.12345"},
	{1e22, 0, "1.000e+22"},
	{NONE, 0, "-"},
	{-INFINITE, 0, "-inf"},
	{123456789012345, 2, "123 456 789 012 345.00"},
};

static void test_grouped(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(grouped); i++) {
		char text[48];
		number_grouped(grouped[i].value, grouped[i].decimals, text, sizeof(text));
		assert_string_equal(text, grouped[i].text);
	}
}

static void test_no_negative_zero(void **state)
{
	(void)state;
	char text[32];
	number_fixed(-0.004, 2, text, sizeof(text));
	assert_string_equal(text, "0.00");
	number_fixed(-0.006, 2, text, sizeof(text));
	assert_string_equal(text, "-0.01");
}

/* A locale with a decimal comma, where the machine has one. */
static void test_point_in_every_locale(void **state)
{
	(void)state;
	char text[32];
	if (!setlocale(LC_NUMERIC, "de_DE.UTF-8") && !setlocale(LC_NUMERIC, "fr_FR.UTF-8"))
		skip();
	report_number(1234567, "ns", 4, text, sizeof(text));
	setlocale(LC_NUMERIC, "C");
	assert_string_equal(text, "1.235 ms");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_small_room),
		cmocka_unit_test(test_decimals),
		cmocka_unit_test(test_shared_scales),
		cmocka_unit_test(test_grouped),
		cmocka_unit_test(test_no_negative_zero),
		cmocka_unit_test(test_point_in_every_locale),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
