// SPDX-License-Identifier: GPL-3.0-or-later
/* Who runs a campaign: two controllers that give out the same runs would measure each twice. The
 * claim is a flock on FILE-CAMPAIGN.lock beside the database, so it ends with its process, however
 * that ends; the file itself goes when the store is closed.
 *
 * Not on the database itself: to close any descriptor of it takes SQLite's own locks away.
 * Source: sqlite.org/howtocorrupt.html 2.2, flock(2). */
#include "controller/store/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "proto/base/mem.h"

/* 0 with the descriptor, -EWOULDBLOCK, or another negative errno. */
static int lock_file(const char *path, int *ret)
{
	for (;;) {
		struct stat held, there;
		autoclose int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
		if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
			return -errno;
		/* Its former holder may have removed it since it was opened. */
		if (fstat(fd, &held) == 0 && stat(path, &there) == 0 &&
		    held.st_ino == there.st_ino && held.st_dev == there.st_dev) {
			*ret = take_fd(fd);
			return 0;
		}
	}
}

static int holder(const char *path)
{
	char pid[16] = "";
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, pid, sizeof(pid) - 1) < 0)
		return 0;
	return atoi(pid);
}

int sqlite_claim(struct store *store, const char *campaign, struct err *err)
{
	struct sqlite_store *s = (struct sqlite_store *)store;
	autofree char *real = realpath(s->path, NULL);
	autofree char *path = xasprintf("%s-%s.lock", real ? real : s->path, campaign);
	if (s->claim_path && strcmp(s->claim_path, path) == 0)
		return 0;
	int fd = -1, r = lock_file(path, &fd);
	if (r == -EWOULDBLOCK)
		return err_say(err, EBUSY,
			       "campaign %s is being run already, by process %d; wait for it, or "
			       "end it first",
			       campaign, holder(path));
	if (r < 0)
		return err_sys(err, -r,
			       "make %s, which keeps a second assay away from the campaign", path);
	sqlite_unclaim(s);
	s->claim_fd = fd;
	s->claim_path = take(path);
	if (ftruncate(fd, 0) == 0)
		dprintf(fd, "%d\n", getpid()); /* only for the sentence above */
	return 0;
}

void sqlite_unclaim(struct sqlite_store *s)
{
	if (!s->claim_path)
		return;
	unlink(s->claim_path);
	close(s->claim_fd);
	free(s->claim_path);
	s->claim_path = NULL;
}
