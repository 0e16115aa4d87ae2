// SPDX-License-Identifier: GPL-3.0-or-later
/* init - process 1 of the Debian image: run one program and power off.
 *
 * Words of /proc/cmdline that begin with "treebench." become arguments of /usr/bin/treebench. The
 * root file system stays mounted read-only throughout, so there is nothing to save at the end.
 * Linked statically: it must also run when libc's files are what is being changed. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define PROGRAM		 "/usr/bin/treebench"
#define PREFIX		 "treebench."
#define COMMAND_LINE_MAX 4096 /* Linux allows 2048 on x86 */
#define WORDS_MAX	 64

static const struct {
	const char *type;
	const char *where;
} mounts[] = {
	{"proc", "/proc"},
	{"sysfs", "/sys"},
	{"tmpfs", "/tmp"},
};

/* Let what was printed leave the serial port, then switch off; the kernel panics if we return. */
static _Noreturn void power_off(void)
{
	fflush(stdout);
	tcdrain(STDOUT_FILENO);
	reboot(RB_POWER_OFF);
	printf("init: power off: %s\n", strerror(errno));
	for (;;)
		pause();
}

static _Noreturn void give_up(const char *what)
{
	printf("init: %s: %s\n", what, strerror(errno));
	power_off();
}

static void mount_all(void)
{
	for (size_t i = 0; i < sizeof(mounts) / sizeof(mounts[0]); i++)
		if (mount(mounts[i].type, mounts[i].where, mounts[i].type, 0, NULL) < 0)
			give_up(mounts[i].where);
}

static void read_command_line(char line[COMMAND_LINE_MAX])
{
	int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
	ssize_t len = fd < 0 ? -1 : read(fd, line, COMMAND_LINE_MAX - 1);

	if (len < 0)
		give_up("read /proc/cmdline");
	line[len] = '\0';
	close(fd);
}

/* The program's argument vector; it points into line, which is cut into words. */
static void pick_arguments(char *line, char *argv[WORDS_MAX])
{
	static char program[] = PROGRAM;
	char *rest = NULL;
	size_t n = 0;

	argv[n++] = program;
	for (char *word = strtok_r(line, " \n", &rest); word; word = strtok_r(NULL, " \n", &rest)) {
		if (strncmp(word, PREFIX, strlen(PREFIX)) != 0)
			continue;
		if (n == WORDS_MAX - 1) {
			errno = E2BIG;
			give_up("words for " PROGRAM);
		}
		argv[n++] = word;
	}
	argv[n] = NULL;
}

static int run(char *argv[])
{
	pid_t child = fork();
	int status;

	if (child < 0)
		give_up("fork");
	if (child == 0) {
		execv(PROGRAM, argv);
		printf("init: run %s: %s\n", PROGRAM, strerror(errno));
		fflush(stdout);
		_exit(127);
	}
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			give_up("wait for " PROGRAM);
	return status;
}

static void report(int status)
{
	if (WIFSIGNALED(status))
		printf("init: %s was killed by signal %d (%s)\n", PROGRAM, WTERMSIG(status),
		       strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		printf("init: %s ended with status %d\n", PROGRAM, WEXITSTATUS(status));
}

int main(void)
{
	char line[COMMAND_LINE_MAX];
	char *argv[WORDS_MAX];

	mount_all();
	read_command_line(line);
	pick_arguments(line, argv);
	report(run(argv));
	power_off();
}
