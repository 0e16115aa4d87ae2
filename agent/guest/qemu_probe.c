// SPDX-License-Identifier: GPL-3.0-or-later
/* qemu_probe - asks QEMU for its version and /dev/kvm for its API's.
 *
 * A /dev/kvm that answers is no proof that a given guest runs: nested and para-virtualised hosts
 * emulate part of it. Only booting the guest tells. */
#include "agent/guest/qemu_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "agent/guest/deadline.h"
#include "proto/base/clock.h"
#include "proto/base/text.h"

static const char program[] = "qemu-system-x86_64";
static const char install[] = "install QEMU: apt install qemu-system-x86";

enum { VERSION_NS = 5000000000, VERSION_LIMIT_BYTES = 4096 };

/* All that the program prints before it ends, or until it is no longer waited for. */
static void read_output(int fd, struct text *ret)
{
	uint64_t deadline_ns = clock_monotonic_ns() + VERSION_NS;
	char bytes[512];
	ssize_t n;
	while (ret->size < VERSION_LIMIT_BYTES &&
	       deadline_wait_readable(fd, deadline_ns, -1) == 0 &&
	       ((n = read(fd, bytes, sizeof(bytes))) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0)
			text_add_bytes(ret, bytes, (size_t)n);
}

/* Returns 0 or the errno of not being able to run it. */
static int run_version(struct text *ret)
{
	char name[sizeof(program)], option[] = "--version";
	char *argv[] = {name, option, NULL};
	posix_spawn_file_actions_t actions;
	int pair[2];
	pid_t pid;
	memcpy(name, program, sizeof(program));
	if (pipe2(pair, O_CLOEXEC) < 0)
		return errno;
	autoclose int out = pair[0];
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&actions, pair[1], 1);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	int code = posix_spawnp(&pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(pair[1]);
	if (code)
		return code;
	read_output(out, ret);
	kill(pid, SIGKILL); /* ours until it is waited for; one that hangs would be for ever */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return 0;
}

/* "QEMU emulator version 7.2.22 (Debian ...)\n..." -> "7.2.22 (Debian ...)"; NULL: not that. */
static const char *version_in(char *output)
{
	char *at = output ? strstr(output, " version ") : NULL;
	if (!at)
		return NULL;
	at += strlen(" version ");
	at[strcspn(at, "\r\n")] = '\0';
	return at;
}

static void probe_program(struct host_info *info)
{
	autotext struct text output = {0};
	char detail[240];
	int code = run_version(&output);
	const char *version = version_in(output.data);
	if (code) {
		snprintf(detail, sizeof(detail), "%s cannot be run: %s", program, strerror(code));
		host_capability(info, "guest.qemu", false, detail, install);
	} else if (!version) {
		snprintf(detail, sizeof(detail), "%s --version does not say its version", program);
		host_capability(info, "guest.qemu", false, detail, install);
	} else {
		snprintf(detail, sizeof(detail), "%s %.180s", program, version);
		host_capability(info, "guest.qemu", true, detail, NULL);
		host_fact(info, "qemu.version", "%.200s", version);
	}
}

static void probe_kvm(struct host_info *info)
{
	char detail[240];
	autoclose int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		int code = errno;
		snprintf(detail, sizeof(detail), "/dev/kvm cannot be opened: %s", strerror(code));
		host_capability(info, "kvm", false, detail,
				code == EACCES || code == EPERM
					? "add the agent's user to the group kvm"
					: "turn virtualisation on in the firmware, then modprobe "
					  "kvm_intel or kvm_amd");
		return;
	}
	int version = ioctl(fd, KVM_GET_API_VERSION, 0);
	bool known = version == KVM_API_VERSION;
	snprintf(detail, sizeof(detail), "/dev/kvm %s version %d%s",
		 known ? "answers with API" : "answers with an unknown API", version,
		 known ? "; whether a guest runs natively is known once it has booted" : "");
	host_capability(info, "kvm", known, detail, NULL);
}

void qemu_probe(const struct host_root *root, struct host_info *info)
{
	static const char captured[] = "a captured host runs nothing";
	if (root->real) {
		probe_program(info);
		probe_kvm(info);
	} else {
		host_capability(info, "guest.qemu", false, captured, NULL);
		host_capability(info, "kvm", false, captured, NULL);
	}
}
