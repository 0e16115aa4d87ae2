# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# unikernel-probe - our unikernel with a workload that misbehaves as it is told, for tests.

main=kernel
parts=(kernel=probe.elf multiboot=probe-mb.elf)
sources=(images/compiler.sh images/unikernel images/unikernel.sh)

# shellcheck source=/dev/null
source "$here/compiler.sh"
# shellcheck source=/dev/null
source "$here/unikernel.sh"

check_tools() {
	check_compiler
}

versions() {
	compiler_versions
}

build() {
	gcc "${workload_flags[@]}" -c images/unikernel/probe.c -o "$work/probe.o"
	link_unikernel probe "$work/probe.o"
}
