// SPDX-License-Identifier: GPL-3.0-or-later
/* sample - a small campaign and attempts at its runs, for the tests of this room. */
#ifndef ASSAY_TESTS_STORE_SAMPLE_H
#define ASSAY_TESTS_STORE_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "controller/store/store.h"
#include "proto/base/file.h"
#include "proto/base/mem.h"
#include "proto/base/text.h"

#define CAMPAIGN    "01HZZZZZZZZZZZZZZZZZZZZZZA"
#define OTHER	    "01HZZZZZZZZZZZZZZZZZZZZZZB"
#define FINGERPRINT "f00dfeedf00dfeedf00dfeedf00dfeedf00dfeedf00dfeedf00dfeedf00dfeed"
#define EPOCH	    "01HZZZZZZZZZZZZZZZZZZZEPCH"

#define ASSERT_OK(call)                                                  \
	do {                                                             \
		int ok_ = (call);                                        \
		if (ok_ != 0)                                            \
			fail_msg("%s: %d: %s", #call, ok_, (err)->text); \
	} while (0)

static inline void sample_key(size_t i, char ret[HASH_HEX_SIZE])
{
	char name[32];
	int n = snprintf(name, sizeof(name), "run %zu", i);
	hash_bytes(name, (size_t)n, ret);
}

/* n runs over two cells, a warm-up first. */
static inline int sample_create(struct store *store, const char *id, size_t n, struct err *err)
{
	struct store_campaign c = {.created_ns = 1700000000000000000,
				   .seed = UINT64_MAX,
				   .state = CAMPAIGN_RUNNING,
				   .name = xstrdup("sample"),
				   .recipe = xstrdup("assay: 1\n"),
				   .options = xstrdup("{\"runs\":2}"),
				   .compare_axis = xstrdup("guest")};
	STRCPY_FIXED(c.id, id);
	struct store_run *runs = xcalloc(n, sizeof(*runs));
	for (size_t i = 0; i < n; i++) {
		sample_key(i, runs[i].key);
		runs[i].cell = xasprintf("{\"guest\":\"%s\"}", i % 2 ? "debian" : "unikernel");
		runs[i].label = xstrdup(i % 2 ? "debian" : "unikernel");
		runs[i].iteration = (uint32_t)(i / 2);
		runs[i].warmup = i == 0;
		runs[i].position = (uint32_t)i;
	}
	int r = store->backend->create(store, &c, runs, n, err);
	for (size_t i = 0; r == 0 && i < n; i++)
		assert_true(runs[i].id > 0);
	store_runs_free(runs, n);
	store_campaign_done(&c);
	return r;
}

static inline int sample_host(struct store *store, struct err *err)
{
	struct host_info host = {.name = "epyc"};
	STRCPY_FIXED(host.fingerprint, FINGERPRINT);
	host_fact(&host, "cpu.vendor", "AuthenticAMD");
	host_fact(&host, "kernel", "6.1.0");
	host_capability(&host, "kvm", false, "/dev/kvm is missing", "load kvm_amd");
	int r = store->backend->host(store, &host, err);
	host_info_done(&host);
	return r;
}

/* The attempt number `number` at run i: three readings (one absent), a window, marks, facts. */
static inline struct attempt *sample_attempt(const char *campaign, size_t i, uint32_t number)
{
	struct attempt *a = attempt_new();
	STRCPY_FIXED(a->campaign, campaign);
	sample_key(i, a->run_key);
	a->attempt = number;
	a->reached = RUN_SPOOLED;
	a->begun = (struct clock_bracket){1000, 2000, 1700000000000000000 + i, 10};
	a->ended = (struct clock_bracket){5000 + 1000 * i, 9000, 1700000001000000000 + i, 10};
	a->exited = true;
	a->guest_life_ns = 3000;
	attempt_reading(a, "whole", "wall", "guest", "ns", "clock", 3000 + (double)number);
	attempt_reading(a, "bench", "cycles", "guest", "count", "perf", 1e9)->running_share = 0.5;
	attempt_absent(a, "bench", "energy/package", "host", "J", "no RAPL on this machine");
	*ARRAY_PUSH(a->marks, a->n_marks) = (struct mark){"start", 1000, 1000, 1010, 0, 0};
	*ARRAY_PUSH(a->windows, a->n_windows) = (struct window){"whole", 1000, 4000, 20, 30, 2};
	attempt_event(a, "ready", 1500);
	attempt_fact(a, "accelerator", "kvm");
	return a;
}

static inline int sample_end(struct store *store, const char *campaign, size_t i, uint32_t number,
			     uint64_t sequence, enum verdict verdict, const char *code, bool *again,
			     struct err *err)
{
	const struct store_stream stream = {"agent-1", EPOCH, sequence};
	autoclean(attempt) struct attempt *a = sample_attempt(campaign, i, number);
	if (code)
		attempt_reason(a, verdict, code, "because \"%s\"", code);
	return store->backend->ended(store, &stream, a, FINGERPRINT, again, err);
}

/* A folder of the test's own; sample_folder_done() removes it. */
static inline char *sample_folder(void)
{
	char name[] = "/tmp/assay-store-XXXXXX";
	assert_non_null(mkdtemp(name));
	return xstrdup(name);
}

static inline void cleanup_sample_folder(char **folder)
{
	if (*folder)
		file_remove_tree(*folder, NULL);
	free(*folder);
}
#define autofolder __attribute__((cleanup(cleanup_sample_folder)))

#endif
