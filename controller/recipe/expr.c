// SPDX-License-Identifier: GPL-3.0-or-later
/* Read and evaluated in one go: everything is read, and the first reason for "no" that matters is
 * kept. Source of the shape: recursive descent, bounded in depth. */
#include "controller/recipe/expr.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "controller/recipe/suggest.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

enum { EXPRESSION_MAX = 4096, DEPTH_MAX = 32, WORD_SIZE = 240 };

struct reader {
	const char *text;
	const char *at;
	const struct host_info *host; /* NULL: only read */
	unsigned depth;
	struct err *err; /* what cannot be read */
};

/* What a part came to; no: the sentence that says why it is false. */
struct answer {
	bool yes;
	char no[400];
};

static const char word_characters[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-/:+";

static void skip_space(struct reader *r)
{
	r->at += strspn(r->at, " \t\r\n");
}

static int unreadable(struct reader *r, const char *expected)
{
	skip_space(r);
	size_t n = strcspn(r->at, " \t\r\n()");
	n = !n && *r->at ? 1 : n;
	if (!*r->at)
		return err_say(r->err, EINVAL, "the expression ends where %s is expected",
			       expected);
	return err_say(r->err, EINVAL,
		       "found '%.*s' at character %zu of the expression, expected %s",
		       (int)(n > 60 ? 60 : n), r->at, (size_t)(r->at - r->text) + 1, expected);
}

/* The size of the word that comes next; 0: something else does. */
static size_t next_word(struct reader *r)
{
	skip_space(r);
	return strspn(r->at, word_characters);
}

static bool take_word(struct reader *r, const char *word)
{
	size_t n = next_word(r);
	if (n != strlen(word) || memcmp(r->at, word, n) != 0)
		return false;
	r->at += n;
	return true;
}

static int copy_word(struct reader *r, size_t size, char ret[WORD_SIZE])
{
	if (size >= WORD_SIZE)
		return unreadable(r, "a shorter word");
	memcpy(ret, r->at, size);
	ret[size] = '\0';
	r->at += size;
	return 0;
}

static int read_literal(struct reader *r, char ret[WORD_SIZE])
{
	size_t n = next_word(r);
	char quote = *r->at;
	if (n)
		return copy_word(r, n, ret);
	if (quote != '\'' && quote != '"')
		return unreadable(r, "a value");
	const char *end = strchr(r->at + 1, quote);
	if (!end)
		return unreadable(r, "a closing quote");
	r->at++;
	int code = copy_word(r, (size_t)(end - r->at), ret);
	r->at += code == 0;
	return code;
}

enum relation { IS, IS_NOT, LESS, LESS_OR_IS, MORE, MORE_OR_IS, RELATIONS };

static const char *const relations[RELATIONS] = {
	[IS] = "=",	     [IS_NOT] = "!=", [LESS] = "<",
	[LESS_OR_IS] = "<=", [MORE] = ">",    [MORE_OR_IS] = ">=",
};

static bool take_relation(struct reader *r, enum relation *ret)
{
	skip_space(r);
	size_t n = strspn(r->at, "=!<>");
	for (size_t i = 0; i < RELATIONS; i++) {
		if (n != strlen(relations[i]) || memcmp(r->at, relations[i], n) != 0)
			continue;
		r->at += n;
		*ret = (enum relation)i;
		return true;
	}
	return false;
}

static bool number_of(const char *text, double *ret)
{
	uint64_t whole;
	if (text_parse_double(text, ret, NULL) == 0)
		return true;
	if (text_parse_bytes(text, &whole, NULL) < 0 &&
	    text_parse_frequency(text, &whole, NULL) < 0)
		return false;
	*ret = (double)whole;
	return true;
}

static bool relation_holds(enum relation relation, int order)
{
	switch (relation) {
	case IS:
		return order == 0;
	case IS_NOT:
		return order != 0;
	case LESS:
		return order < 0;
	case LESS_OR_IS:
		return order <= 0;
	case MORE:
		return order > 0;
	default:
		return order >= 0;
	}
}

static struct answer no_such(const struct host_info *host, const char *what, const char *name)
{
	struct answer a = {.yes = false};
	autofree const char **names = xcalloc(host->n_facts + host->n_capabilities + 1,
					      sizeof(*names));
	size_t n = 0;
	for (size_t i = 0; i < host->n_capabilities; i++)
		names[n++] = host->capabilities[i].name;
	for (size_t i = 0; i < host->n_facts; i++)
		names[n++] = host->facts[i].name;
	snprintf(a.no, sizeof(a.no), "it knows no %s '%.100s'%s", what, name,
		 suggest(name, names).text);
	return a;
}

static struct answer compare(const struct host_info *host, const char *fact, enum relation relation,
			     const char *literal)
{
	struct answer a = {.yes = false};
	double left, right;
	const char *value = host_fact_value(host, fact);
	if (!value)
		return no_such(host, "fact", fact);
	bool numbers = number_of(value, &left) && number_of(literal, &right);
	if (!numbers && relation > IS_NOT) {
		snprintf(a.no, sizeof(a.no),
			 "%.60s is '%.100s', which cannot be compared with %.60s as a number", fact,
			 value, literal);
		return a;
	}
	int order = numbers ? (left > right) - (left < right) : strcmp(value, literal);
	a.yes = relation_holds(relation, order);
	if (!a.yes)
		snprintf(a.no, sizeof(a.no), "%.60s is '%.100s', not %s %.100s", fact, value,
			 relations[relation], literal);
	return a;
}

static struct answer has(const struct host_info *host, const char *name)
{
	struct answer a = {.yes = false};
	const struct capability *c = host_capability_find(host, name);
	if (!c)
		return no_such(host, "capability", name);
	a.yes = c->present;
	if (!a.yes)
		snprintf(a.no, sizeof(a.no), "it lacks %.60s: %.150s%s%.150s", name, c->detail,
			 *c->remedy ? "; " : "", c->remedy);
	return a;
}

static int read_any(struct reader *r, struct answer *ret);

static int read_name(struct reader *r, struct answer *ret)
{
	char name[WORD_SIZE], literal[WORD_SIZE];
	enum relation relation;
	size_t n = next_word(r);
	static const char *const reserved[] = {"and", "or", "not"};
	for (size_t i = 0; i < ARRAY_SIZE(reserved); i++)
		if (n == strlen(reserved[i]) && memcmp(r->at, reserved[i], n) == 0)
			n = 0;
	if (!n)
		return unreadable(r, "a name, 'not' or '('");
	if (copy_word(r, n, name) < 0)
		return -EINVAL;
	if (!take_relation(r, &relation)) {
		if (*r->at && strchr("=!<>", *r->at))
			return unreadable(r, "one of = != < <= > >=");
		if (r->host)
			*ret = has(r->host, name);
		return 0;
	}
	if (read_literal(r, literal) < 0)
		return -EINVAL;
	if (r->host)
		*ret = compare(r->host, name, relation, literal);
	return 0;
}

static int read_group(struct reader *r, struct answer *ret)
{
	r->at++;
	if (read_any(r, ret) < 0)
		return -EINVAL;
	skip_space(r);
	if (*r->at != ')')
		return unreadable(r, "'and', 'or' or ')'");
	r->at++;
	return 0;
}

static int read_not(struct reader *r, struct answer *ret)
{
	const char *begin = r->at;
	struct answer inner = {0};
	int code = *r->at == '(' ? read_group(r, &inner) : read_name(r, &inner);
	if (code < 0)
		return code;
	*ret = (struct answer){.yes = !inner.yes};
	if (!inner.yes)
		return 0;
	while (r->at > begin && r->at[-1] == ' ')
		r->at--;
	snprintf(ret->no, sizeof(ret->no), "'not %.*s' is false of it",
		 (int)(r->at - begin > 150 ? 150 : r->at - begin), begin);
	return 0;
}

static int read_one(struct reader *r, struct answer *ret)
{
	bool negated = false;
	if (r->depth == DEPTH_MAX)
		return err_say(r->err, EINVAL, "the expression is nested more than %d deep",
			       DEPTH_MAX);
	r->depth++;
	if (take_word(r, "not"))
		negated = true;
	skip_space(r);
	int code = negated	   ? read_not(r, ret)
		   : *r->at == '(' ? read_group(r, ret)
				   : read_name(r, ret);
	r->depth--;
	return code;
}

static int read_all(struct reader *r, struct answer *ret)
{
	if (read_one(r, ret) < 0)
		return -EINVAL;
	while (take_word(r, "and")) {
		struct answer right = {0};
		if (read_one(r, &right) < 0)
			return -EINVAL;
		if (ret->yes)
			*ret = right;
	}
	return 0;
}

static int read_any(struct reader *r, struct answer *ret)
{
	if (read_all(r, ret) < 0)
		return -EINVAL;
	while (take_word(r, "or")) {
		struct answer right = {0};
		if (read_all(r, &right) < 0)
			return -EINVAL;
		size_t used = strlen(ret->no);
		if (right.yes)
			*ret = right;
		else if (!ret->yes && used < sizeof(ret->no))
			snprintf(ret->no + used, sizeof(ret->no) - used, ", and %.300s", right.no);
	}
	return 0;
}

static int read_whole(const char *expression, const struct host_info *host, struct answer *ret,
		      struct err *err)
{
	struct reader r = {.text = expression, .at = expression, .host = host, .err = err};
	if (strlen(expression) > EXPRESSION_MAX)
		return err_say(err, EINVAL, "the expression has more than %d characters",
			       EXPRESSION_MAX);
	if (read_any(&r, ret) < 0)
		return -EINVAL;
	skip_space(&r);
	return *r.at ? unreadable(&r, "'and', 'or' or the end") : 0;
}

int expr_check(const char *expression, struct err *err)
{
	struct answer ignored = {0};
	return read_whole(expression, NULL, &ignored, err);
}

int expr_match(const char *expression, const struct host_info *host, struct err *err)
{
	struct answer answer = {0};
	if (read_whole(expression, host, &answer, err) < 0)
		return -EINVAL;
	if (answer.yes)
		return 0;
	return err_say(err, ENOENT, "%s", answer.no);
}
