// SPDX-License-Identifier: GPL-3.0-or-later
/* test_report - whole reports against golden files, and what must hold of any of them.
 *
 * ASSAY_UPDATE_GOLDEN=1 writes the files anew; look at the difference before it is committed. */
#include "controller/report/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <locale.h>
#include <math.h>

#include "proto/base/file.h"
#include "proto/base/text.h"
#include "tests/controller/report/rows.h"

#define GOLDEN ASSAY_SOURCE_DIR "/tests/controller/report/golden/"

static char *report_of(const struct rows *rows, const struct report_options *options)
{
	struct fake_store store = fake_store(rows);
	struct err err = ERR_NONE;
	char *text = NULL;
	size_t size = 0;
	bool failed;
	FILE *out = open_memstream(&text, &size);
	int r = report_campaign(&store.base, options, out, &failed, &err);
	fclose(out);
	if (r < 0)
		fail_msg("%s", err.text);
	return text;
}

static bool updated(const char *path, const char *text)
{
	struct err err = ERR_NONE;
	if (!getenv("ASSAY_UPDATE_GOLDEN"))
		return false;
	if (file_write_atomic(path, text, strlen(text), 0644, &err) < 0)
		fail_msg("%s", err.text);
	return true;
}

static char *golden(const char *path)
{
	struct err err = ERR_NONE;
	char *text = NULL;
	size_t size;
	if (file_read(path, 1 << 20, &text, &size, &err) < 0)
		fail_msg("%s", err.text);
	return text;
}

static void assert_golden(const char *name, const char *text)
{
	autofree char *path = xasprintf(GOLDEN "%s", name);
	if (updated(path, text))
		return;
	autofree char *expected = golden(path);
	size_t line = 1;
	for (size_t i = 0; text[i] == expected[i] && text[i]; i++)
		line += text[i] == '\n';
	if (strcmp(text, expected) != 0)
		fail_msg("%s differs from line %zu on; found:\n%s", name, line, text);
}

/* Numbers agree to nine digits: the last ones belong to the machine's mathematics. */
static bool agree(const json_t *a, const json_t *b)
{
	size_t i;
	const char *key;
	json_t *item;
	if (json_is_real(a) && json_is_real(b)) {
		double x = json_real_value(a), y = json_real_value(b);
		return fabs(x - y) <= 1e-9 * fmax(fabs(x), fabs(y));
	}
	if (json_typeof(a) != json_typeof(b) || json_array_size(a) != json_array_size(b) ||
	    json_object_size(a) != json_object_size(b))
		return false;
	if (json_is_array(a)) {
		json_array_foreach(a, i, item) {
			if (!agree(item, json_array_get(b, i)))
				return false;
		}
		return true;
	}
	if (!json_is_object(a))
		return json_equal(a, b);
	json_object_foreach((json_t *)(uintptr_t)a, key, item) {
		const json_t *other = json_object_get(b, key);
		if (!other || !agree(item, other))
			return false;
	}
	return true;
}

static void assert_golden_json(const char *name, const char *text)
{
	autofree char *path = xasprintf(GOLDEN "%s", name);
	if (updated(path, text))
		return;
	autofree char *expected = golden(path);
	json_t *a = json_loads(text, 0, NULL), *b = json_loads(expected, 0, NULL);
	bool same = a && b && agree(a, b);
	json_decref(a);
	json_decref(b);
	if (!same)
		fail_msg("%s differs; found:\n%s", name, text);
}

static void test_comparison(void **state)
{
	(void)state;
	static const struct {
		const char *file;
		struct report_options options;
	} cases[] = {
		{"compare-0.txt", {.width = 0}},
		{"compare-60.txt", {.width = 60}},
		{"compare-100.txt", {.width = 100}},
		{"compare-100-color.txt", {.width = 100, .color = true}},
		{"compare-fail-if.txt", {.width = 100, .fail_if = "bench/wall < 0.9"}},
	};
	struct rows rows;
	rows_make(&rows);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		autofree char *text = report_of(&rows, &cases[i].options);
		assert_golden(cases[i].file, text);
	}
	rows_done(&rows);
}

static void test_json(void **state)
{
	(void)state;
	const struct report_options options = {.json = true, .fail_if = "bench/wall > 0.9"};
	struct rows rows;
	rows_make(&rows);
	autofree char *text = report_of(&rows, &options);
	assert_golden_json("compare.json", text);
	rows_done(&rows);
}

