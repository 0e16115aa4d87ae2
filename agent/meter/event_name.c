// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/meter/event_name.h"

#include <errno.h>
#include <string.h>

#include "proto/base/mem.h"

enum { CORE_PMUS = 8 }; /* kinds of cores in one machine */

void event_def_done(struct event_def *def)
{
	for (size_t i = 0; i < def->n_codes; i++)
		free(def->codes[i].cpus);
	free(def->codes);
	*def = (struct event_def){0};
}

static int check_form(const char *name, struct err *err)
{
	if (!name[0])
		return err_say(err, EINVAL, "an event without a name");
	if (strlen(name) >= NAME_SIZE)
		return err_say(err, EINVAL, "event '%.40s...' is longer than %d letters", name,
			       NAME_SIZE - 1);
	for (const char *p = name; *p; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f)
			return err_say(err, EINVAL, "event '%s' has a blank or control letter",
				       name);
	return 0;
}

static int resolve(const struct host_root *root, const char *name, struct event_def *ret,
		   struct err *err)
{
	struct event_code hybrid[CORE_PMUS];
	if (strchr(name, '/'))
		return event_sysfs(root, name, ret, err);
	size_t n = event_sysfs_hybrid(root, hybrid, CORE_PMUS);
	int r = event_generic(name, hybrid, n, ret, err);
	if (r == -ENOENT && root->real)
		r = event_pfm(root, name, ret, err);
	if (r != -ENOENT)
		return r;
	if ((r = event_pfm_check(name, err)) < 0)
		return r;
	return err_say(err, ENODEV, "event '%s' belongs to a CPU or PMU that this host lacks",
		       name);
}

int event_resolve(const struct host_root *root, const char *name, struct event_def *ret,
		  struct err *err)
{
	struct event_def def = {0};
	struct err why = ERR_NONE;
	if (check_form(name, err) < 0)
		return err_code(err);
	STRCPY_FIXED(def.name, name);
	int r = resolve(root, name, &def, &why);
	if (r < 0) {
		event_def_done(&def);
		return err_say(err, -r, "%s", why.text);
	}
	*ret = def;
	return 0;
}

int event_check(const char *name, struct err *err)
{
	struct event_def def = {0};
	struct err why = ERR_NONE;
	if (check_form(name, err) < 0)
		return err_code(err);
	if (strchr(name, '/'))
		return event_sysfs_check(name, err);
	int r = event_generic(name, NULL, 0, &def, &why);
	event_def_done(&def);
	return r == -ENOENT ? event_pfm_check(name, err) : 0;
}
