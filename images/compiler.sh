# shellcheck shell=bash disable=SC2034
# SPDX-License-Identifier: GPL-3.0-or-later
# compiler.sh - how workloads are compiled, for whatever guest. Sourced by the images.
#
# The flags are those that ring 3 of the unikernel needs: integer registers only, no library (not
# even calls to memcpy() that the compiler makes up from loops), fixed addresses.

workload_flags=(
	-std=gnu17 -O2 -g0 -Wall -Wextra -I. -ffreestanding -fno-tree-loop-distribute-patterns
	-mgeneral-regs-only -fno-pic -fno-stack-protector -fcf-protection=none
	-fno-asynchronous-unwind-tables
)

check_compiler() {
	need gcc gcc
	need ld binutils
	need objcopy binutils
	[[ -f $(gcc -print-file-name=libc.a) ]] ||
		die "the static C library is missing; install the Debian package libc6-dev"
}

compiler_versions() {
	gcc --version
	ld --version
}
