// SPDX-License-Identifier: GPL-3.0-or-later
/* utf8 - text from outside made fit for readers that refuse bad text (JSON, Python's sqlite3).
 * Source: RFC 3629 (no overlong forms, no surrogates, nothing past U+10FFFF). */
#ifndef ASSAY_BASE_UTF8_H
#define ASSAY_BASE_UTF8_H

/* Borrowed s where it is UTF-8 already; else a copy in *ret_copy, owned by the caller, with U+FFFD
 * for each wrong byte. Doing it twice changes nothing. */
const char *utf8_clean(const char *s, char **ret_copy);

#endif
