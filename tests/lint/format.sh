#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# format.sh [ROOT] - C is as .clang-format says; `clang-format -i FILE` makes it so.
set -euo pipefail
# shellcheck source=tests/lint/files.sh
. "$(dirname "${BASH_SOURCE[0]}")/files.sh"
need_tool clang-format

mapfile -t sources < <(list_files '*.c' '*.h')
[[ ${#sources[@]} -gt 0 ]] || exit 0
bad=0
for source in "${sources[@]}"; do
	# The first place is enough: one -i mends them all.
	if ! wrong=$(clang-format --dry-run -Werror "$source" 2>&1); then
		head -n 1 <<<"$wrong"
		bad=1
	fi
done
exit $bad
