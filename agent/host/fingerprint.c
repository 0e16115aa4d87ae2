// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/host/fingerprint.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base/cleanup.h"
#include "proto/base/text.h"

enum {
	MAC_SIZE = 64,	 /* InfiniBand's 20 bytes as text take 59 */
	MAX_DEVICES = 64 /* further ones are left out: which they are would depend on the order */
};

struct macs {
	char text[MAX_DEVICES][MAC_SIZE];
	size_t n;
};

static void add_file(int root_fd, const char *kind, const char *path, const char *source,
		     struct text *text, struct text *sources)
{
	char value[256];
	if (sysfs_text(root_fd, value, sizeof(value), NULL, "%s", path) < 0 || !value[0])
		return;
	text_addf(text, "%s=%s\n", kind, value);
	text_addf(sources, "%s%s", sources->size ? ", " : "", source);
}

/* Only what a device was born with: bridges, containers' ends and random addresses change. */
static void add_mac(const struct host_root *root, const char *name, struct macs *macs)
{
	uint64_t assigned;
	char *mac = macs->text[macs->n];
	if (!sysfs_exists(root->sys_fd, "class/net/%s/device", name) ||
	    sysfs_u64(root->sys_fd, &assigned, NULL, "class/net/%s/addr_assign_type", name) < 0 ||
	    assigned != 0 ||
	    sysfs_text(root->sys_fd, mac, MAC_SIZE, NULL, "class/net/%s/address", name) < 0)
		return;
	if (strspn(mac, "0:") != strlen(mac))
		macs->n++;
}

static int compare_macs(const void *a, const void *b)
{
	return strcmp(a, b);
}

static void read_macs(const struct host_root *root, struct macs *ret)
{
	ret->n = 0;
	int fd = openat(root->sys_fd, "class/net", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	DIR *folder = fdopendir(fd);
	if (!folder) {
		close(fd);
		return;
	}
	for (struct dirent *e; ret->n < MAX_DEVICES && (e = readdir(folder));)
		if (e->d_name[0] != '.')
			add_mac(root, e->d_name, ret);
	closedir(folder);
	qsort(ret->text, ret->n, MAC_SIZE, compare_macs);
}

void fingerprint_make(const struct host_root *root, const char *cpu_model, char ret[HASH_HEX_SIZE],
		      char *ret_sources, size_t sources_size)
{
	autotext struct text text = {0}, sources = {0};
	struct macs macs;
	text_add(&text, "assay host 1\n");
	add_file(root->etc_fd, "machine-id", "machine-id", "machine-id", &text, &sources);
	add_file(root->sys_fd, "uuid", "class/dmi/id/product_uuid", "DMI UUID", &text, &sources);
	add_file(root->sys_fd, "serial", "class/dmi/id/product_serial", "DMI serial", &text,
		 &sources);
	add_file(root->sys_fd, "board", "class/dmi/id/board_serial", "DMI board serial", &text,
		 &sources);
	read_macs(root, &macs);
	for (size_t i = 0; i < macs.n; i++)
		text_addf(&text, "mac=%s\n", macs.text[i]);
	if (macs.n)
		text_addf(&sources, "%s%zu MAC", sources.size ? ", " : "", macs.n);
	if (cpu_model) {
		text_addf(&text, "cpu=%s\n", cpu_model);
		text_addf(&sources, "%sCPU model", sources.size ? ", " : "");
	}
	hash_bytes(text.data, text.size, ret);
	snprintf(ret_sources, sources_size, "%s", sources.data ? sources.data : "nothing");
}
