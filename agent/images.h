// SPDX-License-Identifier: GPL-3.0-or-later
/* images - the files that define a guest, by content. A spec names them by hash only; here each
 * gets a path on this host whose bytes have that hash. */
#ifndef ASSAY_AGENT_IMAGES_H
#define ASSAY_AGENT_IMAGES_H

#include "proto/measure/spec.h"

/* Finds and verifies every image of the guest and puts its path wherever the spec has its token.
 * cache: file of remembered hashes, may be NULL. A file that is not there, or that changed since
 * the plan was made, is an error that names both. */
int images_resolve(struct guest_spec *guest, const char *cache, struct err *err);

#endif
