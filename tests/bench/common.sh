# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# common.sh - what the benchmarks share. Sourced by each; run.sh has exported ASSAY_BUILD (the
# folder of assay and assay-agent), BENCH_WORK (a folder on the disk of the build) and ASSAY_HOME
# (one for the agent's spool and keys, on the same disk).
#
# A benchmark prints figures on stdout, one "name value unit" a line, and all else on stderr. It
# collects one sample a round or run under the figure's name, and prints the median of them.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C

samples=$BENCH_WORK/samples
bench_log=$BENCH_WORK/log
mkdir -p "$BENCH_WORK"
rm -rf "$samples"
mkdir "$samples"
: >"$bench_log"

note() {
	echo "bench: $*" >&2
}

die() {
	note "$@"
	exit 1
}

# need COMMAND PACKAGE
need() {
	command -v "$1" >/dev/null || die "$1 is missing; install the Debian package $2"
}

# quietly COMMAND...: what it prints is shown only if it fails, and then the benchmark ends.
quietly() {
	"$@" >"$bench_log" 2>&1 </dev/null && return
	local status=$?
	tail -n 20 "$bench_log" | sed 's/^/    /' >&2
	die "this ended with status $status: $*"
}

# time_us COMMAND...: its wall time into REPLY. The two reads of the clock cost no process.
time_us() {
	local begun=$EPOCHREALTIME ended
	quietly "$@"
	ended=$EPOCHREALTIME
	REPLY=$((${ended/./} - ${begun/./}))
}

# forget DATABASE: the next call of assay begins as if it were the first. The agent's spool goes
# with it, because it would deliver to this database what is not acknowledged from the one before.
forget() {
	rm -rf "$1" "$1-wal" "$1-shm" "$1.consoles" "$ASSAY_HOME"
}

# sample NAME VALUE...
sample() {
	local name=$1
	shift
	printf '%s\n' "$@" >>"$samples/${name//\//:}"
}

# quantile P: of the numbers on stdin, interpolated, with least, greatest and how many there are.
quantile() {
	sort -g | awk -v p="$1" '
	{ v[NR] = $1 }
	END {
		if (!NR)
			exit 1
		h = 1 + p * (NR - 1)
		i = int(h)
		q = v[i]
		if (i < NR)
			q += (h - i) * (v[i + 1] - v[i])
		printf "%.6g %.6g %.6g %d\n", q, v[1], v[NR], NR
	}'
}

# median: of the numbers on stdin.
median() {
	quantile 0.5 | cut -d ' ' -f 1
}

# ratio A B
ratio() {
	awk -v a="$1" -v b="$2" 'BEGIN { printf "%.6g\n", a / b }'
}

# figure NAME UNIT [P [OF]]: prints the P-quantile (the median) of the samples of OF (of NAME), and
# on stderr how far they are apart.
figure() {
	local value least greatest n of=${4:-$1}
	read -r value least greatest n < <(quantile "${3:-0.5}" <"$samples/${of//\//:}") ||
		die "$1: there is no sample of it"
	printf '%s %s %s\n' "$1" "$value" "$2"
	note "$1: of $n, from $least to $greatest $2"
}
