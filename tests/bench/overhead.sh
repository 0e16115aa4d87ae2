#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# overhead.sh - what one run costs around the guest. The guest is /bin/true, so all is overhead:
# 200 runs of it through assay, hyperfine, a loop with perf stat and a plain loop, taking turns.
# Run by run.sh.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

RUNS=200
ROUNDS=5
recipe=$BENCH_WORK/overhead.yaml

write_recipe() {
	cat >"$recipe" <<-END
	assay: 1
	name: bench-overhead
	guests:
	  nothing: {driver: process, command: [/bin/true]}
	runs: {iterations: $RUNS, warmup: 0, retries: 0}
	END
}

# assay_us DATABASE RUNS: the whole of one call, into REPLY. Database and spool are new.
assay_us() {
	forget "$1"
	time_us "$ASSAY_BUILD/assay" run "$recipe" --runs "$2" --db "$1" --quiet
}

# The guest's life is the window `whole`, exec to exit; what is between one and the next is ours:
# collecting the last one's readings, the spool's and the database's fsyncs, opening counters.
# Prints three numbers a gap: from an exit to the next exec, and of these, what the attempt took
# before its exec and after its exit (the rest is between attempts). RAW times of two attempts may
# be subtracted here: one host, and no reboot between them.
gaps_us() {
	sqlite3 -separator ' ' "$1" <<-'END'
	WITH life AS (
		SELECT begun_ns, ended_ns, from_ns, to_ns,
			lead(begun_ns) OVER (ORDER BY from_ns) AS next_begun_ns,
			lead(from_ns) OVER (ORDER BY from_ns) AS next_from_ns
		FROM attempt JOIN "window" ON "window".attempt_id = attempt.id
		WHERE "window".name = 'whole')
	SELECT (next_from_ns - to_ns) / 1e3, (next_from_ns - next_begun_ns) / 1e3,
		(ended_ns - to_ns) / 1e3
	FROM life WHERE next_from_ns IS NOT NULL;
	END
}

# The medians of one database.
sample_gaps() {
	local gaps=$BENCH_WORK/gaps
	gaps_us "$1" >"$gaps"
	sample overhead/bookkeeping_median "$(cut -d ' ' -f 1 "$gaps" | median)"
	sample before_exec "$(cut -d ' ' -f 2 "$gaps" | median)"
	sample after_exit "$(cut -d ' ' -f 3 "$gaps" | median)"
}

# What assay reports for /bin/true, beside what hyperfine reports in the same round.
sample_reported() {
	local walls=$BENCH_WORK/walls mean
	sqlite3 "$BENCH_WORK/overhead.db" "SELECT value / 1e3 FROM results
		WHERE window = 'whole' AND metric = 'wall' AND unit = 'ns'" >"$walls"
	mean=$(awk '{ sum += $1 } END { print sum / NR }' "$walls")
	sample overhead/reported_true "$(ratio "$mean" "$(hyperfine_reported mean)")"
	sample overhead/reported_true_median \
		"$(ratio "$(median <"$walls")" "$(hyperfine_reported median)")"
}

# hyperfine_reported mean|median: in us.
hyperfine_reported() {
	jq ".results[0].$1 * 1e6" "$BENCH_WORK/hyperfine.json"
}

# By difference with one run: a campaign's beginning and end are not a run's.
measure_assay() {
	local one many
	assay_us "$BENCH_WORK/one.db" 1
	one=$REPLY
	assay_us "$BENCH_WORK/overhead.db" $RUNS
	many=$REPLY
	assay_per_run=$(ratio $((many - one)) $((RUNS - 1)))
	sample overhead/assay_per_run "$assay_per_run"
	sample_gaps "$BENCH_WORK/overhead.db"
}

hyperfine_us() {
	time_us hyperfine -N --runs "$1" --style none --export-json "$BENCH_WORK/hyperfine.json" true
}

measure_hyperfine() {
	local one many
	hyperfine_us 1
	one=$REPLY
	hyperfine_us $RUNS
	many=$REPLY
	hyperfine_per_run=$(ratio $((many - one)) $((RUNS - 1)))
	sample overhead/hyperfine_per_run "$hyperfine_per_run"
}

perf_loop() {
	local i
	for ((i = 0; i < RUNS; i++)); do
		perf stat -e page-faults,task-clock -o "$BENCH_WORK/perf" true || return
	done
}

measure_perf_loop() {
	time_us perf_loop
	perf_loop_per_run=$(ratio "$REPLY" $RUNS)
	sample overhead/perf_loop_per_run "$perf_loop_per_run"
}

plain_loop() {
	local i
	for ((i = 0; i < RUNS; i++)); do
		/bin/true
	done
}

measure_plain_loop() {
	time_us plain_loop
	sample overhead/plain_loop_per_run "$(ratio "$REPLY" $RUNS)"
}

# Who begins changes from round to round, so that nobody always follows the same other.
one_round() {
	local i
	for ((i = 0; i < ${#methods[@]}; i++)); do
		"measure_${methods[($1 + i) % ${#methods[@]}]}"
	done
	if $with_hyperfine; then
		sample overhead/assay_vs_hyperfine "$(ratio "$assay_per_run" "$hyperfine_per_run")"
		sample_reported
	fi
	if $with_perf; then
		sample overhead/assay_vs_perf_loop "$(ratio "$assay_per_run" "$perf_loop_per_run")"
	fi
}

need sqlite3 sqlite3
with_hyperfine=false
with_perf=false
methods=(assay plain_loop)
if command -v hyperfine >/dev/null && command -v jq >/dev/null; then
	with_hyperfine=true
	methods+=(hyperfine)
else
	note "no comparison with hyperfine: it or jq is not installed"
fi
if why=$(perf stat -e page-faults,task-clock -o /dev/null true 2>&1); then
	with_perf=true
	methods+=(perf_loop)
else
	note "no comparison with perf stat: $(head -n 1 <<<"$why")"
fi

write_recipe
for ((round = 0; round < ROUNDS; round++)); do
	one_round $round
done

figure overhead/assay_per_run us
figure overhead/plain_loop_per_run us
if $with_hyperfine; then
	figure overhead/hyperfine_per_run us
	figure overhead/assay_vs_hyperfine x
	figure overhead/reported_true x
	figure overhead/reported_true_median x
fi
if $with_perf; then
	figure overhead/perf_loop_per_run us
	figure overhead/assay_vs_perf_loop x
fi
figure overhead/bookkeeping_median us
note "of that, $(median <"$samples/before_exec") us are in the attempt before its exec and" \
	"$(median <"$samples/after_exit") us in it after its exit; the rest is between attempts"
