// SPDX-License-Identifier: GPL-3.0-or-later
/* keeper_main - the keeper's own life: one socket, one loop, no waiting.
 *
 * It stays small on purpose. A fork copies page tables, and the peak RSS that wait4(2) reports of
 * a child starts at what its parent had mapped (Linux keeps it over an exec), so what the keeper
 * holds is the floor of what a guest seems to need. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "agent/guest/keeper_tree.h"
#include "proto/base/cleanup.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"

static const char title[] = "assay-keeper";

/* The keeper sees its orphans off, but it does not wait for what SIGKILL cannot end (state D). */
enum { LAST_ROUND_NS = 60000000000 };

struct keeper_life {
	int fd;	      /* to the agent */
	int child_fd; /* signalfd: SIGCHLD */
	uint32_t next_id;
	char agent_env[16 + KEEPER_TAG_SIZE];
	char oom_score_adj[16]; /* what children get back */
	struct wards wards;
	struct keeper_request request; /* as received, with its strings behind it */
	char strings[KEEPER_STRINGS_BYTES];
};

/* What `ps` and `pkill -f` see. The kernel shows what lies between these two addresses of ours;
 * they were the agent's arguments. proc(5), fields 48 and 49 of stat. */
static void rename_self(void)
{
	char text[2048];
	unsigned long start = 0, end = 0;
	prctl(PR_SET_NAME, title);
	FILE *f = fopen("/proc/self/stat", "re");
	size_t n = f ? fread(text, 1, sizeof(text) - 1, f) : 0;
	if (f)
		fclose(f);
	text[n] = '\0';
	char *field = strrchr(text, ')');
	for (int i = 2; field && i < 48; i++)
		field = strchr(field + 1, ' ');
	if (!field || sscanf(field, " %lu %lu", &start, &end) != 2 || start >= end)
		return; /* it keeps the agent's name */
	memset((void *)start, 0, end - start);
	mem_strcpy((char *)start, end - start, title);
}

/* Ctrl-C on the agent's terminal is the agent's business: it stops runs in order, through us. */
static int ignore_signals(void)
{
	static const int ignored[] = {SIGHUP,  SIGINT,	SIGQUIT, SIGTERM, SIGPIPE, SIGUSR1,
				      SIGUSR2, SIGALRM, SIGTSTP, SIGTTIN, SIGTTOU};
	sigset_t mask;
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL); /* the agent may have set handlers */
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&mask);
	sigaddset(&mask, SIGCHLD);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Only the socket stays: a pipe of the agent's that we kept would never end for its reader. */
static int close_others(int fd)
{
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	int keep = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (null_fd < 0 || keep < 0 || dup2(keep, 3) < 0)
		return -1;
	for (int i = 0; i < 3; i++)
		dup2(null_fd, i);
	close_range(4, ~0u, 0);
	fcntl(3, F_SETFD, FD_CLOEXEC);
	return 3;
}

static void spare_self(struct keeper_life *life)
{
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, life->oom_score_adj, sizeof(life->oom_score_adj) - 1);
	life->oom_score_adj[n > 0 ? n : 0] = '\0';
	if (n > 0) {
		n = pwrite(fd, "-900", 4, 0); /* needs CAP_SYS_RESOURCE; without it, as it was */
		(void)n;
	}
	if (fd >= 0)
		close(fd);
}

/* n strings of the request, then `more` (NULL-ended), then NULL. *p moves on. NULL: not there. */
static char **unpack(char **p, const char *end, uint32_t n, const char *const *more)
{
	size_t n_more = 0;
	while (more && more[n_more])
		n_more++;
	if (n > KEEPER_STRINGS_BYTES)
		return NULL;
	autofree char **v = xcalloc(n + n_more + 1, sizeof(*v));
	for (uint32_t i = 0; i < n; i++) {
		char *nul = *p < end ? memchr(*p, '\0', (size_t)(end - *p)) : NULL;
		if (!nul)
			return NULL;
		v[i] = *p;
		*p = nul + 1;
	}
	for (size_t i = 0; i < n_more; i++)
		memcpy(&v[n + i], &more[i], sizeof(*v)); /* exec takes them as not const */
	return take(v);
}