static void test_ascii(void **state)
{
	(void)state;
	const struct report_options options = {.width = 100};
	struct rows rows;
	rows_make(&rows);
	setlocale(LC_CTYPE, "C");
	autofree char *text = report_of(&rows, &options);
	setlocale(LC_CTYPE, "C.UTF-8");
	for (const char *s = text; *s; s++)
		assert_true((unsigned char)*s < 0x80);
	assert_golden("compare-100-ascii.txt", text);
	rows_done(&rows);
}

static void start(struct rows *rows)
{
	*rows = (struct rows){0};
	STRCPY_FIXED(rows->campaign.id, "01J8XM7ZK3V9Q0R1S2T3V4W5X6");
	rows->campaign.name = (char *)(uintptr_t) "small";
	rows->campaign.created_ns = 1756470896123456789u;
	rows->campaign.seed = 7;
	rows->campaign.state = CAMPAIGN_RUNNING;
}

/* One guest, no axis: the smallest recipe there is. */
static void test_one_cell(void **state)
{
	(void)state;
	const struct report_options options = {.width = 100};
	struct rows rows;
	start(&rows);
	for (uint32_t i = 0; i < 5; i++) {
		const char *key = rows_run(&rows, "{}", i, false);
		rows_attempt(&rows, key, "{}", "laptop", i, 1, VERDICT_VALID, "[]");
		rows_readings(&rows, false, i);
	}
	autofree char *text = report_of(&rows, &options);
	assert_golden("one-cell-100.txt", text);
	rows_done(&rows);
}

static void add_cell(struct rows *rows, const char *axes, const char *host, uint32_t n,
		     double value, uint32_t n_invalid)
{
	for (uint32_t i = 0; i < n + n_invalid; i++) {
		const char *key = rows_run(rows, axes, i, false);
		bool fit = i < n;
		rows_attempt(rows, key, axes, host, i, 1, fit ? VERDICT_VALID : VERDICT_INVALID,
			     fit ? "[]" : "[\"no-mark: the console never said 'ready'\"]");
		rows_result(rows, "boot", "wall", "ns", value * rows_noise(i, n, 0.1));
	}
}

#define AXES(guest, memory) "{\"guest\":\"" guest "\",\"memory\":\"" memory "\"}"

/* Three guests, two sizes, two hosts; a cell of one run, one of none, a block without baseline. */
static void test_blocks(void **state)
{
	(void)state;
	static const int widths[] = {0, 60, 100};
	struct rows rows;
	start(&rows);
	rows.campaign.compare_axis = (char *)(uintptr_t) "guest";
	rows.campaign.compare_baseline = (char *)(uintptr_t) "qemu";
	add_cell(&rows, AXES("qemu", "1G"), "amd", 4, 812e6, 0);
	add_cell(&rows, AXES("firecracker", "1G"), "amd", 4, 131e6, 0);
	add_cell(&rows, AXES("microvm", "1G"), "amd", 1, 204e6, 0);
	add_cell(&rows, AXES("qemu", "512M"), "amd", 4, 798e6, 0);
	add_cell(&rows, AXES("firecracker", "512M"), "amd", 0, 1, 12);
	add_cell(&rows, AXES("microvm", "512M"), "amd", 4, 201e6, 0);
	add_cell(&rows, AXES("firecracker", "512M"), "intel", 4, 120e6, 0);
	add_cell(&rows, AXES("microvm", "512M"), "intel", 4, 190e6, 0);
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		const struct report_options options = {.width = widths[i]};
		autofree char *text = report_of(&rows, &options);
		autofree char *name = xasprintf("blocks-%d.txt", widths[i]);
		assert_golden(name, text);
	}
	rows_done(&rows);
}

/* One more reading with a note. */
static void add_reading(struct rows *rows, const char *metric, const char *unit, double value,
			const char *note)
{
	struct store_result *r = rows_result(rows, "boot", metric, unit, value);
	r->note = note ? rows_keep(rows, xstrdup(note)) : "";
}

