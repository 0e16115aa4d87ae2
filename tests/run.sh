#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# run.sh - every test of the project, from a clean clone: lints, both builds and the second
# compiler, unit tests, system tests, and tests on emulated machines. What passes goes to
# build/test-logs; what fails is shown. The last line counts: "N passed, M failed" (and ", K
# skipped"); the exit status is 0 only for M = 0.
set -uo pipefail
export LC_ALL=C

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$repository" || exit 2
logs=build/test-logs
jobs=$(nproc)
SYSTEM_LIMIT_S=1800 # one system test; the longest builds a guest image and runs a campaign
LAB_LIMIT_S=900      # one emulated machine; the first time it is downloaded
CTEST_LIMIT_S=1200  # all unit tests of one build

usage() {
	cat <<-'END'
	usage: tests/run.sh [--fast] [--only PATTERN] [--no-install]
	       tests/run.sh --help

	  --fast          lints and unit tests (preset dev) only
	  --only PATTERN  only what has a name that matches the extended regular expression: a lint
	                  (includes), a unit test (proto_base_test_text), a system test or a machine of
	                  the lab (rapl); builds what that needs
	  --no-install    do not look for missing packages
	END
}

fast=false
install=true
only=
while [[ $# -gt 0 ]]; do
	case $1 in
	--fast) fast=true ;;
	--no-install) install=false ;;
	--only)
		[[ $# -ge 2 ]] || {
			usage >&2
			exit 2
		}
		only=$2
		shift
		;;
	--help)
		usage
		exit 0
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
	shift
done

suites=() # in the order they ran; the four tables below go by their names
declare -A passed failed skipped seconds
total_failed=0

# count SUITE PASSED FAILED SKIPPED SECONDS: adds to the suite.
count() {
	[[ -v passed[$1] ]] || suites+=("$1")
	passed[$1]=$((${passed[$1]:-0} + $2))
	failed[$1]=$((${failed[$1]:-0} + $3))
	skipped[$1]=$((${skipped[$1]:-0} + $4))
	seconds[$1]=$((${seconds[$1]:-0} + $5))
	total_failed=$((total_failed + $3))
}

# wanted NAME: --only lets it run.
wanted() {
	[[ -z $only || $1 =~ $only ]]
}

# say TEXT VERDICT SECONDS
say() {
	printf '%-52s %s (%d s)\n' "$1" "$2" "$3"
}

# show LOG: what failed, without the progress of ninja, as much as one reads.
show() {
	grep -vE '^\[[0-9]+/[0-9]+\] ' "$1" | tail -n 200 | sed 's/^/    /'
	echo "    (all of it: $1)"
}

# step SUITE NAME COMMAND...: one command is one test; 77 means that it cannot run here.
step() {
	local suite=$1 name=$2 begun=$SECONDS rc=0 log
	shift 2
	log=$logs/$suite-${name//[^A-Za-z0-9]/-}.log
	"$@" >"$log" 2>&1 </dev/null || rc=$?
	case $rc in
	0)
		count "$suite" 1 0 0 $((SECONDS - begun))
		say "$suite $name" ok $((SECONDS - begun))
		;;
	77)
		count "$suite" 0 0 1 $((SECONDS - begun))
		say "$suite $name" "skipped: $(tail -n 1 "$log")" $((SECONDS - begun))
		;;
	*)
		count "$suite" 0 1 0 $((SECONDS - begun))
		say "$suite $name" FAILED $((SECONDS - begun))
		show "$log"
		return 1
		;;
	esac
}

# tap_counts FILE: prints "passed failed skipped" of its TAP lines. cmocka 1.1 writes "not ok" in
# front of "# SKIP"; the directive decides.
tap_counts() {
	awk '
	/^(not )?ok .*# SKIP/ || /^1\.\.0 # SKIP/ { skipped++; next }
	/^ok / { passed++ }
	/^not ok / { failed++ }
	END { print passed + 0, failed + 0, skipped + 0 }' "$1"
}

lints() {
	local lint
	for lint in includes statics format shell headers words; do
		if wanted "$lint"; then
			step lint "$lint" "tests/lint/$lint.sh"
		fi
	done
	if wanted selftest; then
		tap_test lint tests/lint/selftest.sh 300
	fi
}

# show_tap LOG: the tests that failed, and what was said about them.
show_tap() {
	grep -vE '^ok |^1\.\.' "$1" | tail -n 200 | sed 's/^/    /'
	echo "    (all of it: $1)"
}

