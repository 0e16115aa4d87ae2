// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/meter/console.h"

#include <string.h>

/* Longest escape sequence that is believed. Terminals send far less; binary rubbish that opens a
 * string and never closes it must not hide the marker behind it. */
enum { ESCAPE_LIMIT = 512 };

enum { NUL = 0, BEL = 7, CAN = 0x18, SUB = 0x1a, ESC = 0x1b };

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

static void add_text(struct console *c, const unsigned char *text, size_t size,
		     console_line_f *show, void *arg)
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
	c->after_cr = false;
}

static void text_byte(struct console *c, unsigned char byte, console_line_f *show, void *arg)
{
	bool after_cr = c->after_cr;
	if (byte == NUL)
		return;
	c->after_cr = byte == '\r';
	if (byte == '\r' || (byte == '\n' && !after_cr))
		end_line(c, show, arg);
	else if (byte != '\n')
		add_text(c, &byte, 1, show, arg);
}

static enum console_state after_esc(unsigned char byte)
{
	switch (byte) {
	case '[':
		return CONSOLE_CSI;
	case ']': /* OSC */
	case 'P': /* DCS */
	case 'X': /* SOS */
	case '^': /* PM */
	case '_': /* APC */
		return CONSOLE_STRING;
	case ESC:
		return CONSOLE_ESC;
	default: /* 0x20-0x2f: ESC ( B, ESC # 8, ESC SP F; others end with this byte */
		return byte >= 0x20 && byte <= 0x2f ? CONSOLE_CHARSET : CONSOLE_TEXT;
	}
}

static enum console_state in_escape(enum console_state state, unsigned char byte)
{
	switch (state) {
	case CONSOLE_ESC:
		return after_esc(byte);
	case CONSOLE_CSI:
		return byte >= 0x40 && byte <= 0x7e ? CONSOLE_TEXT : CONSOLE_CSI;
	case CONSOLE_STRING:
		return byte == BEL ? CONSOLE_TEXT : byte == ESC ? CONSOLE_STRING_ESC : state;
	case CONSOLE_STRING_ESC: /* any other escape also ends the string, and begins itself */
		return byte == '\\' ? CONSOLE_TEXT : after_esc(byte);
	case CONSOLE_CHARSET:
		return byte >= 0x20 && byte <= 0x2f ? CONSOLE_CHARSET : CONSOLE_TEXT;
	case CONSOLE_TEXT:
		break;
	}
	return CONSOLE_TEXT;
}

/* Line ends are never part of an escape; a terminal acts on them at once, and so do marks. */
static bool breaks_escape(const struct console *c, unsigned char byte)
{
	return byte == '\n' || byte == '\r' || byte == CAN || byte == SUB ||
	       c->escape_size >= ESCAPE_LIMIT;
}

static void escape_byte(struct console *c, unsigned char byte, console_line_f *show, void *arg)
{
	if (!breaks_escape(c, byte)) {
		c->escape_size++;
		c->state = byte == NUL ? c->state : in_escape(c->state, byte);
		return;
	}
	c->state = CONSOLE_TEXT;
	if (byte != CAN && byte != SUB)
		text_byte(c, byte, show, arg);
}

static void feed_byte(struct console *c, unsigned char byte, console_line_f *show, void *arg)
{
	if (c->state != CONSOLE_TEXT) {
		escape_byte(c, byte, show, arg);
	} else if (byte == ESC) {
		c->state = CONSOLE_ESC;
		c->escape_size = 0;
	} else {
		text_byte(c, byte, show, arg);
	}
}

/* Bytes from the front that are nothing but text. */
static size_t plain_text(const unsigned char *p, size_t size)
{
	size_t n = 0;
	while (n < size && p[n] >= ' ')
		n++;
	return n;
}

void console_feed(struct console *c, const void *bytes, size_t size, console_line_f *show,
		  void *arg)
{
	const unsigned char *p = bytes, *end = p + size;
	while (p < end) {
		size_t n = c->state == CONSOLE_TEXT ? plain_text(p, (size_t)(end - p)) : 0;
		c->bytes += n ? n : 1;
		if (n)
			add_text(c, p, n, show, arg);
		else
			feed_byte(c, *p, show, arg);
		p += n ? n : 1;
	}
	if (c->size)
		show_line(c, false, show, arg);
}

void console_end(struct console *c, console_line_f *show, void *arg)
{
	if (c->size)
		end_line(c, show, arg);
}
