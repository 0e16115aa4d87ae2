// SPDX-License-Identifier: GPL-3.0-or-later
/* sha256 - the digest that names every object of the store (FIPS 180-4). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHA256_BLOCK 64

struct digest {
	uint8_t bytes[32];
};

struct sha256 {
	uint32_t state[8];
	uint64_t len_bytes;	       /* fed so far */
	uint8_t partial[SHA256_BLOCK]; /* the first len_bytes % 64 bytes are waiting */
};

void sha256_init(struct sha256 *s);
void sha256_feed(struct sha256 *s, const void *bytes, size_t len);
void sha256_finish(struct sha256 *s, struct digest *ret);

/* The digest of one buffer. */
void sha256_of(const void *bytes, size_t len, struct digest *ret);

bool digest_equal(const struct digest *a, const struct digest *b);
