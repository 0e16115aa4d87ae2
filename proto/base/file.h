// SPDX-License-Identifier: GPL-3.0-or-later
/* file - whole files in and out, bounded; folders; descriptors. */
#ifndef ASSAY_BASE_FILE_H
#define ASSAY_BASE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/err.h"

/* The whole file, NUL after its end, owned by the caller; more than limit_bytes is -EFBIG. */
int file_read(const char *path, size_t limit_bytes, char **ret, size_t *ret_size, struct err *err);

/* All or nothing: written beside, fsynced, renamed over path; the folder is fsynced too. */
int file_write_atomic(const char *path, const void *bytes, size_t size, unsigned mode,
		      struct err *err);

/* Makes the folder and its parents; those that are there are fine. */
int file_mkdirs(const char *path, unsigned mode, struct err *err);

/* Removes a file or a whole folder; one that is not there is fine. Does not cross into other file
 * systems and does not follow links. */
int file_remove_tree(const char *path, struct err *err);

/* All of it, through short writes and EINTR. Returns 0 or -errno. */
int fd_write_all(int fd, const void *bytes, size_t size);

/* Folder of this program's own executable, owned by the caller: where its siblings are. */
char *file_program_folder(void);

/* "folder/name", owned by the caller. An absolute name stays as it is. */
char *file_join(const char *folder, const char *name);

#endif
