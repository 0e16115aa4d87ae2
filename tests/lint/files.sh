# SPDX-License-Identifier: GPL-3.0-or-later
# shellcheck shell=bash
# files - which files the lints look at. Sourced; a lint is called as `lint.sh [ROOT]`, where ROOT
# is the repository (default) or a tree of the self-test. It prints "file:line: what is wrong" and
# ends with 0 (clean), 1 (violations) or 77 (its tool is not there).

export LC_ALL=C
lint_root=${1:-$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)}
cd "$lint_root" || exit 2

# list_files PATTERN...: the project's files whose path matches one of the shell patterns.
list_files() {
	local file pattern
	while IFS= read -r file; do
		for pattern in "$@"; do
			# shellcheck disable=SC2053 # the right side is a pattern
			if [[ $file == $pattern && -f $file ]]; then
				printf '%s\n' "$file"
				break
			fi
		done
	done < <(all_files)
}

# In a checkout: what is tracked, and what is new and not ignored. Elsewhere: all but build/.
all_files() {
	if [[ -e .git ]]; then
		git ls-files --cached --others --exclude-standard | sort -u
	else
		find . -path ./build -prune -o -type f -print | sed 's|^\./||' | sort
	fi
}

# need_tool COMMAND
need_tool() {
	command -v "$1" >/dev/null && return
	echo "$1 is not installed; deploy/setup.sh --test brings it"
	exit 77
}
