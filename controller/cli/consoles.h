// SPDX-License-Identifier: GPL-3.0-or-later
/* consoles - what guests printed, as files beside the database, for people with grep. */
#ifndef ASSAY_CLI_CONSOLES_H
#define ASSAY_CLI_CONSOLES_H

#include "controller/store/store.h"

/* Writes <db>.consoles/<campaign>/<position>-<label>[-warmup]-<iteration>[-attempt<n>].log for each
 * attempt that printed anything. *ret_folder: where; owned. */
int consoles_write(struct store *store, const char *db, const char *campaign, char **ret_folder,
		   struct err *err);

#endif
