// SPDX-License-Identifier: GPL-3.0-or-later
#define PCRE2_CODE_UNIT_WIDTH 8
#include "controller/recipe/value.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <pcre2.h>
#include <stdio.h>
#include <string.h>

#include "controller/recipe/expr.h"
#include "controller/recipe/suggest.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

enum { PATTERN_MAX = 4096, WORDS_MAX = 16 };

static int found_instead(const struct node *scalar, const struct key *key, enum key_type type,
			 struct err *err)
{
	autotext struct text expected = {0};
	struct key item = *key;
	char found[80];
	item.type = type;
	key_expected(&item, &expected);
	node_describe(scalar, found, sizeof(found));
	return err_say(err, EINVAL, "found %s, expected %s", found, expected.data);
}

static bool only(const char *text, const char *allowed)
{
	return *text && strspn(text, allowed) == strlen(text);
}

bool name_ok(const char *name)
{
	return only(name, LOWER UPPER DIGITS "_-") && strlen(name) < NAME_SIZE;
}

int word_index(const char *words, const char *word)
{
	size_t size = strlen(word);
	for (int i = 0; *words; i++) {
		size_t n = strcspn(words, " ");
		if (n == size && memcmp(words, word, n) == 0)
			return i;
		words += n;
		words += *words == ' ';
	}
	return -1;
}

static int read_word(struct node *scalar, const struct key *key, struct err *err)
{
	int index = word_index(key->words, scalar->text);
	const char *candidates[WORDS_MAX + 1] = {NULL};
	char *rest = NULL;
	if (index >= 0) {
		scalar->whole = (uint64_t)index;
		return 0;
	}
	found_instead(scalar, key, KEY_WORD, err);
	autofree char *words = xstrdup(key->words);
	size_t n = 0;
	for (char *w = strtok_r(words, " ", &rest); w && n < WORDS_MAX;
	     w = strtok_r(NULL, " ", &rest))
		candidates[n++] = w;
	size_t used = strlen(err->text);
	snprintf(err->text + used, sizeof(err->text) - used, "%s",
		 suggest(scalar->text, candidates).text);
	return err_code(err);
}

static int read_count(struct node *scalar, const struct key *key, struct err *err)
{
	uint64_t value;
	if (text_parse_u64(scalar->text, &value, NULL) < 0 || value < key->least ||
	    value > key->most)
		return found_instead(scalar, key, KEY_COUNT, err);
	scalar->whole = value;
	return 0;
}

static int read_number(struct node *scalar, const struct key *key, struct err *err)
{
	double value;
	if (text_parse_double(scalar->text, &value, NULL) < 0 || value < (double)key->least ||
	    value > (double)key->most)
		return found_instead(scalar, key, KEY_NUMBER, err);
	scalar->real = fabs(value); /* -0 is 0 */
	return 0;
}

static int read_truth(struct node *scalar, const struct key *key, struct err *err)
{
	bool is_true = strcmp(scalar->text, "true") == 0;
	if (!is_true && strcmp(scalar->text, "false") != 0)
		return found_instead(scalar, key, KEY_TRUTH, err);
	scalar->whole = is_true;
	return 0;
}

static int read_amount(struct node *scalar, const struct key *key, struct err *err)
{
	struct err either = ERR_NONE;
	if (read_truth(scalar, key, &either) == 0 || read_count(scalar, key, &either) == 0)
		return 0;
	return found_instead(scalar, key, KEY_AMOUNT, err);
}

struct unit {
	uint64_t factor;
	const char *name;
};

static const struct unit byte_units[] = {
	{1ull << 40, "T"}, {1ull << 30, "G"}, {1ull << 20, "M"}, {1024, "K"}, {1, ""},
};

static const struct unit time_units[] = {
	{86400 * NSEC_PER_SEC, "d"},
	{3600 * NSEC_PER_SEC, "h"},
	{NSEC_PER_SEC, "s"},
	{NSEC_PER_MSEC, "ms"},
	{1, "ns"},
};

void format_quantity(uint64_t value, enum key_type type, char *ret, size_t size)
{
	const struct unit *units = type == KEY_BYTES ? byte_units : time_units;
	size_t i = 0;
	while (units[i].factor > 1 && (!value || value % units[i].factor))
		i++;
	const char *name = !value && type == KEY_DURATION ? "s" : units[i].name;
	snprintf(ret, size, "%" PRIu64 "%s", value / units[i].factor, name);
}

static int read_quantity(struct node *scalar, const struct key *key, enum key_type type,
			 struct err *err)
{
	uint64_t value;
	char least[32], most[32], found[80];
	int r = type == KEY_BYTES ? text_parse_bytes(scalar->text, &value, err)
				  : text_parse_duration(scalar->text, &value, err);
	if (r < 0)
		return r;
	if (value < key->least || value > key->most) {
		format_quantity(key->least, type, least, sizeof(least));
		format_quantity(key->most, type, most, sizeof(most));
		node_describe(scalar, found, sizeof(found));
		return err_say(err, ERANGE, "%s is out of range, expected %s to %s", found, least,
			       most);
	}
	scalar->whole = value;
	return 0;
}

