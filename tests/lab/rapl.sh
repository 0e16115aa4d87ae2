#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Energy on a machine with RAPL: a guest whose packages draw a known power, so that every reading
# has a right answer, power times time. One boot, a campaign for each way of having RAPL.
. "$(dirname "$0")/lib.sh"

WATTS=12.5
BOTH_WATTS=42.5 # 12.5 and 30
SECONDS_MAX=120

lab_machine
box=$scratch/box
mkdir -p "$box"
lab_programs "$box"
gcc -O1 -static -o "$box/bin/work" "$lab/rapl/work.c" || exit 1
install -m 755 "$lab/rapl/run.sh" "$box/run"
cp "$lab/rapl/rapl.yaml" "$box/"
lab_module fakerapl "$box"
must $? "the module with the counters builds for $(basename "$kernel_piece"/usr/src/*-cloud-amd64)"
lab_run "$box" $SECONDS_MAX -smp 2,sockets=2
must $? "the machine boots, runs all campaigns and powers off"
out=$box/out

# Energy beside the wall time of its window, one line a reading: campaign's database, then a filter.
pairs() {
	sql "$out/$1.db" "SELECT w.axes, w.window, w.iteration, w.value / 1e9 AS wall_s, e.value AS energy,
			e.source, e.scope, e.unit, e.verdict, e.reasons
		FROM results AS w JOIN results AS e USING (run_key, window)
		WHERE w.metric = 'wall' AND e.metric = 'energy/package' AND e.scope = 'host' AND $2"
}

