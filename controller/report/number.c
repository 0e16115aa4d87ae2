// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/report/number.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "controller/report/report.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

enum { MOST_DIGITS = 6 }; /* of a value with a tiny spread */

#define LEAST_SHARED 0.01 /* what may stand before a unit that was chosen for others */

struct prefix {
	double factor;
	double from; /* the smallest value, in the unit, that is written with it */
	const char *name;
};

/* Smallest first; what is below the first one is written with it too. */
static const struct prefix ns_prefixes[] = {
	{1, 0, "ns"},	 {1e3, 1e3, "us"},    {1e6, 1e6, "ms"},
	{1e9, 1e9, "s"}, {6e10, 6e11, "min"}, /* 90 s reads better than 1.5 min */
	{0, 0, NULL},
};
static const struct prefix joule_prefixes[] = {
	{1e-6, 0, "uJ"},  {1e-3, 1e-3, "mJ"}, {1, 1, "J"},
	{1e3, 1e3, "kJ"}, {1e6, 1e6, "MJ"},   {0, 0, NULL},
};
static const struct prefix watt_prefixes[] = {
	{1e-3, 0, "mW"},
	{1, 1, "W"},
	{1e3, 1e3, "kW"},
	{0, 0, NULL},
};
static const struct prefix hertz_prefixes[] = {
	{1, 0, "Hz"}, {1e3, 1e3, "kHz"}, {1e6, 1e6, "MHz"}, {1e9, 1e9, "GHz"}, {0, 0, NULL},
};
static const struct prefix byte_prefixes[] = {
	{1, 0, "B"},
	{0x1p10, 0x1p10, "KiB"},
	{0x1p20, 0x1p20, "MiB"},
	{0x1p30, 0x1p30, "GiB"},
	{0x1p40, 0x1p40, "TiB"},
	{0x1p50, 0x1p50, "PiB"},
	{0, 0, NULL},
};
static const struct prefix count_prefixes[] = {
	{1, 0, ""},	   {1e3, 1e5, "k"},   {1e6, 1e6, "M"},	 {1e9, 1e9, "G"},
	{1e12, 1e12, "T"}, {1e15, 1e15, "P"}, {1e18, 1e18, "E"}, {0, 0, NULL},
};
/* Before a unit that is only known to a parser: "751.6 k ops/s". */
static const struct prefix other_prefixes[] = {
	{1, 0, ""},	   {1e3, 1e5, "k"},   {1e6, 1e6, "M"}, {1e9, 1e9, "G"},
	{1e12, 1e12, "T"}, {1e15, 1e15, "P"}, {0, 0, NULL},
};
static const struct prefix percent_prefixes[] = {
	{1, 0, "%"},
	{0, 0, NULL},
};

static const struct {
	const char *unit;
	const char *zero; /* how 0 is written */
	const struct prefix *prefixes;
} units[] = {
	{"ns", "ns", ns_prefixes},	{"J", "J", joule_prefixes},
	{"W", "W", watt_prefixes},	{"Hz", "Hz", hertz_prefixes},
	{"bytes", "B", byte_prefixes},	{"count", "", count_prefixes},
	{"pct", "%", percent_prefixes},
};

/* value as it stands after rounding to so many significant digits. */
static double rounded(double value, int digits)
{
	if (value == 0 || !isfinite(value))
		return value;
	double step = pow(10, floor(log10(fabs(value))) - digits + 1);
	return step > 0 && isfinite(value / step) ? round(value / step) * step : value;
}

static const struct prefix *prefix_of(double value, const struct prefix *p, int digits)
{
	/* Rounded first: 999.96 ns are 1.000 us. The slack is for products that come out one bit
	 * short. */
	while (p[1].name &&
	       rounded(fabs(value) / p->factor, digits) * p->factor * (1 + 1e-12) >= p[1].from)
		p++;
	return p;
}

/* "k MB/s" is no unit: those that have a prefix already keep it. */
static bool takes_prefix(const char *unit)
{
	return unit[0] && !strchr("kKMGTmun%", unit[0]);
}

void number_scale(double value, const char *unit, int digits, struct scale *ret)
{
	bool scaled = value != 0 && isfinite(value);
	*ret = (struct scale){.factor = 1};
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcmp(unit, units[i].unit) != 0)
			continue;
		const struct prefix *p = scaled ? prefix_of(value, units[i].prefixes, digits)
						: NULL;
		ret->factor = p ? p->factor : 1;
		STRCPY_FIXED(ret->name, p ? p->name : units[i].zero);
		return;
	}
	const struct prefix *p = &other_prefixes[0];
	if (scaled && takes_prefix(unit))
		p = prefix_of(value, other_prefixes, digits);
	ret->factor = p->factor;
	snprintf(ret->name, sizeof(ret->name), "%s%s%.16s", p->name, p->name[0] ? " " : "", unit);
}