# tap_test SUITE PROGRAM LIMIT_S: a program that prints TAP. Dying without "not ok", or saying
# nothing at all, is a failure too.
tap_test() {
	local begun=$SECONDS name rc=0 log p f s
	name=$(basename "$2" .sh)
	log=$logs/$1-$name.log
	timeout --kill-after=10 "$3" "$2" >"$log" 2>&1 </dev/null || rc=$?
	read -r p f s < <(tap_counts "$log")
	if [[ $rc != 0 && $f == 0 ]]; then
		f=1
		if [[ $rc == 124 || $rc == 137 ]]; then
			echo "# took longer than $3 s, or was killed" >>"$log"
		else
			echo "# ended with $rc without saying which test failed" >>"$log"
		fi
	elif [[ $((p + f + s)) == 0 ]]; then
		f=1
		echo "# printed no result" >>"$log"
	fi
	count "$1" "$p" "$f" "$s" $((SECONDS - begun))
	say "$1 $name: $p passed, $f failed, $s skipped" \
		"$([[ $f == 0 ]] && echo ok || echo FAILED)" $((SECONDS - begun))
	[[ $f == 0 ]] || show_tap "$log"
}

configure_and_build() {
	cmake --preset "$1" && cmake --build --preset "$1" -j "$jobs" -- -k 0
}

# build_fuzzers NAME...: these only; everything else of that preset is in the others too.
build_fuzzers() {
	cmake --preset fuzz && cmake --build --preset fuzz -j "$jobs" --target "$@" -- -k 0
}

build_with_clang() {
	cmake -S . -B build/clang -G Ninja -DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=Debug \
		-DASSAY_WERROR=ON && cmake --build build/clang -j "$jobs" -- -k 0
}

