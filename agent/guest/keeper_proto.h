// SPDX-License-Identifier: GPL-3.0-or-later
/* keeper_proto - what an agent and its keeper say to each other.
 *
 * They are one program, forked: structs travel as they are. A request is one packet
 * (SOCK_SEQPACKET) of the struct and its strings, with descriptors beside it; each is answered by
 * one reply. The keeper never waits for a process, so an answer comes at once; who wants to wait
 * asks again.
 *
 * Every child has a gate of its own, a socket pair whose one end is the agent's. The child tells
 * on it that it stands ready or what failed; one byte from the agent opens the gate; the exec
 * closes it. The agent's death closes it too, and a child at its gate then ends. */
#ifndef ASSAY_GUEST_KEEPER_PROTO_H
#define ASSAY_GUEST_KEEPER_PROTO_H

#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/base/err.h"

enum {
	KEEPER_STRINGS_BYTES = 128 * 1024, /* argv, env and folder of one child */
	KEEPER_FDS = 16,		   /* gate, stdin, stdout, stderr, 3, 4, ... */
	KEEPER_CHILDREN = 64,
	KEEPER_TAG_SIZE = 80, /* with its NUL */
};

enum keeper_op {
	KEEPER_SPAWN,	/* -> id, pid; a pidfd comes with the reply */
	KEEPER_SIGNAL,	/* signal, to the child's group */
	KEEPER_KILL,	/* one round of SIGKILL to its tree -> left, sure */
	KEEPER_STATUS,	/* -> exited and what follows it */
	KEEPER_RELEASE, /* the id is forgotten */
};

struct keeper_request {
	uint32_t op;
	uint32_t sequence; /* comes back with the reply */
	uint32_t id;	   /* all but SPAWN */
	int32_t signal;
	/* SPAWN: then follow folder ("": as it is), argv and env, each with its NUL. */
	uint32_t n_argv, n_env;
	uint32_t strings_bytes;
	bool has_cpus;
	cpu_set_t cpus;
};

struct keeper_reply {
	uint32_t sequence;
	struct err err; /* code 0: done */
	uint32_t id;
	pid_t pid;
	uint32_t left; /* processes of the tree that were still there */
	bool sure;     /* left is the kernel's word, not the outcome of a look around */
	bool exited;
	int32_t wait_status;	/* as wait(2) gives it */
	uint64_t max_rss_bytes; /* largest process of the reaped tree */
	uint64_t user_ns, system_ns;
};

/* What a child says on its gate. */
enum child_step {
	CHILD_READY, /* not a failure: it waits for its gate to open */
	CHILD_FILES,
	CHILD_CPUS,
	CHILD_FOLDER,
	CHILD_EXEC,
};

struct child_report {
	int32_t step;
	int32_t code; /* errno */
};

/* The keeper's life. Ends when its socket does. */
_Noreturn void keeper_main(int fd, const char *agent_tag);

/* A child's life up to its exec. fds[0] is its gate; the rest become 0, 1, 2, ... */
struct child_plan {
	char **argv;
	char **env;
	const char *folder; /* "": stay */
	const int *fds;
	size_t n_fds;
	const cpu_set_t *cpus;	   /* NULL: all */
	const char *oom_score_adj; /* what it was before the keeper lowered its own */
	pid_t keeper;
};
_Noreturn void keeper_child_main(const struct child_plan *plan);

#endif
