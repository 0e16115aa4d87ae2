// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *log_program = "assay";
static enum log_level log_limit = LOG_WARN;

static const char *const level_names[] = {
	[LOG_ERROR] = "error",
	[LOG_WARN] = "warn",
	[LOG_INFO] = "info",
	[LOG_DEBUG] = "debug",
};

void log_init(const char *program, enum log_level level)
{
	log_program = program;
	log_limit = level;
}

/* One write(2) a line, so that lines of two processes on one stderr never mix. */
void log_line(enum log_level level, const char *fmt, ...)
{
	char line[1200];
	va_list ap;
	if (level > log_limit)
		return;
	int head = snprintf(line, sizeof(line), "%s: %s: ", log_program, level_names[level]);
	va_start(ap, fmt);
	vsnprintf(line + head, sizeof(line) - (size_t)head - 1, fmt, ap);
	va_end(ap);
	size_t size = strlen(line);
	for (size_t i = 0; i < size; i++)
		if ((unsigned char)line[i] < 0x20)
			line[i] = ' ';
	line[size++] = '\n';
	if (write(STDERR_FILENO, line, size) < 0)
		return; /* nobody is left to tell */
}
