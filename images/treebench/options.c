// SPDX-License-Identifier: GPL-3.0-or-later
/* options - the parameters of a run. The defaults are those of the Irmin benchmark that treebench
 * follows; the upper limits keep sizes within 32 bits and the recursion within 64 KiB of stack. */
#include "images/treebench/options.h"

#include <stdbool.h>

#include "images/treebench/bytes.h"
#include "images/treebench/text.h"

#define MILLION 1000000

static const struct number {
	const char *name;
	size_t offset; /* of a uint32_t in struct options */
	uint32_t min;
	uint32_t max;
} numbers[] = {
	{"ncommits", offsetof(struct options, ncommits), 1, 100 * MILLION},
	{"depth", offsetof(struct options, depth), 1, 256},
	{"tree_add", offsetof(struct options, tree_add), 1, MILLION},
	{"display", offsetof(struct options, display), 0, 100 * MILLION},
	{"clear", offsetof(struct options, clear), 0, 1},
	{"gc", offsetof(struct options, gc), 0, 100 * MILLION},
	{"markers", offsetof(struct options, markers), 0, 1},
};

static const char *const faults[] = {
	[FAULT_NONE] = "none",	   [FAULT_HANG] = "hang",   [FAULT_CRASH] = "crash",
	[FAULT_NULL] = "null",	   [FAULT_WRONG] = "wrong", [FAULT_SPAM] = "spam",
	[FAULT_SILENT] = "silent",
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct options options_default = {
	.ncommits = 1000,
	.depth = 16,
	.tree_add = 150,
	.display = 10,
	.clear = 1,
	.gc = 100,
	.markers = 1,
};

/* A part of a word. */
struct span {
	const char *bytes;
	size_t len;
};

static bool span_is(struct span s, const char *string)
{
	return bytes_length(string) == s.len && bytes_compare(s.bytes, string, s.len) == 0;
}

/* A word may hold anything; keep the sentence one line of text. */
static void add_quoted(struct text *why, struct span s)
{
	text_add(why, "'");
	for (size_t i = 0; i < s.len && i < 80; i++)
		text_add_bytes(why, s.bytes[i] < ' ' || s.bytes[i] > '~' ? "?" : s.bytes + i, 1);
	text_add(why, s.len > 80 ? "...'" : "'");
}

static int unknown(struct span word, struct text *why)
{
	text_add(why, "treebench: unknown parameter ");
	add_quoted(why, word);
	text_add(why, "; the known ones are");
	for (size_t i = 0; i < COUNT(numbers); i++) {
		text_add(why, " ");
		text_add(why, numbers[i].name);
		text_add(why, "=N,");
	}
	text_add(why, " fault=NAME\n");
	return -1;
}

static int set_number(struct options *o, const struct number *n, struct span value,
		      struct text *why)
{
	uint64_t v = 0;
	bool good = value.len > 0;

	for (size_t i = 0; good && i < value.len; i++) {
		good = value.bytes[i] >= '0' && value.bytes[i] <= '9';
		v = 10 * v + (uint64_t)(value.bytes[i] - '0');
		good = good && v <= n->max;
	}
	if (good && v >= n->min) {
		*(uint32_t *)((char *)o + n->offset) = (uint32_t)v;
		return 0;
	}
	text_add(why, "treebench: ");
	text_add(why, n->name);
	text_add(why, " must be a number from ");
	text_add_uint(why, n->min, 0);
	text_add(why, " to ");
	text_add_uint(why, n->max, 0);
	text_add(why, ", not ");
	add_quoted(why, value);
	text_add(why, "\n");
	return -1;
}

static int set_fault(struct options *o, struct span value, struct text *why)
{
	for (size_t i = 0; i < COUNT(faults); i++) {
		if (span_is(value, faults[i])) {
			o->fault = (enum options_fault)i;
			return 0;
		}
	}
	text_add(why, "treebench: fault must be one of");
	for (size_t i = 0; i < COUNT(faults); i++) {
		text_add(why, " ");
		text_add(why, faults[i]);
	}
	text_add(why, ", not ");
	add_quoted(why, value);
	text_add(why, "\n");
	return -1;
}

int options_word(struct options *o, const char *word, size_t len, struct text *why)
{
	static const char prefix[] = "treebench.";
	const size_t prefix_len = sizeof(prefix) - 1;
	struct span key = {word, 0}, value;

	if (len > prefix_len && bytes_compare(word, prefix, prefix_len) == 0)
		key.bytes += prefix_len;
	while (key.bytes + key.len < word + len && key.bytes[key.len] != '=')
		key.len++;
	if (key.bytes + key.len == word + len) /* no '=' */
		return unknown((struct span){word, len}, why);
	value.bytes = key.bytes + key.len + 1;
	value.len = (size_t)(word + len - value.bytes);
	if (span_is(key, "fault"))
		return set_fault(o, value, why);
	for (size_t i = 0; i < COUNT(numbers); i++)
		if (span_is(key, numbers[i].name))
			return set_number(o, &numbers[i], value, why);
	return unknown((struct span){word, len}, why);
}

static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

int options_line(struct options *o, const char *line, struct text *why)
{
	for (;;) {
		size_t len = 0;

		while (is_space(*line))
			line++;
		if (!*line)
			return 0;
		while (line[len] && !is_space(line[len]))
			len++;
		if (options_word(o, line, len, why) < 0)
			return -1;
		line += len;
	}
}
