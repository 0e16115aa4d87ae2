#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# boot.sh - boot the treebench images on the machines that they are for; TAP on stdout.
#
# All of them must print the same result as tests/images/model.py, power off by themselves with
# QEMU's status 0, and say so when something goes wrong. Takes about 20 s once images are built.
set -euo pipefail
export LC_ALL=C

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
images=${ASSAY_IMAGES:-$repository/build/images}
limit=30 # seconds for one guest; the slowest here needs three

small=(ncommits=20 depth=4 tree_add=10)
unikernel=treebench-unikernel/treebench
golden_small=7752e40af5171b3bf091bf120bafc884ba32055d0744347e68a15ad6e50678e7
golden_defaults=89c9e8e9b7751fae93cebd5b7ac70b09ec921a696e7f0763cf0ac0864c96dc8c

temporary=$(mktemp -d)
trap 'rm -rf "$temporary"' EXIT
tests=0
failures=0

if [[ ${1:-} == --help ]]; then
	echo "usage: tests/images/boot.sh   (images in \$ASSAY_IMAGES or build/images)"
	exit 0
fi

# report OK NAME [REASON]: one test is done; OK is 0 for good.
report() {
	tests=$((tests + 1))
	if [[ $1 == 0 ]]; then
		echo "ok $tests - $2"
		return
	fi
	failures=$((failures + 1))
	echo "not ok $tests - $2"
	echo "# $3"
	tail -n 15 "$temporary/raw" | tr -d '\r' | sed 's/^/#   /'
}

skip() {
	tests=$((tests + 1))
	echo "ok $tests - $1 # SKIP $2"
}

# run STATUS COMMAND...: its output goes to raw, and to lines without the CR of serial ports.
run() {
	local expected=$1 status=0
	shift
	timeout -k 5 "$limit" "$@" >"$temporary/raw" 2>&1 </dev/null || status=$?
	tr -d '\r' <"$temporary/raw" >"$temporary/lines"
	why="ended with status $status instead of $expected"
	[[ $status == "$expected" ]]
}

# says REGEX: the output has it.
says() {
	why="does not say: $1"
	grep -qE "$1" "$temporary/lines"
}

# has_result DIGEST: a whole run with that result.
has_result() {
	# The firmware does not end its last line, so the first marker may stand behind it.
	says 'BENCHMARK_START$' && says '^\[init done\]$' && says '^\[run done\]$' &&
		says "^treebench: result $1\$" && says '^BENCHMARK_END$'
}

# is_serial: lines end as serial consoles end them.
is_serial() {
	why='lines do not end with CR LF'
	grep -q $'^BENCHMARK_END\r$' "$temporary/raw"
}

is_silent_about_end() {
	why='prints BENCHMARK_END although it failed'
	! grep -q BENCHMARK_END "$temporary/lines"
}

# check NAME COMMAND...: COMMAND is one of the functions above or below.
check() {
	local name=$1 ok=0
	shift
	"$@" || ok=1
	report "$ok" "$name" "$why"
}

memory=512M
qemu=(qemu-system-x86_64 -nodefaults -no-user-config -nographic -serial stdio -no-reboot)

# boots MACHINE ACCEL IMAGE WORD...: the unikernel.
boots() {
	local machine=$1 accel=$2 image=$3
	shift 3
	[[ $accel == tcg ]] || accel="kvm -cpu qemu64"
	# shellcheck disable=SC2086
	run 0 "${qemu[@]}" -m "$memory" -M "$machine" -accel $accel \
		-kernel "$images/$image" -append "$*"
}

boots_debian() {
	run 0 "${qemu[@]}" -m "$memory" -M q35 -accel tcg -kernel "$images/treebench-debian/vmlinuz" \
		-append "root=/dev/nvme0n1 console=ttyS0 quiet panic=-1 ${*/#/treebench.}" \
		-drive id=disk,if=none,format=raw,snapshot=on,file="$images/treebench-debian/disk.raw" \
		-device nvme,drive=disk,serial=assay
}

process() {
	local status=$1
	shift
	run "$status" "$images/treebench-process/treebench" "$@"
}

process_works() {
	process 0 "${small[@]}" && has_result $golden_small && ! is_serial
}

process_works_with_defaults() {
	process 0 && has_result $golden_defaults
}

