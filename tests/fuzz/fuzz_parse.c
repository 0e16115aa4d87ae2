// SPDX-License-Identifier: GPL-3.0-or-later
/* fuzz_parse - what a guest prints, through every parser and the captures of checks. The first byte
 * picks the pattern, the second how the rest is split; whatever the split, the readings are the
 * same, and a number is finite. */
#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "controller/parse/parse.h"
#include "proto/base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const patterns[] = {
	"rate: *(.*)", "^(\\S+) ops/s$", "(?:a+)+$", "(-?\\d+(?:\\.\\d+)?)", ".*", "x|(y)",
};

static struct attempt *parse(const struct parser *parser, const char *pattern, const char *bytes,
			     size_t size, size_t step)
{
	const struct parse_options options = {"rate", pattern, "ops/s"};
	struct parse_state *state;
	struct err err = ERR_NONE;
	struct attempt *a = attempt_new();
	int r = parser->open(&options, &state, &err);
	assert(r == 0);
	for (size_t at = 0; at < size; at += step)
		parser->feed(state, bytes + at, step < size - at ? step : size - at);
	parser->finish(state, "fuzz", "whole", a);
	return a;
}

static void compare(const struct attempt *a, const struct attempt *b)
{
	assert(a->n_readings == b->n_readings && a->n_readings > 0);
	for (size_t i = 0; i < a->n_readings; i++) {
		const struct reading *x = &a->readings[i], *y = &b->readings[i];
		assert(x->present == y->present && strcmp(x->note, y->note) == 0);
		assert(!x->present || (isfinite(x->value) && x->value == y->value));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	const char *pattern = patterns[data[0] % ARRAY_SIZE(patterns)];
	const char *bytes = (const char *)data + 2;
	for (const struct parser *const *p = parsers; *p; p++) {
		autoclean(attempt) struct attempt *whole = parse(*p, pattern, bytes, size - 2,
								 size);
		autoclean(attempt) struct attempt *split = parse(*p, pattern, bytes, size - 2,
								 1u + data[1]);
		compare(whole, split);
	}
	free(parse_capture(pattern, bytes, size - 2));
	return 0;
}