static void fork_child(struct keeper_life *life, const struct child_plan *plan,
		       struct keeper_reply *reply, int *ret_pid_fd)
{
	pid_t pid = fork();
	if (pid == 0)
		keeper_child_main(plan);
	if (pid < 0) {
		err_sys(&reply->err, errno, "fork");
		return;
	}
	if ((*ret_pid_fd = pidfd_open(pid, 0)) < 0) {
		err_sys(&reply->err, errno, "open a descriptor of process %d", pid);
		kill(pid, SIGKILL); /* it has not run anything; the next reaping clears it away */
		return;
	}
	reply->pid = pid;
	reply->id = life->next_id++;
	wards_add(&life->wards, pid, reply->id);
}

static void spawn(struct keeper_life *life, const int *fds, size_t n_fds,
		  struct keeper_reply *reply, int *ret_pid_fd)
{
	const struct keeper_request *request = &life->request;
	char label[32], *p = life->strings, *end = p + request->strings_bytes;
	const char *const more[] = {life->agent_env, label, NULL};
	ward_label(life->next_id, label);
	autofree char **folder = unpack(&p, end, 1, NULL);
	autofree char **argv = folder ? unpack(&p, end, request->n_argv, NULL) : NULL;
	autofree char **env = argv ? unpack(&p, end, request->n_env, more) : NULL;
	if (!env || !request->n_argv || n_fds < 4) {
		err_say(&reply->err, EBADMSG, "the keeper was sent half a request");
		return;
	}
	if (life->wards.n == KEEPER_CHILDREN) {
		err_say(&reply->err, EAGAIN, "the keeper holds %d guests already", KEEPER_CHILDREN);
		return;
	}
	struct child_plan plan = {
		.argv = argv,
		.env = env,
		.folder = folder[0],
		.fds = fds,
		.n_fds = n_fds,
		.cpus = request->has_cpus ? &request->cpus : NULL,
		.oom_score_adj = life->oom_score_adj,
		.keeper = life->wards.keeper,
	};
	fork_child(life, &plan, reply, ret_pid_fd);
}

static void signal_child(struct wards *wards, struct ward *w, int signal)
{
	if (!w->exited)
		kill(-w->pid, signal);
	else
		ward_signal_tree(wards, w, signal);
}

static void kill_round(struct wards *wards, struct ward *w, struct keeper_reply *reply)
{
	if (!wards->childless)
		reply->left = ward_signal_tree(wards, w, SIGKILL);
	wards_reap(wards);
	reply->sure = wards->childless;
	if (reply->sure)
		reply->left = 0;
	else if (wards->n == 1 && !reply->left)
		reply->left = 1; /* the kernel knows of one that we did not see */
}

static void answer(struct keeper_life *life, const int *fds, size_t n_fds,
		   struct keeper_reply *reply, int *ret_pid_fd)
{
	const struct keeper_request *request = &life->request;
	wards_reap(&life->wards);
	if (request->op == KEEPER_SPAWN) {
		spawn(life, fds, n_fds, reply, ret_pid_fd);
		return;
	}
	struct ward *w = wards_find(&life->wards, request->id);
	if (!w) {
		err_say(&reply->err, ESRCH, "the keeper has no child %u", request->id);
		return;
	}
	if (request->op == KEEPER_SIGNAL)
		signal_child(&life->wards, w, request->signal);
	else if (request->op == KEEPER_KILL)
		kill_round(&life->wards, w, reply);
	reply->id = w->id;
	reply->pid = w->pid;
	reply->exited = w->exited;
	reply->wait_status = w->wait_status;
	reply->max_rss_bytes = w->max_rss_bytes;
	reply->user_ns = w->user_ns;
	reply->system_ns = w->system_ns;
	if (request->op == KEEPER_RELEASE)
		wards_remove(&life->wards, w);
}

