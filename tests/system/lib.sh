# shellcheck shell=bash
# SPDX-License-Identifier: GPL-3.0-or-later
# lib.sh - what system tests share: TAP lines, a scratch folder that goes away, questions to the
# database, and processes that end with the test. Sourced, not run.
set -uo pipefail
export LC_ALL=C.UTF-8

tree=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
bin=${ASSAY_BIN:-$tree/build/release}
assay=$bin/assay
scratch=$(mktemp -d "${TMPDIR:-/tmp}/assay-test-XXXXXX")
export ASSAY_HOME=$scratch/home
export ASSAY_IMAGES=${ASSAY_IMAGES:-$tree/build/images}
unset ASSAY_DB

test_number=0
test_failures=0
started=() # ids of processes that this test started

at_end() {
	local pid
	for pid in "${started[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	type cleanup >/dev/null 2>&1 && cleanup
	rm -rf "$scratch"
}
trap at_end EXIT

# report STATUS TEXT: one TAP line.
report() {
	test_number=$((test_number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $test_number - $2"
	else
		echo "not ok $test_number - $2"
		test_failures=$((test_failures + 1))
	fi
}

skip() {
	test_number=$((test_number + 1))
	echo "ok $test_number - $1 # SKIP $2"
}

# is FOUND EXPECTED TEXT
is() {
	if [ "$1" = "$2" ]; then
		report 0 "$3"
	else
		report 1 "$3"
		printf '# found:    %s\n# expected: %s\n' "$1" "$2"
	fi
}

# like FOUND REGEX TEXT: one line of FOUND matches.
like() {
	if grep -Eq -- "$2" <<<"$1"; then
		report 0 "$3"
	else
		report 1 "$3"
		printf '# found:\n'
		head -c 3000 <<<"$1" | sed 's/^/#   /'
		printf '# expected a line like: %s\n' "$2"
	fi
}

# holds TEXT COMMAND...: the command's status is 0.
holds() {
	local text=$1
	shift
	"$@"
	report $? "$text"
}

finish() {
	echo "1..$test_number"
	exit $((test_failures > 0))
}

# sql DATABASE QUERY
sql() {
	sqlite3 -batch -noheader "$1" "$2"
}

# Results that are not fit to be averaged, or flagged for another reason than a host that is shared:
# its steal, swap and clock are not what these tests are about.
# shellcheck disable=SC2034
UNUSABLE="SELECT count(*) FROM results WHERE verdict = 'invalid' OR EXISTS (
	SELECT 1 FROM json_each(reasons) WHERE value NOT LIKE 'steal:%' AND value NOT LIKE 'swap:%'
	AND value NOT LIKE 'clock-step:%')"

# within SECONDS COMMAND...: until the command holds.
within() {
	local end=$((SECONDS + $1))
	shift
	until "$@"; do
		[ $SECONDS -lt $end ] || return 1
		sleep 0.05
	done
}

# One process guest; the words are its argv. More YAML comes from standard input if it is no
# terminal and not empty: keys of the top level.
process_recipe() { # FILE NAME ITERATIONS WARMUP WORD...
	local file=$1 name=$2 iterations=$3 warmup=$4
	shift 4
	{
		printf 'assay: 1\nname: %s\nguests:\n  it:\n    driver: process\n    command:\n' "$name"
		local word
		for word in "$@"; do
			printf "      - '%s'\n" "${word//\'/\'\'}"
		done
		printf 'runs: {iterations: %s, warmup: %s, timeout: 60s}\n' "$iterations" "$warmup"
	} >"$file"
}

gone() { # PID: it is not there any more, or a zombie
	local state
	state=$(sed 's/.*) //; s/ .*//' "/proc/$1/stat" 2>/dev/null) || return 0
	[ -z "$state" ] || [ "$state" = Z ] || [ "$state" = X ]
}

[ -x "$assay" ] || {
	echo "Bail out! $assay is not built; cmake --preset release && cmake --build --preset release"
	exit 1
}
