// SPDX-License-Identifier: GPL-3.0-or-later
/* launch - environment, gate, end and placing of a guest that is a child of the keeper. */
#include "agent/guest/launch.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#include "agent/guest/deadline.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

/* A tree that was sent SIGKILL is reaped by the time child_kill_tree() returns. */
enum { REAP_NS = 2000000000 };

static const char default_path[] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

void launch_env_set(char ***env, const char *name_value)
{
	size_t name = strcspn(name_value, "=") + 1;
	for (char **e = *env; e && *e; e++) {
		if (strncmp(*e, name_value, name) != 0)
			continue;
		free(*e);
		*e = xstrdup(name_value);
		return;
	}
	strv_push(env, name_value);
}

char **launch_env(const char *folder, char *const *more)
{
	char **env = NULL;
	const char *path = getenv("PATH");
	autofree char *set_path = xasprintf("PATH=%s", path && *path ? path : default_path);
	autofree char *home = xasprintf("HOME=%s", folder);
	autofree char *tmp = xasprintf("TMPDIR=%s", folder);
	launch_env_set(&env, set_path);
	launch_env_set(&env, home);
	launch_env_set(&env, tmp);
	launch_env_set(&env, "LANG=C.UTF-8");
	launch_env_set(&env, "TERM=dumb");
	for (; more && *more; more++)
		launch_env_set(&env, *more);
	return env;
}

int launch_check_env(char *const *env, struct err *err)
{
	for (; env && *env; env++)
		if ((*env)[0] == '=' || !strchr(*env, '='))
			return err_say(err, EINVAL, "env: '%.80s' is not NAME=value", *env);
	return 0;
}

int launch_prepare(struct guest *guest, const struct guest_env *env, char *const *argv,
		   char *const *child_env, const int *more_fds, size_t n_more_fds,
		   struct child **ret, struct err *err)
{
	struct child_spec spec = {
		.argv = (const char *const *)argv,
		.env = (const char *const *)child_env,
		.folder = env->folder,
		.stdin_fd = -1,
		.stdout_fd = env->console_fd,
		.stderr_fd = env->stderr_fd,
		.more_fds = more_fds,
		.n_more_fds = n_more_fds,
	};
	if (keeper_spawn(env->keeper, &spec, ret, err) < 0)
		return err_code(err);
	guest->pid = child_pid(*ret);
	guest->exit_fd = child_exit_fd(*ret);
	guest->event_fd = -1;
	return 0;
}

void launch_stop(struct child *child, uint64_t grace_ns)
{
	if (grace_ns && child_signal(child, SIGTERM) == 0)
		deadline_wait_readable(child_exit_fd(child), clock_monotonic_ns() + grace_ns, -1);
	child_kill_tree(child, NULL); /* what it could not end, launch_end() tries again */
}

void launch_end(struct child *child, struct guest_exit *ret)
{
	struct child_status status;
	if (!child)
		return;
	child_kill_tree(child, NULL);
	if (ret && child_wait(child, clock_monotonic_ns() + REAP_NS, &status, NULL) == 0)
		*ret = (struct guest_exit){true, status.code, status.signal, status.max_rss_bytes};
	child_free(child);
}

int launch_pin(pid_t thread, const int *cpus, size_t n_cpus, struct err *err)
{
	cpu_set_t wanted, got;
	CPU_ZERO(&wanted);
	for (size_t i = 0; i < n_cpus; i++) {
		if (cpus[i] < 0 || cpus[i] >= CPU_SETSIZE)
			return err_say(err, ERANGE, "CPU %d is not one of 0 to %d", cpus[i],
				       CPU_SETSIZE - 1);
		CPU_SET(cpus[i], &wanted);
	}
	if (!n_cpus)
		return 0;
	if (sched_setaffinity(thread, sizeof(wanted), &wanted) < 0 ||
	    sched_getaffinity(thread, sizeof(got), &got) < 0)
		return err_sys(err, errno, "put thread %d on CPU %d", thread, cpus[0]);
	/* The kernel drops CPUs that a cpuset does not allow, in silence. */
	if (!CPU_EQUAL(&wanted, &got))
		return err_say(err, EINVAL,
			       "thread %d was not given all of its %zu CPUs (CPU %d...)", thread,
			       n_cpus, cpus[0]);
	return 0;
}