/* Cells far apart, small counts, means that cannot be told from 0, notes that vary. */
static void test_far_apart(void **state)
{
	(void)state;
	static const int widths[] = {0, 60, 80};
	static const struct {
		const char *axes;
		double slow, faults, switches, delta;
		unsigned samples;
	} guests[] = {
		{"{\"guest\":\"debian\"}", 1.753e9, 13328, 79.7, -31.5, 17},
		{"{\"guest\":\"process\"}", 1.04e6, 38, 1.7, -2, 3},
		{"{\"guest\":\"unikernel\"}", 73e6, 5222, 0, 4, 5},
	};
	struct rows rows;
	start(&rows);
	rows.campaign.compare_axis = (char *)(uintptr_t) "guest";
	rows.campaign.compare_baseline = (char *)(uintptr_t) "debian";
	for (uint32_t i = 0; i < 9; i++) {
		uint32_t g = i % 3, n = i / 3;
		autofree char *samples = xasprintf("mean of %u samples, one each 0.%u ms",
						   guests[g].samples + n, 7 + n);
		const char *key = rows_run(&rows, guests[g].axes, n, false);
		rows_attempt(&rows, key, guests[g].axes, "vm", n, 1, VERDICT_VALID, "[]");
		add_reading(&rows, "wall", "ns", guests[g].slow * rows_noise(n, g, 0.1), NULL);
		add_reading(&rows, "page-faults", "count",
			    round(guests[g].faults * rows_noise(n, g, 0.1)), NULL);
		add_reading(&rows, "context-switches", "count",
			    round(guests[g].switches * (g ? n : 20 + n)), NULL);
		add_reading(&rows, "probe/delta", "mV", guests[g].delta * (n + 1), "of /dev/adc0");
		add_reading(&rows, "rss", "bytes", (868 << 10) * (g ? g : 200), samples);
		if (g == 1 && n == 2)
			rows_absent(&rows, "boot", "pss", "bytes", "no sample fell into it");
		else
			add_reading(&rows, "pss", "bytes", 1 << 20, n == 1 ? "late" : NULL);
	}
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		const struct report_options options = {.width = widths[i]};
		autofree char *text = report_of(&rows, &options);
		autofree char *name = xasprintf("far-apart-%d.txt", widths[i]);
		assert_golden(name, text);
	}
	rows_done(&rows);
}

/* No line is wider than the terminal. */
static void test_fits(void **state)
{
	(void)state;
	struct rows rows;
	rows_make(&rows);
	for (int width = 40; width <= 140; width++) {
		const struct report_options options = {.width = width};
		autofree char *text = report_of(&rows, &options);
		char *place = NULL;
		for (char *line = strtok_r(text, "\n", &place); line;
		     line = strtok_r(NULL, "\n", &place)) {
			size_t columns = mbstowcs(NULL, line, 0);
			if (columns > (size_t)width && strchr(line, ' ') && width >= 55)
				fail_msg("width %d: %zu columns: %s", width, columns, line);
		}
	}
	rows_done(&rows);
}

/* Names come from recipes, reasons from guests: neither may steer the terminal. */
static void test_hostile_text(void **state)
{
	(void)state;
	static const struct report_options all[] = {
		{.width = 0}, {.width = 60}, {.width = 100, .color = true}, {.json = true}};
	struct rows rows;
	start(&rows);
	rows.campaign.name = (char *)(uintptr_t) "a\033[2Jb\nc\x9b\xff";
	const char *axes = "{\"guest\":\"\\u001b[31mred\"}";
	const char *key = rows_run(&rows, axes, 0, false);
	rows_attempt(&rows, key, axes, "host\033]0;x\007", 0, 1, VERDICT_FLAGGED,
		     "[\"code: \\u001b[5m\\u0007\\u009b text\"]");
	rows_result(&rows, "win\033[1mdow", "met\tric\033", "un\033it", 1);
	rows_absent(&rows, "win\033[1mdow", "other\033", "ns", "note\033[0m\r\xc2");
	for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
		autofree char *text = report_of(&rows, &all[i]);
		for (const char *s = text; *s; s++) {
			bool ours = all[i].color &&
				    (text_starts(s, "\033[1m") || text_starts(s, "\033[2m") ||
				     text_starts(s, "\033[0m"));
			if (((unsigned char)*s < 0x20 && *s != '\n' && !ours) || *s == 0x7f ||
			    (!all[i].json && text_starts(s, "\xc2\x9b")))
				fail_msg("byte %d of report %zu:\n%s", *s, i, text);
		}
		if (all[i].json) {
			json_t *json = json_loads(text, 0, NULL);
			assert_non_null(json);
			json_decref(json);
		}
	}
	rows_done(&rows);
}

