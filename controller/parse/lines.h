// SPDX-License-Identifier: GPL-3.0-or-later
/* lines - from the bytes that a guest printed to whole lines, cleaned as consoles do it: escape
 * sequences and NULs are dropped; "\n", "\r\n" and a lone "\r" end a line. A byte machine: where
 * the bytes are split makes no difference. It keeps to the same rules as the agent's console, so
 * that what is a mark there is a match here. Private to parse/.
 * Source: ECMA-48 5th edition, 5.4 and 8.3; xterm ctlseqs. */
#ifndef ASSAY_PARSE_LINES_H
#define ASSAY_PARSE_LINES_H

#include "proto/base/text.h"

enum { LINE_LIMIT_BYTES = 64 << 10 }; /* what is past it in a line is dropped */

/* text: without its end; borrowed until the call returns; no NUL in it, none behind it.
 * cut: the line went on. Returns false to be shown no more lines. */
typedef bool lines_f(void *arg, const char *text, size_t size, bool cut);

enum lines_state {
	LINES_TEXT,
	LINES_ESC,
	LINES_CSI,
	LINES_STRING,	  /* OSC, DCS, APC, PM, SOS: until BEL or ST */
	LINES_STRING_ESC, /* an ESC inside one: ST if a backslash follows */
	LINES_CHARSET,	  /* one more byte belongs to the escape */
};

/* {.show = f, .arg = x} has seen nothing. */
struct lines {
	lines_f *show;
	void *arg; /* borrowed */
	enum lines_state state;
	size_t escape_size;
	bool after_cr;
	bool cut;
	bool enough;	  /* show() said so */
	struct text line; /* owned */
};

void lines_feed(struct lines *lines, const char *bytes, size_t size);
/* What is left is a line too. */
void lines_end(struct lines *lines);
void lines_done(struct lines *lines);

#endif
