# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# unikernel.sh - how a workload becomes a unikernel. Sourced after compiler.sh.

kernel_flags=("${workload_flags[@]}" -mno-red-zone)
link_flags=(-m elf_x86_64 -z noexecstack -z max-page-size=4096 --build-id=none)

# The workload is one file; unikernel.ld knows it by its name.
link_workload() {
	local file
	for file in user.c user.S; do
		gcc "${workload_flags[@]}" -c "images/unikernel/$file" -o "$work/$file.o"
	done
	ld -r -o "$work/workload.o" "$@" "$work"/user.[cS].o
}

compile_kernel() {
	local file
	for file in boot.S trap.S bootinfo.c console.c kernel.c paging.c power.c trap.c; do
		gcc "${kernel_flags[@]}" -c "images/unikernel/$file" -o "$work/ring0-$file.o"
	done
	gcc "${kernel_flags[@]}" -c images/unikernel/multiboot.S -o "$work/multiboot.o"
	gcc -E -P -x c -I. images/unikernel/unikernel.ld -o "$work/unikernel.ld"
}

# link_unikernel NAME OBJECT...: makes NAME.elf for PVH and NAME-mb.elf for multiboot in $out, from
# the objects of a workload.
link_unikernel() {
	local name=$1
	shift
	link_workload "$@"
	compile_kernel
	ld "${link_flags[@]}" -T "$work/unikernel.ld" "$work"/ring0-*.o "$work/workload.o" \
		-o "$out/$name.elf"
	ld "${link_flags[@]}" -T "$work/unikernel.ld" "$work/multiboot.o" "$work"/ring0-*.o \
		"$work/workload.o" -o "$work/multiboot.elf"
	objcopy -O elf32-i386 "$work/multiboot.elf" "$out/$name-mb.elf"
}
