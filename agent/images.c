// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/images.h"

#include <errno.h>
#include <string.h>

#include "proto/base/hashcache.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

static int verify(const struct image_ref *image, const char *cache, struct err *err)
{
	char hash[HASH_HEX_SIZE];
	uint64_t size_bytes;
	if (!image->path)
		return err_say(err, ENOENT, "image %s (%.12s) is not on this host", image->name,
			       image->sha256);
	if (hash_file_cached(cache, image->path, hash, &size_bytes, err) < 0)
		return err_wrap(err, "image %s", image->name);
	if (strcmp(hash, image->sha256) != 0)
		return err_say(err, ESTALE,
			       "image %s: %s changed since the plan was made (%.12s then, %.12s"
			       " now); submit the recipe again",
			       image->name, image->path, image->sha256, hash);
	return 0;
}

static const struct image_ref *find(const struct guest_spec *guest, const char *hex)
{
	for (size_t i = 0; i < guest->n_images; i++)
		if (strncmp(guest->images[i].sha256, hex, HASH_HEX_SIZE - 1) == 0)
			return &guest->images[i];
	return NULL;
}

/* Replaces every token in *s; NULL stays NULL. */
static int replace_tokens(const struct guest_spec *guest, char **s, struct err *err)
{
	autotext struct text text = {0};
	const char *rest = *s, *token;
	if (!rest || !strstr(rest, IMAGE_TOKEN))
		return 0;
	while ((token = strstr(rest, IMAGE_TOKEN))) {
		const char *hex = token + strlen(IMAGE_TOKEN);
		const struct image_ref *image = find(guest, hex);
		if (!image)
			return err_say(err, EINVAL,
				       "%.80s names an image that the run does not list", token);
		text_add_bytes(&text, rest, (size_t)(token - rest));
		text_add(&text, image->path);
		rest = hex + HASH_HEX_SIZE - 1;
	}
	text_add(&text, rest);
	free(*s);
	*s = text_take(&text);
	return 0;
}

static int replace_all(const struct guest_spec *guest, char **v, struct err *err)
{
	for (; v && *v; v++)
		if (replace_tokens(guest, v, err) < 0)
			return err_code(err);
	return 0;
}

int images_resolve(struct guest_spec *guest, const char *cache, struct err *err)
{
	for (size_t i = 0; i < guest->n_images; i++)
		if (verify(&guest->images[i], cache, err) < 0)
			return err_code(err);
	if (replace_all(guest, guest->command, err) < 0 ||
	    replace_all(guest, guest->env, err) < 0 || replace_all(guest, guest->args, err) < 0 ||
	    replace_tokens(guest, &guest->kernel, err) < 0 ||
	    replace_tokens(guest, &guest->initrd, err) < 0 ||
	    replace_tokens(guest, &guest->append, err) < 0)
		return err_code(err);
	for (size_t i = 0; i < guest->n_disks; i++)
		if (replace_tokens(guest, &guest->disks[i].file, err) < 0)
			return err_code(err);
	return 0;
}
