// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* What users, terminals and log lines get is one line: control characters become spaces. */
static void one_line(char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
}

__attribute__((format(printf, 3, 0))) static void say(struct err *err, int code, const char *fmt,
						      va_list ap)
{
	err->code = code > 0 ? code : EIO;
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	one_line(err->text);
}

int err_say(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;
	if (!err)
		return code > 0 ? -code : -EIO;
	va_start(ap, fmt);
	say(err, code, fmt, ap);
	va_end(ap);
	return -err->code;
}

int err_sys(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;
	if (!err)
		return code > 0 ? -code : -EIO;
	va_start(ap, fmt);
	say(err, code, fmt, ap);
	va_end(ap);
	size_t used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", strerror(err->code));
	return -err->code;
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	va_list ap;
	char inner[sizeof(err->text)];
	if (!err)
		return -EIO;
	int code = err->code;
	memcpy(inner, err->text, sizeof(inner));
	va_start(ap, fmt);
	say(err, code, fmt, ap);
	va_end(ap);
	size_t used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, ": %s", inner);
	return -err->code;
}
