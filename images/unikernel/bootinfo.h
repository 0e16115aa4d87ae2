// SPDX-License-Identifier: GPL-3.0-or-later
/* bootinfo - what the loader tells: the command line and the RAM. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct bootinfo {
	const char *command_line; /* borrowed from the loader's memory */
	uint64_t memory_start;	  /* the largest piece of RAM between the image and 4 GiB */
	uint64_t memory_end;	  /* both are multiples of LARGE_PAGE */
};

/* eax and ebx as the loader left them. NULL, or what is wrong, as the end of a sentence. */
const char *bootinfo_read(struct bootinfo *ret, uint32_t eax, uint32_t ebx);
