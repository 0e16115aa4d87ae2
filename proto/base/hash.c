// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <unistd.h>

#include "proto/base/cleanup.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

void hash_bytes(const void *bytes, size_t size, char ret[HASH_HEX_SIZE])
{
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256(digest, bytes, size);
	text_hex(digest, sizeof(digest), ret);
}

int hash_file(const char *path, char ret[HASH_HEX_SIZE], uint64_t *ret_size_bytes, struct err *err)
{
	enum { BLOCK = 1 << 20 };
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return err_sys(err, errno, "open %s", path);
	autofree unsigned char *block = xmalloc(BLOCK);
	crypto_hash_sha256_state state;
	uint64_t size = 0;
	ssize_t n;
	crypto_hash_sha256_init(&state);
	while ((n = read(fd, block, BLOCK)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, errno, "read %s", path);
		crypto_hash_sha256_update(&state, block, (unsigned long long)n);
		size += (uint64_t)n;
	}
	unsigned char digest[crypto_hash_sha256_BYTES];
	crypto_hash_sha256_final(&state, digest);
	text_hex(digest, sizeof(digest), ret);
	*ret_size_bytes = size;
	return 0;
}
