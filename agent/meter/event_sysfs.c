// SPDX-License-Identifier: GPL-3.0-or-later
/* event_sysfs - events as the PMUs of a host describe them, `pmu/event/` and `pmu/term=val/`.
 *
 * events/<name> is a list of terms; format/<term> says into which bits of which config word a
 * term's value goes, low bits first, over one or more ranges (Zen: event = config:0-7,32-35). A
 * value that is wider than its field is refused: cut, it would count something else.
 * Source: Documentation/ABI/testing/sysfs-bus-event_source-devices-{events,format}. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/meter/event_terms.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

#define DEVICES "bus/event_source/devices"

enum {
	CPUS = 4096,	    /* highest CPU number of a cpumask */
	FILE_SIZE = 4096,   /* one page: what sysfs gives */
	LISTED_NAMES = 300, /* bytes of names in an error */
};

/* The parts of "pmu/body/u". */
struct spelling {
	char pmu[NAME_SIZE];
	char body[NAME_SIZE];
	bool user_only, kernel_only;
};

static int spell(const char *name, struct spelling *ret, struct err *err)
{
	const char *open = strchr(name, '/'), *end = open ? strchr(open + 1, '/') : NULL;
	*ret = (struct spelling){0};
	if (!open)
		return err_say(err, ENOENT, "%s: not of the form pmu/event/", name);
	if (!end || end == open + 1 || strlen(name) >= NAME_SIZE)
		return err_say(err, EINVAL, "event '%s': write pmu/event/ or pmu/term=value,.../",
			       name);
	memcpy(ret->pmu, name, (size_t)(open - name));
	memcpy(ret->body, open + 1, (size_t)(end - open - 1));
	const char *modifier = end[1] == ':' ? end + 2 : end + 1;
	ret->user_only = strcmp(modifier, "u") == 0;
	ret->kernel_only = strcmp(modifier, "k") == 0;
	if (!event_is_word(ret->pmu))
		return err_say(err, EINVAL, "event '%s': '%s' cannot be the name of a PMU", name,
			       ret->pmu);
	if (end[1] && !ret->user_only && !ret->kernel_only)
		return err_say(err, EINVAL, "event '%s': '%s' after the slash; known are u and k",
			       name, end + 1);
	return 0;
}

int event_sysfs_check(const char *name, struct err *err)
{
	struct spelling s;
	if (spell(name, &s, err) < 0)
		return err_code(err);
	for (char *list = s.body; list;) {
		struct event_term term;
		bool bare;
		if (event_next_term(&list, name, &term, &bare, err) < 0)
			return err_code(err);
	}
	return 0;
}

