// SPDX-License-Identifier: GPL-3.0-or-later
/* keeper_tree - the keeper's children, and which process belongs to which of them. */
#ifndef ASSAY_GUEST_KEEPER_TREE_H
#define ASSAY_GUEST_KEEPER_TREE_H

#include "agent/guest/keeper_proto.h"
#include "agent/guest/procs.h"

struct ward {
	uint32_t id;
	pid_t pid;
	bool exited;
	int wait_status;
	uint64_t max_rss_bytes, user_ns, system_ns;
	pid_t *doomed; /* killed in the last round: zombies among them are its; owned */
	size_t n_doomed;
};

struct wards {
	struct ward rows[KEEPER_CHILDREN];
	size_t n;
	pid_t keeper;
	bool childless; /* as the kernel said at the last reaping */
};

struct ward *wards_find(struct wards *wards, uint32_t id);
struct ward *wards_add(struct wards *wards, pid_t pid, uint32_t id); /* NULL: full */
void wards_remove(struct wards *wards, struct ward *w);

/* ASSAY_CHILD as it stands in the environment of all that descends from a child. */
void ward_label(uint32_t id, char ret[32]);

/* Reaps all that has ended, and books it on the ward that it belonged to. */
void wards_reap(struct wards *wards);

/* A signal to each process of the ward's tree; returns how many there were. */
uint32_t ward_signal_tree(struct wards *wards, struct ward *w, int signal);

/* SIGKILL to all that descends from the keeper. */
void wards_kill_all(struct wards *wards);

#endif
