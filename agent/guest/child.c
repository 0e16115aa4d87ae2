// SPDX-License-Identifier: GPL-3.0-or-later
/* child - a child of the keeper's as the agent knows it: its gate, its pidfd, its end.
 *
 * All waiting is done here, on descriptors and by asking the keeper again. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/guest/deadline.h"
#include "agent/guest/keeper_call.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

/* A child reaches its gate within a fork; far more than that means that the machine hangs. */
enum { READY_NS = 10000000000 };
/* Loading a program from a slow disk is not hanging yet. */
enum { EXEC_NS = 60000000000 };
/* What SIGKILL has not ended by then is stuck in the kernel. */
enum { KILL_NS = 10000000000 };

struct child {
	struct keeper *keeper; /* borrowed */
	uint32_t id;
	pid_t pid;
	int exit_fd;
	int gate_fd; /* -1: open */
	bool tree_gone;
	char *name; /* argv[0] */
	char *path; /* PATH that it is searched in */
};

static int child_call(struct child *child, enum keeper_op op, int signal,
		      struct keeper_reply *reply, struct err *err)
{
	struct keeper_request request = {.op = op, .id = child->id, .signal = signal};
	return keeper_call(child->keeper, &request, NULL, reply, NULL, err);
}

static uint32_t pack(struct text *strings, const char *const *v)
{
	uint32_t n = 0;
	for (; v && v[n]; n++)
		text_add_bytes(strings, v[n], strlen(v[n]) + 1);
	return n;
}

static int pack_cpus(const struct child_spec *spec, struct keeper_request *request, struct err *err)
{
	CPU_ZERO(&request->cpus);
	for (size_t i = 0; i < spec->n_cpus; i++) {
		if (spec->cpus[i] < 0 || spec->cpus[i] >= CPU_SETSIZE)
			return err_say(err, ERANGE, "CPU %d is not one of 0 to %d", spec->cpus[i],
				       CPU_SETSIZE - 1);
		CPU_SET(spec->cpus[i], &request->cpus);
	}
	request->has_cpus = spec->n_cpus > 0;
	return 0;
}

static int pack_request(const struct child_spec *spec, struct keeper_request *request,
			struct text *strings, struct err *err)
{
	if (!spec->argv || !spec->argv[0] || !spec->argv[0][0])
		return err_say(err, EINVAL, "nothing to start: argv is empty");
	const char *folder[] = {spec->folder ? spec->folder : "", NULL};
	pack(strings, folder);
	request->n_argv = pack(strings, spec->argv);
	request->n_env = pack(strings, spec->env);
	request->strings_bytes = (uint32_t)strings->size;
	if (strings->size > KEEPER_STRINGS_BYTES)
		return err_say(err, E2BIG,
			       "arguments and environment of '%.80s' are %zu bytes, more than %d; "
			       "give long ones in a file",
			       spec->argv[0], strings->size, KEEPER_STRINGS_BYTES);
	return pack_cpus(spec, request, err);
}

/* fds[0], the gate, stays for the caller to fill in. */
static int pack_fds(const struct child_spec *spec, int null_fd, int fds[KEEPER_FDS], size_t *ret_n,
		    struct err *err)
{
	size_t n = 4;
	if (spec->n_more_fds > KEEPER_FDS - n)
		return err_say(err, E2BIG, "a child can be given %zu descriptors, not %zu",
			       KEEPER_FDS - n, spec->n_more_fds);
	fds[1] = spec->stdin_fd >= 0 ? spec->stdin_fd : null_fd;
	fds[2] = spec->stdout_fd >= 0 ? spec->stdout_fd : null_fd;
	fds[3] = spec->stderr_fd >= 0 ? spec->stderr_fd : null_fd;
	for (size_t i = 0; i < spec->n_more_fds; i++)
		fds[n++] = spec->more_fds[i];
	*ret_n = n;
	return 0;
}

/* What the child says on its gate. Its end without a word is -ECONNRESET after an exec, too. */
static int read_report(const struct child *child, uint64_t deadline_ns, struct child_report *ret)
{
	if (deadline_wait_readable(child->gate_fd, deadline_ns, -1) < 0)
		return -ETIMEDOUT;
	ssize_t n;
	while ((n = recv(child->gate_fd, ret, sizeof(*ret), 0)) < 0 && errno == EINTR)
		;
	return n == sizeof(*ret) ? 0 : -ECONNRESET;
}

static int say_report(const struct child *child, const struct child_report *report,
		      const char *folder, struct err *err)
{
	switch ((enum child_step)report->step) {
	case CHILD_CPUS:
		return err_sys(err, report->code, "place '%s' on its CPUs", child->name);
	case CHILD_FOLDER:
		return err_sys(err, report->code, "enter folder %s", folder);
	case CHILD_EXEC:
		if (report->code == ENOENT && !strchr(child->name, '/'))
			return err_say(err, ENOENT, "cannot run '%s': no such program in PATH (%s)",
				       child->name, child->path);
		return err_sys(err, report->code, "cannot run '%s'", child->name);
	case CHILD_FILES:
	case CHILD_READY:
		break;
	}
	return err_sys(err, report->code, "give '%s' its descriptors", child->name);
}

static int wait_ready(struct child *child, const struct child_spec *spec, struct err *err)
{
	struct child_report report;
	int r = read_report(child, clock_monotonic_ns() + READY_NS, &report);
	if (r < 0)
		return err_sys(err, -r, "'%s' did not reach its start", child->name);
	return report.step == CHILD_READY
		       ? 0
		       : say_report(child, &report, spec->folder ? spec->folder : "", err);
}

