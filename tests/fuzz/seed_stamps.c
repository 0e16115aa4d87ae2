// SPDX-License-Identifier: GPL-3.0-or-later
/* seed_stamps FOLDER - rings as a good guest leaves them, for fuzz_stamps to begin with. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "proto/stamp/assay_stamp.h"

/* Two names, and as many stamps as head says or the ring holds. */
static int write_seed(const char *folder, unsigned capacity_bits, uint64_t head)
{
	char path[4096], names[2 * ASSAY_STAMP_NAME_SIZE] = "ready";
	uint8_t start[10] = {(uint8_t)capacity_bits};
	memcpy(start + 1, &head, sizeof(head));
	start[9] = sizeof(names);
	strcpy(names + ASSAY_STAMP_NAME_SIZE, "done");
	snprintf(path, sizeof(path), "%s/ring-%u-%llu", folder, capacity_bits,
		 (unsigned long long)head);
	FILE *file = fopen(path, "wb");
	if (!file)
		return 1;
	size_t n = fwrite(start, sizeof(start), 1, file) + fwrite(names, sizeof(names), 1, file);
	for (uint64_t i = 0; i < head && i < 1u << capacity_bits; i++) {
		struct assay_stamp_record r = {0x1000 + i, (uint32_t)(i % 2 + 1), 0};
		n += fwrite(&r, sizeof(r), 1, file);
	}
	return fclose(file) != 0 || n < 2;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	return write_seed(argv[1], 0, 1) || write_seed(argv[1], 2, 3) || write_seed(argv[1], 3, 20);
}
