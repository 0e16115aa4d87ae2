// SPDX-License-Identifier: GPL-3.0-or-later
/* self - the agent's own threads: kept off the CPUs that a guest was given. */
#ifndef ASSAY_AGENT_SELF_H
#define ASSAY_AGENT_SELF_H

#include <sched.h>
#include <stddef.h>

#include "proto/base/err.h"

/* Where all threads may run, before anything was changed. */
int self_affinity(cpu_set_t *ret, struct err *err);
/* Every thread of this process to these CPUs; n 0: nothing is changed. */
int self_move(const int *cpus, size_t n, struct err *err);
int self_restore(const cpu_set_t *to, struct err *err);

#endif
