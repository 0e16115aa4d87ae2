// SPDX-License-Identifier: GPL-3.0-or-later
/* hashcache - SHA-256 of large files that seldom change: remembered by device, inode, size and
 * mtime, in a small text file that may be lost or broken at any time.
 *
 * Trap: a file rewritten in place within the resolution of its mtime looks unchanged. A file whose
 * mtime is younger than two seconds is therefore never remembered. */
#ifndef ASSAY_BASE_HASHCACHE_H
#define ASSAY_BASE_HASHCACHE_H

#include "proto/base/hash.h"

/* cache: path of the text file; NULL: always hash. The file must be a regular file. */
int hash_file_cached(const char *cache, const char *path, char ret[HASH_HEX_SIZE],
		     uint64_t *ret_size_bytes, struct err *err);

#endif
