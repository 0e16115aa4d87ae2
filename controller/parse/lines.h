// SPDX-License-Identifier: GPL-3.0-or-later
/* lines - from the bytes that a guest printed to whole lines, cleaned by base/lineclean as the
 * agent's console is, so that what is a mark there is a match here. Private to parse/. */
#ifndef ASSAY_PARSE_LINES_H
#define ASSAY_PARSE_LINES_H

#include "proto/base/lineclean.h"
#include "proto/base/text.h"

enum { LINE_LIMIT_BYTES = 64 << 10 }; /* what is past it in a line is dropped */

/* text: without its end; borrowed until the call returns; no NUL in it, none behind it.
 * cut: the line went on. Returns false to be shown no more lines. */
typedef bool lines_f(void *arg, const char *text, size_t size, bool cut);

/* {.show = f, .arg = x} has seen nothing. */
struct lines {
	lines_f *show;
	void *arg; /* borrowed */
	struct lineclean clean;
	bool cut;
	bool enough;	  /* show() said so */
	struct text line; /* owned */
};

void lines_feed(struct lines *lines, const char *bytes, size_t size);
/* What is left is a line too. */
void lines_end(struct lines *lines);
void lines_done(struct lines *lines);

#endif
