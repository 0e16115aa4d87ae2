// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/recipe/plaintext.h"

#include <errno.h>

#include "controller/recipe/yaml.h"

/* The size of the UTF-8 character at p, or 0: not UTF-8, or a control character. */
static size_t character_size(const unsigned char *p, size_t left)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t size = *p < 0x80 ? 1 : *p >> 5 == 6 ? 2 : *p >> 4 == 14 ? 3 : *p >> 3 == 30 ? 4 : 0;
	uint32_t code = *p;
	if (!size || size > left)
		return 0;
	if (size == 1)
		return (*p >= 0x20 && *p != 0x7f) || *p == '\t' || *p == '\n' || *p == '\r';
	code &= 0x7fu >> size;
	for (size_t i = 1; i < size; i++) {
		if (p[i] >> 6 != 2)
			return 0;
		code = code << 6 | (p[i] & 0x3fu);
	}
	if (code < least[size] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ||
	    (code >= 0x80 && code < 0xa0))
		return 0;
	return size;
}

int plain_text(const char *bytes, size_t size, const char *origin, struct complaints *complaints)
{
	struct place place = {.line = 1, .column = 1, .origin = origin};
	if (size > YAML_BYTES_MAX) {
		complain(complaints, place, "more than 1 MiB is too large for a recipe");
		return -EINVAL;
	}
	for (size_t at = 0; at < size;) {
		const unsigned char *p = (const unsigned char *)bytes + at;
		size_t n = character_size(p, size - at);
		if (!n) {
			complain(complaints, place,
				 "the byte 0x%02x is not text; a recipe is YAML in UTF-8", *p);
			return -EINVAL;
		}
		place.column = *p == '\n' ? 1 : place.column + 1;
		place.line += *p == '\n';
		at += n;
	}
	return 0;
}
