// SPDX-License-Identifier: GPL-3.0-or-later
/* spec - what one run is: everything an agent needs to carry it out, nothing about how often or
 * in which order. The controller makes it from a recipe; wire/ carries it; agent/run.c does it.
 *
 * Strings may hold "assay-image:<sha256>" wherever a file of an image is meant; the agent puts
 * the path of its own copy there before a driver sees the string. */
#ifndef ASSAY_MEASURE_SPEC_H
#define ASSAY_MEASURE_SPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/base/cleanup.h"
#include "proto/base/err.h"
#include "proto/base/hash.h"
#include "proto/base/ulid.h"

#define IMAGE_TOKEN "assay-image:"

enum {
	NAME_SIZE = 64, /* windows, metrics, axes, guests: with NUL */
	UNIT_SIZE = 16,
	SOURCE_SIZE = 64,
	STAMPS_DEFAULT = 1024, /* 16 KiB, and as much again for names */
	STAMPS_MAX = 4096,     /* all of them are events, of which a record holds 8192 */
};

/* An instant of a run. */
enum mark_kind {
	MARK_START,   /* the guest's (or its VMM's) exec */
	MARK_RESUME,  /* the guest's first instruction; the same as start for a process */
	MARK_EXIT,    /* the process of the guest (or VMM) is gone */
	MARK_CONSOLE, /* the console matched `pattern` */
	MARK_KINDS
};
const char *mark_kind_name(enum mark_kind kind); /* "start" ... */

struct mark_spec {
	enum mark_kind kind;
	char *pattern; /* MARK_CONSOLE: PCRE2, searched anywhere in a line; owned */
};

struct window_spec {
	char name[NAME_SIZE];
	struct mark_spec from; /* its first occurrence */
	struct mark_spec to;   /* its first occurrence after `from` */
};

/* A file that defines a guest. */
struct image_ref {
	char name[NAME_SIZE]; /* as the recipe calls it: "debian", "debian.kernel" */
	char sha256[HASH_HEX_SIZE];
	uint64_t size_bytes;
	char *path; /* where the controller has it; an agent on the same host may use it; owned */
};

struct disk_spec {
	char *file;	 /* raw or qcow2; owned */
	bool fresh;	 /* writes go to an overlay that dies with the run */
	char bus[16];	 /* "virtio" or "nvme" */
	char format[16]; /* "raw" or "qcow2" */
};

/* One guest. Which members a driver uses, it says itself; strings and arrays are owned. */
struct guest_spec {
	char name[NAME_SIZE];
	char driver[NAME_SIZE];
	char **command; /* process: argv, NULL-ended, never a shell line */
	char **env;	/* process: "NAME=value", NULL-ended, added to a clean environment */
	uint32_t vcpus;
	uint64_t memory_bytes;
	char *machine; /* qemu: q35, microvm, pc */
	char *accel;   /* qemu: "kvm", "tcg"; "auto" only until preflight has decided */
	char *cpu;     /* qemu: -cpu; "auto" only until preflight has decided */
	char *kernel;
	char *initrd;
	char *append; /* kernel command line */
	struct disk_spec *disks;
	size_t n_disks;
	char **args; /* qemu: further arguments as they are, NULL-ended */
	struct image_ref *images;
	size_t n_images;
};

struct measure_spec {
	char **counters;	  /* event names, NULL-ended */
	char **energy;		  /* domains: "package" ..., NULL-ended */
	uint64_t memory_every_ns; /* 0: memory is not sampled */
	uint32_t stamps;	  /* room for as many, a power of two; 0: no ring */
};

/* How many physical cores a run is to have for itself; 0 leaves that part where the kernel puts
 * it. */
struct place_spec {
	uint32_t guest_cores;
	uint32_t vmm_cores;
};

/* Wait before a run until the host is quiet. */
struct quiet_spec {
	double busy_pct;  /* machine-wide busy share that is still quiet; < 0: no gate */
	uint64_t wait_ns; /* give up after; the run is flagged */
};

struct run_spec {
	char campaign[ULID_SIZE];
	char run_key[HASH_HEX_SIZE];
	uint32_t attempt;   /* from 1 */
	uint32_t iteration; /* from 0; warm-ups have numbers of their own */
	bool warmup;
	char *cell; /* axes as JSON object with sorted keys, as users see it; owned */
	struct guest_spec guest;
	struct window_spec *windows; /* "whole" is not in it: every run has it; owned */
	size_t n_windows;
	struct measure_spec measure;
	struct place_spec place;
	struct quiet_spec quiet;
	uint64_t timeout_ns;
	uint64_t output_limit_bytes; /* console and stderr each; past it the run ends, invalid */
};

struct run_spec *run_spec_new(void);
void run_spec_free(struct run_spec *spec); /* NULL is fine */
CLEANUP_DEFINE(run_spec, struct run_spec *, run_spec_free)

void strv_push(char ***v, const char *s); /* copies s; *v may be NULL */
size_t strv_count(char *const *v);	  /* NULL counts 0 */
void strv_free(char **v);

#endif
