// SPDX-License-Identifier: GPL-3.0-or-later
/* sha256 - FIPS 180-4, section 6.2, in plain integer code.
 *
 * On purpose without SHA-NI or vectors: the same instructions must run under every guest and
 * emulator that the benchmark compares. */
#include "images/treebench/sha256.h"

#include "images/treebench/bytes.h"

/* Section 4.2.2: the fractional parts of the cube roots of the first 64 primes. */
static const uint32_t round_constant[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4,
	0xab1c5ed5, 0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe,
	0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f,
	0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7,
	0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc,
	0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b,
	0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116,
	0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
	0xc67178f2,
};

static inline uint32_t rotate_right(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

static inline uint32_t big_sigma0(uint32_t x)
{
	return rotate_right(x, 2) ^ rotate_right(x, 13) ^ rotate_right(x, 22);
}

static inline uint32_t big_sigma1(uint32_t x)
{
	return rotate_right(x, 6) ^ rotate_right(x, 11) ^ rotate_right(x, 25);
}

static inline uint32_t small_sigma0(uint32_t x)
{
	return rotate_right(x, 7) ^ rotate_right(x, 18) ^ x >> 3;
}

static inline uint32_t small_sigma1(uint32_t x)
{
	return rotate_right(x, 17) ^ rotate_right(x, 19) ^ x >> 10;
}

static void message_schedule(uint32_t w[64], const uint8_t *block)
{
	for (int t = 0; t < 16; t++)
		w[t] = bytes_get_be32(block + 4 * t);
	for (int t = 16; t < 64; t++)
		w[t] = small_sigma1(w[t - 2]) + w[t - 7] + small_sigma0(w[t - 15]) + w[t - 16];
}

/* One round. The caller rotates the names of the variables instead of their values. */
#define ROUND(a, b, c, d, e, f, g, h, t)                                                           \
	do {                                                                                       \
		uint32_t t1 = h + big_sigma1(e) + ((e & f) ^ (~e & g)) + round_constant[t] + w[t]; \
		d += t1;                                                                           \
		h = t1 + big_sigma0(a) + ((a & b) ^ (a & c) ^ (b & c));                            \
	} while (0)

static void compress(uint32_t state[8], const uint8_t *block)
{
	uint32_t w[64];
	uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
	uint32_t e = state[4], f = state[5], g = state[6], h = state[7];

	message_schedule(w, block);
	for (int t = 0; t < 64; t += 8) {
		ROUND(a, b, c, d, e, f, g, h, t);
		ROUND(h, a, b, c, d, e, f, g, t + 1);
		ROUND(g, h, a, b, c, d, e, f, t + 2);
		ROUND(f, g, h, a, b, c, d, e, t + 3);
		ROUND(e, f, g, h, a, b, c, d, t + 4);
		ROUND(d, e, f, g, h, a, b, c, t + 5);
		ROUND(c, d, e, f, g, h, a, b, t + 6);
		ROUND(b, c, d, e, f, g, h, a, t + 7);
	}
	state[0] += a;
	state[1] += b;
	state[2] += c;
	state[3] += d;
	state[4] += e;
	state[5] += f;
	state[6] += g;
	state[7] += h;
}

void sha256_init(struct sha256 *s)
{
	/* Section 5.3.3: the fractional parts of the square roots of the first 8 primes. */
	static const uint32_t initial[8] = {
		0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
	};

	bytes_copy(s->state, initial, sizeof(initial));
	s->len_bytes = 0;
}

void sha256_feed(struct sha256 *s, const void *bytes, size_t len)
{
	const uint8_t *p = bytes;
	size_t waiting = s->len_bytes % SHA256_BLOCK;

	s->len_bytes += len;
	if (waiting) {
		size_t room = SHA256_BLOCK - waiting;
		size_t n = len < room ? len : room;

		bytes_copy(s->partial + waiting, p, n);
		if (n < room)
			return;
		compress(s->state, s->partial);
		p += n;
		len -= n;
	}
	for (; len >= SHA256_BLOCK; len -= SHA256_BLOCK, p += SHA256_BLOCK)
		compress(s->state, p);
	bytes_copy(s->partial, p, len);
}

void sha256_finish(struct sha256 *s, struct digest *ret)
{
	size_t used = s->len_bytes % SHA256_BLOCK;

	s->partial[used++] = 0x80;
	if (used > SHA256_BLOCK - 8) {
		bytes_zero(s->partial + used, SHA256_BLOCK - used);
		compress(s->state, s->partial);
		used = 0;
	}
	bytes_zero(s->partial + used, SHA256_BLOCK - 8 - used);
	bytes_put_be64(s->partial + SHA256_BLOCK - 8, s->len_bytes * 8);
	compress(s->state, s->partial);
	for (int i = 0; i < 8; i++)
		bytes_put_be32(ret->bytes + 4 * i, s->state[i]);
}

void sha256_of(const void *bytes, size_t len, struct digest *ret)
{
	struct sha256 s;

	sha256_init(&s);
	sha256_feed(&s, bytes, len);
	sha256_finish(&s, ret);
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return bytes_compare(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}
