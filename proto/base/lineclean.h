// SPDX-License-Identifier: GPL-3.0-or-later
/* lineclean - which bytes of a console are text, which end a line and which are neither.
 *
 * One copy of the rules, so that what is a mark for the agent is a match for the controller.
 * Escape sequences (CSI, OSC and the other strings, character sets) and NULs are dropped; "\n",
 * "\r\n" and a lone "\r" end a line. A byte machine: where the bytes are cut makes no difference.
 * It keeps no text; how long a line may grow is for its users to say.
 * Source: ECMA-48 5th edition, 5.4 and 8.3; xterm ctlseqs. */
#ifndef ASSAY_LINECLEAN_H
#define ASSAY_LINECLEAN_H

#include <stdbool.h>
#include <stddef.h>

enum lineclean_part {
	LINECLEAN_NOTHING, /* dropped */
	LINECLEAN_TEXT,	   /* all of it belongs to the line */
	LINECLEAN_END,	   /* the line is at its end */
};

enum lineclean_state {
	LINECLEAN_IN_TEXT,
	LINECLEAN_ESC,
	LINECLEAN_CSI,
	LINECLEAN_STRING,     /* OSC, DCS, APC, PM, SOS: until BEL or ST */
	LINECLEAN_STRING_ESC, /* an ESC inside one: ST if a backslash follows */
	LINECLEAN_CHARSET,    /* one more byte belongs to the escape */
};

/* {0} has seen nothing. */
struct lineclean {
	enum lineclean_state state;
	size_t escape_size; /* bytes inside an escape: rubbish must not swallow the console */
	bool after_cr;	    /* a "\n" now belongs to the line end that "\r" was */
};

/* Takes one part off the front of bytes[size], size > 0; gives how many bytes it was, at least
 * one. */
size_t lineclean_next(struct lineclean *clean, const void *bytes, size_t size,
		      enum lineclean_part *ret);

#endif
