// SPDX-License-Identifier: GPL-3.0-or-later
/* plaintext - whether bytes are text at all, before a YAML parser is asked about them: UTF-8 (RFC
 * 3629), no control characters but tab and line ends. */
#ifndef ASSAY_RECIPE_PLAINTEXT_H
#define ASSAY_RECIPE_PLAINTEXT_H

#include "controller/recipe/complaint.h"

/* 0, or -EINVAL with a complaint at the first byte that is not. origin: NULL for a file. */
int plain_text(const char *bytes, size_t size, const char *origin, struct complaints *complaints);

#endif
