// SPDX-License-Identifier: GPL-3.0-or-later
/* console - from the bytes of a guest's console to lines that marks are searched in.
 *
 * A byte machine, not a line reader: the result does not depend on where reads cut the bytes.
 * Escape sequences (CSI, OSC and the other strings, character sets) and NULs are dropped; "\n",
 * "\r\n" and a lone "\r" end a line. What is not yet a whole line is shown at the end of each
 * feed too, so that a marker without a newline is seen with its last byte. A line longer than
 * CONSOLE_LINE_SIZE is shown through a window that slides by half its size: a match of up to that
 * half is never cut. Source: ECMA-48 5th edition, sections 5.4 and 8.3; xterm ctlseqs. */
#ifndef ASSAY_METER_CONSOLE_H
#define ASSAY_METER_CONSOLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

enum console_state {
	CONSOLE_TEXT,
	CONSOLE_ESC,
	CONSOLE_CSI,
	CONSOLE_STRING,	    /* OSC, DCS, APC, PM, SOS: until BEL or ST */
	CONSOLE_STRING_ESC, /* an ESC inside one: ST if a backslash follows */
	CONSOLE_CHARSET,    /* one more byte belongs to the escape */
};

/* {0} is a console that has said nothing. */
struct console {
	uint64_t bytes; /* raw, fed so far */
	uint64_t lines; /* ended so far */
	enum console_state state;
	size_t escape_size; /* bytes inside an escape: rubbish must not swallow the console */
	bool after_cr;	    /* a "\n" now belongs to the line end that "\r" was */
	uint64_t offset;    /* of line[0] */
	bool slid;	    /* line[0] is not the first byte of its line any more */
	size_t size;
	char line[CONSOLE_LINE_SIZE];
};

void console_feed(struct console *console, const void *bytes, size_t size, console_line_f *show,
		  void *arg);
/* The console is at its end: what is left is a line too. */
void console_end(struct console *console, console_line_f *show, void *arg);

#endif
