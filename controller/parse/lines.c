// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/parse/lines.h"

static void end_line(struct lines *l)
{
	if (!l->enough)
		l->enough = !l->show(l->arg, l->line.data ? l->line.data : "", l->line.size,
				     l->cut);
	l->line.size = 0;
	l->cut = false;
}

static void add_text(struct lines *l, const char *text, size_t size)
{
	size_t room = LINE_LIMIT_BYTES - l->line.size;
	l->cut |= size > room;
	text_add_bytes(&l->line, text, size < room ? size : room);
}

void lines_feed(struct lines *l, const char *bytes, size_t size)
{
	for (size_t at = 0, n; at < size && !l->enough; at += n) {
		enum lineclean_part part;
		n = lineclean_next(&l->clean, bytes + at, size - at, &part);
		if (part == LINECLEAN_TEXT)
			add_text(l, bytes + at, n);
		else if (part == LINECLEAN_END)
			end_line(l);
	}
}

void lines_end(struct lines *l)
{
	if (l->line.size)
		end_line(l);
}

void lines_done(struct lines *l)
{
	text_done(&l->line);
}
