// SPDX-License-Identifier: GPL-3.0-or-later
/* The keeper: its gate holds, its children find what they are to find, its words are clear. */
#include <dirent.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/agent/guest/keeper_bench.h"

static void test_gate_holds(void **state)
{
	int out[2];
	struct child_status status;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	autoclean(child) struct child *child = spawn_script(*state, "echo ran; exit 7", out[1]);
	close(out[1]);
	struct pollfd p = {.fd = out[0], .events = POLLIN};
	assert_int_equal(poll(&p, 1, 100), 0);
	autofree char *name = proc_file(child_pid(child), "comm");
	assert_string_equal(name, "assay-gated\n");
	assert_int_equal(child_wait(child, in_ns(0), &status, NULL), -ETIMEDOUT);
	go(child);
	autofree char *text = read_all(out[0]);
	assert_string_equal(text, "ran\n");
	assert_int_equal(child_wait(child, in_ns(5ull * SECOND_NS), &status, NULL), 0);
	assert_int_equal(status.code, 7);
	assert_int_equal(child_go(child, NULL), -EALREADY);
	close(out[0]);
}

/* The gate's purpose: a counter is there before the first instruction after the exec. */
static void test_counts_from_exec_on(void **state)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_SOFTWARE,
				       .size = sizeof(attr),
				       .config = PERF_COUNT_SW_TASK_CLOCK,
				       .disabled = 1,
				       .inherit = 1,
				       .enable_on_exec = 1,
				       .exclude_kernel = 1};
	struct child_status status;
	uint64_t before = 1, after = 0;
	autoclean(child) struct child *child = spawn_script(
		*state, "i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done", -1);
	autoclose int fd = (int)syscall(SYS_perf_event_open, &attr, child_pid(child), -1, -1, 0);
	if (fd < 0) {
		print_message("   perf_event_open: %s\n", strerror(errno));
		skip();
	}
	assert_int_equal(read(fd, &before, sizeof(before)), sizeof(before));
	assert_int_equal(before, 0);
	go(child);
	assert_int_equal(child_wait(child, in_ns(10ull * SECOND_NS), &status, NULL), 0);
	assert_int_equal(read(fd, &after, sizeof(after)), sizeof(after));
	assert_true(after > NSEC_PER_MSEC);
	assert_true(status.user_ns + status.system_ns > NSEC_PER_MSEC);
}

static char *write_file(const char *folder, const char *name, const char *text, unsigned mode)
{
	char *path = file_join(folder, name);
	assert_int_equal(file_write_atomic(path, text, strlen(text), mode, NULL), 0);
	return path;
}