static bool is_counted(const char *unit)
{
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (strcmp(unit, units[i].unit) == 0)
			return units[i].prefixes == count_prefixes;
	return true;
}

bool number_scale_shared(double smallest, double largest, const char *unit, int digits,
			 struct scale *ret)
{
	number_scale(largest, unit, digits, ret);
	if (ret->factor == 1e3 && smallest < 1e3 && is_counted(unit))
		number_scale(0, unit, digits, ret);
	return smallest >= ret->factor * LEAST_SHARED;
}

static int exponent(double value)
{
	return (int)floor(log10(fabs(value)) + 1e-12);
}

static int clamp(int value, int low, int high)
{
	return value < low ? low : value > high ? high : value;
}

int number_decimals(double value, double spread, int digits)
{
	if (!isfinite(value))
		return 0;
	if (isfinite(spread) && spread > 0) {
		int decimals = 1 - exponent(spread);
		int wanted = value != 0 ? digits - 1 - exponent(value) : decimals;
		int most = value != 0 ? MOST_DIGITS - 1 - exponent(value) : decimals;
		if (decimals > wanted) /* one digit of the spread is enough then */
			decimals = wanted > decimals - 1 ? wanted : decimals - 1;
		if (decimals > most && exponent(value) >= exponent(spread))
			decimals = most;
		return clamp(decimals, 0, 15);
	}
	if (value == 0)
		return 0;
	int decimals = clamp(digits - 1 - exponent(rounded(value, digits)), 0, 15);
	for (int fewer = 0; fewer < decimals; fewer++) {
		double shifted = value * pow(10, fewer);
		if (fabs(shifted - round(shifted)) <= 4e-15 * fabs(shifted))
			return fewer;
	}
	return decimals;
}

/* printf writes the locale's decimal point, which may be a comma or longer than a byte. */
static void use_point(char *s)
{
	const char *point = localeconv()->decimal_point;
	size_t length = strlen(point);
	char *found = length > 0 && strcmp(point, ".") != 0 ? strstr(s, point) : NULL;
	if (!found)
		return;
	*found = '.';
	memmove(found + 1, found + length, strlen(found + length) + 1);
}

void number_fixed(double value, int decimals, char *ret, size_t size)
{
	if (isnan(value))
		mem_strcpy(ret, size, "-");
	else if (isinf(value))
		mem_strcpy(ret, size, value > 0 ? "inf" : "-inf");
	else if (fabs(value) >= 1e15)
		snprintf(ret, size, "%.3e", value);
	else
		snprintf(ret, size, "%.*f", clamp(decimals, 0, 15), value);
	use_point(ret);
	if (ret[0] == '-' && strspn(ret, "-0.") == strlen(ret) && ret[1])
		memmove(ret, ret + 1, strlen(ret)); /* "-0.00" */
}

void number_grouped(double value, int decimals, char *ret, size_t size)
{
	char plain[48];
	autotext struct text text = {0};
	number_fixed(value, decimals, plain, sizeof(plain));
	size_t digits = strspn(plain + (*plain == '-'), "0123456789") + (*plain == '-');
	for (size_t i = 0; i < digits; i++)
		text_addf(&text, "%s%c",
			  i && plain[i - 1] != '-' && (digits - i) % 3 == 0 ? " " : "", plain[i]);
	text_add(&text, plain + digits);
	mem_strcpy(ret, size, text.data);
}

void report_number(double value, const char *unit, int digits, char *ret, size_t size)
{
	struct scale scale;
	char number[48];
	digits = clamp(digits, 1, 15);
	if (isnan(value)) {
		mem_strcpy(ret, size, "-");
		return;
	}
	number_scale(value, unit, digits, &scale);
	double scaled = value / scale.factor;
	if (scaled != 0 && fabs(scaled) < 1e-4) {
		snprintf(number, sizeof(number), "%.*e", digits - 1, scaled);
		use_point(number);
	} else {
		number_fixed(scaled, number_decimals(scaled, (double)NAN, digits), number,
			     sizeof(number));
	}
	snprintf(ret, size, "%s%s%s", number, scale.name[0] ? " " : "", scale.name);
}
