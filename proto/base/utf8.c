// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/utf8.h"

#include "proto/base/text.h"

/* Bytes of the character at s, which ends in NUL; 0 where there is none. */
static size_t char_length(const unsigned char *s)
{
	size_t n = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (s[0] > 0xf4)
		return 0;
	for (size_t i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0; /* also the NUL */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

const char *utf8_clean(const char *s, char **ret_copy)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t n;
	while (*p && (n = char_length(p)) != 0)
		p += n;
	if (!*p)
		return s;
	autotext struct text clean = {0};
	for (p = (const unsigned char *)s; *p; p += n ? n : 1) {
		n = char_length(p);
		if (n)
			text_add_bytes(&clean, p, n);
		else
			text_add(&clean, "\xef\xbf\xbd");
	}
	return *ret_copy = text_take(&clean);
}
