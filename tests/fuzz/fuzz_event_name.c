// SPDX-License-Identifier: GPL-3.0-or-later
/* The name of an event from a recipe, and the files of a PMU that it is looked up in: the first
 * line of the input is the name, the rest are the PMU's files. libpfm4's tables are left out: to
 * look through all of them takes a hundred times as long as the rest. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/meter/event_name.h"
#include "proto/base/mem.h"

static const char *const files[] = {"type",	"cpumask",  "format/a",
				    "format/b", "events/e", "events/e.scale"};

/* One tree for all inputs; its files are written anew for each. */
static const struct host_root *tree(int *ret_pmu_fd)
{
	static struct host_root root;
	static int pmu_fd = -1;
	char folder[] = "/tmp/assay-fuzz-XXXXXX", path[100];
	static const char *const folders[] = {"sys",
					      "proc",
					      "sys/bus",
					      "sys/bus/event_source",
					      "sys/bus/event_source/devices",
					      "sys/bus/event_source/devices/p",
					      "sys/bus/event_source/devices/p/format",
					      "sys/bus/event_source/devices/p/events"};
	if (pmu_fd < 0) {
		if (!mkdtemp(folder))
			abort();
		for (size_t i = 0; i < ARRAY_SIZE(folders); i++) {
			snprintf(path, sizeof(path), "%s/%s", folder, folders[i]);
			mkdir(path, 0700);
		}
		snprintf(path, sizeof(path), "%s/sys/bus/event_source/devices/p", folder);
		pmu_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (pmu_fd < 0 || host_root_open(folder, &root, NULL) < 0)
			abort();
	}
	*ret_pmu_fd = pmu_fd;
	return &root;
}

static void write_file(int pmu_fd, const char *name, const char *text)
{
	int fd = openat(pmu_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		abort();
	close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int pmu_fd;
	const struct host_root *root = tree(&pmu_fd);
	struct event_def def = {0};
	struct err err = {0};
	char *text = xstrndup((const char *)data, size), *rest = text;
	const char *name = strsep(&rest, "\n");
	for (size_t i = 0; i < ARRAY_SIZE(files); i++)
		write_file(pmu_fd, files[i], rest ? strsep(&rest, "\n") : "");
	int r = strchr(name, '/') ? event_sysfs(root, name, &def, &err)
				  : event_generic(name, NULL, 0, &def, &err);
	if (r < 0 ? !err.text[0] : !def.n_codes)
		abort();
	event_def_done(&def);
	err = (struct err){0};
	if (event_sysfs_check(name, &err) < 0 && !err.text[0])
		abort();
	free(text);
	return 0;
}