# energy_is CAMPAIGN SOURCE WATTS RUNS: every reading is power times time within 2 %.
energy_is() {
	local found wrong
	is "$(cat "$out/$1.rc")" 0 "$1: the campaign ends with 0"
	found=$(pairs "$1" "wall_s >= 0.4")
	wrong=$(awk -F'|' -v watts="$3" '
		{ off = $5 / ($4 * watts) - 1; if (off < -0.02 || off > 0.02) print "# " $0 " off by " off * 100 " %" }' \
		<<<"$found")
	[ -z "$wrong" ] || echo "$wrong"
	is "$wrong" "" "$1: energy is $3 W times wall, within 2 %"
	awk -F'|' -v watts="$3" -v name="$1" '
		{ off = ($5 / ($4 * watts) - 1) * 100; off = off < 0 ? -off : off; if (off > most) most = off }
		END { printf "# %s: %d windows of 0.4 s and more, the worst off by %.3f %%\n", name, NR, most }' \
		<<<"$found"
	holds "$1: there are $4 named windows of them" \
		test "$(grep -c '|bench|' <<<"$found")" -ge "$4"
	is "$(cut -d '|' -f 6-8 <<<"$found" | sort -u)" "$2|host|J" "$1: source, scope and unit"
	is "$(cut -d "|" -f 10 <<<"$found" | grep -c energy)" 0 "$1: energy of windows that are long enough is no reason to flag a run"
}

for campaign in perf powercap; do
	energy_is $campaign $campaign $WATTS 4

	# From 20 to 200 ms: there, flagged, with its uncertainty.
	found=$(pairs $campaign "w.window = 'bench' AND wall_s BETWEEN 0.025 AND 0.19")
	holds "$campaign: there is a short window" test -n "$found"
	is "$(cut -d '|' -f 9,10 <<<"$found" | grep -vc '^flagged|.*energy-short-window')" 0 \
		"$campaign: a window under 200 ms flags its run"
	is "$(awk -F'|' -v watts=$WATTS '{ off = $5 - $4 * watts; if (off * off > 0.05 ^ 2) print }' <<<"$found")" "" \
		"$campaign: its energy is right within 4 ms of $WATTS W"
	is "$(sql "$out/$campaign.db" "SELECT count(*) FROM results WHERE metric = 'energy/package'
		AND NOT uncertainty > 0")" 0 "$campaign: every reading has an uncertainty"

	# Under 20 ms: absent, and the run is not flagged for it.
	tiny=$(sql "$out/$campaign.db" "SELECT w.run_key, a.note FROM results AS w JOIN absent AS a
		USING (run_key, window) WHERE w.metric = 'wall' AND w.value < 18e6
		AND a.metric = 'energy/package'")
	like "$tiny" 'shorter than 20 ms' "$campaign: a window under 20 ms has no energy, and says why"
	is "$(pairs $campaign "wall_s < 0.018")" "" "$campaign: no window under 20 ms has any"
done

# The zone's counter goes back to 0 after 10 J, 0.8 s: what is longer has seen it.
raw_max=$(awk '/max_energy_range_uj/ { print $2 }' "$out/powercap.sys")
is "$raw_max" 10000000 "the zone wraps past 10 J"
is "$(pairs powercap "w.window = 'bench' AND wall_s > 0.9 AND energy > 10" | wc -l)" 2 \
	"powercap: a window longer than a wrap has more than the counter can hold"
is "$(pairs powercap "w.axes LIKE '%busy%' AND w.window = 'whole'" | wc -l)" 2 \
	"powercap: windows shorter than a wrap are there too"

# Both sources, the same answer.
power() {
	pairs "$1" "w.axes LIKE '%long%' AND w.window = 'bench'" |
		awk -F'|' '{ joules += $5; seconds += $4 } END { printf "%.4f", joules / seconds }'
}
by_perf=$(power perf) by_powercap=$(power powercap)
echo "# $WATTS W: perf says $by_perf W, powercap $by_powercap W"
holds "perf and powercap agree within 1 %" \
	awk -v a="$by_perf" -v b="$by_powercap" 'BEGIN { exit !(a / b > 0.99 && a / b < 1.01) }'

# Two packages: the sum for the host, and each by its name.
for campaign in perf2 powercap2; do
	energy_is $campaign ${campaign%2} $BOTH_WATTS 2
	is "$(sql "$out/$campaign.db" "SELECT p.scope, abs(p.value / w.value * 1e9
			/ iif(p.scope = 'package-0', 12.5, 30) - 1) < 0.02
		FROM results AS p JOIN results AS w USING (run_key, window)
		WHERE w.metric = 'wall' AND w.window = 'bench'
		AND p.metric = 'energy/package' AND p.scope <> 'host' ORDER BY p.scope, w.iteration")" \
		$'package-0|1\npackage-0|1\npackage-1|1\npackage-1|1' \
		"$campaign: each package has its own energy, under the same name"
done

# A counter that went back without a wrap has lost what it held.
is "$(sql "$out/reset.db" "SELECT count(*) FROM results WHERE metric LIKE 'energy/%'")" 0 \
	"reset: a counter that was set back gives no energy"
is "$(sql "$out/reset.db" "SELECT DISTINCT window, note FROM absent WHERE metric = 'energy/package'
	ORDER BY window")" \
	$'bench|its counter was set back inside the window\nwhole|its counter was set back inside the window' \
	"reset: and says so for each window"

# Nobody's fault, and said: no RAPL at all, and RAPL that may not be read.
is "$(sql "$out/none.db" "SELECT count(*) FROM results WHERE metric LIKE 'energy/%'")" 0 \
	"none: without RAPL there is no energy, not 0"
like "$(sql "$out/none.db" "SELECT note FROM absent WHERE metric = 'energy/package'")" \
	'no power PMU; no powercap zone' "none: and it says so"
is "$(sql "$out/nobody.db" "SELECT count(*) FROM results WHERE metric LIKE 'energy/%'")" 0 \
	"nobody: who may not read the counters gets no energy"
like "$(sql "$out/nobody.db" "SELECT note FROM absent WHERE metric = 'energy/package'")" \
	'perf_event_paranoid|CAP_PERFMON' "nobody: and hears what would help with perf"
like "$(sql "$out/nobody.db" "SELECT note FROM absent WHERE metric = 'energy/package'")" \
	'CAP_DAC_READ_SEARCH' "nobody: and with powercap"
like "$(jq -c '.. | objects | select(.name? == "energy.package")' "$out/host.json")" 'true' \
	"assay host says that this machine has package energy"

finish
