# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# treebench.sh - how treebench is compiled: once, so that all images run the same instructions. The
# Linux program links the very object file that the unikernel links. Sourced after compiler.sh.

# compile_treebench DIRECTORY: makes core.o there, which needs nothing from outside.
compile_treebench() {
	local source objects=()
	for source in images/treebench/*.c; do
		[[ $source != */main.c ]] || continue
		objects+=("$1/$(basename "$source" .c).o")
		gcc "${workload_flags[@]}" -c "$source" -o "${objects[-1]}"
	done
	ld -r -o "$1/core.o" "${objects[@]}"
	[[ -z $(nm --undefined-only "$1/core.o") ]] ||
		die "treebench must not need a library, but needs: $(nm -u "$1/core.o" | xargs)"
}

# link_process DIRECTORY PROGRAM: from core.o in that directory.
link_process() {
	gcc -std=gnu17 -O2 -Wall -Wextra -I. -fno-pic -no-pie -static -s \
		images/treebench/main.c "$1/core.o" -o "$2"
}
