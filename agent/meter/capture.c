// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/meter/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "proto/base/cleanup.h"
#include "proto/base/clock.h"
#include "proto/base/mem.h"

enum {
	PIPE_BYTES = 1 << 20,  /* the most an unprivileged process may ask for */
	CHUNK_BYTES = 1 << 16, /* one read: the pipe's content at one instant */
};
#define DEFAULT_LIMIT_BYTES (64ull << 20)
#define HIGHEST_LIMIT_BYTES (16ull << 30)

int capture_open(uint64_t limit_bytes, struct capture *ret, struct err *err)
{
	int ends[2];
	uint64_t limit = limit_bytes ? limit_bytes : DEFAULT_LIMIT_BYTES;
	if (limit > HIGHEST_LIMIT_BYTES)
		return err_say(err, EINVAL, "an output limit of %llu bytes; the highest is 16G",
			       (unsigned long long)limit);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return err_sys(err, errno, "make a pipe for the guest's output");
	autoclose int read_fd = ends[0], write_fd = ends[1];
	fcntl(read_fd, F_SETPIPE_SZ, PIPE_BYTES); /* smaller where the user's share is used up */
	if (fcntl(read_fd, F_SETFL, O_NONBLOCK) < 0)
		return err_sys(err, errno, "make the console's pipe non-blocking");
	size_t mapped = (size_t)limit + CHUNK_BYTES;
	void *bytes = mmap(NULL, mapped, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (bytes == MAP_FAILED)
		return err_sys(err, errno, "reserve %zu bytes for the guest's output", mapped);
	madvise(bytes, mapped, MADV_DONTFORK);
	madvise(bytes, mapped, MADV_NOHUGEPAGE); /* zeroing 2 MiB takes longer than any read */
	memset(bytes, 0, CHUNK_BYTES);		 /* what most guests print then costs no fault */
	*ret = (struct capture){
		.read_fd = take_fd(read_fd),
		.write_fd = take_fd(write_fd),
		.bytes = bytes,
		.mapped_bytes = mapped,
		.limit_bytes = (size_t)limit,
		.empty_ns = clock_raw_ns(),
	};
	return 0;
}

void capture_close(struct capture *c)
{
	if (c->read_fd >= 0)
		close(c->read_fd);
	if (c->write_fd >= 0)
		close(c->write_fd);
	if (c->bytes)
		munmap(c->bytes, c->mapped_bytes);
	*c = (struct capture){.read_fd = -1, .write_fd = -1};
}

size_t capture_read(struct capture *c, uint64_t *ret_lower_ns, uint64_t *ret_ns)
{
	ssize_t n;
	if (c->read_fd < 0)
		return 0;
	uint64_t before_ns = clock_raw_ns();
	do
		n = read(c->read_fd, c->bytes + c->size, CHUNK_BYTES);
	while (n < 0 && errno == EINTR);
	*ret_ns = clock_raw_ns();
	*ret_lower_ns = c->empty_ns;
	if (n < CHUNK_BYTES) /* less than was asked for: it was all there was */
		c->empty_ns = before_ns;
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0) {
		close(c->read_fd);
		c->read_fd = -1;
		return 0;
	}
	size_t kept = (size_t)n, room = c->limit_bytes - c->size;
	c->over = kept > room;
	kept = c->over ? room : kept;
	c->size += kept;
	return kept;
}

void *capture_copy(const struct capture *c)
{
	return xmemdup(c->bytes, c->size);
}
