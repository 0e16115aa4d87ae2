// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/text.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "proto/base/mem.h"

typedef int parse_f(const char *s, uint64_t *ret, struct err *err);

static const struct {
	parse_f *parse;
	const char *text;
	uint64_t value;
	const char *why;
} quantities[] = {
	{text_parse_bytes, "0", 0, "no unit: bytes"},
	{text_parse_bytes, "4096", 4096, "no unit: bytes"},
	{text_parse_bytes, "17B", 17, ""},
	{text_parse_bytes, "1K", 1024, "powers of 1024"},
	{text_parse_bytes, "1KiB", 1024, ""},
	{text_parse_bytes, "512M", 512ull << 20, ""},
	{text_parse_bytes, "1.5GiB", 3ull << 29, "fractions"},
	{text_parse_bytes, "2T", 2ull << 40, ""},
	{text_parse_bytes, ".5K", 512, "no digit before the point"},
	{text_parse_bytes, "8000000T", 8000000ull << 40, "nearly all of 63 bits"},
	{text_parse_duration, "1ns", 1, ""},
	{text_parse_duration, "5us", 5000, ""},
	{text_parse_duration, "100ms", 100000000, ""},
	{text_parse_duration, "1.5s", 1500000000, ""},
	{text_parse_duration, "10m", 600000000000, "m is minutes"},
	{text_parse_duration, "2h", 7200000000000, ""},
	{text_parse_duration, "1d", 86400000000000, ""},
	{text_parse_duration, "0s", 0, ""},
	{text_parse_duration, "0.1s", 100000000, "not 99999999: rounded"},
	{text_parse_frequency, "2.4GHz", 2400000000, ""},
	{text_parse_frequency, "800MHz", 800000000, ""},
	{text_parse_frequency, "1kHz", 1000, ""},
	{text_parse_frequency, "50Hz", 50, ""},
	{text_parse_frequency, "50", 50, "no unit: Hz"},
	{text_parse_u64, "0", 0, ""},
	{text_parse_u64, "18446744073709551615", UINT64_MAX, "the largest"},
};

static void test_quantities(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(quantities); i++) {
		uint64_t value = 77;
		struct err err = ERR_NONE;
		if (quantities[i].parse(quantities[i].text, &value, &err) != 0 ||
		    value != quantities[i].value)
			fail_msg("'%s' (%s): %llu %s", quantities[i].text, quantities[i].why,
				 (unsigned long long)value, err.text);
	}
}

static const struct {
	parse_f *parse;
	const char *text;
	int code;
	const char *says;
} refused[] = {
	{text_parse_bytes, "", EINVAL, "'' is not a size such as 512M"},
	{text_parse_bytes, "M", EINVAL, "'M' is not a size"},
	{text_parse_bytes, "-1M", EINVAL, "'-1M' is not a size"},
	{text_parse_bytes, "+1M", EINVAL, "is not a size"},
	{text_parse_bytes, " 1M", EINVAL, "is not a size"},
	{text_parse_bytes, "1M ", EINVAL, "unknown unit 'M '"},
	{text_parse_bytes, "1m", EINVAL, "unknown unit 'm'; expected a size such as 512M"},
	{text_parse_bytes, "1MB", EINVAL, "unknown unit 'MB'"},
	{text_parse_bytes, "0x10", EINVAL, "is not a size"},
	{text_parse_bytes, "nan", EINVAL, "is not a size"},
	{text_parse_bytes, "inf", EINVAL, "is not a size"},
	{text_parse_bytes, "1e400", EINVAL, "is not a size"},
	{text_parse_bytes, "9000000T", ERANGE, "'9000000T' is too large"},
	{text_parse_bytes, ".", EINVAL, "is not a size"},
	{text_parse_duration, "5", EINVAL, "'5' has no unit"},
	{text_parse_duration, "5M", EINVAL, "unknown unit 'M'"},
	{text_parse_duration, "5min", EINVAL, "unknown unit 'min'"},
	{text_parse_duration, "1000000d", ERANGE, "too large"},
	{text_parse_frequency, "2.4ghz", EINVAL, "unknown unit 'ghz'"},
	{text_parse_u64, "", EINVAL, "'' is not a whole number"},
	{text_parse_u64, "-1", EINVAL, "is not a whole number"},
	{text_parse_u64, "1.0", EINVAL, "is not a whole number"},
	{text_parse_u64, "1 ", EINVAL, "is not a whole number"},
	{text_parse_u64, "0x1", EINVAL, "is not a whole number"},
	{text_parse_u64, "18446744073709551616", ERANGE, "too large"},
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		uint64_t value = 77;
		struct err err = ERR_NONE;
		int r = refused[i].parse(refused[i].text, &value, &err);
		if (r != -refused[i].code || value != 77 || !strstr(err.text, refused[i].says))
			fail_msg("'%s': %d, %s", refused[i].text, r, err.text);
	}
}

