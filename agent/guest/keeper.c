// SPDX-License-Identifier: GPL-3.0-or-later
/* keeper - the agent's side of the socket: starting the keeper, and one request after the other.
 *
 * Any thread may call; one request is under way at a time. The keeper never waits for a process,
 * so neither does a request. */
#include "agent/guest/keeper.h"

#include <errno.h>
#include <pthread.h>
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

/* The keeper answers within a look at /proc. Far more than that means that it hangs. */
enum { ANSWER_NS = 10000000000 };
/* ... and ends what it kept well inside this. */
enum { END_NS = 10000000000 };

struct keeper {
	int fd;
	pid_t pid;
	pthread_mutex_t mutex; /* one request and its reply */
	uint32_t sequence;
};

static int check_tag(const char *tag, struct err *err)
{
	if (!*tag || strlen(tag) >= KEEPER_TAG_SIZE)
		return err_say(err, EINVAL, "agent tag '%.90s': give 1 to %d characters", tag,
			       KEEPER_TAG_SIZE - 1);
	return 0;
}

pid_t keeper_pid(const struct keeper *keeper)
{
	return keeper->pid;
}

void keeper_stop(struct keeper *keeper)
{
	if (!keeper)
		return;
	close(keeper->fd); /* it ends all children, then itself */
	autoclose int fd = pidfd_open(keeper->pid, 0);
	if (fd >= 0 && deadline_wait_readable(fd, clock_monotonic_ns() + END_NS, -1) < 0)
		kill(keeper->pid, SIGKILL); /* its children's parent-death signal does the rest */
	while (waitpid(keeper->pid, NULL, 0) < 0 && errno == EINTR)
		;
	pthread_mutex_destroy(&keeper->mutex);
	free(keeper);
}

static int send_request(struct keeper *k, const struct keeper_request *request,
			const struct parcel *parcel, struct err *err)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int[KEEPER_FDS]))];
	} control = {0};
	struct iovec parts[] = {{(void *)(uintptr_t)request, sizeof(*request)},
				{(void *)(uintptr_t)parcel->strings, parcel->strings_bytes}};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = parcel->strings_bytes ? 2 : 1};
	if (parcel->n_fds) {
		size_t size = parcel->n_fds * sizeof(int);
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(size);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(size);
		memcpy(CMSG_DATA(&control.header), parcel->fds, size);
	}
	while (sendmsg(k->fd, &message, MSG_NOSIGNAL) < 0) {
		if (errno == EPIPE || errno == ECONNRESET)
			return err_say(err, EPIPE, "the keeper is gone; restart the agent");
		if (errno != EINTR)
			return err_sys(err, errno, "send to the keeper");
	}
	return 0;
}

static int receive_reply(struct keeper *k, struct keeper_reply *ret, int *ret_fd, struct err *err)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {ret, sizeof(*ret)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = sizeof(control.bytes)};
	if (deadline_wait_readable(k->fd, clock_monotonic_ns() + ANSWER_NS, -1) < 0)
		return err_say(err, ETIMEDOUT, "the keeper (process %d) does not answer", k->pid);
	ssize_t n;
	while ((n = recvmsg(k->fd, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
		;
	if (n != sizeof(*ret))
		return err_say(err, EPIPE, "the keeper is gone; restart the agent");
	struct cmsghdr *c = CMSG_FIRSTHDR(&message);
	*ret_fd = -1;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(c), sizeof(*ret_fd));
	return 0;
}

/* The keeper says on its own when it has its name, its session and its children's adoption. */
static int wait_set_up(struct keeper *k, struct keeper **ret, struct err *err)
{
	struct keeper_reply reply = {0};
	int fd, r = receive_reply(k, &reply, &fd, err);
	if (r == 0 && reply.err.code)
		r = err_say(err, reply.err.code, "%s", reply.err.text);
	if (r < 0)
		keeper_stop(k);
	else
		*ret = k;
	return r;
}

int keeper_start(const char *agent_tag, struct keeper **ret, struct err *err)
{
	int pair[2];
	if (check_tag(agent_tag, err) < 0)
		return err_code(err);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_sys(err, errno, "make the keeper's socket");
	autoclose int ours = pair[0], its = pair[1];
	pid_t pid = fork();
	if (pid < 0)
		return err_sys(err, errno, "fork the keeper");
	if (pid == 0)
		keeper_main(its, agent_tag);
	struct keeper *k = xcalloc(1, sizeof(*k));
	k->fd = take_fd(ours);
	k->pid = pid;
	pthread_mutex_init(&k->mutex, NULL);
	return wait_set_up(k, ret, err);
}

int keeper_call(struct keeper *k, struct keeper_request *request, const struct parcel *parcel,
		struct keeper_reply *reply, int *ret_fd, struct err *err)
{
	static const struct parcel nothing;
	autoclose int fd = -1;
	pthread_mutex_lock(&k->mutex);
	request->sequence = ++k->sequence;
	int r = send_request(k, request, parcel ? parcel : &nothing, err);
	while (r == 0) {
		cleanup_close(&fd);
		fd = -1;
		r = receive_reply(k, reply, &fd, err);
		if (reply->sequence == request->sequence) /* else: to one that was given up */
			break;
	}
	pthread_mutex_unlock(&k->mutex);
	if (r < 0)
		return r;
	if (reply->err.code)
		return err_say(err, reply->err.code, "%s", reply->err.text);
	if (ret_fd)
		*ret_fd = take_fd(fd);
	return 0;
}
