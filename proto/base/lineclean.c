// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/lineclean.h"

/* Longest escape sequence that is believed. Terminals send far less; binary rubbish that opens a
 * string and never closes it must not hide what comes after. */
enum { ESCAPE_LIMIT = 512 };

enum { NUL = 0, BEL = 7, CAN = 0x18, SUB = 0x1a, ESC = 0x1b };

static enum lineclean_state after_esc(unsigned char byte)
{
	switch (byte) {
	case '[':
		return LINECLEAN_CSI;
	case ']': /* OSC */
	case 'P': /* DCS */
	case 'X': /* SOS */
	case '^': /* PM */
	case '_': /* APC */
		return LINECLEAN_STRING;
	case ESC:
		return LINECLEAN_ESC;
	default: /* 0x20-0x2f: ESC ( B, ESC # 8, ESC SP F; others end with this byte */
		return byte >= 0x20 && byte <= 0x2f ? LINECLEAN_CHARSET : LINECLEAN_IN_TEXT;
	}
}

static enum lineclean_state in_escape(enum lineclean_state state, unsigned char byte)
{
	switch (state) {
	case LINECLEAN_ESC:
		return after_esc(byte);
	case LINECLEAN_CSI:
		return byte >= 0x40 && byte <= 0x7e ? LINECLEAN_IN_TEXT : LINECLEAN_CSI;
	case LINECLEAN_STRING:
		return byte == BEL ? LINECLEAN_IN_TEXT : byte == ESC ? LINECLEAN_STRING_ESC : state;
	case LINECLEAN_STRING_ESC: /* any other escape also ends the string, and begins itself */
		return byte == '\\' ? LINECLEAN_IN_TEXT : after_esc(byte);
	case LINECLEAN_CHARSET:
		return byte >= 0x20 && byte <= 0x2f ? LINECLEAN_CHARSET : LINECLEAN_IN_TEXT;
	case LINECLEAN_IN_TEXT:
		break;
	}
	return LINECLEAN_IN_TEXT;
}

/* Line ends are never part of an escape: a terminal acts on them at once. */
static bool breaks_escape(const struct lineclean *c, unsigned char byte)
{
	return byte == '\n' || byte == '\r' || byte == CAN || byte == SUB ||
	       c->escape_size >= ESCAPE_LIMIT;
}

/* Takes a byte of the escape that is open; false where the byte is none. */
static bool swallow(struct lineclean *c, unsigned char byte)
{
	if (c->state == LINECLEAN_IN_TEXT)
		return false;
	if (breaks_escape(c, byte)) {
		c->state = LINECLEAN_IN_TEXT;
		return byte == CAN || byte == SUB;
	}
	c->escape_size++;
	c->state = byte == NUL ? c->state : in_escape(c->state, byte);
	return true;
}

static enum lineclean_part take_byte(struct lineclean *c, unsigned char byte)
{
	bool after_cr = c->after_cr;
	if (swallow(c, byte) || byte == NUL)
		return LINECLEAN_NOTHING;
	if (byte == ESC) {
		c->state = LINECLEAN_ESC;
		c->escape_size = 0;
		return LINECLEAN_NOTHING;
	}
	c->after_cr = byte == '\r';
	if (byte == '\n' && after_cr)
		return LINECLEAN_NOTHING;
	return byte == '\r' || byte == '\n' ? LINECLEAN_END : LINECLEAN_TEXT;
}

/* Bytes from the front that are nothing but text. */
static size_t plain_text(const unsigned char *p, size_t size)
{
	size_t n = 0;
	while (n < size && p[n] >= ' ')
		n++;
	return n;
}

size_t lineclean_next(struct lineclean *c, const void *bytes, size_t size, enum lineclean_part *ret)
{
	const unsigned char *p = bytes;
	size_t n = c->state == LINECLEAN_IN_TEXT ? plain_text(p, size) : 0;
	if (!n) {
		*ret = take_byte(c, *p);
		return 1;
	}
	c->after_cr = false;
	*ret = LINECLEAN_TEXT;
	return n;
}