# unit_counts LOG: of `ctest -V` ("3: ok 1 - name"): cases of programs that print TAP, programs as
# a whole where they do not, and programs that died without saying which case.
unit_counts() {
	awk '
	# "    Start 3: name" and " 1/9 Test #3: name ......   Passed    0.01 sec"
	/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
		match($0, /#[0-9]+/)
		id = substr($0, RSTART + 1, RLENGTH - 1)
		verdict[id] = /Passed/ ? "ok" : /Skipped|Not Run.*Disabled/ ? "skip" : "bad"
		next
	}
	match($0, /^[0-9]+: /) {
		id = substr($0, 1, RLENGTH - 2)
		text = substr($0, RLENGTH + 1)
		if (text ~ /^(not )?ok .*# SKIP/)
			skipped[id]++
		else if (text ~ /^ok /)
			passed[id]++
		else if (text ~ /^not ok /)
			failed[id]++
	}
	END {
		for (id in verdict) {
			cases = passed[id] + failed[id] + skipped[id]
			p += passed[id]
			f += failed[id]
			s += skipped[id]
			if (verdict[id] == "bad" && !failed[id])
				f++
			else if (verdict[id] == "ok" && !cases)
				p++
			else if (verdict[id] == "skip" && !cases)
				s++
		}
		print p + 0, f + 0, s + 0
	}' "$1"
}

# unit PRESET REGEX: the tests of this build whose names match.
unit() {
	local begun=$SECONDS log=$logs/unit-$1.log rc=0 p f s
	CMOCKA_MESSAGE_OUTPUT=TAP timeout --kill-after=10 $CTEST_LIMIT_S \
		ctest --test-dir "build/$1" -V -j "$jobs" --no-tests=ignore -R "$2" \
		>"$log" 2>&1 </dev/null || rc=$?
	read -r p f s < <(unit_counts "$log")
	if [[ $rc != 0 && $f == 0 ]]; then
		f=1
	fi
	if [[ $((p + f + s)) == 0 ]]; then
		[[ -z $only ]] || return 0
		f=1 # a build without tests proves nothing
	fi
	count "unit-$1" "$p" "$f" "$s" $((SECONDS - begun))
	say "unit-$1: $p passed, $f failed, $s skipped" "$([[ $f == 0 ]] && echo ok || echo FAILED)" \
		$((SECONDS - begun))
	[[ $f == 0 ]] || show_unit "$log"
}

# show_unit LOG: all that the failed programs printed, and their verdicts.
show_unit() {
	awk '
	NR == FNR {
		if (/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / && !/Passed|Skipped/) {
			match($0, /#[0-9]+/)
			bad[substr($0, RSTART + 1, RLENGTH - 1)] = 1
		}
		next
	}
	/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / && !/Passed|Skipped/ { print; next }
	/^[0-9]+: (Test command|Working Directory|Test timeout computed)/ { next }
	match($0, /^[0-9]+: /) && (substr($0, 1, RLENGTH - 2) in bad) { print }' "$1" "$1" |
		tail -n 200 | sed 's/^/    /'
	echo "    (all of it: $1)"
}

# program_tests SUITE LIMIT_S: the tests in the folder of that name. They run the release programs,
# which they find through ASSAY_BIN.
program_tests() {
	local test
	export ASSAY_BIN=$repository/build/release
	for test in "tests/$1"/*.sh; do
		if [[ -x $test ]] && wanted "$(basename "$test" .sh)"; then
			tap_test "$1" "$test" "$2"
		fi
	done
}

# The guest images on every machine that they are for.
image_tests() {
	step build images images/build.sh treebench-process treebench-unikernel \
		treebench-debian unikernel-probe &&
		tap_test images tests/images/boot.sh 300
}

# any_wanted NAME...
any_wanted() {
	local name
	for name in "$@"; do
		if wanted "$name"; then
			return 0
		fi
	done
	return 1
}

# Unit, system and lab tests, so that --only can tell whether a build is needed.
unit_names() {
	local source
	for source in $(find tests -name 'test_*.c' | sort); do
		source=${source#tests/}
		source=${source%.c}
		echo "${source//\//_}"
	done
}

fuzzer_names() {
	local source name
	for source in tests/fuzz/fuzz_*.c; do
		name=$(basename "$source" .c)
		if wanted "$name"; then
			echo "$name"
		fi
	done
}

program_names() {
	local test
	for test in tests/system/*.sh tests/lab/*.sh; do
		[[ ! -x $test ]] || basename "$test" .sh
	done
}

# Not a test: what is still missing will fail on its own, with this before it.
set_up() {
	local begun=$SECONDS
	if deploy/setup.sh --run --build --test >$logs/setup.log 2>&1 </dev/null; then
		say "packages" ok $((SECONDS - begun))
	else
		say "packages" "could not be installed; going on with what is there" \
			$((SECONDS - begun))
		show $logs/setup.log
	fi
}

summary() {
	local suite p=0 f=0 s=0
	printf '\n%-16s %8s %8s %8s %8s\n' suite passed failed skipped seconds
	for suite in "${suites[@]}"; do
		printf '%-16s %8d %8d %8d %8d\n' "$suite" "${passed[$suite]}" \
			"${failed[$suite]}" "${skipped[$suite]}" "${seconds[$suite]}"
		p=$((p + passed[$suite]))
		f=$((f + failed[$suite]))
		s=$((s + skipped[$suite]))
	done
	if [[ $((p + f + s)) == 0 ]]; then
		echo "nothing matches '$only'"
		f=1
	fi
	if [[ $s -gt 0 ]]; then
		echo "$p passed, $f failed, $s skipped"
	else
		echo "$p passed, $f failed"
	fi
	[[ $f == 0 ]]
}

mkdir -p "$logs"
rm -f "$logs"/*.log
if $install; then
	set_up
fi
lints
mapfile -t units < <(unit_names)
mapfile -t programs < <(program_names)
mapfile -t fuzzers < <(fuzzer_names)
if any_wanted "${units[@]}"; then
	step build dev configure_and_build dev && unit dev "${only:-.}"
fi
if ! $fast; then
	if [[ ${#fuzzers[@]} -gt 0 ]]; then
		step build fuzz build_fuzzers "${fuzzers[@]}" &&
			unit fuzz "^($(IFS="|" && echo "${fuzzers[*]}"))\$"
	fi
	if [[ -z $only ]]; then
		step build clang build_with_clang
		# What has threads, or talks to something that has. Not the meter: it has none, and
		# its tests count the faults and the memory that this sanitizer takes for itself.
		step build tsan configure_and_build tsan &&
			unit tsan '^(agent_test|agent_guest|proto_wire|controller_fleet|controller_campaign)_'
	fi
	if wanted boot; then
		image_tests
	fi
	if any_wanted "${units[@]}" "${programs[@]}"; then
		if step build release configure_and_build release; then
			unit release "${only:-.}"
			program_tests system $SYSTEM_LIMIT_S
			program_tests lab $LAB_LIMIT_S
		fi
	fi
fi
summary
