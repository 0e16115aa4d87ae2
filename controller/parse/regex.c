// SPDX-License-Identifier: GPL-3.0-or-later
/* regex - parser: one number, the first group of the first line that matches.
 *
 * The first match decides: if that is no number, none is made of a later one. A number is as the C
 * locale writes it ("1234.5", "-3e-9"): "1,234" is two things in two countries, and refused. */
#include <errno.h>
#include <string.h>

#include "controller/parse/lines.h"
#include "controller/parse/parse.h"
#include "controller/parse/pattern.h"
#include "proto/base/mem.h"

enum { NUMBER_SIZE = 64 };

struct regex {
	struct lines lines;
	struct pattern *pattern; /* owned */
	char metric[NAME_SIZE];
	char unit[UNIT_SIZE];
	char shown[80]; /* of the pattern, for notes */
	size_t n_matches;
	char number[NUMBER_SIZE]; /* what the first one captured */
	bool too_long;		  /* the number was cut */
	size_t n_given_up;
	size_t n_cut; /* lines past LINE_LIMIT_BYTES */
};

/* Notes are shown in terminals: nothing that moves the cursor. */
static void copy_printable(char *dst, size_t size, const char *src, size_t n)
{
	size_t i = 0;
	for (; i < n && i + 1 < size; i++)
		dst[i] = (unsigned char)src[i] < ' ' || src[i] == 0x7f ? '?' : src[i];
	dst[i] = '\0';
}

static bool look_at(void *arg, const char *text, size_t size, bool cut)
{
	struct regex *x = arg;
	const char *found;
	size_t n;
	x->n_cut += cut;
	int r = pattern_find(x->pattern, text, size, &found, &n);
	x->n_given_up += r < 0;
	if (r <= 0)
		return true;
	if (x->n_matches++)
		return false; /* that there is another is all that is said of it */
	for (; n && (*found == ' ' || *found == '\t'); n--)
		found++;
	while (n && (found[n - 1] == ' ' || found[n - 1] == '\t'))
		n--;
	x->too_long = n >= NUMBER_SIZE;
	copy_printable(x->number, sizeof(x->number), found, n);
	return true;
}

static void close_regex(struct regex *x)
{
	if (!x)
		return;
	lines_done(&x->lines);
	pattern_close(x->pattern);
	free(x);
}
CLEANUP_DEFINE(regex, struct regex *, close_regex)

static int open_regex(const struct parse_options *options, struct parse_state **ret,
		      struct err *err)
{
	autoclean(regex) struct regex *x = xcalloc(1, sizeof(*x));
	const char *metric = options->metric ? options->metric : "";
	const char *unit = options->unit ? options->unit : "";
	if (!*metric || strlen(metric) >= NAME_SIZE)
		return err_say(err, EINVAL, "regex: a metric must have 1 to %d characters",
			       NAME_SIZE - 1);
	if (strlen(unit) >= UNIT_SIZE)
		return err_say(err, EINVAL, "regex: unit '%.40s' has more than %d characters", unit,
			       UNIT_SIZE - 1);
	if (pattern_open(options->pattern, 1, &x->pattern, err) < 0)
		return err_wrap(err, "regex");
	STRCPY_FIXED(x->metric, metric);
	STRCPY_FIXED(x->unit, unit);
	copy_printable(x->shown, sizeof(x->shown), options->pattern, strlen(options->pattern));
	x->lines = (struct lines){.show = look_at, .arg = x};
	*ret = (struct parse_state *)take(x);
	return 0;
}

static void feed_regex(struct parse_state *state, const char *bytes, size_t size)
{
	lines_feed(&((struct regex *)state)->lines, bytes, size);
}

/* Why there is no number, or "". */
static void explain(const struct regex *x, char *ret, size_t size)
{
	size_t used = 0;
	if (x->n_matches && x->too_long)
		snprintf(ret, size, "the first match is '%.40s...', too long for a number",
			 x->number);
	else if (x->n_matches)
		snprintf(ret, size, "the first match is '%s', which is not a number", x->number);
	else if (x->n_given_up)
		snprintf(ret, size,
			 "'%s' took too many steps on %zu lines and matched no other; write it "
			 "without nested repetition",
			 x->shown, x->n_given_up);
	else
		snprintf(ret, size, "no line matched '%s'", x->shown);
	used = strlen(ret);
	if (!x->n_matches && x->n_cut)
		snprintf(ret + used, size - used, "; of %zu longer lines only %d bytes were read",
			 x->n_cut, LINE_LIMIT_BYTES);
}

static bool read_number(const struct regex *x, double *ret)
{
	const char *digits = x->number + (x->number[0] == '+');
	if (!x->n_matches || x->too_long || (digits != x->number && *digits == '-'))
		return false;
	return text_parse_double(digits, ret, NULL) == 0;
}

static void finish_regex(struct parse_state *state, const char *instance, const char *window,
			 struct attempt *attempt)
{
	autoclean(regex) struct regex *x = (struct regex *)state;
	char name[2 * NAME_SIZE], why[240];
	struct reading *r;
	double value;
	lines_end(&x->lines);
	snprintf(name, sizeof(name), "%s/%s", instance, x->metric);
	if (strlen(name) >= NAME_SIZE) {
		r = attempt_absent(attempt, window, name, "guest", x->unit,
				   "its name %s is longer than %d characters; shorten it", name,
				   NAME_SIZE - 1);
	} else if (read_number(x, &value)) {
		r = attempt_reading(attempt, window, name, "guest", x->unit, "regex", value);
		if (x->n_matches > 1)
			STRCPY_FIXED(r->note, "several lines match; this is the first");
	} else {
		explain(x, why, sizeof(why));
		r = attempt_absent(attempt, window, name, "guest", x->unit, "%s", why);
	}
	STRCPY_FIXED(r->source, "regex");
}

const struct parser parser_regex = {
	.name = "regex",
	.open = open_regex,
	.feed = feed_regex,
	.finish = finish_regex,
};
