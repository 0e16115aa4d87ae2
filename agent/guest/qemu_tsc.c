// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/guest/qemu_tsc.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "agent/guest/deadline.h"
#include "agent/guest/qemu_args.h"
#include "proto/base/clock.h"

#if defined(__x86_64__) || defined(__i386__)
#include <x86intrin.h>
#endif

/* Linux Documentation/arch/x86/boot.rst: offset 0x202 of every bzImage. */
static const char bzimage_magic[] = "HdrS";
enum { BZIMAGE_MAGIC_OFFSET = 0x202 };
static const char elf_magic[] = "\177ELF";

static bool holds(int fd, off_t offset, const char *magic)
{
	char bytes[8];
	size_t size = strlen(magic);
	return pread(fd, bytes, size, offset) == (ssize_t)size && memcmp(bytes, magic, size) == 0;
}

/* An uncompressed vmlinux looks like any ELF; what it is given to boot from tells it from a
 * unikernel, to which the word would do no harm either. */
static bool is_linux(const struct guest_spec *spec)
{
	if (!spec->kernel)
		return false;
	autoclose int fd = open(spec->kernel, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	bool boots_from = (spec->initrd && *spec->initrd) ||
			  (spec->append && strstr(spec->append, "root="));
	return holds(fd, BZIMAGE_MAGIC_OFFSET, bzimage_magic) ||
	       (boots_from && holds(fd, 0, elf_magic));
}

static bool runs_on_virtual_time(const struct guest_spec *spec)
{
	for (char **a = spec->args; a && *a; a++)
		if (strcmp(*a, "-icount") == 0 || strcmp(*a, "--icount") == 0)
			return true;
	return false;
}

bool qemu_tsc_is_needed(const struct guest_spec *spec)
{
	return qemu_args_is_microvm(spec) && spec->accel && strcmp(spec->accel, "tcg") == 0 &&
	       !(spec->append && strstr(spec->append, "tsc_early_khz=")) &&
	       !runs_on_virtual_time(spec) && is_linux(spec);
}

#if defined(__x86_64__) || defined(__i386__)
enum { TRIES = 16, SPAN_NS = 10000000 };

struct tick {
	uint64_t ticks, ns, width_ns;
};

/* The clock just before and after the ticks; the narrowest of some tries was not interrupted. */
static struct tick tick_now(void)
{
	struct tick best = {.width_ns = UINT64_MAX};
	for (int i = 0; i < TRIES; i++) {
		uint64_t before_ns = clock_raw_ns();
		uint64_t ticks = __rdtsc();
		uint64_t width_ns = clock_raw_ns() - before_ns;
		if (width_ns < best.width_ns)
			best = (struct tick){ticks, before_ns + width_ns / 2, width_ns};
	}
	return best;
}

uint64_t qemu_tsc_host_khz(void)
{
	struct tick from = tick_now();
	deadline_pause(SPAN_NS);
	struct tick to = tick_now();
	if (to.ticks <= from.ticks || to.ns <= from.ns)
		return 0;
	/* 10 ms of ticks and 10^6 fit into 64 bits by far. */
	return (to.ticks - from.ticks) * 1000000 / (to.ns - from.ns);
}
#else
uint64_t qemu_tsc_host_khz(void)
{
	return 0;
}
#endif
