// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/meter/event_terms.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/base/mem.h"

enum { FORMAT_SIZE = 4096 }; /* one page: what sysfs gives */

bool event_is_word(const char *s)
{
	if (!isalnum((unsigned char)*s) && *s != '_')
		return false;
	for (; *s; s++)
		if (!isalnum((unsigned char)*s) && !strchr("_.-:", *s))
			return false;
	return true;
}

static int parse_value(const char *s, uint64_t *ret)
{
	char *end;
	bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
	errno = 0;
	unsigned long long value = strtoull(s, &end, hex ? 16 : 10);
	if (!isdigit((unsigned char)s[0]) || (hex && !isxdigit((unsigned char)s[2])) || *end ||
	    errno)
		return -EINVAL;
	*ret = value;
	return 0;
}

int event_set_term(struct event_terms *terms, const struct event_term *term, const char *event,
		   struct err *err)
{
	for (size_t i = 0; i < terms->n; i++) {
		if (strcmp(terms->term[i].name, term->name) == 0) {
			terms->term[i] = *term;
			return 0;
		}
	}
	if (terms->n == TERMS)
		return err_say(err, EINVAL, "event '%s' has more than %d terms", event, TERMS);
	terms->term[terms->n++] = *term;
	return 0;
}

int event_next_term(char **list, const char *event, struct event_term *ret, bool *ret_bare,
		    struct err *err)
{
	char *word = strsep(list, ","), *value = word;
	strsep(&value, "=");
	*ret = (struct event_term){.value = 1};
	*ret_bare = !value;
	if (!event_is_word(word) || strlen(word) >= NAME_SIZE)
		return err_say(err, EINVAL, "event '%s': '%s' cannot be a term", event, word);
	STRCPY_FIXED(ret->name, word);
	ret->asked = value && strcmp(value, "?") == 0;
	if (value && !ret->asked && parse_value(value, &ret->value) < 0)
		return err_say(err, EINVAL,
			       "event '%s': '%s' of %s is not a number; write 12 or 0x0c", event,
			       value, word);
	return 0;
}

int event_spread(const char *format, uint64_t value, struct event_code *code)
{
	char text[FORMAT_SIZE], *ranges = text;
	STRCPY_FIXED(text, format);
	const char *word = strsep(&ranges, ":");
	size_t index = strcmp(word, "config") == 0    ? 0
		       : strcmp(word, "config1") == 0 ? 1
		       : strcmp(word, "config2") == 0 ? 2
						      : 3;
	if (index == 3 || !ranges)
		return -ENOTSUP;
	while (ranges) {
		unsigned lo, hi;
		int used = 0;
		const char *range = strsep(&ranges, ",");
		if (sscanf(range, "%2u-%2u%n", &lo, &hi, &used) != 2 || range[used]) {
			if (sscanf(range, "%2u%n", &lo, &used) != 1 || range[used])
				return -ENOTSUP;
			hi = lo;
		}
		if (hi > 63 || lo > hi)
			return -ENOTSUP;
		uint64_t mask = hi - lo == 63 ? UINT64_MAX : (1ull << (hi - lo + 1)) - 1;
		code->config[index] &= ~(mask << lo);
		code->config[index] |= (value & mask) << lo;
		value = hi - lo == 63 ? 0 : value >> (hi - lo + 1);
	}
	return value ? -ERANGE : 0;
}
