// SPDX-License-Identifier: GPL-3.0-or-later
/* hash - SHA-256 of bytes and files (libsodium), as 64 lower-case hex digits. */
#ifndef ASSAY_BASE_HASH_H
#define ASSAY_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#include "proto/base/err.h"

enum { HASH_HEX_SIZE = 65 }; /* with its NUL */

void hash_bytes(const void *bytes, size_t size, char ret[HASH_HEX_SIZE]);
int hash_file(const char *path, char ret[HASH_HEX_SIZE], uint64_t *ret_size_bytes, struct err *err);

#endif
