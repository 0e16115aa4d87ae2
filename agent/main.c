// SPDX-License-Identifier: GPL-3.0-or-later
/* assay-agent - the program that runs on each host: options, one instance a host, then serve. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>
#include <version.h>

#include "agent/agent.h"
#include "agent/guest/guest.h"
#include "proto/base/clock.h"
#include "proto/base/file.h"
#include "proto/base/log.h"
#include "proto/base/mem.h"
#include "proto/base/state.h"
#include "proto/base/text.h"

/* An agent whose controller was killed needs a moment to end its guest; the next one waits. */
static const uint64_t lock_patience_ns = 10 * NSEC_PER_SEC;

static const char usage[] =
	"Usage: assay-agent --connect ENDPOINT --bulk ENDPOINT --controller-key KEY [OPTION]...\n"
	"\n"
	"Runs and measures guests on this host for one controller. `assay run` starts one by\n"
	"itself; on a fleet's hosts it runs as a service.\n"
	"\n"
	"  --connect ENDPOINT      control socket of the controller (tcp://host:port, ipc://path)\n"
	"  --bulk ENDPOINT         its bulk socket\n"
	"  --controller-key KEY    its public key (40 characters); no other is accepted\n"
	"  --state FOLDER          spool and caches [$ASSAY_HOME/agent]\n"
	"  --spool NAME            file of the spool in the state folder [spool.db]\n"
	"  --keys FOLDER           own key pair, made on first use [$ASSAY_HOME/keys]\n"
	"  --root FOLDER           where sys/ and proc/ are read from [/]\n"
	"  --embedded              end with the process that started this one\n"
	"  --log LEVEL             error, warn, info or debug [warn]\n"
	"  --version, --help\n"
	"\n"
	"Exit status: 0 drained or told to end, 2 usage, 4 the controller or the state folder\n"
	"could not be used.\n";

struct options {
	struct agent_options agent;
	const char *root;
	bool embedded;
	enum log_level level;
};

static int parse_level(const char *s, enum log_level *ret)
{
	static const char *const names[] = {"error", "warn", "info", "debug"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(s, names[i]) == 0) {
			*ret = (enum log_level)i;
			return 0;
		}
	}
	return -EINVAL;
}

static int fail(int status, const char *sentence)
{
	fprintf(stderr, "assay-agent: %s\n", sentence);
	return status;
}

/* -1: go on; else the exit status. */
static int parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{"connect", required_argument, NULL, 'c'},
		{"bulk", required_argument, NULL, 'b'},
		{"controller-key", required_argument, NULL, 'k'},
		{"state", required_argument, NULL, 's'},
		{"spool", required_argument, NULL, 'S'},
		{"keys", required_argument, NULL, 'K'},
		{"root", required_argument, NULL, 'r'},
		{"embedded", no_argument, NULL, 'e'},
		{"log", required_argument, NULL, 'l'},
		{"version", no_argument, NULL, 'V'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	int c;
	while ((c = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->agent.control = optarg;
			break;
		case 'b':
			o->agent.bulk = optarg;
			break;
		case 'k':
			o->agent.controller_key = optarg;
			break;
		case 's':
			o->agent.state_folder = optarg;
			break;
		case 'S':
			o->agent.spool_name = optarg;
			break;
		case 'K':
			o->agent.keys_folder = optarg;
			break;
		case 'r':
			o->root = optarg;
			break;
		case 'e':
			o->embedded = true;
			break;
		case 'l':
			if (parse_level(optarg, &o->level) < 0)
				return fail(2, "--log takes error, warn, info or debug");
			break;
		case 'V':
			printf("assay-agent %s (%s)\n", ASSAY_VERSION, ASSAY_COMMIT);
			return 0;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return 2; /* getopt said what */
		}
	}
	if (optind < argc)
		return fail(2, "takes no arguments besides its options; see --help");
	if (!o->agent.control || !o->agent.bulk || !o->agent.controller_key)
		return fail(2, "--connect, --bulk and --controller-key are needed; see --help");
	return -1;
}

/* The descriptor stays open as long as the process: that is the lock. */
static int lock_state(const char *folder, struct err *err)
{
	autofree char *path = xasprintf("%s/lock", folder);
	autoclose int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	uint64_t give_up_ns = clock_monotonic_ns() + lock_patience_ns;
	if (fd < 0)
		return err_sys(err, errno, "open %s", path);
	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		char pid[16] = "";
		if (clock_monotonic_ns() < give_up_ns) {
			nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
			continue;
		}
		if (pread(fd, pid, sizeof(pid) - 1, 0) < 0)
			pid[0] = '\0';
		return err_say(
			err, EBUSY,
			"another assay agent (process %d) works on this host, and two would"
			" disturb each other's measurements; wait for its campaign or stop it",
			atoi(pid));
	}
	if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", getpid()) < 0)
		return err_sys(err, errno, "write %s", path);
	take_fd(fd);
	return 0;
}

static void die_with_parent(void)
{
	pid_t parent = getppid();
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || parent == 1)
		raise(SIGTERM); /* it was gone before we asked */
}

static int serve(struct options *o, struct err *err)
{
	struct host_root root = {.sys_fd = -1, .proc_fd = -1};
	struct keeper *keeper = NULL;
	char tag[NAME_SIZE];
	if (file_mkdirs(o->agent.state_folder, 0700, err) < 0 ||
	    lock_state(o->agent.state_folder, err) < 0)
		return err_code(err);
	/* The state folder's agents are one after the other, so its name tells their guests. */
	char hash[HASH_HEX_SIZE];
	autofree char *real = realpath(o->agent.state_folder, NULL);
	hash_bytes(real ? real : "", strlen(real ? real : ""), hash);
	snprintf(tag, sizeof(tag), "%.16s", hash);
	int swept = keeper_sweep(tag);
	if (swept > 0)
		log_warn("swept processes=%d why=\"a former agent left them\"", swept);
	/* The keeper first: it must be forked while this process is small and has one thread. */
	if (keeper_start(tag, &keeper, err) < 0)
		return err_code(err);
	int r = host_root_open(o->root, &root, err);
	o->agent.root = &root;
	o->agent.keeper = keeper;
	if (r == 0)
		r = agent_serve(&o->agent, err);
	keeper_stop(keeper);
	host_root_close(&root);
	return r;
}

int main(int argc, char **argv)
{
	struct options o = {.root = "/", .level = LOG_WARN, .agent = {.spool_name = "spool.db"}};
	struct err err = ERR_NONE;
	int status = parse(argc, argv, &o);
	if (status >= 0)
		return status;
	log_init("assay-agent", o.level);
	signal(SIGPIPE, SIG_IGN);
	if (o.embedded)
		die_with_parent();
	autofree char *home = state_home();
	autofree char *state = xasprintf("%s/agent", home), *keys = xasprintf("%s/keys", home);
	if (!o.agent.state_folder)
		o.agent.state_folder = state;
	if (!o.agent.keys_folder)
		o.agent.keys_folder = keys;
	if (guest_drivers_check(&err) < 0 || serve(&o, &err) < 0)
		return fail(4, err.text);
	return 0;
}