static char *path_of(const char *const *env)
{
	for (; env && *env; env++)
		if (text_starts(*env, "PATH="))
			return xstrdup(*env + 5);
	return xstrdup("the default");
}

static int request_child(struct child *child, const struct child_spec *spec, struct err *err)
{
	struct keeper_request request = {.op = KEEPER_SPAWN};
	struct keeper_reply reply = {0};
	autotext struct text strings = {0};
	int pair[2], fds[KEEPER_FDS];
	size_t n_fds = 0;
	autoclose int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null_fd < 0)
		return err_sys(err, errno, "open /dev/null");
	if (pack_request(spec, &request, &strings, err) < 0 ||
	    pack_fds(spec, null_fd, fds, &n_fds, err) < 0)
		return err_code(err);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "make the gate of '%s'", spec->argv[0]);
	child->gate_fd = pair[0];
	autoclose int its = pair[1];
	fds[0] = its;
	struct parcel parcel = {strings.data, strings.size, fds, n_fds};
	if (keeper_call(child->keeper, &request, &parcel, &reply, &child->exit_fd, err) < 0)
		return err_code(err);
	child->id = reply.id;
	child->pid = reply.pid;
	return 0;
}

int keeper_spawn(struct keeper *keeper, const struct child_spec *spec, struct child **ret,
		 struct err *err)
{
	struct err ours;
	if (!err)
		err = &ours;
	autoclean(child) struct child *child = xcalloc(1, sizeof(*child));
	child->keeper = keeper;
	child->exit_fd = child->gate_fd = -1;
	if (request_child(child, spec, err) < 0)
		return err_code(err);
	child->name = xstrdup(spec->argv[0]);
	child->path = path_of(spec->env);
	if (wait_ready(child, spec, err) < 0)
		return err_code(err);
	*ret = take(child);
	return 0;
}

pid_t child_pid(const struct child *child)
{
	return child->pid;
}

int child_exit_fd(const struct child *child)
{
	return child->exit_fd;
}

int child_go(struct child *child, struct err *err)
{
	struct child_report report;
	if (child->gate_fd < 0)
		return err_say(err, EALREADY, "'%s' was started already", child->name);
	if (send(child->gate_fd, "g", 1, MSG_NOSIGNAL) < 0)
		return err_sys(err, errno, "'%s' was ended before its start", child->name);
	int r = read_report(child, clock_monotonic_ns() + EXEC_NS, &report);
	close(take_fd(child->gate_fd));
	if (r == 0)
		return say_report(child, &report, "", err);
	if (r == -ETIMEDOUT)
		return err_sys(err, -r, "start '%s'", child->name);
	return 0; /* the exec closed its end */
}

int child_signal(struct child *child, int signal)
{
	struct keeper_reply reply = {0};
	return child_call(child, KEEPER_SIGNAL, signal, &reply, NULL);
}

/* With other guests about, "none left" is only what a look at /proc found, which can miss what was
 * just then moving: it has to be so twice. */
int child_kill_tree(struct child *child, struct err *err)
{
	struct keeper_reply reply = {0};
	uint64_t deadline_ns = clock_monotonic_ns() + KILL_NS, pause_ns = 200 * NSEC_PER_USEC;
	for (int empty = 0; !child->tree_gone;) {
		int r = child_call(child, KEEPER_KILL, 0, &reply, err);
		if (r < 0)
			return r;
		empty = reply.left || !reply.exited ? 0 : empty + 1;
		child->tree_gone = empty == 2 || (reply.sure && reply.exited);
		if (child->tree_gone || empty)
			continue;
		if (clock_monotonic_ns() > deadline_ns)
			return err_say(err, EBUSY,
				       "%u processes of '%s' (process %d) outlived SIGKILL by %d s",
				       reply.left, child->name, child->pid,
				       (int)(KILL_NS / NSEC_PER_SEC));
		deadline_pause(pause_ns);
		if (pause_ns < 20 * NSEC_PER_MSEC)
			pause_ns *= 2;
	}
	return 0;
}

static void fill_status(const struct keeper_reply *reply, struct child_status *ret)
{
	int status = reply->wait_status;
	*ret = (struct child_status){
		.code = WIFEXITED(status) ? WEXITSTATUS(status) : 0,
		.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		.max_rss_bytes = reply->max_rss_bytes,
		.user_ns = reply->user_ns,
		.system_ns = reply->system_ns,
	};
}

int child_wait(struct child *child, uint64_t deadline_ns, struct child_status *ret, struct err *err)
{
	struct keeper_reply reply = {0};
	for (;;) {
		int r = deadline_wait_readable(child->exit_fd, deadline_ns, -1);
		if (r < 0)
			return err_sys(err, -r, "wait for '%s' (process %d)", child->name,
				       child->pid);
		if ((r = child_call(child, KEEPER_STATUS, 0, &reply, err)) < 0)
			return r;
		if (reply.exited)
			break;
		deadline_pause(NSEC_PER_MSEC); /* readable a moment before it can be reaped */
	}
	fill_status(&reply, ret);
	return 0;
}

void child_free(struct child *child)
{
	struct keeper_reply reply = {0};
	if (!child)
		return;
	cleanup_close(&child->gate_fd);
	if (child->id) {
		if (child_kill_tree(child, NULL) < 0) /* no keeper: end at least what we hold */
			pidfd_send_signal(child->exit_fd, SIGKILL, NULL, 0);
		child_call(child, KEEPER_RELEASE, 0, &reply, NULL);
	}
	cleanup_close(&child->exit_fd);
	free(child->name);
	free(child->path);
	free(child);
}