static void test_double(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		double value;
	} good[] = {{"0", 0}, {"1.5", 1.5}, {"-2.25", -2.25}, {".5", .5}, {"1e3", 1000}, {"-0", 0}};
	static const char *const bad[] = {"",	 "-",	"--1",	 "1,5",	 "1.5x",
					  "nan", "inf", "1e999", "0x1p3"};
	double value = 77;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		assert_int_equal(text_parse_double(good[i].text, &value, NULL), 0);
		assert_true(value == good[i].value);
	}
	value = 77;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (text_parse_double(bad[i], &value, NULL) != -EINVAL || value != 77)
			fail_msg("'%s' was taken for %f", bad[i], value);
	}
}

static const struct {
	const char *word, *nearest; /* NULL: none */
	const char *why;
} nearest[] = {
	{"cycels", "cycles", "two letters swapped"},
	{"cycle", "cycles", "one missing"},
	{"cycles", "cycles", "itself"},
	{"instuctions", "instructions", "one missing in a long word"},
	{"wal", "wall", "short words too"},
	{"energy", NULL, "nothing like it"},
	{"", NULL, "nothing at all"},
	{"branch", NULL, "half a word is another word"},
	{"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", NULL,
	 "longer than any name"},
};

static void test_nearest(void **state)
{
	(void)state;
	static const char *const candidates[] = {"cycles", "instructions", "branch-misses", "wall",
						 NULL};
	static const char *const none[] = {NULL};
	for (size_t i = 0; i < ARRAY_SIZE(nearest); i++) {
		const char *found = text_nearest(nearest[i].word, candidates);
		if (!text_equal(found, nearest[i].nearest))
			fail_msg("'%s' (%s): %s", nearest[i].word, nearest[i].why,
				 found ? found : "none");
	}
	assert_null(text_nearest("cycles", none));
}

static void test_growing(void **state)
{
	(void)state;
	autotext struct text text = {0};
	char long_word[1000];
	memset(long_word, 'x', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	for (int i = 0; i < 1000; i++)
		text_addf(&text, "%d,", i);
	assert_int_equal(text.size, 10 * 2 + 90 * 3 + 900 * 4);
	assert_string_equal(text.data + text.size - 8, "998,999,");
	text_addf(&text, "%s|%s", long_word, "end"); /* longer than the first try */
	assert_int_equal(text.size, 3890 + 999 + 4);
	assert_string_equal(text.data + text.size - 5, "x|end");
	text_add_bytes(&text, "a\0b", 3);
	assert_int_equal(text.size, 3890 + 999 + 4 + 3);
	assert_int_equal(text.data[text.size], '\0');
	autofree char *taken = text_take(&text);
	assert_non_null(taken);
	assert_null(text.data);
	autofree char *empty = text_take(&text);
	assert_string_equal(empty, "");
}

static void test_hex(void **state)
{
	(void)state;
	static const char *const bad[] = {"",	    "00",     "00ff1",	 "00ff10a",
					  "00FF10", "00fg10", "00ff1000"};
	char hex[7];
	unsigned char bytes[3] = {9, 9, 9};
	text_hex("\x00\xff\x10", 3, hex);
	assert_string_equal(hex, "00ff10");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct err err = ERR_NONE;
		assert_int_equal(text_unhex(bad[i], bytes, 3, &err), -EINVAL);
		assert_non_null(strstr(err.text, "6 lower-case hex digits"));
		assert_memory_equal(bytes, "\x09\x09\x09", 3);
	}
	assert_int_equal(text_unhex(hex, bytes, 3, NULL), 0);
	assert_memory_equal(bytes, "\x00\xff\x10", 3);
}

static void test_compare(void **state)
{
	(void)state;
	assert_true(text_starts("guest.memory", "guest."));
	assert_false(text_starts("gue", "guest"));
	assert_true(text_starts("x", ""));
	assert_true(text_equal(NULL, NULL));
	assert_false(text_equal(NULL, ""));
	assert_false(text_equal("", NULL));
	assert_true(text_equal("a", "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantities), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_double),	   cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_growing),	   cmocka_unit_test(test_hex),
		cmocka_unit_test(test_compare),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
