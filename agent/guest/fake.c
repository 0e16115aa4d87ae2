// SPDX-License-Identifier: GPL-3.0-or-later
/* fake - a guest that does what its command words say, in their order; for tests and rehearsals.
 *
 *	print=TEXT err=TEXT   a line on the console, on stderr
 *	raw=TEXT              on the console, without a newline
 *	life_ms=N             sleep
 *	spin=N                count to N, to use the CPU
 *	exit=N signal=N       end so; without either: 0 at the last word
 *	hang                  never end
 *	halt                  be found stopped for good by whoever listens
 *	ignore_term           SIGTERM has no effect from here on
 *	daemon                leave a process behind, in a session of its own
 *	fail=STEP             prepare, start or go is an error
 *	fact=NAME:VALUE flag=CODE invalid=CODE   what a driver may say of its guest
 *
 * It is a real process, a shell that runs a script made of these words, so counters, memory, gate
 * and tree are those of any other guest. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>

#include "agent/guest/guest.h"
#include "agent/guest/launch.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

struct fake {
	struct guest base;
	struct child *child; /* owned */
	struct cpu_list cpus;
	char **words; /* borrowed from the spec */
};

enum word_kind { WORD_TEXT, WORD_NUMBER, WORD_ALONE, WORD_STEP, WORD_PAIR };

/* One row a word; `script` is what the shell is told; a text follows it, quoted. */
static const struct word {
	const char *name;
	enum word_kind kind;
	uint64_t limit;
	const char *script;
} words[] = {
	{"print", WORD_TEXT, 0, "printf '%s\\n' "},
	{"raw", WORD_TEXT, 0, "printf '%s' "},
	{"err", WORD_TEXT, 0, "printf >&2 '%s\\n' "},
	{"life_ms", WORD_NUMBER, 3600000, NULL},
	{"spin", WORD_NUMBER, 1000000000, NULL},
	{"exit", WORD_NUMBER, 255, NULL},
	{"signal", WORD_NUMBER, 31, NULL},
	{"hang", WORD_ALONE, 0, "while :; do sleep 3600; done"},
	{"ignore_term", WORD_ALONE, 0, "trap '' TERM"},
	{"daemon", WORD_ALONE, 0, "setsid sleep 3600 </dev/null >/dev/null 2>&1 &"},
	{"halt", WORD_ALONE, 0, NULL},
	{"fail", WORD_STEP, 0, NULL},
	{"fact", WORD_PAIR, 0, NULL},
	{"flag", WORD_TEXT, 0, NULL},
	{"invalid", WORD_TEXT, 0, NULL},
};

/* NULL: no such word. The value is "" where none is given. */
static const struct word *word_of(const char *text, const char **ret_value)
{
	size_t length = strcspn(text, "=");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		if (strlen(words[i].name) != length || strncmp(words[i].name, text, length) != 0)
			continue;
		*ret_value = text + length + (text[length] == '=');
		return &words[i];
	}
	return NULL;
}

static bool is_step(const char *s)
{
	return strcmp(s, "prepare") == 0 || strcmp(s, "start") == 0 || strcmp(s, "go") == 0;
}

static int check_word(const char *text, struct err *err)
{
	const char *value = "";
	bool has_value = strchr(text, '=');
	uint64_t number = 0;
	const struct word *w = word_of(text, &value);
	if (!w)
		return err_say(err, EINVAL, "command: the fake driver does not know '%.80s'", text);
	if ((w->kind == WORD_ALONE) == has_value)
		return err_say(err, EINVAL, "command: write '%s' %s a value", w->name,
			       has_value ? "without" : "with");
	if (w->kind == WORD_NUMBER &&
	    (text_parse_u64(value, &number, err) < 0 || number > w->limit))
		return err_say(err, EINVAL, "command: '%.80s' is not %s=0 to %llu", text, w->name,
			       (unsigned long long)w->limit);
	if (w->kind == WORD_STEP && !is_step(value))
		return err_say(err, EINVAL,
			       "command: fail= takes prepare, start or go, not '%.40s'", value);
	if (w->kind == WORD_PAIR && !strchr(value, ':'))
		return err_say(err, EINVAL, "command: '%.80s' is not fact=NAME:VALUE", text);
	return 0;
}

static void fake_probe(const struct host_root *root, struct host_info *info)
{
	(void)root;
	host_capability(info, "guest.fake", true, "guests that do as their words say", NULL);
}

static int fake_check(const struct guest_spec *spec, struct err *err)
{
	for (char **w = spec->command; w && *w; w++)
		if (check_word(*w, err) < 0)
			return err_code(err);
	return launch_check_env(spec->env, err);
}

static void add_quoted(struct text *script, const char *s)
{
	text_add(script, "'");
	for (; *s; s++)
		if (*s == '\'')
			text_add(script, "'\\''");
		else
			text_add_bytes(script, s, 1);
	text_add(script, "'");
}