/* The names in a folder, for people. */
static void list_names(int sys_fd, const char *folder, char *ret, size_t size)
{
	int fd = openat(sys_fd, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	size_t used = 0;
	ret[0] = '\0';
	if (!dir && fd >= 0)
		close(fd);
	for (struct dirent *d; dir && (d = readdir(dir));) {
		if (d->d_name[0] == '.' || strchr(d->d_name, '.'))
			continue;
		if (used + strlen(d->d_name) + 8 > size) {
			snprintf(ret + used, size - used, " ...");
			break;
		}
		used += (size_t)snprintf(ret + used, size - used, "%s%s", used ? ", " : "",
					 d->d_name);
	}
	if (dir)
		closedir(dir);
	if (!used)
		snprintf(ret, size, "none");
}

static int encode_term(int sys_fd, const char *event, const char *pmu,
		       const struct event_term *term, struct event_code *code, struct err *err)
{
	char format[FILE_SIZE], folder[2 * NAME_SIZE], known[LISTED_NAMES];
	if (term->asked)
		return err_say(err, EINVAL, "event '%s' needs %s=<number>", event, term->name);
	if (sysfs_text(sys_fd, format, sizeof(format), NULL, DEVICES "/%s/format/%s", pmu,
		       term->name) < 0) {
		/* perf knows the whole words by these names */
		STRCPY_FIXED(format, strncmp(term->name, "config", 6) == 0 ? term->name : "");
		mem_strcpy(format + strlen(format), sizeof(format) - strlen(format), ":0-63");
	}
	int r = event_spread(format, term->value, code);
	if (r == 0)
		return 0;
	if (r == -ERANGE)
		return err_say(err, EINVAL, "event '%s': %s=0x%llx does not fit %s of PMU %s",
			       event, term->name, (unsigned long long)term->value, format, pmu);
	snprintf(folder, sizeof(folder), DEVICES "/%s/format", pmu);
	list_names(sys_fd, folder, known, sizeof(known));
	return err_say(err, ENODEV, "event '%s': PMU %s of this host has no term %s; it has %s",
		       event, pmu, term->name, known);
}

static int add_alias(int sys_fd, const char *event, const char *pmu, const char *alias,
		     struct event_terms *terms, struct err *err)
{
	char text[FILE_SIZE], *list = text;
	if (sysfs_text(sys_fd, text, sizeof(text), err, DEVICES "/%s/events/%s", pmu, alias) < 0)
		return err_code(err);
	STRCPY_FIXED(terms->alias, alias);
	while (list) {
		struct event_term term;
		bool bare;
		if (event_next_term(&list, event, &term, &bare, err) < 0 ||
		    event_set_term(terms, &term, event, err) < 0)
			return err_code(err);
	}
	return 0;
}

/* A bare word is an event of the PMU where it has one of that name, else a term that is 1. */
static int collect_terms(int sys_fd, const char *event, const char *pmu, char *body,
			 struct event_terms *ret, struct err *err)
{
	char folder[2 * NAME_SIZE], known[LISTED_NAMES];
	for (char *list = body; list;) {
		struct event_term term;
		bool bare;
		if (event_next_term(&list, event, &term, &bare, err) < 0)
			return err_code(err);
		int r = 0;
		if (bare && sysfs_exists(sys_fd, DEVICES "/%s/events/%s", pmu, term.name)) {
			r = add_alias(sys_fd, event, pmu, term.name, ret, err);
		} else if (bare && !sysfs_exists(sys_fd, DEVICES "/%s/format/%s", pmu, term.name)) {
			snprintf(folder, sizeof(folder), DEVICES "/%s/events", pmu);
			list_names(sys_fd, folder, known, sizeof(known));
			r = err_say(err, ENODEV, "PMU %s of this host has no event %s; it has %s",
				    pmu, term.name, known);
		} else {
			r = event_set_term(ret, &term, event, err);
		}
		if (r < 0)
			return r;
	}
	return 0;
}

static int read_cpus(int sys_fd, struct event_code *code, struct err *err)
{
	char list[FILE_SIZE];
	autofree bool *set = xcalloc(CPUS, sizeof(*set));
	size_t n = 0;
	if (sysfs_text(sys_fd, list, sizeof(list), NULL, DEVICES "/%s/cpumask", code->pmu) < 0)
		return 0;
	code->system = true;
	code->exclude = EXCLUDE_REFUSED;
	if (sysfs_parse_cpulist(list, set, CPUS, &n, err) < 0)
		return err_wrap(err, "cpumask of PMU %s", code->pmu);
	if (n == 0)
		return err_say(err, ENODEV, "PMU %s has an empty cpumask", code->pmu);
	code->cpus = xcalloc(n, sizeof(*code->cpus));
	for (int cpu = 0; cpu < CPUS; cpu++)
		if (set[cpu])
			code->cpus[code->n_cpus++] = cpu;
	return 0;
}

static bool is_core_pmu(int sys_fd, const char *pmu)
{
	return strcmp(pmu, "cpu") == 0 || sysfs_exists(sys_fd, DEVICES "/%s/cpus", pmu);
}

static int read_type(int sys_fd, const char *pmu, struct event_code *ret, struct err *err)
{
	uint64_t type;
	int r = sysfs_u64(sys_fd, &type, err, DEVICES "/%s/type", pmu);
	if (r < 0)
		return r;
	if (type > UINT32_MAX)
		return err_say(err, EINVAL, "PMU %s: type %llu", pmu, (unsigned long long)type);
	STRCPY_FIXED(ret->pmu, pmu);
	ret->type = (uint32_t)type;
	ret->exclude = is_core_pmu(sys_fd, pmu) ? EXCLUDE_WORKS : EXCLUDE_REFUSED;
	/* msr reads no hardware counter: the kernel runs it in software context (perf_sw_context)
	 */
	ret->software = strcmp(pmu, "msr") == 0 || strcmp(pmu, "software") == 0;
	return read_cpus(sys_fd, ret, err);
}

static int read_unit(int sys_fd, const char *pmu, const char *alias, struct event_def *ret,
		     struct err *err)
{
	char text[FILE_SIZE];
	STRCPY_FIXED(ret->unit, "count");
	ret->scale = 1;
	if (!alias[0])
		return 0;
	if (sysfs_text(sys_fd, text, sizeof(text), NULL, DEVICES "/%s/events/%s.scale", pmu,
		       alias) == 0 &&
	    text_parse_double(text, &ret->scale, err) < 0)
		return err_wrap(err, "scale of %s/%s/", pmu, alias);
	if (sysfs_text(sys_fd, text, sizeof(text), NULL, DEVICES "/%s/events/%s.unit", pmu,
		       alias) == 0)
		STRCPY_FIXED(ret->unit, strcmp(text, "Joules") == 0 ? "J" : text);
	if (sysfs_text(sys_fd, text, sizeof(text), NULL, DEVICES "/%s/events/%s.snapshot", pmu,
		       alias) == 0)
		ret->level = strcmp(text, "1") == 0;
	return 0;
}

static int add_pmu(int sys_fd, const char *event, const struct spelling *s, const char *pmu,
		   struct event_def *ret, struct err *err)
{
	struct event_terms terms = {0};
	char body[NAME_SIZE];
	STRCPY_FIXED(body, s->body);
	if (ret->n_codes == EVENT_CODES)
		return err_say(err, EINVAL, "event '%s': more than %d PMUs %s_N", event,
			       EVENT_CODES, s->pmu);
	struct event_code *code = ARRAY_PUSH(ret->codes, ret->n_codes);
	if (read_type(sys_fd, pmu, code, err) < 0 ||
	    collect_terms(sys_fd, event, pmu, body, &terms, err) < 0)
		return err_code(err);
	for (size_t i = 0; i < terms.n; i++)
		if (encode_term(sys_fd, event, pmu, &terms.term[i], code, err) < 0)
			return err_code(err);
	code->exclude_kernel = s->user_only;
	code->exclude_user = s->kernel_only;
	return read_unit(sys_fd, pmu, terms.alias, ret, err);
}

static bool is_instance(const char *folder, const char *pmu)
{
	size_t n = strlen(pmu);
	const char *number = folder + n + 1;
	return strncmp(folder, pmu, n) == 0 && folder[n] == '_' && *number &&
	       strspn(number, "0123456789") == strlen(number);
}

static DIR *open_devices(int sys_fd)
{
	int fd = openat(sys_fd, DEVICES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir && fd >= 0)
		close(fd);
	return dir;
}

static int add_instances(int sys_fd, const char *event, const struct spelling *s,
			 struct event_def *ret, struct err *err)
{
	int r = 0;
	DIR *dir = open_devices(sys_fd);
	for (struct dirent *d; dir && r == 0 && (d = readdir(dir));)
		if (is_instance(d->d_name, s->pmu))
			r = add_pmu(sys_fd, event, s, d->d_name, ret, err);
	if (dir)
		closedir(dir);
	return r;
}

int event_sysfs(const struct host_root *root, const char *name, struct event_def *ret,
		struct err *err)
{
	struct spelling s;
	char known[LISTED_NAMES];
	if (spell(name, &s, err) < 0)
		return err_code(err);
	STRCPY_FIXED(ret->source, "perf");
	if (sysfs_exists(root->sys_fd, DEVICES "/%s/type", s.pmu))
		return add_pmu(root->sys_fd, name, &s, s.pmu, ret, err);
	if (add_instances(root->sys_fd, name, &s, ret, err) < 0)
		return err_code(err);
	if (ret->n_codes)
		return 0;
	list_names(root->sys_fd, DEVICES, known, sizeof(known));
	return err_say(err, ENODEV, "this host has no PMU %s; it has %s", s.pmu, known);
}

size_t event_sysfs_hybrid(const struct host_root *root, struct event_code *ret, size_t size)
{
	size_t n = 0;
	DIR *dir = open_devices(root->sys_fd);
	for (struct dirent *d; dir && n < size && (d = readdir(dir));) {
		struct event_code code = {0};
		if (d->d_name[0] == '.' || strlen(d->d_name) >= NAME_SIZE ||
		    !sysfs_exists(root->sys_fd, DEVICES "/%s/cpus", d->d_name))
			continue;
		if (read_type(root->sys_fd, d->d_name, &code, NULL) == 0 && !code.system)
			ret[n++] = code;
		else
			free(code.cpus);
	}
	if (dir)
		closedir(dir);
	return n > 1 ? n : 0;
}

int event_sysfs_type(const struct host_root *root, uint32_t type, struct event_code *ret,
		     struct err *err)
{
	int r = err_say(err, ENODEV, "no PMU of this host has type %u", type);
	struct err other;
	DIR *dir = open_devices(root->sys_fd);
	for (struct dirent *d; dir && (d = readdir(dir));) {
		struct event_code code = {0};
		if (d->d_name[0] == '.' || strlen(d->d_name) >= NAME_SIZE ||
		    read_type(root->sys_fd, d->d_name, &code, &other) < 0 || code.type != type) {
			free(code.cpus);
			continue;
		}
		memcpy(code.config, ret->config, sizeof(code.config));
		*ret = code;
		r = 0;
		break;
	}
	if (dir)
		closedir(dir);
	return r;
}
