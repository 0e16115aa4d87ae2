// SPDX-License-Identifier: GPL-3.0-or-later
/* facts - what a host is, as names and values that recipes can ask for and reports can show.
 *
 * A fact that cannot be read is left out. Names of quantities end in their unit. Settings that
 * change numbers (governor, boost, huge pages, mitigations) are recorded and never touched here. */
#include "agent/host/host.h"

#include <fcntl.h>
#include <string.h>

#include "agent/host/fingerprint.h"
#include "agent/host/topology.h"
#include "agent/host/virtual.h"
#include "proto/base/cleanup.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

enum under { UNDER_SYS, UNDER_PROC };

enum form {
	FORM_TEXT,
	FORM_CHOICE, /* "always [madvise] never": the word in brackets */
	FORM_KHZ,    /* a number in kHz; the fact is in Hz */
	FORM_MHZ,
	FORM_ON,      /* 1 is "on", 0 is "off" */
	FORM_NOT_OFF, /* 0 is "on", 1 is "off" */
};

struct file_fact {
	const char *name;
	enum under under;
	enum form form;
	const char *path;
};

#define CPU "devices/system/cpu/"

/* Of two rows with one name the first that can be read holds: drivers differ in their files. */
static const struct file_fact file_facts[] = {
	{"kernel.release", UNDER_PROC, FORM_TEXT, "sys/kernel/osrelease"},
	{"kernel.version", UNDER_PROC, FORM_TEXT, "version"},
	{"kernel.cmdline", UNDER_PROC, FORM_TEXT, "cmdline"},
	{"kernel.boot_id", UNDER_PROC, FORM_TEXT, "sys/kernel/random/boot_id"},
	{"kernel.aslr", UNDER_PROC, FORM_TEXT, "sys/kernel/randomize_va_space"},
	{"kernel.nmi_watchdog", UNDER_PROC, FORM_TEXT, "sys/kernel/nmi_watchdog"},
	{"kernel.perf_event_paranoid", UNDER_PROC, FORM_TEXT, "sys/kernel/perf_event_paranoid"},
	{"clocksource", UNDER_SYS, FORM_TEXT,
	 "devices/system/clocksource/clocksource0/current_clocksource"},
	{"cpu.isolated", UNDER_SYS, FORM_TEXT, CPU "isolated"},
	{"cpu.offline", UNDER_SYS, FORM_TEXT, CPU "offline"},
	{"smt", UNDER_SYS, FORM_TEXT, CPU "smt/control"},
	{"cpufreq.driver", UNDER_SYS, FORM_TEXT, CPU "cpu0/cpufreq/scaling_driver"},
	{"cpufreq.mode", UNDER_SYS, FORM_TEXT, CPU "intel_pstate/status"},
	{"cpufreq.mode", UNDER_SYS, FORM_TEXT, CPU "amd_pstate/status"},
	{"cpufreq.boost", UNDER_SYS, FORM_NOT_OFF, CPU "intel_pstate/no_turbo"},
	{"cpufreq.boost", UNDER_SYS, FORM_ON, CPU "cpufreq/boost"},
	{"cpufreq.min_hz", UNDER_SYS, FORM_KHZ, CPU "cpu0/cpufreq/cpuinfo_min_freq"},
	{"cpufreq.max_hz", UNDER_SYS, FORM_KHZ, CPU "cpu0/cpufreq/cpuinfo_max_freq"},
	{"cpufreq.base_hz", UNDER_SYS, FORM_KHZ, CPU "cpu0/cpufreq/base_frequency"},
	{"cpufreq.base_hz", UNDER_SYS, FORM_MHZ, CPU "cpu0/acpi_cppc/nominal_freq"},
	{"cpufreq.base_hz", UNDER_SYS, FORM_KHZ, CPU "cpu0/cpufreq/bios_limit"},
	{"cpuidle.driver", UNDER_SYS, FORM_TEXT, CPU "cpuidle/current_driver"},
	{"memory.huge_pages", UNDER_SYS, FORM_CHOICE, "kernel/mm/transparent_hugepage/enabled"},
	{"memory.ksm", UNDER_SYS, FORM_TEXT, "kernel/mm/ksm/run"},
	{"memory.swappiness", UNDER_PROC, FORM_TEXT, "sys/vm/swappiness"},
	{"numa.balancing", UNDER_PROC, FORM_TEXT, "sys/kernel/numa_balancing"},
	{"dmi.vendor", UNDER_SYS, FORM_TEXT, "class/dmi/id/sys_vendor"},
	{"dmi.product", UNDER_SYS, FORM_TEXT, "class/dmi/id/product_name"},
	{"dmi.board", UNDER_SYS, FORM_TEXT, "class/dmi/id/board_name"},
	{"dmi.bios_version", UNDER_SYS, FORM_TEXT, "class/dmi/id/bios_version"},
	{"dmi.bios_date", UNDER_SYS, FORM_TEXT, "class/dmi/id/bios_date"},
};