static void test_exec_errors_name_the_program(void **state)
{
	char folder[] = "/tmp/assay-keeper-XXXXXX";
	assert_non_null(mkdtemp(folder));
	autofree char *plain = write_file(folder, "plain", "data\n", 0644);
	free(write_file(folder, "script", "echo a shell took it\n", 0755));
	autofree char *path = xasprintf("PATH=/nowhere:%s", folder);
	const struct {
		const char *why, *program;
		int code;
		const char *says;
	} cases[] = {
		{"not in PATH", "no-such-program", ENOENT, "'no-such-program': no such program in"},
		{"not there", "/no/such/program", ENOENT, "'/no/such/program'"},
		{"not executable", plain, EACCES, plain},
		{"not executable, by PATH", "plain", EACCES, "'plain'"},
		{"a folder", folder, EACCES, folder},
		{"no shell for what is no program", "script", ENOEXEC, "'script'"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const char *argv[] = {cases[i].program, NULL}, *child_env[] = {path, NULL};
		struct child_spec spec = {.argv = argv,
					  .env = child_env,
					  .stdin_fd = -1,
					  .stdout_fd = -1,
					  .stderr_fd = -1};
		autoclean(child) struct child *child = NULL;
		struct err err = ERR_NONE;
		print_message("   %s\n", cases[i].why);
		assert_int_equal(keeper_spawn(*state, &spec, &child, &err), 0);
		assert_int_equal(child_go(child, &err), -cases[i].code);
		if (!strstr(err.text, cases[i].says))
			fail_msg("'%s' does not say %s", err.text, cases[i].says);
	}
	file_remove_tree(folder, NULL);
}

static void test_spawn_errors(void **state)
{
	autofree char *long_word = xmalloc(200 * 1024);
	memset(long_word, 'x', 200 * 1024 - 1);
	long_word[200 * 1024 - 1] = '\0';
	const char *ok[] = {"true", NULL}, *none[] = {NULL}, *large[] = {"true", long_word, NULL};
	const int no_cpu[] = {1000}, absurd_cpu[] = {70000}, many_fds[20] = {0};
	const struct {
		const char *why;
		struct child_spec spec;
		int code;
		const char *says;
	} cases[] = {
		{"no program", {.argv = none, .env = env}, EINVAL, "argv is empty"},
		{"no folder", {.argv = ok, .env = env, .folder = "/no/where"}, ENOENT, "/no/where"},
		{"no such CPU",
		 {.argv = ok, .env = env, .cpus = no_cpu, .n_cpus = 1},
		 EINVAL,
		 "'true' on its CPUs"},
		{"no CPU has that number",
		 {.argv = ok, .env = env, .cpus = absurd_cpu, .n_cpus = 1},
		 ERANGE,
		 "CPU 70000"},
		{"too long", {.argv = large, .env = env}, E2BIG, "131072"},
		{"too many descriptors",
		 {.argv = ok, .env = env, .more_fds = many_fds, .n_more_fds = 20},
		 E2BIG,
		 "not 20"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct child_spec spec = cases[i].spec;
		struct child *child = NULL;
		struct err err = ERR_NONE;
		spec.stdin_fd = spec.stdout_fd = spec.stderr_fd = -1;
		print_message("   %s\n", cases[i].why);
		assert_int_equal(keeper_spawn(*state, &spec, &child, &err), -cases[i].code);
		assert_null(child);
		if (!strstr(err.text, cases[i].says))
			fail_msg("'%s' does not say %s", err.text, cases[i].says);
	}
	/* and it still works */
	autoclean(child) struct child *child = spawn(*state, ok, -1);
	go(child);
}

static void test_long_arguments_arrive(void **state)
{
	enum { SIZE = 120 * 1024 };
	autofree char *word = xmalloc(SIZE + 1);
	memset(word, 'y', SIZE);
	word[SIZE] = '\0';
	int out[2];
	const char *argv[] = {"/bin/sh", "-c", "echo ${#1}", "sh", word, NULL};
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	autoclean(child) struct child *child = spawn(*state, argv, out[1]);
	close(out[1]);
	go(child);
	autofree char *text = read_all(out[0]);
	assert_int_equal(atoi(text), SIZE);
	close(out[0]);
}

static void test_child_finds_what_it_was_given(void **state)
{
	int out[2];
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	autoclean(child) struct child *child = spawn_script(
		*state, "pwd; env | sort; cat; ulimit -c", out[1]);
	close(out[1]);
	go(child);
	autofree char *text = read_all(out[0]);
	assert_non_null(strstr(text, "/\nASSAY_AGENT=test-keeper-tag\nASSAY_CHILD=0000"));
	assert_non_null(strstr(text, "LANG=C\nPATH=/usr/bin:/bin\nPWD=/\n"));
	assert_true(text_starts(text + strlen(text) - 2, "0\n")); /* no core */
	close(out[0]);
}

static size_t count_fds(pid_t pid)
{
	autofree char *path = xasprintf("/proc/%d/fd", pid);
	DIR *dir = opendir(path);
	size_t n = 0;
	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));)
		n += e->d_name[0] != '.';
	closedir(dir);
	return n;
}

static void test_child_inherits_nothing_else(void **state)
{
	const char *argv[] = {"sleep", "600", NULL};
	sigset_t term, old;
	int more[2], open_to_all = dup(2); /* without CLOEXEC */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &old);
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe2(more, O_CLOEXEC), 0);
	struct child_spec spec = {.argv = argv,
				  .env = env,
				  .stdin_fd = -1,
				  .stdout_fd = -1,
				  .stderr_fd = -1,
				  .more_fds = more,
				  .n_more_fds = 2};
	autoclean(child) struct child *child = NULL;
	assert_int_equal(keeper_spawn(*state, &spec, &child, NULL), 0);
	assert_int_equal(count_fds(child_pid(child)), 6); /* and its gate */
	go(child);
	assert_int_equal(count_fds(child_pid(child)), 5);
	autofree char *link = xasprintf("/proc/%d/fd/4", child_pid(child));
	struct stat its, ours;
	assert_int_equal(stat(link, &its), 0);
	assert_int_equal(fstat(more[1], &ours), 0);
	assert_int_equal(its.st_ino, ours.st_ino);
	autofree char *status = proc_file(child_pid(child), "status");
	assert_non_null(strstr(status, "\nSigBlk:\t0000000000000000\n"));
	assert_non_null(strstr(status, "\nSigIgn:\t0000000000000000\n"));
	sigprocmask(SIG_SETMASK, &old, NULL);
	signal(SIGPIPE, SIG_DFL);
	close(more[0]);
	close(more[1]);
	close(open_to_all);
}