process_refuses_a_word() {
	process 2 "${small[@]}" color=red && says "^treebench: unknown parameter 'color=red'"
}

unikernel_works() {
	boots "$@" "${small[@]}" && has_result $golden_small && is_serial
}

unikernel_reports() {
	local expected=$1
	shift
	boots "$@" && says "$expected" && is_silent_about_end
}

unikernel_fills_its_memory() {
	local memory=16M
	unikernel_reports '^treebench: out of memory: the arena of' \
		microvm tcg $unikernel.elf gc=0
}

debian_works() {
	boots_debian "${small[@]}" && has_result $golden_small && is_serial
}

debian_reports_a_crash() {
	boots_debian "${small[@]}" fault=crash && is_silent_about_end &&
		says '^init: /usr/bin/treebench was killed by signal 4'
}

model_agrees() {
	run 0 python3 "$repository/tests/images/model.py" 20 4 10 && says "^$golden_small$"
}

kvm_usable() {
	[[ -w /dev/kvm ]] && echo quit |
		timeout 10 qemu-system-x86_64 -M none -accel kvm -nodefaults -nographic \
			-monitor stdio >"$temporary/raw" 2>&1
}

# check_borders ACCEL: ring 3 is kept where it belongs. In the error codes of page faults 4 stands
# for ring 3, 2 for a write, 1 for a page that is there, 16 for fetching an instruction.
check_borders() {
	local accel=$1 border expected
	while read -r border expected; do
		check "unikernel, border '$border', $accel" unikernel_reports "$expected" \
			microvm "$accel" unikernel-probe/probe.elf "$border"
	done <<-END
		stack page fault.*error code 0x6,
		kernel page fault.*error code 0x7, address 0x100000,
		code page fault.*error code 0x7,
		data-as-code page fault.*error code 0x15, address 0x200000,
		memory page fault.*error code 0x7,
		print printed memory that is not its own
		call made an unknown system call
		port general protection
		interrupt fault in the workload: vector (6|13) \(
		divide divide error
	END
}

check_unikernel_on() {
	local accel=$1 machine
	local image=$unikernel.elf
	for machine in q35 microvm; do
		check "unikernel, $machine, $accel" unikernel_works "$machine" "$accel" "$image"
	done
	check "unikernel, an illegal instruction, $accel" unikernel_reports \
		'fault in the workload: vector 6 \(invalid opcode\) at rip 0x' \
		microvm "$accel" "$image" fault=crash
	check "unikernel, a null pointer, $accel" unikernel_reports \
		'vector 14 \(page fault\) at rip 0x[0-9a-f]+, error code 0x6, address 0x0,' \
		microvm "$accel" "$image" fault=null
	check_borders "$accel"
}

"$repository/images/build.sh" treebench-process treebench-unikernel treebench-debian \
	unikernel-probe |
	sed 's/^/# /'

if [[ $(command -v python3) ]]; then
	check 'the model in Python agrees' model_agrees
else
	skip 'the model in Python agrees' 'no python3'
fi
check 'process' process_works
check 'process, defaults' process_works_with_defaults
check 'process, an unknown parameter' process_refuses_a_word
check_unikernel_on tcg
if kvm_usable; then
	check_unikernel_on kvm
else
	skip 'unikernel, kvm' '/dev/kvm is missing or QEMU cannot use it'
fi
check 'unikernel, multiboot on q35' unikernel_works q35 tcg $unikernel-mb.elf
check 'unikernel, multiboot on pc' unikernel_works pc tcg $unikernel-mb.elf
check 'unikernel, PVH on pc' unikernel_works pc tcg $unikernel.elf
check 'unikernel, prefixed words' unikernel_works microvm tcg $unikernel.elf treebench.gc=1
check 'unikernel, an unknown parameter' unikernel_reports \
	"unknown parameter 'color=red'" microvm tcg $unikernel.elf color=red
check 'unikernel, a failed workload' unikernel_reports \
	'^unikernel: the workload ended with status 2$' microvm tcg $unikernel.elf depth=0
check 'unikernel, too little memory' unikernel_fills_its_memory
check 'debian, q35' debian_works
check 'debian, an illegal instruction' debian_reports_a_crash

echo "1..$tests"
[[ $failures == 0 ]] || exit 1