/* Lines of /proc/cpuinfo; the first CPU speaks for all. */
static const struct {
	const char *line, *name;
} cpu_lines[] = {
	{"vendor_id", "cpu.vendor"},
	{"model name", "cpu.model"},
	{"cpu family", "cpu.family"},
	{"model", "cpu.model_number"},
	{"stepping", "cpu.stepping"},
	{"microcode", "cpu.microcode"},
	{"CPU implementer", "cpu.implementer"}, /* arm64 names itself by numbers */
	{"CPU part", "cpu.part"},
};

/* Flags on which a measurement depends. */
static const char *const telling_flags[] = {
	"constant_tsc", "nonstop_tsc", "aperfmperf", "arch_perfmon", "perfmon_v2", "hwp",
	"cppc",		"rapl",	       "vmx",	     "svm",	     "hypervisor", NULL,
};

static void add_number(struct host_info *info, const char *name, const char *text, uint64_t factor)
{
	uint64_t number;
	if (text_parse_u64(text, &number, NULL) == 0 && number <= UINT64_MAX / factor)
		host_fact(info, name, "%llu", (unsigned long long)(number * factor));
}

static void add_formed(struct host_info *info, const struct file_fact *f, char *text)
{
	char *open = strchr(text, '['), *shut = strchr(text, ']');
	bool one = strcmp(text, "1") == 0, zero = strcmp(text, "0") == 0;
	switch (f->form) {
	case FORM_TEXT:
		host_fact(info, f->name, "%s", text);
		break;
	case FORM_CHOICE:
		if (open && shut > open)
			host_fact(info, f->name, "%.*s", (int)(shut - open - 1), open + 1);
		break;
	case FORM_KHZ:
		add_number(info, f->name, text, 1000);
		break;
	case FORM_MHZ:
		add_number(info, f->name, text, 1000000);
		break;
	case FORM_ON:
	case FORM_NOT_OFF:
		if (one || zero)
			host_fact(info, f->name, "%s", one == (f->form == FORM_ON) ? "on" : "off");
		break;
	}
}

static void add_file_facts(const struct host_root *root, struct host_info *info)
{
	char text[8192];
	for (size_t i = 0; i < ARRAY_SIZE(file_facts); i++) {
		const struct file_fact *f = &file_facts[i];
		int fd = f->under == UNDER_SYS ? root->sys_fd : root->proc_fd;
		if (!host_fact_value(info, f->name) &&
		    sysfs_text(fd, text, sizeof(text), NULL, "%s", f->path) == 0 && text[0])
			add_formed(info, f, text);
	}
}

/* The words of `flags` that tell something, in the order of the table. */
static void add_flags(struct host_info *info, const char *flags)
{
	autotext struct text text = {0}, padded = {0};
	text_addf(&padded, " %s ", flags);
	for (const char *const *f = telling_flags; *f; f++) {
		autofree char *word = xasprintf(" %s ", *f);
		if (strstr(padded.data, word))
			text_addf(&text, "%s%s", text.size ? " " : "", *f);
	}
	host_fact(info, "cpu.flags", "%s", text.data ? text.data : "");
}

/* "key<tabs>: value"; false at the end of the first CPU. */
static bool add_cpu_line(struct host_info *info, char *line)
{
	char *colon = strchr(line, ':');
	line[strcspn(line, "\n")] = '\0';
	if (!line[0])
		return false;
	if (!colon || !colon[1])
		return true;
	const char *value = colon + 2;
	while (colon > line && (colon[-1] == '\t' || colon[-1] == ' '))
		colon--;
	*colon = '\0';
	if (strcmp(line, "flags") == 0 || strcmp(line, "Features") == 0)
		add_flags(info, value);
	for (size_t i = 0; i < ARRAY_SIZE(cpu_lines); i++)
		if (strcmp(line, cpu_lines[i].line) == 0 && *value)
			host_fact(info, cpu_lines[i].name, "%s", value);
	return true;
}

