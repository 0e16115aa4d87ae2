// SPDX-License-Identifier: GPL-3.0-or-later
/* embedded - the one agent of `assay run`: a child of this process, over ipc:// in a folder that
 * only this user can enter, with keys as everywhere. It ends with its parent. */
#ifndef ASSAY_FLEET_EMBEDDED_H
#define ASSAY_FLEET_EMBEDDED_H

#include <stdbool.h>
#include <sys/types.h>

#include "proto/wire/keys.h"

struct embedded {
	char *folder; /* of the sockets; removed at the end */
	char *control, *bulk;
	pid_t pid;   /* 0: not running */
	int exit_fd; /* pidfd: readable when it ended; -1 */
};

/* Endpoints only; nothing runs yet. */
int embedded_init(struct embedded *ret, struct err *err);
/* Starts (or starts again) the agent. It is looked for beside this program, then in PATH.
 * root: where it reads sys/ and proc/ from; NULL: /. where: of the store; its results have a spool
 * of their own, so that what one database has not taken yet is never given to another. */
int embedded_start(struct embedded *embedded, const char controller_key[KEY_TEXT_SIZE],
		   const char *root, const char *where, struct err *err);
/* Reaps it: how it ended, in words. Call when exit_fd is readable. */
void embedded_reap(struct embedded *embedded, char *ret_how, size_t size, bool *ret_clean);
/* Ends it if it still runs: asks, waits up to 10 s, insists. Removes the folder. */
void embedded_done(struct embedded *embedded);

#endif
