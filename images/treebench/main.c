// SPDX-License-Identifier: GPL-3.0-or-later
/* main - treebench as a Linux process: parameters are the arguments, all output goes to stdout.
 *
 * The arena is address space only until it is used, so its size costs nothing. But it must not be
 * larger than the memory behind it: a machine without swap that runs out drops the pages of its
 * programs, and then crawls for minutes instead of ending. The defaults use 11 MiB. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "images/treebench/text.h"
#include "images/treebench/treebench.h"
#include "proto/stamp/assay_stamp.h"

#define ARENA_MAX ((size_t)384 << 20) /* what a guest of 512 MiB can give */

/* Seven eighths of what Linux could give now, at most ARENA_MAX. */
static size_t arena_bytes(void)
{
	FILE *file = fopen("/proc/meminfo", "re");
	size_t available_kib, bytes = ARENA_MAX;
	char line[128];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "MemAvailable: %zu kB", &available_kib) == 1) {
			size_t share = available_kib / 8 * 7 * 1024;

			bytes = share < ARENA_MAX ? share : ARENA_MAX;
			break;
		}
	}
	if (file)
		fclose(file);
	return bytes;
}

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

static void stamp_stage(enum treebench_stage stage)
{
	assay_stamp(stage + 1);
}

/* Where nobody asks for stamps this does nothing, and a ring that is none is not our trouble. */
static void open_stamps(void)
{
	static const char *const names[TREEBENCH_STAGES] = {
		[TREEBENCH_INIT_BEGIN] = "init-begin",
		[TREEBENCH_RUN_BEGIN] = "run-begin",
		[TREEBENCH_RUN_END] = "run-end",
	};

	assay_stamp_open();
	for (uint32_t i = 0; i < TREEBENCH_STAGES; i++)
		assay_stamp_name(i + 1, names[i]);
}

int main(int argc, char **argv)
{
	int out = STDOUT_FILENO, complaints = STDERR_FILENO;
	struct treebench_platform platform = {
		.arena_len = arena_bytes(),
		.write = write_fd,
		.ctx = &out,
		.reached = stamp_stage,
	};
	struct options options = options_default;
	struct text why = {.len = 0};

	for (int i = 1; i < argc; i++) {
		if (options_word(&options, argv[i], strlen(argv[i]), &why) < 0) {
			write_fd(&complaints, why.bytes, why.len);
			return TREEBENCH_USAGE;
		}
	}
	platform.arena = mmap(NULL, platform.arena_len, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (platform.arena == MAP_FAILED) {
		fprintf(stderr, "treebench: map an arena of %zu bytes: %s\n", platform.arena_len,
			strerror(errno));
		return TREEBENCH_FAILED;
	}
	open_stamps();
	return treebench_run(&platform, &options);
}
