// SPDX-License-Identifier: GPL-3.0-or-later
/* state - where the programs keep what outlives them: keys, spool, caches. */
#ifndef ASSAY_BASE_STATE_H
#define ASSAY_BASE_STATE_H

/* $ASSAY_HOME, else $XDG_STATE_HOME/assay, else ~/.local/state/assay. Owned by the caller. */
char *state_home(void);

#endif
