// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/cleanup.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

int file_read(const char *path, size_t limit_bytes, char **ret, size_t *ret_size, struct err *err)
{
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	autotext struct text text = {0};
	char block[16384];
	ssize_t n;
	if (fd < 0)
		return err_sys(err, errno, "open %s", path);
	while ((n = read(fd, block, sizeof(block))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read %s", path);
		if (text.size + (size_t)n > limit_bytes)
			return err_say(err, EFBIG, "%s is larger than %zu bytes", path,
				       limit_bytes);
		text_add_bytes(&text, block, (size_t)n);
	}
	if (ret_size)
		*ret_size = text.size;
	*ret = text_take(&text);
	return 0;
}

int fd_write_all(int fd, const void *bytes, size_t size)
{
	const char *p = bytes;
	while (size) {
		ssize_t n = write(fd, p, size);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

static int sync_folder_of(const char *path, struct err *err)
{
	autofree char *folder = xstrdup(path);
	char *slash = strrchr(folder, '/');
	if (slash)
		slash[slash == folder] = '\0';
	autoclose int fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return err_sys(err, errno, "sync the folder of %s", path);
	return 0;
}

static int write_and_sync(int fd, const char *path, const void *bytes, size_t size, struct err *err)
{
	int r = fd_write_all(fd, bytes, size);
	if (r < 0)
		return err_sys(err, -r, "write %s", path);
	if (fsync(fd) < 0)
		return err_sys(err, errno, "sync %s", path);
	return 0;
}

int file_write_atomic(const char *path, const void *bytes, size_t size, unsigned mode,
		      struct err *err)
{
	autofree char *beside = xasprintf("%s.%ld.tmp", path, (long)getpid());
	autoclose int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
				mode);
	if (fd < 0)
		return err_sys(err, errno, "create %s", beside);
	if (fchmod(fd, mode) < 0) { /* the umask may have taken bits away, or left an old mode */
		unlink(beside);
		return err_sys(err, errno, "set the mode of %s", beside);
	}
	int r = write_and_sync(fd, path, bytes, size, err);
	if (r < 0) {
		unlink(beside);
		return r;
	}
	if (rename(beside, path) < 0) {
		int code = errno;
		unlink(beside);
		return err_sys(err, code, "rename %s to %s", beside, path);
	}
	return sync_folder_of(path, err);
}

int file_mkdirs(const char *path, unsigned mode, struct err *err)
{
	autofree char *copy = xstrdup(path);
	for (char *p = copy + 1; *p; p++) {
		if (*p != '/')
			continue;
		*p = '\0';
		if (mkdir(copy, mode) < 0 && errno != EEXIST)
			return err_sys(err, errno, "make folder %s", copy);
		*p = '/';
	}
	struct stat st;
	if (mkdir(copy, mode) < 0 && (errno != EEXIST || stat(copy, &st) < 0))
		return err_sys(err, errno, "make folder %s", copy);
	if (stat(copy, &st) == 0 && !S_ISDIR(st.st_mode))
		return err_sys(err, ENOTDIR, "make folder %s", copy);
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *where)
{
	(void)st;
	(void)kind;
	(void)where;
	return remove(path) < 0 && errno != ENOENT ? errno : 0;
}

int file_remove_tree(const char *path, struct err *err)
{
	int r = nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	if (r < 0 && errno == ENOENT)
		return 0;
	return r ? err_sys(err, r < 0 ? errno : r, "remove %s", path) : 0;
}

char *file_program_folder(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	if (n <= 0)
		return xstrdup(".");
	path[n] = '\0';
	char *slash = strrchr(path, '/');
	if (slash)
		*slash = '\0';
	return xstrdup(path);
}

char *file_join(const char *folder, const char *name)
{
	return name[0] == '/' ? xstrdup(name) : xasprintf("%s/%s", folder, name);
}
