// SPDX-License-Identifier: GPL-3.0-or-later
/* options - the options that commands share, each once. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "controller/cli/cli.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

static const struct option known[] = {
	{"set", required_argument, NULL, 's'},	  {"runs", required_argument, NULL, 'n'},
	{"db", required_argument, NULL, 'd'},	  {"images", required_argument, NULL, 'i'},
	{"resume", required_argument, NULL, 'r'}, {"fail-if", required_argument, NULL, 'f'},
	{"seed", required_argument, NULL, 'S'},	  {"root", required_argument, NULL, 'R'},
	{"json", no_argument, NULL, 'j'},	  {"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},	  {NULL, 0, NULL, 0},
};

int cli_fail(int status, const char *fmt, ...)
{
	char text[1200];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fflush(stdout);
	fprintf(stderr, "assay: %s\n", text);
	return status;
}

void cli_options_done(struct cli_options *o)
{
	strv_free(o->sets);
	free(o->images_owned);
}

/* Built images are beside the build: build/<preset>/assay knows build/images. */
static char *images_of_tree(void)
{
	autofree char *folder = file_program_folder();
	autofree char *images = xasprintf("%s/../images", folder);
	return access(images, F_OK) == 0 ? realpath(images, NULL) : NULL;
}

static void set_defaults(struct cli_options *o)
{
	const char *db = getenv("ASSAY_DB"), *images = getenv("ASSAY_IMAGES");
	*o = (struct cli_options){.runs = -1, .db = db && *db ? db : "assay.db"};
	if (images && *images)
		o->images = images;
	else
		o->images = o->images_owned = images_of_tree();
}

static int take_number(const char *option, const char *text, uint64_t low, uint64_t *ret)
{
	struct err err = ERR_NONE;
	if (text_parse_u64(text, ret, &err) < 0 || *ret < low || *ret > 1000000000)
		return cli_fail(EXIT_USAGE, "--%s: '%s' is not a number from %llu to 1000000000",
				option, text, (unsigned long long)low);
	return -1;
}

static int take_option(struct cli_options *o, int letter)
{
	uint64_t number = 0;
	int r = -1;
	switch (letter) {
	case 's':
		strv_push(&o->sets, optarg);
		break;
	case 'n':
		r = take_number("runs", optarg, 1, &number);
		o->runs = (int64_t)number;
		break;
	case 'S':
		r = take_number("seed", optarg, 1, &o->seed);
		break;
	case 'd':
		o->db = optarg;
		break;
	case 'i':
		o->images = optarg;
		o->images_named = true;
		break;
	case 'r':
		o->resume = optarg;
		break;
	case 'f':
		o->fail_if = optarg;
		break;
	case 'R':
		o->root = optarg;
		break;
	case 'j':
		o->json = true;
		break;
	case 'q':
		o->quiet = true;
		break;
	}
	return r;
}

/* getopt's own table, cut down to what the command takes. */
static void accepted_options(const char *accepted, struct option *ret)
{
	for (const struct option *k = known; k->name; k++)
		if (k->val == 'h' || strchr(accepted, k->val))
			*ret++ = *k;
	*ret = (struct option){0};
}

static const char *nearest_option(const char *accepted, const char *word)
{
	const char *names[ARRAY_SIZE(known) + 1];
	size_t n = 0;
	for (const struct option *k = known; k->name; k++)
		if (k->val == 'h' || strchr(accepted, k->val))
			names[n++] = k->name;
	names[n] = NULL;
	return text_nearest(word, names);
}

static int explain(const struct command *command, const char *accepted, int c, const char *word)
{
	if (c == ':')
		return cli_fail(EXIT_USAGE, "%s: %s needs a value", command->name, word);
	const char *bare = word + strspn(word, "-");
	const char *nearest = nearest_option(accepted, bare);
	return cli_fail(EXIT_USAGE, "%s: unknown option %s%s%s; see assay %s --help", command->name,
			word, nearest ? ", did you mean --" : "", nearest ? nearest : "",
			command->name);
}

int cli_parse(const struct command *command, int argc, char **argv, const char *accepted,
	      struct cli_options *ret)
{
	struct option options[ARRAY_SIZE(known)];
	int c, r = -1;
	set_defaults(ret);
	accepted_options(accepted, options);
	opterr = 0;
	optind = 0;
	while (r < 0 && (c = getopt_long(argc, argv, ":h", options, NULL)) != -1) {
		if (c == 'h') {
			fputs(command->help, stdout);
			return EXIT_DONE;
		}
		r = c == '?' || c == ':' ? explain(command, accepted, c, argv[optind - 1])
					 : take_option(ret, c);
	}
	return r;
}

void cli_print_errors(const struct recipe_errors *errors)
{
	fflush(stdout);
	for (size_t i = 0; i < errors->n; i++)
		fprintf(stderr, "assay: %s%s%s\n", errors->items[i].where,
			errors->items[i].where[0] ? ": " : "", errors->items[i].text);
}

int cli_load_recipe(const char *path, const struct cli_options *o, struct recipe **ret)
{
	struct recipe_errors errors = {0};
	struct recipe_options options = {.sets = o->sets, .runs = o->runs, .images = o->images};
	int r = recipe_load(path, &options, ret, &errors);
	cli_print_errors(&errors);
	recipe_errors_done(&errors);
	return r < 0 ? EXIT_USAGE : -1;
}

int cli_open_store(const struct cli_options *o, bool create, struct store **ret)
{
	struct err err = ERR_NONE;
	if (store_open(o->db, create, ret, &err) < 0)
		return cli_fail(EXIT_UNREACHABLE, "%s", err.text);
	return -1;
}

bool cli_nobody_reads(void)
{
	struct pollfd out = {.fd = STDOUT_FILENO, .events = POLLOUT};
	return poll(&out, 1, 0) > 0 && (out.revents & POLLERR) != 0;
}

int cli_terminal_width(int fd)
{
	struct winsize size;
	const char *columns = getenv("COLUMNS");
	if (!isatty(fd))
		return 0;
	if (columns && atoi(columns) > 20)
		return atoi(columns);
	return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

bool cli_color(int fd)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");
	return isatty(fd) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
}