static void test_nothing_there(void **state)
{
	(void)state;
	struct fake_store empty = fake_store(NULL);
	struct rows rows = {0};
	struct fake_store store = fake_store(&rows);
	struct report_options options = {.campaign = NULL};
	struct err err = ERR_NONE;
	bool failed = true;
	rows_make(&rows);
	assert_int_equal(report_campaign(&empty.base, &options, stderr, &failed, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no campaign yet"));
	options.campaign = "01XXX";
	assert_int_equal(report_campaign(&store.base, &options, stderr, &failed, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no campaign '01XXX'"));
	options = (struct report_options){.fail_if = "nonsense"};
	assert_int_equal(report_campaign(&store.base, &options, stderr, &failed, &err), -EINVAL);
	assert_true(failed); /* untouched */
	rows_done(&rows);
}

static void test_failed(void **state)
{
	(void)state;
	static const struct {
		const char *condition;
		bool failed;
	} cases[] = {{"bench/wall < 0.9", true}, {"bench/wall > 0.9", false}, {NULL, false}};
	struct rows rows = {0};
	struct fake_store store = fake_store(&rows);
	rows_make(&rows);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct report_options options = {.fail_if = cases[i].condition};
		bool failed = !cases[i].failed;
		FILE *out = fopen("/dev/null", "w");
		assert_int_equal(report_campaign(&store.base, &options, out, &failed, NULL), 0);
		fclose(out);
		assert_int_equal(failed, cases[i].failed);
	}
	rows_done(&rows);
}

/* A full disk is an error, not a short report. */
static void test_write_error(void **state)
{
	(void)state;
	const struct report_options options = {0};
	struct rows rows = {0};
	struct fake_store store = fake_store(&rows);
	struct err err = ERR_NONE;
	bool failed = false;
	FILE *out = fopen("/dev/full", "w");
	if (!out)
		skip();
	rows_make(&rows);
	assert_int_equal(report_campaign(&store.base, &options, out, &failed, &err), -ENOSPC);
	fclose(out);
	rows_done(&rows);
}

static void test_running(void **state)
{
	(void)state;
	const struct report_options options = {.width = 100};
	struct rows rows;
	start(&rows);
	rows_run(&rows, "{}", 0, false);
	autofree char *text = report_of(&rows, &options);
	assert_golden("nothing-yet-100.txt", text);
	rows_done(&rows);
}

static char *list_of(const struct rows *rows, bool json)
{
	struct fake_store store = fake_store(rows);
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_int_equal(report_list(&store.base, json, out, NULL), 0);
	fclose(out);
	return text;
}

static void test_list(void **state)
{
	(void)state;
	struct rows rows;
	rows_make(&rows);
	autofree char *text = list_of(&rows, false), *json = list_of(&rows, true);
	autofree char *none = list_of(NULL, false), *none_json = list_of(NULL, true);
	assert_golden("list.txt", text);
	assert_golden_json("list.json", json);
	assert_non_null(strstr(none, "no campaign yet"));
	assert_string_equal(none_json, "[]\n");
	rows_done(&rows);
}

static char *host_of(const struct host_info *host, bool json)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	assert_int_equal(report_host(host, json, out, NULL), 0);
	fclose(out);
	return text;
}

static void test_host(void **state)
{
	(void)state;
	struct host_info host = {.name = "zen4", .fingerprint = "0123456789abcdef0123"};
	host_fact(&host, "cpu.vendor", "AuthenticAMD");
	host_fact(&host, "cpu.model", "AMD EPYC 9354 32-Core Processor");
	host_fact(&host, "kernel", "6.1.0-18-amd64");
	host_capability(&host, "kvm", true, "/dev/kvm, API 12", NULL);
	host_capability(&host, "counters.hardware", false,
			"cycles cannot be opened: perf_event_paranoid is 3",
			"sysctl kernel.perf_event_paranoid=1, or run the agent with CAP_PERFMON");
	host_capability(&host, "energy.package", false, "no RAPL domain in powercap or perf", "");
	autofree char *text = host_of(&host, false), *json = host_of(&host, true);
	assert_golden("host.txt", text);
	assert_golden_json("host.json", json);
	host_info_done(&host);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_comparison),    cmocka_unit_test(test_json),
		cmocka_unit_test(test_ascii),	      cmocka_unit_test(test_one_cell),
		cmocka_unit_test(test_blocks),	      cmocka_unit_test(test_fits),
		cmocka_unit_test(test_far_apart),     cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_nothing_there), cmocka_unit_test(test_failed),
		cmocka_unit_test(test_write_error),   cmocka_unit_test(test_running),
		cmocka_unit_test(test_list),	      cmocka_unit_test(test_host),
	};
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		fprintf(stderr, "this machine has no C.UTF-8: the golden files will differ\n");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
