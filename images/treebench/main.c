// SPDX-License-Identifier: GPL-3.0-or-later
/* main - treebench as a Linux process: parameters are the arguments, all output goes to stdout.
 *
 * The arena is address space only until it is used, so its size costs nothing. 384 MiB is what a
 * guest of 512 MiB can give, and the defaults use about 20 MiB of it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "images/treebench/text.h"
#include "images/treebench/treebench.h"

#define ARENA_BYTES ((size_t)384 << 20)

static void write_fd(void *ctx, const char *bytes, size_t len)
{
	const int fd = *(const int *)ctx;

	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			_exit(TREEBENCH_FAILED); /* nobody is left to be told */
		bytes += n;
		len -= (size_t)n;
	}
}

int main(int argc, char **argv)
{
	int out = STDOUT_FILENO, complaints = STDERR_FILENO;
	struct treebench_platform platform = {
		.arena_len = ARENA_BYTES,
		.write = write_fd,
		.ctx = &out,
	};
	struct options options = options_default;
	struct text why = {.len = 0};

	for (int i = 1; i < argc; i++) {
		if (options_word(&options, argv[i], strlen(argv[i]), &why) < 0) {
			write_fd(&complaints, why.bytes, why.len);
			return TREEBENCH_USAGE;
		}
	}
	platform.arena = mmap(NULL, ARENA_BYTES, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (platform.arena == MAP_FAILED) {
		fprintf(stderr, "treebench: map an arena of %zu bytes: %s\n", ARENA_BYTES,
			strerror(errno));
		return TREEBENCH_FAILED;
	}
	return treebench_run(&platform, &options);
}
