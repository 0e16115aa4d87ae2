#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# A process from its recipe to its numbers, with perf stat as the second opinion.
. "$(dirname "$0")/lib.sh"
cd "$scratch" || exit 1

cat >work.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
int main(void)
{
	char *m = malloc(64 << 20);
	unsigned x = 1;
	puts("BENCHMARK_START");
	fflush(stdout);
	memset(m, 1, 64 << 20);
	for (unsigned i = 0; i < 60000000u; i++)
		x = x * 1664525u + 1013904223u;
	printf("answer %u\n", x & (unsigned)m[x % (64 << 20)] & 1);
	puts("BENCHMARK_END");
	return 0;
}
END
gcc -O1 -o work work.c || exit 1

process_recipe work.yaml work 5 1 "$scratch/work"
cat >>work.yaml <<'END'
windows:
  bench: {from: {console: 'BENCHMARK_START'}, to: {console: 'BENCHMARK_END'}}
host: {cpus: {guest: 1}}
measure:
  counters: [page-faults, task-clock, context-switches, cpu-migrations, cycles, msr/tsc/]
  energy: [package]
  memory: {every: 10ms}
checks:
  answer: {console: 'answer (\d+)'}
END
out=$("$assay" run work.yaml --db r.db --quiet 2>err.txt)
is $? 0 "a good campaign ends with 0"
like "$out" "bench" "the report has the window"
like "$out" "r.db" "the report names the database"
folder=$(sed -n 's/^consoles  //p' <<<"$out")
is "$(grep -l BENCHMARK_END "$folder"/* | wc -l)" 6 "a console file for each run, the warm-up too"

is "$(sql r.db 'SELECT count(DISTINCT iteration) FROM results WHERE warmup=0')" 5 "five iterations"
is "$(sql r.db 'SELECT count(*) FROM results WHERE metric="wall" AND window="bench" AND warmup=0')" 5 \
	"one wall of the window an iteration"
is "$(sql r.db "$UNUSABLE")" 0 "all valid"
is "$(sql r.db 'SELECT group_concat(name) FROM (SELECT name FROM pragma_table_info("results") LIMIT 13)')" \
	"campaign,host,axes,iteration,attempt,warmup,window,metric,scope,value,unit,verdict,reasons" \
	"the view's columns, in order"
is "$(sql r.db 'SELECT count(*) FROM results WHERE metric="page-faults" AND window="bench" AND value < 16200')" 0 \
	"the window saw the pages that it touched"
is "$(sql r.db 'SELECT count(*) FROM results WHERE metric="rss/peak" AND window="whole" AND value < 64*1048576')" 0 \
	"peak memory is what was touched"
is "$(sql r.db 'SELECT DISTINCT unit FROM results WHERE metric="wall"')" ns "wall is in ns"
is "$(sql r.db "SELECT count(*) FROM campaign WHERE state='done' AND name='work' AND recipe LIKE '%BENCHMARK_END%'")" 1 \
	"the campaign has its recipe"

# Hardware events: a number, or absent with a reason; never 0.
if perf stat -e cycles true 2>&1 | grep -q '<not supported>'; then
	is "$(sql r.db 'SELECT count(*) FROM results WHERE metric="cycles"')" 0 "no PMU: no cycles"
	like "$(sql r.db 'SELECT DISTINCT note FROM absent WHERE metric="cycles"')" '...' \
		"no PMU: cycles are absent with a reason"
fi

near() { awk -v a="$1" -v b="$2" -v t="$3" 'BEGIN {d = a - b; if (d < 0) d = -d; exit !(d <= t * b)}'; }
median() { sort -n | awk '{v[NR]=$1} END {print v[int((NR+1)/2)]}'; }
ours() { # DATABASE METRIC
	sql "$1" "SELECT CAST(value AS INT) FROM results WHERE metric='$2' AND window='whole' AND warmup=0" | median
}

