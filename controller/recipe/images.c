// SPDX-License-Identifier: GPL-3.0-or-later
/* A built image is a folder with image.json: {"name", "main": PART, "parts": {PART: FILE},
 * "inputs"}, as images/build.sh writes it. */
#include "controller/recipe/images.h"

#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "controller/recipe/suggest.h"
#include "proto/base/file.h"
#include "proto/base/hashcache.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

enum { IMAGE_JSON_MAX = 1 << 20 };

/* A file of an image that was found and hashed: asked for by every cell, looked at once. */
struct found {
	char *name; /* "debian.disk", of a single file "debian"; owned */
	char *path; /* absolute; owned */
	char sha256[HASH_HEX_SIZE];
	uint64_t size_bytes;
	bool used; /* since the last image_set_take() */
};

struct image_set {
	const struct node *root;
	const char *images;
	const char *folder;
	char *cache;	     /* file of known hashes; owned; NULL: none */
	struct found *found; /* owned */
	size_t n_found;
};

struct image_set *image_set_new(const struct node *root, const char *images, const char *folder,
				const char *cache_folder)
{
	struct image_set *set = xcalloc(1, sizeof(*set));
	set->root = root;
	set->images = images;
	set->folder = folder;
	if (cache_folder && file_mkdirs(cache_folder, 0700, NULL) == 0)
		set->cache = file_join(cache_folder, "image-hashes");
	return set;
}

void image_set_free(struct image_set *set)
{
	if (!set)
		return;
	for (size_t i = 0; i < set->n_found; i++) {
		free(set->found[i].name);
		free(set->found[i].path);
	}
	free(set->found);
	free(set->cache);
	free(set);
}

static void json_release(json_t *json)
{
	json_decref(json);
}
CLEANUP_DEFINE(json, json_t *, json_release)

/* The folder's image.json; refuses what build.sh does not write. */
static int read_description(const char *folder, const char *build, json_t **ret, struct err *err)
{
	autofree char *path = file_join(folder, "image.json");
	autofree char *bytes = NULL;
	size_t size;
	int r = file_read(path, IMAGE_JSON_MAX, &bytes, &size, err);
	if (r == -ENOENT || r == -ENOTDIR)
		return err_say(err, ENOENT, "is not built; make it with: images/build.sh %s",
			       build);
	if (r < 0)
		return r;
	autoclean(json) json_t *json = json_loadb(bytes, size, 0, NULL);
	if (!json_is_object(json_object_get(json, "parts")) ||
	    !json_is_string(json_object_get(json, "main")))
		return err_say(err, EINVAL,
			       "has a broken description, %s; make it again with: images/build.sh "
			       "--force %s",
			       path, build);
	*ret = take(json);
	return 0;
}

static int no_part(json_t *parts, const char *part, struct err *err)
{
	autofree const char **names = xcalloc(json_object_size(parts) + 1, sizeof(*names));
	autotext struct text known = {0};
	const char *name;
	json_t *file;
	size_t n = 0;
	json_object_foreach(parts, name, file) {
		text_addf(&known, "%s%s", n ? ", " : "", name);
		names[n++] = name;
	}
	return err_say(err, ENODATA, "has no part '%s', only %.200s%s", part,
		       known.data ? known.data : "none", suggest(part, names).text);
}

/* The path of a part (NULL: the main one) and its name. -ENODATA: there is no such part. */
static int find_built(const struct image_set *set, const char *build, const char *part,
		      char **ret_part, char **ret_path, struct err *err)
{
	autoclean(json) json_t *json = NULL;
	if (!set->images)
		return err_say(err, EINVAL,
			       "is made by images/build.sh %s, but where built images are is not "
			       "known; name their folder with --images or $ASSAY_IMAGES",
			       build);
	autofree char *folder = file_join(set->images, build);
	int r = read_description(folder, build, &json, err);
	if (r < 0)
		return r;
	const char *name = part ? part : json_string_value(json_object_get(json, "main"));
	json_t *parts = json_object_get(json, "parts");
	const char *file = json_string_value(json_object_get(parts, name));
	if (!file)
		return no_part(parts, name, err);
	if (!*file || strchr(file, '/') || strcmp(file, "..") == 0)
		return err_say(err, EINVAL, "names a file outside its folder, '%.100s'", file);
	*ret_part = xstrdup(name);
	*ret_path = file_join(folder, file);
	return 0;
}

