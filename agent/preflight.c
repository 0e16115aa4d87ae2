// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/preflight.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "agent/accel.h"
#include "agent/guest/guest.h"
#include "agent/host/host.h"
#include "agent/images.h"
#include "agent/meter/meter.h"
#include "proto/base/mem.h"

__attribute__((format(printf, 4, 5))) static void problem(struct msg_preflight_reply *reply,
							  const char *key, bool fatal,
							  const char *fmt, ...)
{
	va_list ap;
	struct preflight_problem *p = ARRAY_PUSH(reply->problems, reply->n_problems);
	STRCPY_FIXED(p->key, key);
	p->fatal = fatal;
	va_start(ap, fmt);
	vsnprintf(p->text, sizeof(p->text), fmt, ap);
	va_end(ap);
}

static void check_counters(const struct run_env *env, const struct run_spec *spec,
			   struct msg_preflight_reply *reply)
{
	struct err err = ERR_NONE;
	for (size_t i = 0; i < strv_count(spec->measure.counters); i++) {
		char key[64];
		snprintf(key, sizeof(key), "measure.counters.%zu", i);
		if (meter_check_event(env->root, spec->measure.counters[i], &err) < 0)
			problem(reply, key, true, "%s", err.text);
	}
}

static void check_guest(const struct run_spec *spec, struct msg_preflight_reply *reply)
{
	struct err err = ERR_NONE;
	const struct guest_driver *driver;
	char key[NAME_SIZE + 16];
	snprintf(key, sizeof(key), "guests.%s", spec->guest.name);
	if (guest_driver_find(spec->guest.driver, &driver, &err) < 0 ||
	    driver->check(&spec->guest, &err) < 0)
		problem(reply, key, true, "%s", err.text);
}

static void check_images(const struct run_env *env, const struct run_spec *spec,
			 struct msg_preflight_reply *reply)
{
	struct err err = ERR_NONE;
	autofree void *bytes = NULL;
	size_t size;
	autoclean(run_spec) struct run_spec *copy = NULL;
	spec_encode(spec, &bytes, &size);
	if (spec_decode(bytes, size, &copy, &err) < 0 ||
	    images_resolve(&copy->guest, env->hash_cache, &err) < 0)
		problem(reply, "images", true, "%s", err.text);
}

static void check_place(const struct run_env *env, const struct run_spec *spec,
			struct msg_preflight_reply *reply)
{
	struct err err = ERR_NONE;
	struct place place = {0};
	if (host_place(env->root, &spec->place, &place, &err) < 0)
		problem(reply, "host.cpus", true, "%s", err.text);
	else if (place.shared)
		problem(reply, "host.cpus", false, "%s", place.why);
	place_done(&place);
}

static bool has_fatal(const struct msg_preflight_reply *reply)
{
	for (size_t i = 0; i < reply->n_problems; i++)
		if (reply->problems[i].fatal)
			return true;
	return false;
}

static void choose_accelerator(const struct run_env *env, const struct run_spec *spec,
			       struct msg_preflight_reply *reply)
{
	struct err err = ERR_NONE;
	struct accel_answer kvm = {0};
	const char *asked = spec->guest.accel ? spec->guest.accel : "auto";
	const char *cpu = spec->guest.cpu ? spec->guest.cpu : "auto";
	char key[NAME_SIZE + 16];
	snprintf(key, sizeof(key), "guests.%s", spec->guest.name);
	STRCPY_FIXED(reply->accel, "tcg");
	STRCPY_FIXED(reply->cpu, strcmp(cpu, "auto") == 0 ? "max" : cpu);
	if (strcmp(asked, "tcg") == 0)
		return;
	if (accel_probe_kvm(env, spec, &kvm, &err) < 0) {
		problem(reply, key, true, "%s", err.text);
	} else if (kvm.works) {
		STRCPY_FIXED(reply->accel, "kvm");
		STRCPY_FIXED(reply->cpu, kvm.cpu);
	} else {
		bool fatal = strcmp(asked, "kvm") == 0;
		problem(reply, key, fatal, "%s does not run under KVM on this host (%s)%s",
			spec->guest.name, kvm.why, fatal ? "; use accel: tcg" : "");
	}
}

void preflight(const struct run_env *env, const struct run_spec *spec,
	       struct msg_preflight_reply *reply)
{
	check_guest(spec, reply);
	check_counters(env, spec, reply);
	check_images(env, spec, reply);
	check_place(env, spec, reply);
	if (!has_fatal(reply) && strcmp(spec->guest.driver, "qemu") == 0)
		choose_accelerator(env, spec, reply);
}
