// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/hashcache.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "proto/base/clock.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

enum { CACHE_LIMIT_BYTES = 256 << 10 }; /* about 2,000 files; past it the cache starts anew */

/* What a file is known by: one line of the cache is this, a space and the hash. */
static char *identity(const struct stat *st)
{
	return xasprintf("%ju:%ju:%jd:%jd.%09ld", (uintmax_t)st->st_dev, (uintmax_t)st->st_ino,
			 (intmax_t)st->st_size, (intmax_t)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

static bool look_up(const char *cache, const char *id, char ret[HASH_HEX_SIZE])
{
	autofree char *text = NULL;
	size_t id_size = strlen(id);
	if (!cache || file_read(cache, CACHE_LIMIT_BYTES, &text, NULL, NULL) < 0)
		return false;
	for (const char *line = text; line && *line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, id, id_size) != 0 || line[id_size] != ' ')
			continue;
		const char *hex = line + id_size + 1;
		if (strspn(hex, "0123456789abcdef") != HASH_HEX_SIZE - 1)
			continue;
		mem_strcpy(ret, HASH_HEX_SIZE, hex);
		return true;
	}
	return false;
}

/* Losing a line to another program that writes at the same time costs one hashing, no more. */
static void remember(const char *cache, const char *id, const char *hash)
{
	autofree char *old = NULL;
	autotext struct text text = {0};
	if (file_read(cache, CACHE_LIMIT_BYTES, &old, NULL, NULL) == 0)
		text_add(&text, old);
	text_addf(&text, "%s %s\n", id, hash);
	file_write_atomic(cache, text.data, text.size, 0600, NULL);
}

int hash_file_cached(const char *cache, const char *path, char ret[HASH_HEX_SIZE],
		     uint64_t *ret_size_bytes, struct err *err)
{
	struct stat st;
	if (stat(path, &st) < 0)
		return err_sys(err, errno, "open %s", path);
	if (!S_ISREG(st.st_mode))
		return err_say(err, EINVAL, "%s is not a regular file", path);
	autofree char *id = identity(&st);
	if (look_up(cache, id, ret)) {
		*ret_size_bytes = (uint64_t)st.st_size;
		return 0;
	}
	int r = hash_file(path, ret, ret_size_bytes, err);
	if (r < 0)
		return r;
	uint64_t now_s = clock_real_ns() / NSEC_PER_SEC;
	if (cache && (uint64_t)st.st_mtim.tv_sec + 2 <= now_s)
		remember(cache, id, ret);
	return 0;
}