static void test_affinity(void **state)
{
	const char *argv[] = {"sleep", "600", NULL};
	cpu_set_t own, its;
	int cpu = 0;
	assert_int_equal(sched_getaffinity(0, sizeof(own), &own), 0);
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &own))
			cpu = i; /* the last that we may use */
	struct child_spec spec = {.argv = argv,
				  .env = env,
				  .stdin_fd = -1,
				  .stdout_fd = -1,
				  .stderr_fd = -1,
				  .cpus = &cpu,
				  .n_cpus = 1};
	autoclean(child) struct child *child = NULL;
	assert_int_equal(keeper_spawn(*state, &spec, &child, NULL), 0);
	go(child);
	assert_int_equal(sched_getaffinity(child_pid(child), sizeof(its), &its), 0);
	assert_int_equal(CPU_COUNT(&its), 1);
	assert_true(CPU_ISSET(cpu, &its));
}

static void test_status(void **state)
{
	static const uint64_t mib = 1 << 20;
	static const struct {
		const char *why, *script;
		int code, signal;
		uint64_t least_rss_mib, most_rss_mib;
	} cases[] = {
		{"success", "exit 0", 0, 0, 0, 60},
		{"failure", "exit 3", 3, 0, 0, 60},
		{"the largest code", "exit 255", 255, 0, 0, 60},
		{"a signal", "kill -SEGV $$", 0, SIGSEGV, 0, 60},
		{"SIGKILL", "kill -KILL $$", 0, SIGKILL, 0, 60},
		{"memory of the process", "exec dd if=/dev/zero of=/dev/null bs=96M count=1", 0, 0,
		 96, 130},
		{"memory of a child that it waited for",
		 "dd if=/dev/zero of=/dev/null bs=96M count=1; exit 0", 0, 0, 96, 130},
		{"memory of one that it left to us",
		 ": $( (setsid dd if=/dev/zero of=/dev/null bs=96M count=1 2>&1 &) )", 0, 0, 96,
		 130},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autoclean(child) struct child *child = spawn_script(*state, cases[i].script, -1);
		struct child_status s;
		go(child);
		print_message("   %s\n", cases[i].why);
		assert_int_equal(child_wait(child, in_ns(10ull * SECOND_NS), &s, NULL), 0);
		assert_int_equal(child_kill_tree(child, NULL), 0);
		assert_int_equal(child_wait(child, in_ns(10ull * SECOND_NS), &s, NULL), 0);
		assert_int_equal(s.code, cases[i].code);
		assert_int_equal(s.signal, cases[i].signal);
		assert_in_range(s.max_rss_bytes, cases[i].least_rss_mib * mib + 1,
				cases[i].most_rss_mib * mib);
	}
}

static void test_signal_reaches_the_group(void **state)
{
	int out[2];
	struct child_status s;
	pid_t pids[2];
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	autoclean(child) struct child *child = spawn_script(
		*state, "sleep 600 & echo $$; echo $!; wait", out[1]);
	close(out[1]);
	go(child);
	read_pids(out[0], pids, 2);
	assert_int_equal(child_signal(child, SIGTERM), 0);
	assert_int_equal(child_wait(child, in_ns(5ull * SECOND_NS), &s, NULL), 0);
	assert_int_equal(s.signal, SIGTERM);
	assert_true(gone_within(pids[1], SECOND_NS));
	assert_int_equal(child_signal(child, SIGTERM), 0); /* to nobody */
	close(out[0]);
}

static void test_keeper_is_not_taken_for_the_agent(void **state)
{
	autofree char *name = proc_file(keeper_pid(*state), "comm");
	autofree char *line = proc_file(keeper_pid(*state), "cmdline");
	autofree char *own = proc_file(getpid(), "cmdline");
	struct proc p;
	assert_string_equal(name, "assay-keeper\n");
	assert_string_equal(line, "assay-keeper");
	assert_string_not_equal(own, line); /* ours stays */
	assert_true(proc_read(keeper_pid(*state), &p));
	assert_int_equal(p.session, keeper_pid(*state));
	kill(keeper_pid(*state), SIGINT);
	kill(keeper_pid(*state), SIGTERM);
	kill(keeper_pid(*state), SIGHUP);
	const char *argv[] = {"true", NULL};
	autoclean(child) struct child *child = spawn(*state, argv, -1);
	go(child);
}

