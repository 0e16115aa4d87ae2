// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/cli/consoles.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/file.h"
#include "proto/base/mem.h"

struct one { /* an attempt that may have left a console */
	char run_key[HASH_HEX_SIZE];
	uint32_t attempt;
	char name[2 * NAME_SIZE]; /* of its file, without .log */
	bool ambiguous;		  /* another one would have the same name */
};

struct list {
	struct one *items;
	size_t n;
};

static int collect(const struct store_attempt *a, void *arg)
{
	struct list *list = arg;
	char again[24] = "";
	if (!a->ended)
		return 0;
	struct one *o = ARRAY_PUSH(list->items, list->n);
	STRCPY_FIXED(o->run_key, a->run_key);
	o->attempt = a->attempt;
	if (a->attempt > 1)
		snprintf(again, sizeof(again), "-attempt%u", a->attempt);
	snprintf(o->name, sizeof(o->name), "%.*s%s-%02u%s", NAME_SIZE, a->label,
		 a->warmup ? "-warmup" : "", a->iteration, again);
	for (char *p = o->name; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._=+-", *p))
			*p = '_';
	return 0;
}

/* Two labels may differ in what a file's name cannot have, or past where it is cut. */
static void find_ambiguous(struct list *list)
{
	for (size_t i = 0; i < list->n; i++)
		for (size_t j = i + 1; j < list->n; j++)
			if (strcmp(list->items[i].name, list->items[j].name) == 0)
				list->items[i].ambiguous = list->items[j].ambiguous = true;
}

static char *file_name(const char *folder, const struct one *o)
{
	return o->ambiguous ? xasprintf("%s/%s-run%.8s.log", folder, o->name, o->run_key)
			    : xasprintf("%s/%s.log", folder, o->name);
}

static int write_plain(const char *path, const void *bytes, size_t size, struct err *err)
{
	autoclose int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	int r = fd < 0 ? -errno : fd_write_all(fd, bytes, size);
	return r < 0 ? err_sys(err, -r, "write %s", path) : 0;
}

static int write_one(struct store *store, const char *campaign, const char *folder,
		     const struct one *o, struct err *err)
{
	char sha256[HASH_HEX_SIZE];
	autofree void *bytes = NULL;
	size_t size;
	int r = store->backend->artifact(store, campaign, o->run_key, o->attempt, "console", sha256,
					 err);
	if (r == -ENOENT)
		return 0;
	if (r < 0 || (r = store->backend->blob(store, sha256, &bytes, &size, err)) < 0)
		return r == -ENOENT ? 0 : r;
	if (!size)
		return 0;
	autofree char *path = file_name(folder, o);
	if (access(path, F_OK) == 0) /* of an earlier part of this campaign */
		return 0;
	return write_plain(path, bytes, size, err);
}

int consoles_write(struct store *store, const char *db, const char *campaign, char **ret_folder,
		   struct err *err)
{
	struct list list = {0};
	autofree char *folder = xasprintf("%s.consoles/%s", store_path(db), campaign);
	int r = file_mkdirs(folder, 0755, err);
	if (r == 0)
		r = store->backend->attempts(store, campaign, collect, &list, err);
	find_ambiguous(&list);
	for (size_t i = 0; r == 0 && i < list.n; i++)
		r = write_one(store, campaign, folder, &list.items[i], err);
	free(list.items);
	if (r == 0)
		*ret_folder = take(folder);
	return r;
}
