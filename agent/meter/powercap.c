// SPDX-License-Identifier: GPL-3.0-or-later
/* powercap - energy source: the RAPL zones under /sys/class/powercap.
 *
 * A zone counts microjoules up to max_energy_range_uj and starts again at 0. Traps: zones overlap
 * (core and uncore are in package, package is in psys, intel-rapl-mmio is a second view of
 * intel-rapl), so only top-level packages, or one domain by its name, are taken; AMD's "core" is
 * one core, not all; energy_uj is readable for root only since Linux 5.10. A counter that goes
 * back by less than half its range did not wrap: it was reset.
 * Source: Documentation/power/powercap/powercap.rst, drivers/powercap/intel_rapl_common.c. */
#include <assert.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "agent/meter/energy.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

#define FOLDER	      "class/powercap"
#define HIGHEST_POWER 1000.0 /* W; no package uses as much */

struct powercap {
	struct energy base;
	int fd;		   /* energy_uj, kept open: 0.6 us a read instead of 5; owned */
	uint64_t range_uj; /* the counter wraps past this */
	uint64_t raw_uj;   /* as last read */
	uint64_t total_uj; /* since open, wraps unfolded */
};

static int read_raw(const struct powercap *p, uint64_t *ret, struct err *err)
{
	char text[32];
	ssize_t n = pread(p->fd, text, sizeof(text) - 1, 0);
	if (n < 0)
		return err_sys(err, errno, "read energy_uj");
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text_parse_u64(text, ret, err) < 0
		       ? err_say(err, EINVAL, "energy_uj holds '%s'", text)
		       : 0;
}

static void powercap_close(struct energy *energy)
{
	struct powercap *p = (struct powercap *)energy;
	if (p && p->fd >= 0)
		close(p->fd);
	free(p);
}

static int open_counter(const struct host_root *root, const char *zone, struct err *err)
{
	char path[128];
	snprintf(path, sizeof(path), FOLDER "/%s/energy_uj", zone);
	int fd = openat(root->sys_fd, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 && (errno == EACCES || errno == EPERM))
		return err_say(err, EACCES, "%s/energy_uj is for root or CAP_DAC_READ_SEARCH only",
			       zone);
	return fd < 0 ? err_sys(err, errno, "open %s", path) : fd;
}

static int powercap_open(const struct host_root *root, const char *zone, struct energy **ret,
			 struct err *err)
{
	struct powercap p = {.base.source = &energy_powercap};
	if (strchr(zone, '/'))
		return err_say(err, EINVAL, "'%s' cannot be a powercap zone", zone);
	int r = sysfs_u64(root->sys_fd, &p.range_uj, err, FOLDER "/%s/max_energy_range_uj", zone);
	if (r < 0)
		return r;
	if (p.range_uj == 0)
		return err_say(err, EINVAL, FOLDER "/%s/max_energy_range_uj is 0", zone);
	if ((p.fd = open_counter(root, zone, err)) < 0)
		return p.fd;
	r = read_raw(&p, &p.raw_uj, err);
	if (r < 0) {
		close(p.fd);
		return r;
	}
	/* a quarter of the shortest time that it can take to wrap */
	p.base.poll_ns = (uint64_t)((double)p.range_uj / 1e6 / HIGHEST_POWER / 4 * 1e9);
	struct powercap *kept = xmemdup(&p, sizeof(p));
	*ret = &kept->base;
	return 0;
}

