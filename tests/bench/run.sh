#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# run.sh - what assay costs and how well it measures, beside what people use today. Prints one line
# a figure, "name value unit"; README.md says what each means.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(cd "$here/../.." && pwd)
work=$repository/build/bench

# Each is a program NAME.sh beside this one.
benchmarks() {
	cat <<-'END'
	overhead what a run costs around the guest, beside hyperfine and a loop of perf stat
	stamps   what twenty time stamps cost a program, beside lines of JSON
	window   how late a window opens and closes, beside tee, grep and perf stat -p
	END
}

# The figure, and the most that it should be. README.md says where these come from.
targets() {
	cat <<-'END'
	overhead/bookkeeping_median 5000
	stamps/ring_ns_per_20 1000
	stamps/ratio 0.05
	window/start_p50 100
	window/start_ratio 0.02
	END
}

usage() {
	cat <<-'END'
	usage: tests/bench/run.sh [--gate] [NAME...]
	       tests/bench/run.sh --list | --help

	Builds assay (preset release) and runs the benchmarks NAME, or all of them: under 90 s. Stdout
	has one line a figure, "name value unit"; a ratio has the unit x. All else goes to stderr.

	  --gate  end with 1 if a figure is beyond its target; without it that is only said
	  --list  print the names of all benchmarks

	Environment:
	  ASSAY_BUILD  folder with assay and assay-agent to use; nothing is built then
	END
}

die() {
	echo "bench: $*" >&2
	exit "${status:-1}"
}

build() {
	mkdir -p "$work"
	if [[ -z ${ASSAY_BUILD:-} ]]; then
		export ASSAY_BUILD=$repository/build/release
		(cd "$repository" && cmake --preset release &&
			cmake --build --preset release --target assay assay-agent) \
			>"$work/build.log" 2>&1 || {
			tail -n 20 "$work/build.log" >&2
			die "assay could not be built; all of it: $work/build.log"
		}
	fi
	[[ -x $ASSAY_BUILD/assay && -x $ASSAY_BUILD/assay-agent ]] ||
		die "there is no assay and assay-agent in $ASSAY_BUILD"
	"${CC:-gcc}" -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -I"$repository" \
		"$here/marker.c" "$repository/proto/base/clock.c" -o "$work/marker" ||
		die "$here/marker.c could not be built"
	"${CC:-gcc}" -std=gnu17 -D_GNU_SOURCE -O2 -Wall -Wextra -I"$repository" \
		"$here/stamper.c" "$repository/proto/base/clock.c" -o "$work/stamper" ||
		die "$here/stamper.c could not be built"
}

# judge NAME VALUE UNIT: false where the figure has a target and is beyond it.
judge() {
	local most
	most=$(targets | awk -v name="$1" '$1 == name { print $2 }')
	[[ -n $most ]] || return 0
	awk -v value="$2" -v most="$most" 'BEGIN { exit !(value + 0 <= most + 0) }' && return
	echo "bench: $1 is $2 $3, beyond its target of $most $3" >&2
	return 1
}

# bench NAME: counts what is beyond its target. Figures of one that fails are not printed.
bench() {
	local figures name value unit
	figures=$(BENCH_WORK=$work/$1 "$here/$1.sh") || return
	while read -r name value unit; do
		echo "$name $value $unit"
		judge "$name" "$value" "$unit" || beyond=$((beyond + 1))
	done <<<"$figures"
}

gate=false
names=()
for word in "$@"; do
	case $word in
	--help | -h)
		usage
		exit 0
		;;
	--list)
		benchmarks | cut -d ' ' -f 1
		exit 0
		;;
	--gate) gate=true ;;
	-*) status=2 die "unknown option $word; try --help" ;;
	*)
		benchmarks | cut -d ' ' -f 1 | grep -qxF -e "$word" ||
			status=2 die "there is no benchmark '$word'; known are: $("$0" --list | xargs)"
		names+=("$word")
		;;
	esac
done
[[ ${#names[@]} -gt 0 ]] || mapfile -t names < <(benchmarks | cut -d ' ' -f 1)

build
exec {lock}<"$work"
flock "$lock" # one at a time: two would disturb each other
export ASSAY_HOME=$work/state
read -r load _ </proc/loadavg
echo "bench: before all this, $load processes wanted one of $(nproc) CPUs" >&2
beyond=0
failed=0
for name in "${names[@]}"; do
	if ! bench "$name"; then
		echo "bench: $name could not be made" >&2
		failed=$((failed + 1))
	fi
done
[[ $failed == 0 ]] || exit 1
! $gate || [[ $beyond == 0 ]]
