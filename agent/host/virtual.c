// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/host/virtual.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "proto/base/mem.h"
#include "proto/base/text.h"

/* Firmware strings of the makers; from the DMI table of each. */
static const struct {
	const char *start, *name;
} makers[] = {
	{"QEMU", "kvm"},
	{"KVM", "kvm"},
	{"Red Hat", "kvm"},
	{"Amazon EC2", "amazon"},
	{"Google", "google"},
	{"VMware", "vmware"},
	{"innotek", "virtualbox"},
	{"VirtualBox", "virtualbox"},
	{"Oracle Corporation", "virtualbox"},
	{"Microsoft Corporation", "hyperv"},
	{"Xen", "xen"},
	{"Parallels", "parallels"},
};

/* Clocks that only a guest of that hypervisor is offered: all that a VM without firmware shows. */
static const struct {
	const char *clock, *name;
} clocks[] = {
	{"kvm-clock", "kvm"},
	{"hyperv", "hyperv"},
	{"xen", "xen"},
};

static const char *name_from_dmi(const struct host_info *info)
{
	const char *const facts[] = {"dmi.product", "dmi.vendor"};
	for (size_t f = 0; f < ARRAY_SIZE(facts); f++) {
		const char *value = host_fact_value(info, facts[f]);
		for (size_t i = 0; value && i < ARRAY_SIZE(makers); i++)
			if (text_starts(value, makers[i].start))
				return makers[i].name;
	}
	return NULL;
}

static const char *name_from_clocks(const struct host_root *root)
{
	char text[256];
	if (sysfs_text(root->sys_fd, text, sizeof(text), NULL,
		       "devices/system/clocksource/clocksource0/available_clocksource") < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(clocks); i++)
		if (strstr(text, clocks[i].clock))
			return clocks[i].name;
	return NULL;
}

/* The CPU's flag decides: makers of hypervisors make hardware too. */
static void add_virtualisation(const struct host_root *root, struct host_info *info)
{
	char type[64];
	const char *flags = host_fact_value(info, "cpu.flags");
	const char *name = name_from_dmi(info);
	if (!name && sysfs_text(root->sys_fd, type, sizeof(type), NULL, "hypervisor/type") == 0)
		name = type;
	if (!name)
		name = name_from_clocks(root);
	if (flags && host_fact_value(info, "cpu.vendor"))
		host_fact(info, "virtualisation", "%s",
			  !strstr(flags, "hypervisor") ? "none"
			  : name		       ? name
						       : "unknown");
	else if (name)
		host_fact(info, "virtualisation", "%s", name);
}

static void add_mitigation(const struct host_root *root, struct host_info *info, const char *name)
{
	char text[1024], fact[NAME_SIZE];
	if (sysfs_text(root->sys_fd, text, sizeof(text), NULL,
		       "devices/system/cpu/vulnerabilities/%s", name) < 0)
		return;
	snprintf(fact, sizeof(fact), "mitigation.%s", name);
	host_fact(info, fact, "%s", text);
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

void virtual_facts(const struct host_root *root, struct host_info *info)
{
	struct dirent **names;
	add_virtualisation(root, info);
	int n = scandirat(root->sys_fd, "devices/system/cpu/vulnerabilities", &names, visible,
			  alphasort);
	for (int i = 0; i < n; i++) {
		add_mitigation(root, info, names[i]->d_name);
		free(names[i]);
	}
	if (n >= 0)
		free(names);
}
