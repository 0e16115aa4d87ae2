// SPDX-License-Identifier: GPL-3.0-or-later
/* keeper_child - a child between its fork and its exec.
 *
 * It makes itself what the guest is to find, says so on its gate, and waits there: counters are
 * opened on it now, disabled until the exec (perf_event_open(2), enable_on_exec). Nothing here
 * may outlive the exec by accident: all descriptors but the guest's own are closed, signals are
 * as the kernel first made them. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/guest/keeper_proto.h"

/* Where no exec takes place; what sh gives to a command that it cannot run. */
enum { EXIT_NOT_RUN = 127 };

/* Descriptors wait here until their places 0, 1, 2, ... can be overwritten. */
enum { FIRST_HIGH_FD = 64 };

static _Noreturn void give_up(int gate, enum child_step step, int code)
{
	struct child_report report = {.step = (int32_t)step, .code = code};
	send(gate, &report, sizeof(report), MSG_NOSIGNAL);
	_exit(EXIT_NOT_RUN);
}

static void default_signals(void)
{
	sigset_t none;
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL); /* refused for SIGKILL, SIGSTOP and libc's own */
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static void own_session(const struct child_plan *plan)
{
	setsid(); /* a group and session of its own: told apart, and killed, as a whole */
	prctl(PR_SET_NAME, "assay-gated");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != plan->keeper) /* it died before the line above took effect */
		_exit(EXIT_NOT_RUN);
}

/* The keeper is kept from the out-of-memory killer; a guest must not be. And a crash may not
 * write a core of the size of a VM's memory into a measured run. */
static void own_limits(const struct child_plan *plan)
{
	struct rlimit core;
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		ssize_t n = write(fd, plan->oom_score_adj, strlen(plan->oom_score_adj));
		(void)n; /* raising it is always allowed; where /proc is not, there is no killer's
			    score */
		close(fd);
	}
	if (getrlimit(RLIMIT_CORE, &core) == 0) {
		core.rlim_cur = 0;
		setrlimit(RLIMIT_CORE, &core);
	}
}

/* fds[1...] become 0, 1, ...; all others but the gate are closed. Returns the gate or -errno. */
static int place_files(const struct child_plan *plan)
{
	int high[KEEPER_FDS];
	for (size_t i = 0; i < plan->n_fds; i++)
		if ((high[i] = fcntl(plan->fds[i], F_DUPFD_CLOEXEC, FIRST_HIGH_FD)) < 0)
			return -errno;
	for (size_t i = 1; i < plan->n_fds; i++)
		if (dup2(high[i], (int)i - 1) < 0)
			return -errno;
	if (close_range((unsigned)plan->n_fds - 1, (unsigned)high[0] - 1, 0) < 0 ||
	    close_range((unsigned)high[0] + 1, ~0u, 0) < 0)
		return -errno;
	return high[0];
}

/* The kernel takes a mask that has one usable CPU and drops the rest in silence. */
static int place_cpus(const cpu_set_t *wanted)
{
	cpu_set_t got;
	if (sched_setaffinity(0, sizeof(*wanted), wanted) < 0 ||
	    sched_getaffinity(0, sizeof(got), &got) < 0)
		return errno;
	return CPU_EQUAL(wanted, &got) ? 0 : EINVAL;
}

static void wait_for_gate(int gate)
{
	struct child_report ready = {.step = CHILD_READY};
	char byte;
	ssize_t n;
	send(gate, &ready, sizeof(ready), MSG_NOSIGNAL);
	while ((n = recv(gate, &byte, 1, 0)) < 0 && errno == EINTR)
		;
	if (n != 1)
		_exit(EXIT_NOT_RUN); /* the agent closed it: no guest, or no agent */
}

static const char *path_of(char **env)
{
	for (char **e = env; *e; e++)
		if (strncmp(*e, "PATH=", 5) == 0)
			return *e + 5;
	return "/usr/local/bin:/usr/bin:/bin";
}

/* execvp(3) without its fall-back: what is no program is not given to a shell. Returns errno. */
static int exec_search(char **argv, char **env)
{
	char file[4096];
	int code = ENOENT;
	if (strchr(argv[0], '/')) {
		execve(argv[0], argv, env);
		return errno;
	}
	for (const char *p = path_of(env); p;) {
		size_t length = strcspn(p, ":");
		int n = snprintf(file, sizeof(file), "%.*s%s%s", (int)length, p, length ? "/" : "",
				 argv[0]);
		errno = ENOENT;
		if (n > 0 && (size_t)n < sizeof(file))
			execve(file, argv, env);
		if (errno != ENOENT && errno != ENOTDIR && errno != EACCES)
			return errno;
		if (errno == EACCES)
			code = EACCES; /* there is one, it cannot be run; a later one may */
		p = p[length] ? p + length + 1 : NULL;
	}
	return code;
}

_Noreturn void keeper_child_main(const struct child_plan *plan)
{
	int code;
	default_signals();
	own_session(plan);
	own_limits(plan);
	int gate = place_files(plan);
	if (gate < 0)
		give_up(plan->fds[0], CHILD_FILES, -gate);
	if (plan->cpus && (code = place_cpus(plan->cpus)))
		give_up(gate, CHILD_CPUS, code);
	if (plan->folder[0] && chdir(plan->folder) < 0)
		give_up(gate, CHILD_FOLDER, errno);
	wait_for_gate(gate);
	give_up(gate, CHILD_EXEC, exec_search(plan->argv, plan->env));
}
