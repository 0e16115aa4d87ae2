# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# treebench-unikernel - our unikernel with treebench: for loaders that speak PVH (ELF64), and a copy
# for multiboot (ELF32).

main=kernel
parts=(kernel=treebench.elf multiboot=treebench-mb.elf)
sources=(images/compiler.sh images/treebench images/treebench.sh images/unikernel
	images/unikernel.sh)

# shellcheck source=/dev/null
source "$here/compiler.sh"
# shellcheck source=/dev/null
source "$here/treebench.sh"
# shellcheck source=/dev/null
source "$here/unikernel.sh"

check_tools() {
	check_compiler
}

versions() {
	compiler_versions
}

build() {
	compile_treebench "$work"
	gcc "${workload_flags[@]}" -c images/unikernel/treebench.c -o "$work/glue.o"
	link_unikernel treebench "$work/core.o" "$work/glue.o"
}