int pattern_check(const char *pattern, uint32_t *ret_groups, struct err *err)
{
	int code;
	PCRE2_SIZE at;
	PCRE2_UCHAR why[160];
	if (strlen(pattern) > PATTERN_MAX)
		return err_say(err, E2BIG, "a pattern may have at most %d characters", PATTERN_MAX);
	pcre2_code *compiled = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, 0, &code,
					     &at, NULL);
	if (!compiled) {
		pcre2_get_error_message(code, why, sizeof(why));
		return err_say(err, EINVAL,
			       "'%.100s' is no regular expression: %s at character %zu", pattern,
			       why, at + 1);
	}
	pcre2_pattern_info(compiled, PCRE2_INFO_CAPTURECOUNT, ret_groups);
	pcre2_code_free(compiled);
	return 0;
}

static int read_pattern(const struct node *scalar, const struct key *key, struct err *err)
{
	uint32_t groups;
	if (!*scalar->text)
		return err_say(err, EINVAL, "found an empty pattern, which matches everything");
	int r = pattern_check(scalar->text, &groups, err);
	if (r < 0 || (groups >= key->least && groups <= key->most))
		return r;
	return err_say(err, EINVAL,
		       "the pattern has %u groups in parentheses, expected %s; write (?:...) for "
		       "one that only holds things together",
		       groups, key->least == key->most ? "one" : "none or one");
}

static int read_file(const struct node *scalar, const struct key *key, struct err *err)
{
	bool is_image = text_starts(scalar->text, IMAGE_TOKEN);
	bool only_image = strcmp(key->path, "guests.*.disk.image") == 0;
	bool only_path = strcmp(key->path, "guests.*.disk.file") == 0;
	if (only_image && !is_image)
		return err_say(err, EINVAL, "'%.100s' is no image, expected {image.NAME}",
			       scalar->text);
	if (only_path && is_image)
		return err_say(err, EINVAL, "an image belongs to the key 'image'");
	if (!is_image && *scalar->text != '/')
		return err_say(err, EINVAL,
			       "'%.100s' is not an absolute path on the host; files that are to be "
			       "sent there are images: {image.NAME}",
			       scalar->text);
	return 0;
}

static int read_text(const struct node *scalar, const struct key *key, const char *allowed,
		     enum key_type type, struct err *err)
{
	size_t size = strlen(scalar->text);
	if (allowed && !only(scalar->text, allowed))
		return found_instead(scalar, key, type, err);
	if (type != key->type || !key->most) /* limits of a list are not of its entries */
		return 0;
	if (size < key->least)
		return err_say(err, EINVAL, "found an empty text");
	if (size > key->most)
		return err_say(err, E2BIG, "has %zu characters, at most %" PRIu64 " are possible",
			       size, key->most);
	return 0;
}

int value_read(struct node *scalar, const struct key *key, enum key_type type, struct err *err)
{
	if (scalar->kind != NODE_SCALAR || node_is_null(scalar))
		return found_instead(scalar, key, type, err);
	switch (type) {
	case KEY_WORD:
		return read_word(scalar, key, err);
	case KEY_COUNT:
		return read_count(scalar, key, err);
	case KEY_NUMBER:
		return read_number(scalar, key, err);
	case KEY_TRUTH:
		return read_truth(scalar, key, err);
	case KEY_AMOUNT:
		return read_amount(scalar, key, err);
	case KEY_BYTES:
	case KEY_DURATION:
		return read_quantity(scalar, key, type, err);
	case KEY_PATTERN:
		return read_pattern(scalar, key, err);
	case KEY_EXPRESSION:
		return expr_check(scalar->text, err);
	case KEY_FILE:
		return read_file(scalar, key, err);
	case KEY_SHA256:
		if (strlen(scalar->text) != HASH_HEX_SIZE - 1)
			return found_instead(scalar, key, type, err);
		return read_text(scalar, key, DIGITS "abcdef", type, err);
	case KEY_SLUG:
		return read_text(scalar, key, LOWER DIGITS "-", type, err);
	case KEY_NAME:
		return name_ok(scalar->text) ? 0 : found_instead(scalar, key, type, err);
	case KEY_EVENT:
		if (strlen(scalar->text) >= NAME_SIZE || !strpbrk(scalar->text, LOWER UPPER))
			return found_instead(scalar, key, type, err);
		return read_text(scalar, key, LOWER UPPER DIGITS "_-.:/=,", type, err);
	case KEY_MARK:
		if (word_index("start resume exit", scalar->text) < 0)
			return found_instead(scalar, key, type, err);
		scalar->whole = (uint64_t)word_index("start resume exit", scalar->text);
		return 0;
	default:
		return read_text(scalar, key, NULL, type, err);
	}
}
