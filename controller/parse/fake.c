// SPDX-License-Identifier: GPL-3.0-or-later
/* fake - parser: counts the bytes and lines it was fed, whatever they say. For tests of whoever
 * uses a parser; it wants no options. */
#include "controller/parse/lines.h"
#include "controller/parse/parse.h"
#include "proto/base/mem.h"

struct fake {
	struct lines lines;
	uint64_t bytes;
	uint64_t n_lines;
};

static bool count_line(void *arg, const char *text, size_t size, bool cut)
{
	(void)text;
	(void)size;
	(void)cut;
	((struct fake *)arg)->n_lines++;
	return true;
}

static int open_fake(const struct parse_options *options, struct parse_state **ret, struct err *err)
{
	struct fake *f = xcalloc(1, sizeof(*f));
	(void)options;
	(void)err;
	f->lines = (struct lines){.show = count_line, .arg = f};
	*ret = (struct parse_state *)f;
	return 0;
}

static void feed_fake(struct parse_state *state, const char *bytes, size_t size)
{
	struct fake *f = (struct fake *)state;
	f->bytes += size;
	lines_feed(&f->lines, bytes, size);
}

static void finish_fake(struct parse_state *state, const char *instance, const char *window,
			struct attempt *attempt)
{
	struct fake *f = (struct fake *)state;
	char name[2 * NAME_SIZE];
	lines_end(&f->lines);
	snprintf(name, sizeof(name), "%s/bytes", instance);
	attempt_reading(attempt, window, name, "guest", "bytes", "fake", (double)f->bytes);
	snprintf(name, sizeof(name), "%s/lines", instance);
	attempt_reading(attempt, window, name, "guest", "count", "fake", (double)f->n_lines);
	lines_done(&f->lines);
	free(f);
}

const struct parser parser_fake = {
	.name = "fake",
	.open = open_fake,
	.feed = feed_fake,
	.finish = finish_fake,
};
