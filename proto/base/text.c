// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/text.h"

#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>

#include "proto/base/mem.h"

static void reserve(struct text *text, size_t more)
{
	if (text->size + more + 1 <= text->capacity)
		return;
	size_t capacity = text->capacity ? text->capacity * 2 : 64;
	while (capacity < text->size + more + 1)
		capacity *= 2;
	text->data = xreallocarray(text->data, capacity, 1);
	text->capacity = capacity;
}

void text_add_bytes(struct text *text, const void *bytes, size_t size)
{
	reserve(text, size);
	if (size)
		memcpy(text->data + text->size, bytes, size);
	text->size += size;
	text->data[text->size] = '\0';
}

void text_add(struct text *text, const char *s)
{
	text_add_bytes(text, s, strlen(s));
}

void text_addf(struct text *text, const char *fmt, ...)
{
	char small[256];
	va_list ap, again;
	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(small, sizeof(small), fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < sizeof(small)) {
		text_add_bytes(text, small, (size_t)n);
	} else if (n >= 0) {
		reserve(text, (size_t)n);
		vsnprintf(text->data + text->size, (size_t)n + 1, fmt, again);
		text->size += (size_t)n;
	}
	va_end(again);
}

char *text_take(struct text *text)
{
	char *s = text->data ? text->data : xstrdup("");
	*text = (struct text){0};
	return s;
}

void text_done(struct text *text)
{
	free(text->data);
	*text = (struct text){0};
}

static locale_t c_locale;

static void make_c_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

/* A number at the start of s, not negative, finite; *ret_end is what follows it. */
static int parse_number(const char *s, double *ret, const char **ret_end)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	char *end;
	pthread_once(&once, make_c_locale);
	if (!isdigit((unsigned char)*s) && *s != '.')
		return -EINVAL;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'X'))
		return -EINVAL;
	double value = strtod_l(s, &end, c_locale);
	if (end == s || !isfinite(value))
		return -EINVAL;
	*ret = value;
	*ret_end = end;
	return 0;
}

struct quantity_unit {
	const char *name;
	double factor;
};

static const struct quantity_unit byte_units[] = {
	{"", 1},
	{"B", 1},
	{"K", 1024.0},
	{"KiB", 1024.0},
	{"M", 1048576.0},
	{"MiB", 1048576.0},
	{"G", 1073741824.0},
	{"GiB", 1073741824.0},
	{"T", 1099511627776.0},
	{"TiB", 1099511627776.0},
	{NULL, 0},
};

static const struct quantity_unit duration_units[] = {
	{"ns", 1},   {"us", 1e3},   {"ms", 1e6},    {"s", 1e9},
	{"m", 6e10}, {"h", 3.6e12}, {"d", 8.64e13}, {NULL, 0},
};

static const struct quantity_unit frequency_units[] = {
	{"", 1}, {"Hz", 1}, {"kHz", 1e3}, {"MHz", 1e6}, {"GHz", 1e9}, {NULL, 0},
};

static int parse_quantity(const char *s, const struct quantity_unit *units, const char *expected,
			  uint64_t *ret, struct err *err)
{
	double value;
	const char *rest;
	if (parse_number(s, &value, &rest) < 0)
		return err_say(err, EINVAL, "'%s' is not %s", s, expected);
	for (const struct quantity_unit *u = units; u->name; u++) {
		if (strcmp(rest, u->name) != 0)
			continue;
		double scaled = value * u->factor;
		if (scaled >= 9.2e18)
			return err_say(err, ERANGE, "'%s' is too large", s);
		*ret = (uint64_t)llround(scaled);
		return 0;
	}
	if (!*rest)
		return err_say(err, EINVAL, "'%s' has no unit; expected %s", s, expected);
	return err_say(err, EINVAL, "'%s' has the unknown unit '%s'; expected %s", s, rest,
		       expected);
}

int text_parse_bytes(const char *s, uint64_t *ret_bytes, struct err *err)
{
	return parse_quantity(s, byte_units, "a size such as 512M or 1GiB (K M G T)", ret_bytes,
			      err);
}

int text_parse_duration(const char *s, uint64_t *ret_ns, struct err *err)
{
	return parse_quantity(s, duration_units,
			      "a duration such as 100ms or 10m (ns us ms s m h d)", ret_ns, err);
}

int text_parse_frequency(const char *s, uint64_t *ret_hz, struct err *err)
{
	return parse_quantity(s, frequency_units, "a frequency such as 2.4GHz (Hz kHz MHz GHz)",
			      ret_hz, err);
}

int text_parse_u64(const char *s, uint64_t *ret, struct err *err)
{
	char *end;
	errno = 0;
	unsigned long long value = isdigit((unsigned char)*s) ? strtoull(s, &end, 10) : 0;
	if (!isdigit((unsigned char)*s) || *end)
		return err_say(err, EINVAL, "'%s' is not a whole number", s);
	if (errno == ERANGE)
		return err_say(err, ERANGE, "'%s' is too large", s);
	*ret = value;
	return 0;
}

int text_parse_double(const char *s, double *ret, struct err *err)
{
	double value;
	const char *rest;
	bool negative = *s == '-';
	if (parse_number(s + negative, &value, &rest) < 0 || *rest)
		return err_say(err, EINVAL, "'%s' is not a number", s);
	*ret = negative ? -value : value;
	return 0;
}

/* Edit distance with adjacent swaps ("cylces"); words longer than the row are no candidates. */
static size_t edit_distance(const char *a, const char *b)
{
	enum { LONGEST = 63 };
	size_t rows[3][LONGEST + 1];
	size_t na = strlen(a), nb = strlen(b);
	if (na > LONGEST || nb > LONGEST)
		return SIZE_MAX;
	for (size_t j = 0; j <= nb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *now = rows[i % 3], *last = rows[(i + 2) % 3], *older = rows[(i + 1) % 3];
		now[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			size_t best = last[j - 1] + (a[i - 1] != b[j - 1]);
			if (last[j] + 1 < best)
				best = last[j] + 1;
			if (now[j - 1] + 1 < best)
				best = now[j - 1] + 1;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
			    older[j - 2] + 1 < best)
				best = older[j - 2] + 1;
			now[j] = best;
		}
	}
	return rows[na % 3][nb];
}

const char *text_nearest(const char *word, const char *const *candidates)
{
	const char *nearest = NULL;
	size_t least = SIZE_MAX;
	for (const char *const *c = candidates; *c; c++) {
		size_t distance = edit_distance(word, *c);
		if (distance < least) {
			least = distance;
			nearest = *c;
		}
	}
	return nearest && least <= 1 + strlen(nearest) / 3 ? nearest : NULL;
}

bool text_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool text_equal(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

void text_hex(const void *bytes, size_t size, char *ret)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *b = bytes;
	for (size_t i = 0; i < size; i++) {
		ret[2 * i] = digits[b[i] >> 4];
		ret[2 * i + 1] = digits[b[i] & 15];
	}
	ret[2 * size] = '\0';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int text_unhex(const char *hex, void *ret_bytes, size_t size, struct err *err)
{
	unsigned char *out = ret_bytes;
	bool ok = strlen(hex) == 2 * size;
	for (size_t i = 0; ok && i < 2 * size; i++)
		ok = hex_digit(hex[i]) >= 0;
	if (!ok)
		return err_say(err, EINVAL, "'%.80s' is not %zu lower-case hex digits", hex,
			       2 * size);
	for (size_t i = 0; i < size; i++)
		out[i] = (unsigned char)(hex_digit(hex[2 * i]) << 4 | hex_digit(hex[2 * i + 1]));
	return 0;
}
