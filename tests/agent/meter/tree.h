// SPDX-License-Identifier: GPL-3.0-or-later
/* tree - a host made of files in a folder of its own, for tests that need other hardware. */
#ifndef ASSAY_TEST_TREE_H
#define ASSAY_TEST_TREE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "proto/base/sysfs.h"

struct tree {
	char folder[64];
	struct host_root root;
};

/* path under the tree, "sys/..." or "proc/..."; a newline is put behind the text, as sysfs does. */
__attribute__((format(printf, 3, 4))) static inline void tree_write(struct tree *t,
								    const char *path,
								    const char *fmt, ...)
{
	char full[300], text[500];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	snprintf(full, sizeof(full), "%s/%s", t->folder, path);
	*strrchr(full, '/') = '\0';
	if (file_mkdirs(full, 0755, NULL) < 0)
		abort();
	snprintf(full, sizeof(full), "%s/%s", t->folder, path);
	FILE *f = fopen(full, "w");
	if (!f || fprintf(f, "%s\n", text) < 0 || fclose(f))
		abort();
}

#define TREE_PMU "sys/bus/event_source/devices/"

static inline void tree_open(struct tree *t)
{
	STRCPY_FIXED(t->folder, "/tmp/assay-tree-XXXXXX");
	if (!mkdtemp(t->folder))
		abort();
	tree_write(t, "proc/cpuinfo", "vendor_id\t: GenuineIntel\nflags\t\t: fpu hypervisor");
	tree_write(t, "proc/sys/kernel/perf_event_paranoid", "2");
	tree_write(t, TREE_PMU "software/type", "1");
	if (host_root_open(t->folder, &t->root, NULL) < 0)
		abort();
}

static inline void tree_close(struct tree *t)
{
	host_root_close(&t->root);
	file_remove_tree(t->folder, NULL);
}

#endif
