// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/meter/console.h"

#include <string.h>

static void show_line(struct console *c, bool complete, console_line_f *show, void *arg)
{
	struct console_line line = {
		.text = c->line,
		.size = c->size,
		.offset = c->offset,
		.complete = complete,
		.begins = !c->slid,
	};
	show(arg, &line);
}

static void end_line(struct console *c, console_line_f *show, void *arg)
{
	c->lines++;
	show_line(c, true, show, arg);
	c->offset += c->size + 1;
	c->size = 0;
	c->slid = false;
}

static void slide(struct console *c, console_line_f *show, void *arg)
{
	size_t half = CONSOLE_LINE_SIZE / 2;
	show_line(c, false, show, arg);
	memmove(c->line, c->line + half, c->size - half);
	c->size -= half;
	c->offset += half;
	c->slid = true;
}

static void add_text(struct console *c, const char *text, size_t size, console_line_f *show,
		     void *arg)
{
	while (size) {
		if (c->size == CONSOLE_LINE_SIZE)
			slide(c, show, arg);
		size_t room = CONSOLE_LINE_SIZE - c->size, n = size < room ? size : room;
		memcpy(c->line + c->size, text, n);
		c->size += n;
		text += n;
		size -= n;
	}
}

void console_feed(struct console *c, const void *bytes, size_t size, console_line_f *show,
		  void *arg)
{
	const char *p = bytes, *end = p + size;
	while (p < end) {
		enum lineclean_part part;
		size_t n = lineclean_next(&c->clean, p, (size_t)(end - p), &part);
		c->bytes += n;
		if (part == LINECLEAN_TEXT)
			add_text(c, p, n, show, arg);
		else if (part == LINECLEAN_END)
			end_line(c, show, arg);
		p += n;
	}
	if (c->size)
		show_line(c, false, show, arg);
}

void console_end(struct console *c, console_line_f *show, void *arg)
{
	if (c->size)
		end_line(c, show, arg);
}
