// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/parse/lines.h"

/* Longest escape sequence that is believed: rubbish that opens a string and never closes it must
 * not hide what comes after. Terminals send far less. */
enum { ESCAPE_LIMIT = 512 };

enum { NUL = 0, BEL = 7, CAN = 0x18, SUB = 0x1a, ESC = 0x1b };

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
	l->after_cr = false;
	l->cut |= size > room;
	text_add_bytes(&l->line, text, size < room ? size : room);
}

static void text_byte(struct lines *l, unsigned char byte)
{
	char c = (char)byte;
	bool after_cr = l->after_cr;
	if (byte == NUL)
		return;
	if (byte != '\r' && byte != '\n') {
		add_text(l, &c, 1);
		return;
	}
	l->after_cr = byte == '\r';
	if (byte == '\r' || !after_cr)
		end_line(l);
}

static enum lines_state after_esc(unsigned char byte)
{
	switch (byte) {
	case '[':
		return LINES_CSI;
	case ']': /* OSC */
	case 'P': /* DCS */
	case 'X': /* SOS */
	case '^': /* PM */
	case '_': /* APC */
		return LINES_STRING;
	case ESC:
		return LINES_ESC;
	default: /* 0x20-0x2f: ESC ( B, ESC # 8; others end with this byte */
		return byte >= 0x20 && byte <= 0x2f ? LINES_CHARSET : LINES_TEXT;
	}
}

static enum lines_state in_escape(enum lines_state state, unsigned char byte)
{
	switch (state) {
	case LINES_ESC:
		return after_esc(byte);
	case LINES_CSI:
		return byte >= 0x40 && byte <= 0x7e ? LINES_TEXT : LINES_CSI;
	case LINES_STRING:
		return byte == BEL ? LINES_TEXT : byte == ESC ? LINES_STRING_ESC : state;
	case LINES_STRING_ESC: /* any other escape also ends the string, and begins itself */
		return byte == '\\' ? LINES_TEXT : after_esc(byte);
	case LINES_CHARSET:
		return byte >= 0x20 && byte <= 0x2f ? LINES_CHARSET : LINES_TEXT;
	case LINES_TEXT:
		break;
	}
	return LINES_TEXT;
}

/* Line ends are never part of an escape; a terminal acts on them at once. */
static bool breaks_escape(const struct lines *l, unsigned char byte)
{
	return byte == '\n' || byte == '\r' || byte == CAN || byte == SUB ||
	       l->escape_size >= ESCAPE_LIMIT;
}

static void escape_byte(struct lines *l, unsigned char byte)
{
	if (!breaks_escape(l, byte)) {
		l->escape_size++;
		l->state = byte == NUL ? l->state : in_escape(l->state, byte);
		return;
	}
	l->state = LINES_TEXT;
	if (byte != CAN && byte != SUB)
		text_byte(l, byte);
}

static void feed_byte(struct lines *l, unsigned char byte)
{
	if (l->state != LINES_TEXT) {
		escape_byte(l, byte);
	} else if (byte == ESC) {
		l->state = LINES_ESC;
		l->escape_size = 0;
	} else {
		text_byte(l, byte);
	}
}

static size_t plain_text(const char *p, size_t size)
{
	size_t n = 0;
	while (n < size && (unsigned char)p[n] >= ' ')
		n++;
	return n;
}

void lines_feed(struct lines *l, const char *bytes, size_t size)
{
	for (size_t at = 0, n; at < size && !l->enough; at += n ? n : 1) {
		n = l->state == LINES_TEXT ? plain_text(bytes + at, size - at) : 0;
		if (n)
			add_text(l, bytes + at, n);
		else
			feed_byte(l, (unsigned char)bytes[at]);
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
