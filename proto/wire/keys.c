// SPDX-License-Identifier: GPL-3.0-or-later
/* keys - key pairs on disk. See keys.h for the files.
 *
 * The secret file is written beside and then linked to its name, which fails where the name is
 * taken: of two programs that start at once, one makes the pair and both read it. Modes are
 * checked on the open descriptor, so nothing can be swapped between check and use.
 * Source: ZeroMQ RFC 32 (Z85), zmq_curve_keypair(3). */
#include "proto/wire/keys.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include "proto/base/cleanup.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"

enum { KEY_FILE_LIMIT_BYTES = 4096, OTHERS = 077, OTHERS_WRITE = 022 };

void keys_forget(struct key_pair *pair)
{
	sodium_memzero(pair, sizeof(*pair));
}

bool keys_valid(const char *key)
{
	uint8_t raw[32];
	bool valid = strlen(key) == KEY_TEXT_SIZE - 1 && zmq_z85_decode(raw, key);
	sodium_memzero(raw, sizeof(raw));
	return valid;
}

static int check_name(const char *name, struct err *err)
{
	if (!*name || *name == '.' || strchr(name, '/'))
		return err_say(err, EINVAL, "key name '%s' must be a plain file name", name);
	return 0;
}

/* The file's text in ret, NUL-ended. No bit of `forbidden` may be set in its mode. */
static int read_file(const char *path, mode_t forbidden, char ret[KEY_FILE_LIMIT_BYTES],
		     struct err *err)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_sys(err, errno, "open key file %s", path);
	if (!S_ISREG(st.st_mode))
		return err_say(err, EINVAL, "key file %s is not a regular file", path);
	if (st.st_mode & forbidden)
		return err_say(err, EACCES,
			       "key file %s is open to others (mode %04o); run: chmod %s %s", path,
			       st.st_mode & 07777, forbidden == OTHERS ? "600" : "644", path);
	ssize_t n = read(fd, ret, KEY_FILE_LIMIT_BYTES - 1);
	if (n < 0)
		return err_sys(err, errno, "read key file %s", path);
	if (n == KEY_FILE_LIMIT_BYTES - 1)
		return err_say(err, EFBIG, "key file %s is too large to be one", path);
	ret[n] = '\0';
	return 0;
}

/* The key on the line "<word> <key>". */
static int find_key(const char *text, const char *word, const char *path, char ret[KEY_TEXT_SIZE],
		    struct err *err)
{
	size_t word_size = strlen(word);
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, word, word_size) != 0 || line[word_size] != ' ')
			continue;
		char key[KEY_TEXT_SIZE];
		mem_strcpy(key, sizeof(key), line + word_size + 1);
		size_t length = strcspn(key, "\r\n");
		key[length] = '\0';
		bool ends = strchr("\r\n", line[word_size + 1 + length]);
		bool good = ends && keys_valid(key);
		if (good)
			memcpy(ret, key, sizeof(key));
		sodium_memzero(key, sizeof(key));
		if (good)
			return 0;
		return err_say(err, EINVAL,
			       "key file %s: what follows '%s' is not a key of %d "
			       "Z85 characters",
			       path, word, KEY_TEXT_SIZE - 1);
	}
	return err_say(err, EINVAL, "key file %s has no line '%s <key>'", path, word);
}

static int check_pair(const struct key_pair *pair, const char *path, struct err *err)
{
	char public_key[KEY_TEXT_SIZE];
	if (zmq_curve_public(public_key, pair->secret_key) < 0 ||
	    strcmp(public_key, pair->public_key) != 0)
		return err_say(err, EINVAL,
			       "key file %s: its public key does not belong to its secret key",
			       path);
	return 0;
}

static int load_pair(const char *path, struct key_pair *ret, struct err *err)
{
	char text[KEY_FILE_LIMIT_BYTES];
	struct key_pair pair = {0};
	int r = read_file(path, OTHERS, text, err);
	if (r == 0)
		r = find_key(text, "public", path, pair.public_key, err);
	if (r == 0)
		r = find_key(text, "secret", path, pair.secret_key, err);
	if (r == 0)
		r = check_pair(&pair, path, err);
	if (r == 0)
		*ret = pair;
	keys_forget(&pair);
	sodium_memzero(text, sizeof(text));
	return r;
}