static void test_keeper_holds_no_files_of_the_agent(void **state)
{
	int held[2];
	char byte;
	struct keeper *k = NULL;
	(void)state;
	assert_int_equal(pipe2(held, O_CLOEXEC), 0);
	assert_int_equal(keeper_start(tag, &k, NULL), 0);
	close(held[1]);
	/* its end comes only once nobody else has it */
	assert_int_equal(deadline_wait_readable(held[0], in_ns(5ull * SECOND_NS), -1), 0);
	assert_int_equal(read(held[0], &byte, 1), 0);
	close(held[0]);
	keeper_stop(k);
}

static void test_as_many_as_it_can_hold(void **state)
{
	struct child *children[65] = {0};
	const char *argv[] = {"true", NULL};
	struct child_spec spec = {
		.argv = argv, .env = env, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};
	struct err err = ERR_NONE;
	for (int i = 0; i < 64; i++)
		children[i] = spawn(*state, argv, -1);
	assert_int_equal(keeper_spawn(*state, &spec, &children[64], &err), -EAGAIN);
	assert_non_null(strstr(err.text, "64 guests"));
	for (int i = 0; i < 64; i++)
		child_free(children[i]);
	children[64] = spawn(*state, argv, -1);
	child_free(children[64]);
}

static uint64_t best_spawn_ns(struct keeper *k)
{
	const char *argv[] = {"true", NULL};
	uint64_t best_ns = UINT64_MAX;
	for (int i = 0; i < 15; i++) {
		uint64_t from_ns = clock_raw_ns();
		struct child *child = spawn(k, argv, -1);
		uint64_t took_ns = clock_raw_ns() - from_ns;
		child_free(child);
		best_ns = took_ns < best_ns ? took_ns : best_ns;
	}
	return best_ns;
}

static uint64_t best_fork_ns(void)
{
	uint64_t best_ns = UINT64_MAX;
	for (int i = 0; i < 5; i++) {
		uint64_t from_ns = clock_raw_ns();
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		uint64_t took_ns = clock_raw_ns() - from_ns;
		waitpid(pid, NULL, 0);
		best_ns = took_ns < best_ns ? took_ns : best_ns;
	}
	return best_ns;
}

/* Side by side in one process, so that the machine's speed cancels out. */
static void test_spawn_stays_cheap_in_a_large_agent(void **state)
{
	enum { SIZE = 512 << 20 };
	uint64_t small_ns = best_spawn_ns(*state), small_fork_ns = best_fork_ns();
	char *memory = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(memory, MAP_FAILED);
	madvise(memory, SIZE, MADV_NOHUGEPAGE);
	for (size_t i = 0; i < SIZE; i += 4096)
		memory[i] = 1;
	uint64_t large_ns = best_spawn_ns(*state), large_fork_ns = best_fork_ns();
	munmap(memory, SIZE);
	print_message("   spawn %.0f -> %.0f us, bare fork %.0f -> %.0f us\n",
		      (double)small_ns / 1e3, (double)large_ns / 1e3, (double)small_fork_ns / 1e3,
		      (double)large_fork_ns / 1e3);
	assert_true(large_ns < 3 * small_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEEPER_TEST(test_gate_holds),
		KEEPER_TEST(test_counts_from_exec_on),
		KEEPER_TEST(test_exec_errors_name_the_program),
		KEEPER_TEST(test_spawn_errors),
		KEEPER_TEST(test_long_arguments_arrive),
		KEEPER_TEST(test_child_finds_what_it_was_given),
		KEEPER_TEST(test_child_inherits_nothing_else),
		KEEPER_TEST(test_affinity),
		KEEPER_TEST(test_status),
		KEEPER_TEST(test_signal_reaches_the_group),
		KEEPER_TEST(test_keeper_is_not_taken_for_the_agent),
		cmocka_unit_test(test_keeper_holds_no_files_of_the_agent),
		KEEPER_TEST(test_as_many_as_it_can_hold),
		KEEPER_TEST(test_spawn_stays_cheap_in_a_large_agent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
