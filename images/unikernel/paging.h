// SPDX-License-Identifier: GPL-3.0-or-later
/* paging - who may do what with which page. Virtual addresses are physical ones. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Give the workload its part of the image and the RAM from start to end, multiples of LARGE_PAGE.
 * Unmaps what lies below the image, the loader's memory among it. */
void paging_protect(uint64_t start, uint64_t end);

/* Whether the workload may read all of these bytes. After paging_protect(). */
bool paging_user_may_read(uint64_t address, uint64_t len);
