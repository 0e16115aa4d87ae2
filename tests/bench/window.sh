#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# window.sh - how late a window opens after the guest wrote its marker, and how late it closes. The
# guest (marker.c) keeps the true times, so nothing is assumed. assay takes turns with what scripts
# do (seed_window.sh). Run by run.sh.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

ROUNDS=4
RUNS=10       # of assay, each round
SEED_RUNS=3   # of the script, each round
SEED_LIMIT=10 # seconds for one of these; it takes one
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
marker=$BENCH_WORK/../marker
recipe=$BENCH_WORK/window.yaml
database=$BENCH_WORK/window.db

# Agent and guest on cores of their own, where there are two.
write_recipe() {
	local place='' cores
	cores=$(lscpu -p=CORE,SOCKET | grep -v '^#' | sort -u | wc -l)
	if [[ $cores -ge 2 ]]; then
		place='host: {cpus: {guest: 1}}'
	else
		note "this machine has one core: assay waits for the guest to leave it"
	fi
	cat >"$recipe" <<-END
	assay: 1
	name: bench-window
	guests:
	  marker:
	    driver: process
	    command: [$marker, "-", "50", "$BENCH_WORK/record.{run.iteration}"]
	$place
	windows:
	  bench: {from: {console: BENCHMARK_START}, to: {console: BENCHMARK_END}}
	measure: {counters: [page-faults]}
	runs: {iterations: $RUNS, warmup: 0, retries: 0, timeout: 20s}
	END
}

# query SQL
query() {
	sqlite3 -separator ' ' -nullvalue - "$database" "$1"
}

# One line a run: its iteration, the three times of both marks, and the page faults between them.
marks() {
	query "SELECT run.iteration, f.lower_ns, f.t_ns, f.read_ns, t.lower_ns, t.t_ns, t.read_ns,
			CAST(reading.value AS INTEGER)
		FROM run JOIN accepted ON accepted.run_id = run.id
			JOIN attempt ON attempt.id = accepted.attempt_id
			JOIN mark AS f ON f.attempt_id = attempt.id AND f.name = 'bench.from'
			JOIN mark AS t ON t.attempt_id = attempt.id AND t.name = 'bench.to'
			LEFT JOIN reading ON reading.attempt_id = attempt.id
				AND reading.window = 'bench' AND reading.metric = 'page-faults'
		WHERE attempt.verdict <> 'invalid'"
}

# stamps RECORD: the guest's true times of both lines.
stamps() {
	od -An -v -w16 -t u8 -N16 "$1"
}

# us NS: a difference of two times, as bash subtracts them: 64 bits wide.
us() {
	awk -v ns="$1" 'BEGIN { printf "%.3f\n", ns / 1e3 }'
}

# late_by_faults RECORD COUNT: how long after BENCHMARK_START the counting of page faults began, if
# COUNT of them were seen until the end. In us; its grain is the 10 us between two faults.
late_by_faults() {
	od -An -v -w8 -t u8 "$1" | awk -v count="$2" '
	NR == 3 { stray = $1 }
	NR == 4 { n = $1 }
	NR > 4 { at_ns[NR - 4] = $1 }
	END {
		if (stray > 20)
			print "bench: " stray " page faults were not made on purpose" >"/dev/stderr"
		first = n - count + 1
		if (first < 1)
			first = 1
		if (n < 1 || first > n)
			exit 1
		printf "%.3f\n", at_ns[first] / 1e3
	}'
}

# sample_run ITERATION LOWER T READ LOWER T READ COUNT, as marks prints them.
sample_run() {
	local record=$BENCH_WORK/record.$1 start end
	read -r start end < <(stamps "$record")
	if ((start < $2 || start > $3 || end < $5 || end > $6)); then
		note "run $1: a marker was written outside the interval that its mark gives"
		outside=$((outside + 1))
	fi
	sample window/start "$(us $(($4 - start)))"
	sample window/end "$(us $(($7 - end)))"
	sample window/mark_to_counters "$(us $(($4 - $3)))" "$(us $(($7 - $6)))"
	us $(($4 - start)) >>"$BENCH_WORK/round"
	if [[ $8 != - ]]; then
		sample window/start_by_faults "$(late_by_faults "$record" "$8")"
	fi
}

measure_assay() {
	local line runs=0
	forget "$database"
	rm -f "$BENCH_WORK"/record.* "$BENCH_WORK/round"
	quietly "$ASSAY_BUILD/assay" run "$recipe" --db "$database" --quiet
	while read -ra line; do
		sample_run "${line[@]}"
		runs=$((runs + 1))
	done < <(marks)
	[[ $runs == "$RUNS" ]] || die "$runs runs of $RUNS have both marks; see $database"
	ours=$(median <"$BENCH_WORK/round")
}

# The CPU that assay gave the guest; the script's guest gets it too, so that only the ways differ.
guest_cpu() {
	local cpu
	cpu=$(query "SELECT value FROM fact WHERE name = 'cpus.guest' AND attempt_id IS NOT NULL
		LIMIT 1")
	echo "${cpu:--}"
}

seed_run() {
	local record=$BENCH_WORK/seed.record counts=$BENCH_WORK/seed.counts count late
	rm -f "$record" "$counts"
	timeout --kill-after=1 $SEED_LIMIT "$here/seed_window.sh" "$marker" "$(guest_cpu)" \
		"$record" "$counts" >"$bench_log" 2>&1 </dev/null || true
	count=$(awk -F , '$3 ~ /^page-faults/ { print $1 }' "$counts" 2>/dev/null) || true
	if [[ -s $record && $count =~ ^[0-9]+$ ]] && late=$(late_by_faults "$record" "$count"); then
		sample window/seed_start "$late"
		echo "$late" >>"$BENCH_WORK/seed.round"
	else
		note "a run of the script was lost: $(tail -n 1 "$bench_log")"
	fi
}

measure_seed() {
	local i
	rm -f "$BENCH_WORK/seed.round"
	for ((i = 0; i < SEED_RUNS; i++)); do
		seed_run
	done
	if [[ -s $BENCH_WORK/seed.round ]]; then
		sample window/start_ratio "$(ratio "$ours" "$(median <"$BENCH_WORK/seed.round")")"
	fi
}

need sqlite3 sqlite3
with_perf=false
if why=$(perf stat -e page-faults -o /dev/null true 2>&1); then
	with_perf=true
else
	note "no comparison with perf stat: $(head -n 1 <<<"$why")"
fi

write_recipe
outside=0
for ((round = 0; round < ROUNDS; round++)); do
	measure_assay
	if $with_perf; then
		measure_seed
	fi
done
[[ $outside == 0 ]] || note "$outside marks do not hold the true time: a defect of assay"

figure window/start_p50 us 0.5 window/start
figure window/start_p99 us 0.99 window/start
figure window/end_p50 us 0.5 window/end
figure window/end_p99 us 0.99 window/end
figure window/mark_to_counters_p50 us 0.5 window/mark_to_counters
if [[ -s $samples/window:start_by_faults ]]; then
	figure window/start_by_faults_p50 us 0.5 window/start_by_faults
else
	note "assay counted no page faults here: $(query "SELECT note FROM absent LIMIT 1")"
fi
if $with_perf; then
	figure window/seed_start_p50 us 0.5 window/seed_start
	figure window/start_ratio x
fi
