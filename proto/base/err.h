// SPDX-License-Identifier: GPL-3.0-or-later
/* err - an error as a value: a code to act on and one sentence to read.
 *
 * Functions that can fail return 0 or a negative errno and fill the caller's struct err. It has
 * a fixed size, so it crosses the wire and reaches a run's row as it is. Making the error is the
 * return expression:
 *
 *	return err_sys(err, errno, "open %s", path);
 *	return err_say(err, EINVAL, "memory: '%s' has no unit; write 512M", text);
 *
 * The leaf knows what failed; a caller that knows the task puts it in front with err_wrap(). */
#ifndef ASSAY_BASE_ERR_H
#define ASSAY_BASE_ERR_H

#include <errno.h>
#include <stdbool.h>

struct err {
	int code;	/* a positive errno; 0: no error */
	char text[500]; /* one line, no full stop, no newline */
};

#define ERR_NONE     \
	(struct err) \
	{            \
		0    \
	}

/* The sentence is complete as given. Returns -code. err may be NULL: nobody reads it. */
int err_say(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The sentence names the attempt ("open /x"); what the kernel said of it is appended. */
int err_sys(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts "task: " in front of the sentence. Returns -err->code (or -EIO where err is NULL). */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* What a function returns after a call that failed with this err. Callers that act on codes hand an
 * err down; without one all failures are alike. */
static inline int err_code(const struct err *err)
{
	return err && err->code > 0 ? -err->code : -EIO;
}

#endif
