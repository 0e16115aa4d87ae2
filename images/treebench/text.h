// SPDX-License-Identifier: GPL-3.0-or-later
/* text - a line under construction, without a C library. What does not fit is cut off. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define TEXT_MAX 512

struct text {
	char bytes[TEXT_MAX]; /* not NUL-terminated */
	size_t len;
};

void text_add(struct text *t, const char *string);
void text_add_bytes(struct text *t, const char *bytes, size_t len);

/* In decimal, padded on the left with spaces to at least width characters. */
void text_add_uint(struct text *t, uint64_t value, size_t width);

/* In lower-case hexadecimal, two digits a byte. */
void text_add_hex(struct text *t, const uint8_t *bytes, size_t len);
