// SPDX-License-Identifier: GPL-3.0-or-later
/* The table of keys for people: one key for a terminal, all of them as docs/recipe.md. */
#include <errno.h>
#include <string.h>

#include "controller/recipe/keys.h"
#include "controller/recipe/suggest.h"
#include "controller/recipe/value.h"
#include "proto/base/mem.h"

static const char introduction[] =
	"# Recipes\n"
	"\n"
	"<!-- Made from the table of keys (controller/recipe/keys.c): assay recipe help >"
	" docs/recipe.md -->\n"
	"\n"
	"A recipe is a YAML file that says what to compare, where, how often and what to measure.\n"
	"`assay check RECIPE` says everything that is wrong with one, `assay plan RECIPE` what it\n"
	"would run. `recipes/process.yaml` is a small one to begin with.\n"
	"\n"
	"- `*` in a key stands for a name that you choose: letters, digits, `_` and `-`.\n"
	"- Sizes have units of 1024 (`512M`, `1GiB`), durations must have a unit (`100ms`, "
	"`10m`).\n"
	"- `--set KEY=VALUE` changes any key for one campaign: `--set runs.iterations=5`,\n"
	"  `--set params.depth=8`, `--set axes.guest.1=debian` (places in lists count from 0),\n"
	"  `--set 'axes.accel=[kvm, tcg]'`.\n"
	"\n"
	"## References\n"
	"\n"
	"A value may hold references in braces; the table below says which each key takes.\n"
	"\n"
	"| reference | stands for |\n"
	"|---|---|\n"
	"| `{axis.NAME}` | the cell's value on that axis |\n"
	"| `{param.NAME}` | the value of `params.NAME` |\n"
	"| `{image.NAME}` | the main file of an image; its hash becomes part of the run |\n"
	"| `{image.NAME.PART}` | another part of a built image |\n"
	"| `{host.FACT}` | a fact of the host that runs it, such as `{host.kernel}` |\n"
	"| `{run.iteration}` | the number of the iteration, from 0 |\n"
	"\n"
	"`{{` is a literal brace. What a reference stands for is not looked at again. In regular\n"
	"expressions braces are quantifiers too: only what looks like one of these is a reference\n"
	"there, what it stands for is matched literally, and `{{` means nothing special.\n"
	"\n"
	"## Expressions about hosts\n"
	"\n"
	"`hosts.each` and `hosts.any` take an expression such as\n"
	"`energy.package and not (cpu.vendor = GenuineIntel or memory.bytes < 16G)`. A name alone "
	"is\n"
	"a capability of the host (`assay host` lists them), a name with `= != < <= > >=` and a "
	"value\n"
	"is a fact. What a host says nothing of is false.\n"
	"\n"
	"## Keys\n";

static void add_range(const struct key *key, struct text *to)
{
	char least[32], most[32];
	if (key->type != KEY_BYTES && key->type != KEY_DURATION)
		return;
	format_quantity(key->least, key->type, least, sizeof(least));
	format_quantity(key->most, key->type, most, sizeof(most));
	text_addf(to, ", %s to %s", least, most);
}

static void add_refs(const struct key *key, struct text *to)
{
	static const struct {
		unsigned ref;
		const char *name;
	} names[] = {
		{REF_PARAM, "{param}"}, {REF_AXIS, "{axis}"},	      {REF_HOST, "{host}"},
		{REF_IMAGE, "{image}"}, {REF_RUN, "{run.iteration}"},
	};
	const char *separator = "";
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(key->refs & names[i].ref))
			continue;
		text_addf(to, "%s%s", separator, names[i].name);
		separator = " ";
	}
}

static void describe(const struct key *key, struct text *to)
{
	text_addf(to, "%s\n  %s\n  Value: ", key->path, key->help);
	key_expected(key, to);
	add_range(key, to);
	if (key->fallback)
		text_addf(to, "\n  Default: %s", key->fallback);
	else if (key->required)
		text_add(to, "\n  Required");
	if (key->driver)
		text_addf(to, "\n  Driver: %s", key->driver);
	if (key->refs) {
		text_add(to, "\n  References: ");
		add_refs(key, to);
	}
	text_add(to, "\n");
}

static bool is_below(const struct key *row, const struct key *parent)
{
	size_t size = strlen(parent->path);
	return strncmp(row->path, parent->path, size) == 0 && row->path[size] == '.';
}

/* Bars would end a column. */
static void add_column(struct text *to, const char *s)
{
	text_add(to, " ");
	for (; *s; s++) {
		if (*s == '|')
			text_add(to, "\\");
		text_add_bytes(to, s, 1);
	}
	text_add(to, " |");
}

static void add_row(const struct key *key, struct text *to)
{
	autotext struct text value = {0};
	autotext struct text about = {0};
	key_expected(key, &value);
	add_range(key, &value);
	text_add(&about, key->help);
	if (key->driver)
		text_addf(&about, " Driver `%s`.", key->driver);
	if (key->refs) {
		text_add(&about, " References: `");
		add_refs(key, &about);
		text_add(&about, "`.");
	}
	text_addf(to, "| `%s` |", key->path);
	add_column(to, value.data);
	add_column(to, key->fallback ? key->fallback : key->required ? "required" : "");
	add_column(to, about.data);
	text_add(to, "\n");
}

static char *whole_page(void)
{
	autotext struct text page = {0};
	text_add(&page, introduction);
	text_add(&page, "\n| key | value | default | meaning |\n|---|---|---|---|\n");
	for (size_t i = 0; i < recipe_keys_count; i++)
		add_row(&recipe_keys[i], &page);
	return text_take(&page);
}

static const struct key *find_key(const char *name, struct err *err)
{
	const struct key *key = key_row(name);
	if (!key)
		key = key_match(name);
	if (key)
		return key;
	autofree const char **paths = xcalloc(recipe_keys_count + 1, sizeof(*paths));
	for (size_t i = 0; i < recipe_keys_count; i++)
		paths[i] = recipe_keys[i].path;
	struct suggestion meant = suggest(name, paths);
	err_say(err, ENOENT, "unknown key '%.100s'%s", name,
		*meant.text ? meant.text : "; `assay recipe help` lists all");
	return NULL;
}

int recipe_help(const char *name, char **ret, struct err *err)
{
	autotext struct text text = {0};
	if (!name) {
		*ret = whole_page();
		return 0;
	}
	const struct key *key = find_key(name, err);
	if (!key)
		return -ENOENT;
	describe(key, &text);
	for (size_t i = 0; i < recipe_keys_count; i++)
		if (is_below(&recipe_keys[i], key))
			text_addf(&text, "\n%s\n  %s\n", recipe_keys[i].path, recipe_keys[i].help);
	*ret = text_take(&text);
	return 0;
}