static void add_number(struct text *script, const char *word, unsigned long n)
{
	if (strcmp(word, "life_ms") == 0)
		text_addf(script, "sleep %lu.%03lu", n / 1000, n % 1000);
	else if (strcmp(word, "spin") == 0)
		text_addf(script, "i=0; while [ $i -lt %lu ]; do i=$((i+1)); done", n);
	else if (strcmp(word, "signal") == 0)
		text_addf(script, "kill -%lu $$", n);
	else
		text_addf(script, "exit %lu", n);
}

static char *script_of(char *const *command)
{
	autotext struct text script = {0};
	for (; command && *command; command++) {
		const char *value = "";
		const struct word *w = word_of(*command, &value);
		assert(w); /* checked in prepare */
		if (w->kind == WORD_NUMBER)
			add_number(&script, w->name, strtoul(value, NULL, 10));
		else if (w->script)
			text_add(&script, w->script);
		if (w->script && w->kind == WORD_TEXT)
			add_quoted(&script, value);
		text_add(&script, "\n");
	}
	return text_take(&script);
}

static bool fails_at(const struct fake *f, const char *step)
{
	const char *value;
	for (char **w = f->words; w && *w; w++)
		if (text_starts(*w, "fail=") && (value = *w + 5) && strcmp(value, step) == 0)
			return true;
	return false;
}

static bool halts(const struct fake *f)
{
	for (char **w = f->words; w && *w; w++)
		if (strcmp(*w, "halt") == 0)
			return true;
	return false;
}

static int fail_at(const struct fake *f, const char *step, struct err *err)
{
	if (!fails_at(f, step))
		return 0;
	return err_say(err, EIO, "the fake guest was told to fail in %s", step);
}

static void say_words(struct fake *f)
{
	for (char **w = f->words; w && *w; w++) {
		const char *value = "";
		const struct word *word = word_of(*w, &value);
		assert(word);
		if (word->kind == WORD_PAIR) {
			autofree char *name = xstrndup(value, strcspn(value, ":"));
			guest_fact(&f->base, name, "%s", strchr(value, ':') + 1);
		} else if (strcmp(word->name, "flag") == 0) {
			guest_reason(&f->base, VERDICT_FLAGGED, value, "the fake guest says so");
		} else if (strcmp(word->name, "invalid") == 0) {
			guest_reason(&f->base, VERDICT_INVALID, value, "the fake guest says so");
		}
	}
}

static int fake_prepare(const struct guest_env *env, const struct run_spec *spec,
			struct guest **ret, struct err *err)
{
	if (fake_check(&spec->guest, err) < 0)
		return err_code(err);
	autofree struct fake *f = xcalloc(1, sizeof(*f));
	f->base.driver = &guest_fake;
	f->cpus = env->place.guest;
	f->words = spec->guest.command;
	if (fail_at(f, "prepare", err) < 0)
		return err_code(err);
	autoclose int halted_fd = halts(f) ? eventfd(1, EFD_CLOEXEC) : -1;
	char sh[] = "/bin/sh", option[] = "-c";
	autofree char *script = script_of(f->words);
	char *const argv[] = {sh, option, script, NULL};
	autostrv char **child_env = launch_env(env->folder, spec->guest.env);
	if (launch_prepare(&f->base, env, argv, child_env, NULL, 0, &f->child, err) < 0)
		return err_code(err);
	f->base.event_fd = take_fd(halted_fd);
	*ret = &take(f)->base;
	return 0;
}

static struct fake *fake_of(struct guest *guest)
{
	return (struct fake *)guest;
}

static int fake_start(struct guest *guest, const struct guest_wait *wait, struct err *err)
{
	(void)wait;
	say_words(fake_of(guest));
	return fail_at(fake_of(guest), "start", err);
}

static int fake_pin(struct guest *guest, struct err *err)
{
	const struct cpu_list *cpus = &fake_of(guest)->cpus;
	if (launch_pin(guest->pid, cpus->cpus, cpus->n, err) < 0)
		guest_reason(guest, VERDICT_FLAGGED, "not-pinned", "%s", err->text);
	return 0;
}

static int fake_go(struct guest *guest, struct err *err)
{
	if (fail_at(fake_of(guest), "go", err) < 0)
		return err_code(err);
	return child_go(fake_of(guest)->child, err);
}

static enum guest_news fake_listen(struct guest *guest)
{
	(void)guest; /* only one that halts has an event_fd */
	return GUEST_HALTED;
}

static void fake_stop(struct guest *guest, uint64_t grace_ns)
{
	launch_stop(fake_of(guest)->child, grace_ns);
}

static void fake_destroy(struct guest *guest, struct guest_exit *ret)
{
	if (!guest)
		return;
	launch_end(fake_of(guest)->child, ret);
	cleanup_close(&guest->event_fd);
	free(guest);
}

const struct guest_driver guest_fake = {
	.name = "fake",
	.probe = fake_probe,
	.check = fake_check,
	.prepare = fake_prepare,
	.start = fake_start,
	.pin = fake_pin,
	.go = fake_go,
	.listen = fake_listen,
	.stop = fake_stop,
	.destroy = fake_destroy,
};
