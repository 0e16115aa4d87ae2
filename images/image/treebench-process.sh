# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# treebench-process - treebench as a static Linux program.

main=program
parts=(program=treebench)
sources=(images/compiler.sh images/treebench images/treebench.sh proto/stamp)

# shellcheck source=/dev/null
source "$here/compiler.sh"
# shellcheck source=/dev/null
source "$here/treebench.sh"

check_tools() {
	check_compiler
}

versions() {
	compiler_versions
}

build() {
	compile_treebench "$work"
	link_process "$work" "$out/treebench"
}