# The oracle: the same command under perf stat, medians of five. CPU time on a shared machine drifts
# from one second to the next, so a disagreement is looked at again; a wrong counter stays wrong.
agree=no
for try in r again once-more; do
	command -v perf >/dev/null || break
	[ $try = r ] || "$assay" run work.yaml --db $try.db --quiet >/dev/null 2>&1
	rm -f perf.csv
	for _ in 1 2 3 4 5; do
		perf stat -x, -e page-faults,task-clock -o perf.csv --append ./work >/dev/null
	done
	perf_faults=$(awk -F, '$3 ~ /page-faults/ {print $1}' perf.csv | median)
	perf_clock=$(awk -F, '$3 ~ /task-clock/ {print $1 * 1e6}' perf.csv | median)
	our_faults=$(ours $try.db page-faults)
	our_clock=$(ours $try.db task-clock)
	echo "# page-faults: assay $our_faults, perf $perf_faults; task-clock: assay $our_clock, perf $perf_clock ns"
	near "$our_faults" "$perf_faults" 0.01 && near "$our_clock" "$perf_clock" 0.03 && agree=yes && break
done
if command -v perf >/dev/null; then
	is $agree yes "page-faults within 1 % and task-clock within 3 % of perf stat's"
else
	skip "counters agree with perf stat" "perf is not installed"
fi
# msr/tsc/ counts at the TSC's rate while the process runs.
if [ "$(sql r.db 'SELECT count(*) FROM results WHERE metric="msr/tsc/"')" -gt 0 ]; then
	khz=$(awk '/cpu MHz/ {print $4 * 1000; exit}' /proc/cpuinfo)
	ratio=$(sql r.db "SELECT avg(t.value / c.value) * 1e6 FROM results t JOIN results c USING (iteration, warmup, window)
		WHERE t.metric='msr/tsc/' AND c.metric='task-clock' AND window='whole'")
	echo "# tsc per ms of task-clock: $ratio, /proc/cpuinfo says $khz kHz"
	holds "msr/tsc/ agrees with task-clock within 3 %" near "$ratio" "$khz" 0.03
fi

# A second campaign in the same database; report finds the newest; both are listed.
"$assay" run work.yaml --runs 2 --set runs.warmup=0 --db r.db --quiet >/dev/null 2>&1
is $? 0 "a second campaign, two iterations by --runs"
is "$(sql r.db 'SELECT count(*) FROM campaign')" 2 "both are in the database"
is "$("$assay" list --db r.db --json | jq length)" 2 "assay list --json"
first=$(sql r.db 'SELECT min(id) FROM campaign')
is "$("$assay" report "$first" --db r.db --json | jq -r .campaign.id)" "$first" "assay report ID --json"
holds "ids sort by time" test "$first" '<' "$(sql r.db 'SELECT max(id) FROM campaign')"

# Two cells, a comparison and --fail-if.
cat >two.yaml <<END
assay: 1
name: two
axes: {guest: [slow, fast]}
guests:
  slow: {driver: process, command: [/bin/sleep, '0.2']}
  fast: {driver: process, command: [/bin/sleep, '0.05']}
runs: {iterations: 4, warmup: 0, timeout: 20s}
compare: {axis: guest, baseline: slow}
END
out=$("$assay" run two.yaml --db two.db --quiet 2>err.txt)
is $? 0 "a comparison runs"
ratio=$("$assay" report --db two.db --json | jq '[.. | objects | select(has("ratio")) | .ratio | numbers][0]')
holds "the ratio of 0.05 s to 0.2 s is about a quarter ($ratio)" near "$ratio" 0.26 0.15
"$assay" report --db two.db --fail-if 'whole/wall > 0.5' >/dev/null
is $? 0 "--fail-if that does not hold: 0"
"$assay" report --db two.db --fail-if 'whole/wall < 0.9' >/dev/null
is $? 1 "--fail-if that holds: 1"
"$assay" report --db two.db --fail-if 'whole/wall maybe' >/dev/null 2>err.txt
is $? 2 "--fail-if that cannot be read: 2"
finish
