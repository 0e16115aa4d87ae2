// SPDX-License-Identifier: GPL-3.0-or-later
/* A guest's console as an attack: any bytes, cut anywhere. What is shown must not depend on where
 * they were cut, stays inside the line's room, and no text is shown from before what was shown. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "agent/meter/console.h"
#include "agent/meter/marks.h"
#include "proto/base/mem.h"

struct shown {
	uint64_t hash; /* of all complete lines */
	uint64_t offset;
};

static void on_line(void *arg, const struct console_line *line)
{
	struct shown *s = arg;
	if (line->size > CONSOLE_LINE_SIZE || line->offset < s->offset)
		abort();
	s->offset = line->offset;
	if (!line->complete)
		return;
	for (size_t i = 0; i < line->size; i++)
		s->hash = (s->hash ^ (unsigned char)line->text[i]) * 0x100000001b3ull;
	s->hash = (s->hash ^ 0x100) * 0x100000001b3ull;
}

static void feed(const uint8_t *data, size_t size, size_t piece, struct console *c,
		 struct shown *shown)
{
	memset(c, 0, sizeof(*c));
	*shown = (struct shown){0};
	for (size_t at = 0; at < size; at += piece)
		console_feed(c, data + at, size - at < piece ? size - at : piece, on_line, shown);
	console_end(c, on_line, shown);
}

struct watched {
	struct console console;
	struct marks *marks;
};

static void search(void *arg, const struct console_line *line)
{
	struct watched *w = arg;
	if (marks_search(w->marks, line, w->console.bytes, w->console.lines))
		marks_settle(w->marks, 1);
}

static void watch(const uint8_t *data, size_t size)
{
	static struct watched w;
	static const char *const patterns[] = {"START", "E.*D$", "[0-9]+ ms", "(a|b)+c"};
	struct run_spec *spec = run_spec_new();
	memset(&w, 0, sizeof(w));
	for (size_t i = 0; i + 1 < ARRAY_SIZE(patterns); i++) {
		struct window_spec *window = ARRAY_PUSH(spec->windows, spec->n_windows);
		window->from = (struct mark_spec){MARK_CONSOLE, xstrdup(patterns[i])};
		window->to = (struct mark_spec){MARK_CONSOLE, xstrdup(patterns[i + 1])};
	}
	if (marks_open(spec, &w.marks, NULL) < 0)
		abort();
	for (size_t at = 0; at < size; at += 7)
		console_feed(&w.console, data + at, size - at < 7 ? size - at : 7, search, &w);
	for (size_t i = AT_WINDOWS; i < marks_count(w.marks); i += 2)
		if (marks_get(w.marks, i + 1)->seen && !marks_get(w.marks, i)->seen)
			abort();
	marks_close(w.marks);
	run_spec_free(spec);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct console one, other;
	struct shown whole, pieces;
	feed(data, size, size ? size : 1, &one, &whole);
	feed(data, size, size ? data[0] % 13u + 1 : 1, &other, &pieces);
	if (whole.hash != pieces.hash || one.lines != other.lines || one.bytes != other.bytes ||
	    one.bytes != size)
		abort();
	watch(data, size);
	return 0;
}
