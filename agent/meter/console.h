// SPDX-License-Identifier: GPL-3.0-or-later
/* console - from the bytes of a guest's console to lines that marks are searched in.
 *
 * Bytes are cleaned and cut into lines by base/lineclean: the result does not depend on where
 * reads cut the bytes. What is not yet a whole line is shown at the end of each feed too, so that
 * a marker without a newline is seen with its last byte. A line longer than CONSOLE_LINE_SIZE is
 * shown through a window that slides by half its size: a match of up to that half is never cut. */
#ifndef ASSAY_METER_CONSOLE_H
#define ASSAY_METER_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/lineclean.h"

enum { CONSOLE_LINE_SIZE = 4096 };

struct console_line {
	const char *text; /* without its end; borrowed until the call returns; no NUL behind it */
	size_t size;
	uint64_t offset; /* of text[0] in all text of the console, one byte for each line end */
	bool complete;	 /* its end has been seen */
	bool begins;	 /* text[0] is the first byte of the line */
};

/* The raw bytes up to and with what `line` shows are console->bytes, its lines console->lines. */
typedef void console_line_f(void *arg, const struct console_line *line);

/* {0} is a console that has said nothing. */
struct console {
	uint64_t bytes; /* raw, fed so far */
	uint64_t lines; /* ended so far */
	struct lineclean clean;
	uint64_t offset; /* of line[0] */
	bool slid;	 /* line[0] is not the first byte of its line any more */
	size_t size;
	char line[CONSOLE_LINE_SIZE];
};

void console_feed(struct console *console, const void *bytes, size_t size, console_line_f *show,
		  void *arg);
/* The console is at its end: what is left is a line too. */
void console_end(struct console *console, console_line_f *show, void *arg);

#endif
