// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/accel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "agent/guest/guest.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

/* A guest that KVM runs natively reaches its first mark well inside this; one that hangs costs
 * this once for each CPU model, and is remembered. */
enum { PROBE_LIMIT_NS = 10000000000 };
enum { WHY_SHOWN = 160 }; /* of what is said of each CPU model */

/* "host" is what users expect of KVM; some hypervisors refuse MSRs of it and run qemu64. */
static const char *const cpu_models[] = {"host", "qemu64", NULL};

/* All that the answer depends on. */
static void memory_key(const struct run_env *env, const struct run_spec *spec,
		       char ret[HASH_HEX_SIZE])
{
	const struct guest_spec *g = &spec->guest;
	autotext struct text t = {0};
	struct host_info vmm = {0};
	struct utsname u;
	uname(&u);
	text_addf(&t, "3\n%s %s\n%s\n%s\n%s\n%u\n", u.release, u.version, g->driver,
		  g->machine ? g->machine : "", g->cpu ? g->cpu : "", g->vcpus);
	guest_qemu.probe(env->root, &vmm);
	const char *version = host_fact_value(&vmm, "qemu.version");
	text_addf(&t, "%s\n", version ? version : "");
	host_info_done(&vmm);
	for (size_t i = 0; i < g->n_images; i++)
		text_addf(&t, "%s\n", g->images[i].sha256);
	text_addf(&t, "%s\n", g->kernel ? g->kernel : "");
	for (char **a = g->args; a && *a; a++)
		text_addf(&t, "%s\n", *a);
	for (size_t i = 0; i < spec->n_windows; i++)
		text_addf(&t, "%s\n",
			  spec->windows[i].from.pattern ? spec->windows[i].from.pattern : "");
	hash_bytes(t.data, t.size, ret);
}

static bool remembered(const char *path, struct accel_answer *ret)
{
	autofree char *text = NULL;
	if (file_read(path, 4096, &text, NULL, NULL) < 0)
		return false;
	char *cpu = strchr(text, '\n'), *why = cpu ? strchr(cpu + 1, '\n') : NULL;
	if (!why || (text[0] != '0' && text[0] != '1'))
		return false;
	*cpu++ = *why++ = '\0';
	ret->works = text[0] == '1';
	STRCPY_FIXED(ret->cpu, cpu);
	why[strcspn(why, "\n")] = '\0';
	STRCPY_FIXED(ret->why, why);
	return true;
}

static void remember(const char *path, const struct accel_answer *answer)
{
	autofree char *text = xasprintf("%d\n%s\n%s\n", answer->works, answer->cpu, answer->why);
	file_write_atomic(path, text, strlen(text), 0600, NULL); /* asked again if it fails */
}

static bool is_cancelled(const struct run_env *env)
{
	struct pollfd p = {.fd = env->cancel_fd, .events = POLLIN};
	return env->cancel_fd >= 0 && poll(&p, 1, 0) > 0;
}

static const struct reason *find_reason(const struct attempt *a, const char *code)
{
	for (size_t i = 0; i < a->n_reasons; i++)
		if (strcmp(a->reasons[i].code, code) == 0)
			return &a->reasons[i];
	return NULL;
}

/* The guest got somewhere: to its first mark, or, where it has none to reach, to a clean end. */
static bool booted(const struct attempt *a)
{
	for (size_t i = 0; i < a->n_events; i++)
		if (strcmp(a->events[i].name, RUN_EVENT_REACHED) == 0)
			return true;
	return attempt_verdict(a) != VERDICT_INVALID && a->exited && a->exit_code == 0 &&
	       !a->exit_signal;
}

/* As much of it as fits, to the end of a word. */
static void cut(char *text, size_t size)
{
	if (strlen(text) < size)
		return;
	size_t end = size - sizeof("...");
	while (end && text[end] != ' ')
		end--;
	strcpy(text + end, "...");
}

/* What came of one -cpu, in one clause. */
static void add_why(struct accel_answer *answer, const char *cpu, const struct attempt *a)
{
	char clause[sizeof(a->reasons[0].text)];
	const struct reason *halted = find_reason(a, RUN_REASON_HALTED);
	if (halted)
		snprintf(clause, sizeof(clause), "%s", halted->text);
	else if (!a->n_reasons || find_reason(a, RUN_REASON_TIMEOUT))
		snprintf(clause, sizeof(clause), "did not reach its first mark in %.6g s",
			 PROBE_LIMIT_NS / 1e9);
	else
		snprintf(clause, sizeof(clause), "%s", a->reasons[0].text);
	cut(clause, WHY_SHOWN);
	size_t used = strlen(answer->why);
	snprintf(answer->why + used, sizeof(answer->why) - used, "%s-cpu %s: %s", used ? "; " : "",
		 cpu, clause);
}

static bool try_cpu(const struct run_env *env, const struct run_spec *spec, const char *cpu,
		    struct accel_answer *answer)
{
	autofree void *bytes = NULL;
	size_t size;
	autoclean(run_spec) struct run_spec *copy = NULL;
	autoclean(attempt) struct attempt *a = attempt_new();
	spec_encode(spec, &bytes, &size);
	if (spec_decode(bytes, size, &copy, NULL) < 0)
		return false;
	free(copy->guest.accel);
	copy->guest.accel = xstrdup("kvm");
	free(copy->guest.cpu);
	copy->guest.cpu = xstrdup(cpu);
	strv_free(take(copy->measure.counters));
	strv_free(take(copy->measure.energy));
	copy->measure.memory_every_ns = 0;
	copy->place = (struct place_spec){0};
	copy->timeout_ns = PROBE_LIMIT_NS;
	struct run_env quiet = *env;
	quiet.spool = NULL;
	quiet.on_state = NULL;
	run_execute(&quiet, copy, RUN_MODE_PROBE, a);
	if (booted(a))
		return true;
	add_why(answer, cpu, a);
	return false;
}

static bool kvm_can_be_opened(struct accel_answer *answer)
{
	autoclose int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (fd >= 0)
		return true;
	snprintf(answer->why, sizeof(answer->why), "/dev/kvm: %s", strerror(errno));
	return false;
}

static void try_models(const struct run_env *env, const struct run_spec *spec,
		       struct accel_answer *answer)
{
	const char *asked = spec->guest.cpu;
	const char *only[] = {asked, NULL};
	const char *const *models = asked && strcmp(asked, "auto") != 0 ? only : cpu_models;
	for (; *models && !answer->works && !is_cancelled(env); models++) {
		answer->works = try_cpu(env, spec, *models, answer);
		if (answer->works)
			STRCPY_FIXED(answer->cpu, *models);
	}
}

int accel_probe_kvm(const struct run_env *env, const struct run_spec *spec,
		    struct accel_answer *ret, struct err *err)
{
	char key[HASH_HEX_SIZE];
	struct accel_answer answer = {0};
	if (!kvm_can_be_opened(&answer)) { /* may be mended at any time: not remembered */
		*ret = answer;
		return 0;
	}
	memory_key(env, spec, key);
	autofree char *path = xasprintf("%s/kvm-%.32s", env->state_folder, key);
	if (!remembered(path, &answer)) {
		try_models(env, spec, &answer);
		if (is_cancelled(env))
			return err_say(err, ECANCELED, "cancelled while trying KVM");
		remember(path, &answer);
	}
	*ret = answer;
	return 0;
}
