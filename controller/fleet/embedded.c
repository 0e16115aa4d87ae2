// SPDX-License-Identifier: GPL-3.0-or-later
#include "controller/fleet/embedded.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "proto/base/cleanup.h"
#include "proto/base/file.h"
#include "proto/base/hash.h"
#include "proto/base/mem.h"

extern char **environ;

int embedded_init(struct embedded *ret, struct err *err)
{
	const char *tmp = getenv("TMPDIR");
	/* Socket paths are at most 107 bytes: a long TMPDIR does not fit. */
	autofree char *folder = xasprintf("%s/assay-XXXXXX",
					  tmp && *tmp && strlen(tmp) < 70 ? tmp : "/tmp");
	if (!mkdtemp(folder)) /* mode 0700 */
		return err_sys(err, errno, "make a folder for sockets like %s", folder);
	*ret = (struct embedded){.exit_fd = -1};
	ret->control = xasprintf("ipc://%s/control", folder);
	ret->bulk = xasprintf("ipc://%s/bulk", folder);
	ret->folder = take(folder);
	return 0;
}

static char *agent_program(void)
{
	autofree char *folder = file_program_folder();
	autofree char *beside = xasprintf("%s/assay-agent", folder);
	return access(beside, X_OK) == 0 ? take(beside) : xstrdup("assay-agent");
}

/* A group of its own: Ctrl-C at the terminal is for the controller, which then tells the agent.
 * Every signal at its default and open: the parent's loop has blocked some. */
static int spawn(char *const *argv, pid_t *ret)
{
	posix_spawnattr_t attr;
	sigset_t none, all;
	sigemptyset(&none);
	sigfillset(&all);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	int r = posix_spawnp(ret, argv[0], NULL, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	return r;
}

/* The same store is the same file, whatever path leads to it. */
static char *spool_option(const char *where)
{
	char hash[HASH_HEX_SIZE];
	autofree char *real = realpath(where, NULL);
	const char *name = real ? real : where;
	hash_bytes(name, strlen(name), hash);
	return xasprintf("--spool=spool-%.16s.db", hash);
}

int embedded_start(struct embedded *e, const char controller_key[KEY_TEXT_SIZE], const char *root,
		   const char *where, struct err *err)
{
	autofree char *program = agent_program();
	autofree char *key = xasprintf("--controller-key=%s", controller_key);
	autofree char *control = xasprintf("--connect=%s", e->control);
	autofree char *bulk = xasprintf("--bulk=%s", e->bulk);
	autofree char *root_option = xasprintf("--root=%s", root ? root : "/");
	autofree char *spool = spool_option(where);
	const char *level = getenv("ASSAY_LOG");
	autofree char *log = xasprintf("--log=%s", level && *level ? level : "warn");
	char embedded_option[] = "--embedded";
	char *argv[] = {program,     embedded_option, key, control, bulk,
			root_option, spool,	      log, NULL};
	int r = spawn(argv, &e->pid);
	if (r == ENOENT || r == EACCES)
		return err_say(err, r,
			       "there is no assay-agent to start, neither beside assay nor in PATH;"
			       " install both programs in one folder");
	if (r)
		return err_sys(err, r, "start the agent %s", program);
	e->exit_fd = (int)syscall(SYS_pidfd_open, e->pid, 0);
	if (e->exit_fd < 0)
		return err_sys(err, errno, "watch the agent");
	return 0;
}

void embedded_reap(struct embedded *e, char *ret_how, size_t size, bool *ret_clean)
{
	int status = 0;
	pid_t pid = e->pid ? waitpid(e->pid, &status, 0) : -1;
	*ret_clean = pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
	if (pid > 0 && WIFSIGNALED(status))
		snprintf(ret_how, size, "was killed by signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(ret_how, size, "ended with status %d", pid > 0 ? WEXITSTATUS(status) : -1);
	if (e->exit_fd >= 0)
		close(e->exit_fd);
	e->exit_fd = -1;
	e->pid = 0;
}

void embedded_done(struct embedded *e)
{
	char how[100];
	bool clean;
	if (e->pid) {
		struct pollfd p = {.fd = e->exit_fd, .events = POLLIN};
		kill(e->pid, SIGTERM);
		if (poll(&p, 1, 10000) <= 0)
			kill(e->pid, SIGKILL);
		embedded_reap(e, how, sizeof(how), &clean);
	}
	if (e->folder)
		file_remove_tree(e->folder, NULL);
	free(e->folder);
	free(e->control);
	free(e->bulk);
	*e = (struct embedded){.exit_fd = -1};
}