static int powercap_read(struct energy *energy, uint64_t *ret_uj, struct err *err)
{
	struct powercap *p = (struct powercap *)energy;
	uint64_t now_uj;
	assert(energy->source == &energy_powercap);
	int r = read_raw(p, &now_uj, err);
	if (r < 0)
		return r;
	uint64_t back_uj = now_uj < p->raw_uj ? p->raw_uj - now_uj : 0;
	uint64_t before_uj = p->raw_uj;
	p->raw_uj = now_uj;
	if (back_uj && back_uj <= p->range_uj / 2)
		return err_say(err, ESTALE, "energy_uj went back from %llu to %llu without a wrap",
			       (unsigned long long)before_uj, (unsigned long long)now_uj);
	if (back_uj && before_uj > p->range_uj)
		return err_say(err, ESTALE, "energy_uj was %llu, past its range of %llu",
			       (unsigned long long)before_uj, (unsigned long long)p->range_uj);
	p->total_uj += back_uj ? p->range_uj - before_uj + now_uj : now_uj - before_uj;
	*ret_uj = p->total_uj;
	return 0;
}

/* "intel-rapl:3" gives its number; subzones and intel-rapl-mmio are no top-level zones. */
static bool is_top_zone(const char *folder)
{
	const char *number = folder + strlen("intel-rapl:");
	return text_starts(folder, "intel-rapl:") && *number &&
	       strspn(number, "0123456789") == strlen(number);
}

static bool is_package(const char *name)
{
	unsigned package, die;
	int used = 0;
	if (sscanf(name, "package-%u%n", &package, &used) == 1 && !name[used])
		return true;
	return sscanf(name, "package-%u-die-%u%n", &package, &die, &used) == 2 && !name[used];
}

static void add_zone(const char *path, const char *name, struct energy_zone **zones, size_t *n)
{
	struct energy_zone *zone = ARRAY_PUSH(*zones, *n);
	STRCPY_FIXED(zone->path, path);
	STRCPY_FIXED(zone->name, name);
}

/* The subzone of that name, under the name of its package. */
static void add_subzone(const struct host_root *root, const char *top, const char *package,
			const char *domain, struct energy_zone **zones, size_t *n)
{
	char path[NAME_SIZE], name[NAME_SIZE];
	for (unsigned i = 0; i < 8; i++) {
		snprintf(path, sizeof(path), "%.40s:%u", top, i);
		if (sysfs_text(root->sys_fd, name, sizeof(name), NULL, FOLDER "/%s/name", path) ==
			    0 &&
		    strcmp(name, domain) == 0)
			add_zone(path, package, zones, n);
	}
}

static void add_top(const struct host_root *root, const char *top, const char *domain,
		    struct energy_zone **zones, size_t *n)
{
	char name[NAME_SIZE];
	if (sysfs_text(root->sys_fd, name, sizeof(name), NULL, FOLDER "/%s/name", top) < 0)
		return;
	if (strcmp(domain, "psys") == 0 && text_starts(name, "psys"))
		add_zone(top, name, zones, n);
	else if (strcmp(domain, "package") == 0 && is_package(name))
		add_zone(top, name, zones, n);
	else if (strcmp(domain, "dram") == 0 && is_package(name))
		add_subzone(root, top, name, domain, zones, n);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct energy_zone *)a)->name, ((const struct energy_zone *)b)->name);
}

static int powercap_find(const struct host_root *root, const char *domain, struct energy_zone **ret,
			 size_t *ret_n, struct err *err)
{
	autofree struct energy_zone *zones = NULL;
	size_t n = 0;
	int fd = openat(root->sys_fd, FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	if (!dir)
		return err_say(err, ENOENT,
			       "no powercap zone (the kernel has no RAPL driver for "
			       "this CPU, or this is a virtual machine)");
	for (struct dirent *d; (d = readdir(dir));)
		if (is_top_zone(d->d_name) && strlen(d->d_name) < NAME_SIZE)
			add_top(root, d->d_name, domain, &zones, &n);
	closedir(dir);
	if (n == 0)
		return err_say(err, ENOENT, "no powercap zone of domain %s", domain);
	qsort(zones, n, sizeof(*zones), by_name);
	*ret = take(zones);
	*ret_n = n;
	return 0;
}

const struct energy_source energy_powercap = {
	.name = "powercap",
	.find = powercap_find,
	.open = powercap_open,
	.read = powercap_read,
	.close = powercap_close,
};
