// SPDX-License-Identifier: GPL-3.0-or-later
/* text - a line under construction, without a C library. */
#include "images/treebench/text.h"

#include "images/treebench/bytes.h"

void text_add_bytes(struct text *t, const char *bytes, size_t len)
{
	size_t room = TEXT_MAX - t->len;

	if (len > room)
		len = room;
	bytes_copy(t->bytes + t->len, bytes, len);
	t->len += len;
}

void text_add(struct text *t, const char *string)
{
	text_add_bytes(t, string, bytes_length(string));
}

void text_add_uint(struct text *t, uint64_t value, size_t width)
{
	char digits[20]; /* of the largest uint64_t */
	size_t first = sizeof(digits);

	do {
		digits[--first] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	for (size_t n = sizeof(digits) - first; n < width; n++)
		text_add(t, " ");
	text_add_bytes(t, digits + first, sizeof(digits) - first);
}

void text_add_hex(struct text *t, const uint8_t *bytes, size_t len)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		text_add_bytes(t, &digit[bytes[i] >> 4], 1);
		text_add_bytes(t, &digit[bytes[i] & 15], 1);
	}
}