static void send_reply(int fd, const struct keeper_reply *reply, int pid_fd)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {(void *)(uintptr_t)reply, sizeof(*reply)};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	if (pid_fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control.bytes);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &pid_fd, sizeof(int));
	}
	sendmsg(fd, &message, MSG_NOSIGNAL); /* an agent that is gone shows as the socket's end */
}

static size_t received_fds(struct msghdr *message, int *ret)
{
	size_t n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(ret, CMSG_DATA(c), n * sizeof(int));
	}
	return n;
}

/* One request and its answer. False: the agent is gone. */
static bool serve(struct keeper_life *life)
{
	int fds[KEEPER_FDS], pid_fd = -1;
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(fds))];
	} control;
	struct iovec parts[] = {{&life->request, sizeof(life->request)},
				{life->strings, sizeof(life->strings)}};
	struct msghdr message = {.msg_iov = parts,
				 .msg_iovlen = 2,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control.bytes)};
	struct keeper_reply reply = {0};
	ssize_t n = recvmsg(life->fd, &message, MSG_CMSG_CLOEXEC);
	if (n < 0)
		return errno == EINTR || errno == EAGAIN;
	if (n == 0)
		return false;
	size_t n_fds = received_fds(&message, fds);
	reply.sequence = life->request.sequence;
	if ((message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ||
	    (size_t)n != sizeof(life->request) + life->request.strings_bytes)
		err_say(&reply.err, EBADMSG, "a request reached the keeper cut short");
	else
		answer(life, fds, n_fds, &reply, &pid_fd);
	for (size_t i = 0; i < n_fds; i++)
		close(fds[i]);
	send_reply(life->fd, &reply, pid_fd);
	if (pid_fd >= 0)
		close(pid_fd);
	return true;
}

static void pause_ns(uint64_t ns)
{
	struct timespec t = {.tv_sec = (time_t)(ns / NSEC_PER_SEC),
			     .tv_nsec = (long)(ns % NSEC_PER_SEC)};
	nanosleep(&t, NULL);
}

static void end_all(struct wards *wards)
{
	uint64_t deadline_ns = clock_monotonic_ns() + LAST_ROUND_NS, wait_ns = NSEC_PER_MSEC;
	for (wards_reap(wards); !wards->childless; wards_reap(wards)) {
		if (clock_monotonic_ns() > deadline_ns)
			return;
		wards_kill_all(wards);
		pause_ns(wait_ns);
		if (wait_ns < 100 * NSEC_PER_MSEC)
			wait_ns *= 2;
	}
}

/* 0, or the errno of what a keeper cannot do without. */
static int set_up(struct keeper_life *life, int fd, const char *agent_tag)
{
	setsid();
	rename_self();
	life->fd = close_others(fd);
	life->child_fd = ignore_signals();
	if (life->fd < 0 || life->child_fd < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) < 0)
		return errno;
	life->next_id = 1;
	life->wards.keeper = getpid();
	snprintf(life->agent_env, sizeof(life->agent_env), "ASSAY_AGENT=%s", agent_tag);
	spare_self(life);
	return 0;
}

_Noreturn void keeper_main(int fd, const char *agent_tag)
{
	struct keeper_life *life = xcalloc(1, sizeof(*life));
	struct keeper_reply hello = {0};
	struct signalfd_siginfo told[16];
	int code = set_up(life, fd, agent_tag);
	if (code)
		err_sys(&hello.err, code, "set the keeper up");
	send_reply(life->fd >= 0 ? life->fd : fd, &hello, -1);
	struct pollfd p[] = {{.fd = life->fd, .events = POLLIN},
			     {.fd = life->child_fd, .events = POLLIN}};
	for (bool alive = !code; alive;) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[1].revents) {
			ssize_t n = read(life->child_fd, told, sizeof(told));
			(void)n; /* which of them is what wards_reap() asks the kernel */
			wards_reap(&life->wards);
		}
		if (p[0].revents)
			alive = serve(life);
	}
	end_all(&life->wards);
	_exit(0);
}