/* Writes text to a new file beside path and links it there. -EEXIST: another program was first;
 * that is fine with the caller. */
static int create_once(const char *folder, const char *path, const char *text, struct err *err)
{
	autofree char *beside = xasprintf("%s/.new-key-XXXXXX", folder);
	autoclose int fd = mkostemp(beside, O_CLOEXEC); /* makes it with mode 0600 */
	if (fd < 0)
		return err_sys(err, errno, "create a key file in %s", folder);
	int r = fd_write_all(fd, text, strlen(text));
	if (r == 0 && (fsync(fd) < 0 || link(beside, path) < 0))
		r = -errno;
	unlink(beside);
	if (r < 0 && r != -EEXIST)
		return err_sys(err, -r, "write key file %s", path);
	return r;
}

static int make_pair(const char *folder, const char *path, const char *name, struct err *err)
{
	struct key_pair pair;
	char text[KEY_FILE_LIMIT_BYTES];
	if (zmq_curve_keypair(pair.public_key, pair.secret_key) < 0)
		return err_sys(err, errno, "make a CURVE key pair");
	snprintf(text, sizeof(text),
		 "# CURVE key pair of %s. Whoever reads the secret can pretend to be it.\n"
		 "public %s\n"
		 "secret %s\n",
		 name, pair.public_key, pair.secret_key);
	int r = create_once(folder, path, text, err);
	keys_forget(&pair);
	sodium_memzero(text, sizeof(text));
	return r == -EEXIST ? 0 : r;
}

static int check_folder(const char *folder, struct err *err)
{
	struct stat st;
	if (file_mkdirs(folder, 0700, err) < 0)
		return err_wrap(err, "key folder");
	if (stat(folder, &st) < 0)
		return err_sys(err, errno, "key folder %s", folder);
	if (!S_ISDIR(st.st_mode))
		return err_say(err, ENOTDIR, "key folder %s is not a folder", folder);
	if (st.st_mode & OTHERS)
		return err_say(err, EACCES,
			       "key folder %s is open to others (mode %04o); run: chmod 700 %s",
			       folder, st.st_mode & 07777, folder);
	return 0;
}

/* The public file is for copying; one that says otherwise would be trusted elsewhere. */
static int publish(const char *folder, const char *name, const char *public_key, struct err *err)
{
	autofree char *path = xasprintf("%s/%s.pub", folder, name);
	char there[KEY_TEXT_SIZE];
	if (access(path, F_OK) < 0) {
		autofree char *text = xasprintf("# CURVE public key of %s\npublic %s\n", name,
						public_key);
		return file_write_atomic(path, text, strlen(text), 0644, err);
	}
	if (keys_load_public(folder, name, there, err) < 0)
		return err_code(err);
	if (strcmp(there, public_key) != 0)
		return err_say(err, EINVAL,
			       "%s is not the public half of %s/%s.key; remove it, and it is "
			       "written again",
			       path, folder, name);
	return 0;
}

int keys_load_or_make(const char *folder, const char *name, struct key_pair *ret, struct err *err)
{
	struct err inner = ERR_NONE;
	struct key_pair pair;
	if (!err)
		err = &inner;
	if (check_name(name, err) < 0 || check_folder(folder, err) < 0)
		return err_code(err);
	autofree char *path = xasprintf("%s/%s.key", folder, name);
	if (access(path, F_OK) < 0 && make_pair(folder, path, name, err) < 0)
		return err_code(err);
	if (load_pair(path, &pair, err) < 0)
		return err_code(err);
	int r = publish(folder, name, pair.public_key, err);
	if (r == 0)
		*ret = pair;
	keys_forget(&pair);
	return r;
}

int keys_load_public(const char *folder, const char *name, char ret[KEY_TEXT_SIZE], struct err *err)
{
	char text[KEY_FILE_LIMIT_BYTES];
	int r = check_name(name, err);
	if (r < 0)
		return r;
	autofree char *path = xasprintf("%s/%s.pub", folder, name);
	r = read_file(path, OTHERS_WRITE, text, err);
	return r < 0 ? r : find_key(text, "public", path, ret, err);
}