static void add_cpuinfo(const struct host_root *root, struct host_info *info)
{
	autoclose int fd = openat(root->proc_fd, "cpuinfo", O_RDONLY | O_CLOEXEC);
	autofclose FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;
	autofree char *line = NULL;
	size_t size = 0;
	if (!file)
		return;
	fd = -1; /* the stream owns it now */
	while (getline(&line, &size, file) > 0 && add_cpu_line(info, line))
		;
}

static void add_topology(const struct host_root *root, struct host_info *info)
{
	autotopology struct topology t = {0};
	size_t efficient = 0;
	if (topology_read(root, &t, NULL) < 0)
		return;
	for (size_t i = 0; i < t.n_cores; i++)
		efficient += t.cores[i].efficient;
	host_fact(info, "cpu.count", "%zu", t.n_cpus);
	host_fact(info, "cpu.cores", "%zu", t.n_cores);
	host_fact(info, "cpu.packages", "%zu", t.n_packages);
	host_fact(info, "numa.nodes", "%zu", t.n_nodes);
	if (efficient)
		host_fact(info, "cpu.efficiency_cores", "%zu", efficient);
}

/* One word where all CPUs agree. */
static void add_governor(const struct host_root *root, struct host_info *info)
{
	autotopology struct topology t = {0};
	char first[64] = "", governor[64];
	bool mixed = false;
	if (topology_read(root, &t, NULL) < 0)
		return;
	for (size_t i = 0; i < t.n_cores; i++) {
		if (sysfs_text(root->sys_fd, governor, sizeof(governor), NULL,
			       CPU "cpu%d/cpufreq/scaling_governor", t.cores[i].cpus[0]) < 0)
			continue;
		mixed = mixed || (first[0] && strcmp(first, governor) != 0);
		STRCPY_FIXED(first, governor);
	}
	if (first[0])
		host_fact(info, "cpufreq.governor", "%s", mixed ? "mixed" : first);
}

static void add_memory(const struct host_root *root, struct host_info *info)
{
	char text[16384];
	unsigned long long kib;
	if (sysfs_text(root->proc_fd, text, sizeof(text), NULL, "meminfo") == 0 &&
	    sscanf(text, "MemTotal: %llu kB", &kib) == 1 && kib <= UINT64_MAX / 1024)
		host_fact(info, "memory.total_bytes", "%llu", kib * 1024);
}

/* NAME="value" or NAME=value. */
static void add_os_line(struct host_info *info, const char *text, const char *key, const char *name)
{
	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!text_starts(line, key))
			continue;
		const char *value = line + strlen(key);
		value += *value == '"';
		int size = (int)strcspn(value, "\"\n");
		if (size)
			host_fact(info, name, "%.*s", size, value);
		return;
	}
}

static void add_os(const struct host_root *root, struct host_info *info)
{
	char text[8192];
	if (sysfs_text(root->etc_fd, text, sizeof(text), NULL, "os-release") < 0)
		return;
	add_os_line(info, text, "PRETTY_NAME=", "os.release");
	add_os_line(info, text, "ID=", "os.id");
	add_os_line(info, text, "VERSION_ID=", "os.version");
}

int host_facts(const struct host_root *root, struct host_info *ret, struct err *err)
{
	struct host_info info = {0};
	char sources[200], name[256];
	if (sysfs_text(root->proc_fd, name, sizeof(name), err, "sys/kernel/hostname") < 0)
		return err_wrap(err, "read the host's name");
	STRCPY_FIXED(info.name, name);
	add_cpuinfo(root, &info);
	add_topology(root, &info);
	add_file_facts(root, &info);
	add_governor(root, &info);
	add_memory(root, &info);
	add_os(root, &info);
	virtual_facts(root, &info);
	fingerprint_make(root, host_fact_value(&info, "cpu.model"), info.fingerprint, sources,
			 sizeof(sources));
	host_fact(&info, "fingerprint.sources", "%s", sources);
	*ret = info;
	return 0;
}
