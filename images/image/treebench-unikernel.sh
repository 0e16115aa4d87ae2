# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# treebench-unikernel - our unikernel with treebench: for loaders that speak PVH (ELF64), and a copy
# for multiboot (ELF32).

main=kernel
parts=(kernel=treebench.elf multiboot=treebench-mb.elf)
sources=(images/treebench images/treebench.sh images/unikernel)

# shellcheck source=/dev/null
source "$here/treebench.sh"

kernel_flags=("${workload_flags[@]}" -mno-red-zone)
link_flags=(-m elf_x86_64 -z noexecstack -z max-page-size=4096 --build-id=none)

check_tools() {
	check_compiler
	need objcopy binutils
}

versions() {
	gcc --version
	ld --version
}

# The workload is one file; unikernel.ld knows it by its name.
link_workload() {
	local file
	for file in user.c user.S treebench.c; do
		gcc "${workload_flags[@]}" -c "images/unikernel/$file" -o "$work/ring3-$file.o"
	done
	ld -r -o "$work/workload.o" "$work/core.o" "$work"/ring3-*.o
}

compile_kernel() {
	local file
	for file in boot.S trap.S bootinfo.c console.c kernel.c paging.c power.c trap.c; do
		gcc "${kernel_flags[@]}" -c "images/unikernel/$file" -o "$work/ring0-$file.o"
	done
	gcc "${kernel_flags[@]}" -c images/unikernel/multiboot.S -o "$work/multiboot.o"
	gcc -E -P -x c -I. images/unikernel/unikernel.ld -o "$work/unikernel.ld"
}

build() {
	compile_treebench "$work"
	link_workload
	compile_kernel
	ld "${link_flags[@]}" -T "$work/unikernel.ld" "$work"/ring0-*.o "$work/workload.o" \
		-o "$out/treebench.elf"
	ld "${link_flags[@]}" -T "$work/unikernel.ld" "$work/multiboot.o" "$work"/ring0-*.o \
		"$work/workload.o" -o "$work/multiboot.elf"
	objcopy -O elf32-i386 "$work/multiboot.elf" "$out/treebench-mb.elf"
}