static int find_file(const struct image_set *set, const struct node *image, const char *part,
		     char **ret_path, struct err *err)
{
	const struct node *file = node_get(image, "file");
	if (part)
		return err_say(err, ENODATA, "is a single file and has no part '%s'", part);
	*ret_path = file_join(set->folder, file->text);
	return 0;
}

static int check_sha256(const struct node *image, const struct found *found, struct err *err)
{
	const struct node *expected = node_get(image, "sha256");
	if (!expected || strcmp(expected->text, found->sha256) == 0)
		return 0;
	return err_say(err, EINVAL, "%s has the sha256 %s, but the recipe wants %s", found->path,
		       found->sha256, expected->text);
}

static int find(struct image_set *set, const struct node *image, const char *part,
		struct found *ret, struct err *err)
{
	const struct node *build = node_get(image, "build");
	autofree char *part_name = NULL;
	autofree char *path = NULL;
	int r = build ? find_built(set, build->text, part, &part_name, &path, err)
		      : find_file(set, image, part, &path, err);
	if (r < 0)
		return r;
	autofree char *absolute = realpath(path, NULL);
	if (!absolute)
		return err_sys(err, errno, "open %s", path);
	struct found found = {.path = absolute};
	r = hash_file_cached(set->cache, absolute, found.sha256, &found.size_bytes, err);
	if (r < 0 || (r = check_sha256(image, &found, err)) < 0)
		return r;
	found.name = part_name ? xasprintf("%s.%s", image->key, part_name) : xstrdup(image->key);
	found.path = take(absolute);
	*ret = found;
	return 0;
}

/* By what the recipe calls it: of the main file both NAME and NAME.PART lead there. */
static struct found *known(struct image_set *set, const char *name)
{
	for (size_t i = 0; i < set->n_found; i++)
		if (strcmp(set->found[i].name, name) == 0)
			return &set->found[i];
	return NULL;
}

int image_set_use(struct image_set *set, const char *name, const char *part, struct place where,
		  char ret_sha256[HASH_HEX_SIZE], struct complaints *complaints)
{
	const struct node *image = node_get(node_get(set->root, "images"), name);
	autofree char *full = part ? xasprintf("%s.%s", name, part) : xstrdup(name);
	struct found *f = known(set, full), found;
	struct err err;
	if (!image)
		return -EINVAL; /* said by refs_check() */
	if (!f) {
		int r = find(set, image, part, &found, &err);
		if (r < 0) {
			complain(complaints, r == -ENODATA ? where : image->key_place,
				 "image '%s' %s", name, err.text);
			return -EINVAL;
		}
		f = known(set, found.name);
		if (f) {
			free(found.name);
			free(found.path);
		} else {
			f = ARRAY_PUSH(set->found, set->n_found);
			*f = found;
		}
	}
	f->used = true;
	strcpy(ret_sha256, f->sha256);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct image_ref *x = a, *y = b;
	return strcmp(x->name, y->name);
}

void image_set_take(struct image_set *set, struct image_ref **ret, size_t *ret_n)
{
	struct image_ref *refs = NULL;
	size_t n = 0;
	for (size_t i = 0; i < set->n_found; i++) {
		struct found *f = &set->found[i];
		if (!f->used)
			continue;
		struct image_ref *ref = ARRAY_PUSH(refs, n);
		STRCPY_FIXED(ref->name, f->name);
		STRCPY_FIXED(ref->sha256, f->sha256);
		ref->size_bytes = f->size_bytes;
		ref->path = xstrdup(f->path);
		f->used = false;
	}
	if (n)
		qsort(refs, n, sizeof(*refs), by_name);
	*ret = refs;
	*ret_n = n;
}
