// SPDX-License-Identifier: GPL-3.0-or-later
/* The keeper's trees end, whatever they try, and nothing outlives its agent. */
#include <errno.h>
#include <sys/wait.h>

#include "tests/agent/guest/keeper_bench.h"

/* Scripts that try to leave something behind; each prints the pids that must be gone. */
static const struct {
	const char *why;
	const char *script;
	size_t pids;
} trees[] = {
	{"one process", "echo $$; exec sleep 600", 1},
	{"a child in the background", "echo $$; sleep 600 & echo $!; wait", 2},
	{"a group that ignores SIGTERM", "trap '' TERM HUP; echo $$; sleep 600 & echo $!; wait", 2},
	{"a daemon: double fork, own session, its parent gone",
	 "(setsid sh -c 'echo $$; exec sleep 600' &) ; echo $$; exec sleep 600", 2},
	{"a daemon whose leader has ended too", "(setsid sh -c 'echo $$; exec sleep 600' &)", 1},
	{"a daemon without its environment",
	 "(env -i /usr/bin/setsid /bin/sh -c 'echo $$; exec /usr/bin/sleep 600' &)", 1},
	{"a stopped process", "sh -c 'echo $$; kill -STOP $$' & sleep 0.1; echo $$; exec sleep 600",
	 2},
	{"generations of daemons",
	 "(setsid sh -c '(setsid sh -c \"(setsid sh -c \\\"echo \\\\\\$\\\\\\$; exec sleep 600\\\" "
	 "&); echo \\$\\$; exec sleep 600\" &); echo $$; exec sleep 600' &)",
	 3},
};

static void test_trees_end(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(trees); i++) {
		int out[2];
		pid_t pids[4];
		struct err err = ERR_NONE;
		print_message("   %s\n", trees[i].why);
		assert_int_equal(pipe2(out, O_CLOEXEC), 0);
		autoclean(child) struct child *child = spawn_script(*state, trees[i].script,
								    out[1]);
		close(out[1]);
		go(child);
		read_pids(out[0], pids, trees[i].pids);
		assert_int_equal(child_kill_tree(child, &err), 0);
		for (size_t j = 0; j < trees[i].pids; j++)
			if (!is_gone(pids[j]))
				fail_msg("%s: %d is left", trees[i].why, pids[j]);
		close(out[0]);
	}
}

/* With two guests, what one left behind does not die with the other. */
static void test_two_trees_are_told_apart(void **state)
{
	static const char daemon[] =
		"(setsid sh -c 'echo $$; exec sleep 600' &); echo $$; exec sleep 600";
	int out[2][2];
	pid_t pids[2][2];
	struct child *children[2];
	for (int i = 0; i < 2; i++) {
		assert_int_equal(pipe2(out[i], O_CLOEXEC), 0);
		children[i] = spawn_script(*state, daemon, out[i][1]);
		close(out[i][1]);
		go(children[i]);
		read_pids(out[i][0], pids[i], 2);
		close(out[i][0]);
	}
	assert_int_equal(child_kill_tree(children[0], NULL), 0);
	assert_true(is_gone(pids[0][0]));
	assert_true(is_gone(pids[0][1]));
	assert_false(is_gone(pids[1][0]));
	assert_false(is_gone(pids[1][1]));
	child_free(children[0]);
	assert_false(is_gone(pids[1][0]));
	child_free(children[1]);
	assert_true(is_gone(pids[1][0]));
	assert_true(is_gone(pids[1][1]));
}

/* An agent in a process of its own: starts a guest that daemonises, tells the pids, and waits. */
static pid_t fork_agent(const char *agent_tag, bool open_gate, pid_t *ret_pids, size_t n_pids)
{
	int out[2];
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct keeper *k = NULL;
		if (keeper_start(agent_tag, &k, NULL) < 0)
			_exit(1);
		dprintf(out[1], "%d\n", keeper_pid(k));
		struct child *child = spawn_script(
			k, "(setsid sh -c 'echo $$; exec sleep 600' &); exec sleep 600", out[1]);
		dprintf(out[1], "%d\n", child_pid(child));
		if (open_gate)
			go(child);
		for (;;)
			pause();
	}
	close(out[1]);
	read_pids(out[0], ret_pids, n_pids);
	close(out[0]);
	return pid;
}

static void test_nothing_outlives_a_killed_agent(void **state)
{
	(void)state;
	for (int open_gate = 0; open_gate < 2; open_gate++) {
		pid_t pids[3];
		size_t n = open_gate ? 3 : 2; /* keeper, guest, its daemon */
		pid_t agent = fork_agent(tag, open_gate, pids, n);
		kill(agent, SIGKILL);
		uint64_t from_ns = clock_monotonic_ns();
		for (size_t i = 0; i < n; i++)
			if (!gone_within(pids[i], from_ns + SECOND_NS - clock_monotonic_ns()))
				fail_msg("process %zu (%d) is left after 1 s", i, pids[i]);
		waitpid(agent, NULL, 0);
	}
}

static void test_sweep_finds_what_a_killed_keeper_left(void **state)
{
	static const char other[] = "test-sweep-tag";
	pid_t pids[3];
	(void)state;
	pid_t agent = fork_agent(other, true, pids, 3);
	kill(pids[0], SIGKILL);
	assert_true(gone_within(pids[1], SECOND_NS)); /* parent-death signal */
	assert_false(is_gone(pids[2]));		      /* has none */
	kill(agent, SIGKILL);
	waitpid(agent, NULL, 0);
	assert_int_equal(keeper_sweep("test-sweep"), 0); /* a prefix is not the tag */
	assert_false(is_gone(pids[2]));
	assert_int_equal(keeper_sweep(other), 1);
	assert_true(is_gone(pids[2]));
	assert_int_equal(keeper_sweep(other), 0);
}

static void test_a_dead_keeper_is_said(void **state)
{
	struct keeper *k = NULL;
	struct child *child = NULL;
	const char *argv[] = {"sleep", "600", NULL};
	struct child_spec spec = {
		.argv = argv, .env = env, .stdin_fd = -1, .stdout_fd = -1, .stderr_fd = -1};
	struct err err = ERR_NONE;
	(void)state;
	assert_int_equal(keeper_start(tag, &k, NULL), 0);
	struct child *before = spawn(k, argv, -1);
	kill(keeper_pid(k), SIGKILL);
	assert_int_equal(keeper_spawn(k, &spec, &child, &err), -EPIPE);
	assert_non_null(strstr(err.text, "the keeper is gone"));
	assert_true(child_go(before, &err) < 0 || gone_within(child_pid(before), SECOND_NS));
	child_free(before);
	keeper_stop(k);
	assert_int_equal(keeper_start("", &k, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KEEPER_TEST(test_trees_end),
		KEEPER_TEST(test_two_trees_are_told_apart),
		cmocka_unit_test(test_nothing_outlives_a_killed_agent),
		cmocka_unit_test(test_sweep_finds_what_a_killed_keeper_left),
		cmocka_unit_test(test_a_dead_keeper_is_said),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
