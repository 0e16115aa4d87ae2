// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/base/ulid.h"

#include <pthread.h>
#include <sodium.h>
#include <stdint.h>
#include <string.h>

#include "proto/base/clock.h"

static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/* Big-endian increment: the next id of the same millisecond. */
static void increment(uint8_t *bytes, size_t size)
{
	for (size_t i = size; i-- > 0;)
		if (++bytes[i])
			return;
}

void ulid_make(char ret[ULID_SIZE])
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static uint8_t last[16];
	uint8_t id[16];
	uint64_t ms = clock_real_ns() / NSEC_PER_MSEC;
	for (int i = 0; i < 6; i++)
		id[i] = (uint8_t)(ms >> (40 - 8 * i));
	pthread_mutex_lock(&lock);
	if (memcmp(id, last, 6) <= 0) { /* same millisecond, or the wall clock went back */
		increment(last, sizeof(last));
		memcpy(id, last, sizeof(id));
	} else {
		randombytes_buf(id + 6, 10);
		id[6] &= 0x7f; /* leaves room to increment */
		memcpy(last, id, sizeof(last));
	}
	pthread_mutex_unlock(&lock);
	/* 128 bits as 26 digits of 5 bits: two zero bits come first. */
	for (int d = 0; d < 26; d++) {
		unsigned value = 0;
		for (int b = 0; b < 5; b++) {
			int bit = d * 5 + b - 2;
			unsigned one = bit < 0 ? 0 : (id[bit / 8] >> (7 - bit % 8)) & 1u;
			value = value << 1 | one;
		}
		ret[d] = digits[value];
	}
	ret[26] = '\0';
}

bool ulid_valid(const char *s)
{
	return strlen(s) == 26 && strspn(s, digits) == 26 && s[0] <= '7';
}
