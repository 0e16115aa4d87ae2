// SPDX-License-Identifier: GPL-3.0-or-later
/* log - one line a decision, to stderr: "level event key=value ...".
 *
 * Only programs and the few places where decisions are made log (main, run, fleet); base,
 * measure, wire and back-ends return errors instead. Nothing logs inside a measured window. */
#ifndef ASSAY_BASE_LOG_H
#define ASSAY_BASE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/* program: as lines should name it, borrowed for ever. Lines above `level` are dropped. */
void log_init(const char *program, enum log_level level);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...)  log_line(LOG_WARN, __VA_ARGS__)
#define log_info(...)  log_line(LOG_INFO, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
