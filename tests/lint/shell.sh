#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# shell.sh [ROOT] - shellcheck finds nothing in any script.
set -euo pipefail
# shellcheck source=tests/lint/files.sh
. "$(dirname "${BASH_SOURCE[0]}")/files.sh"
need_tool shellcheck

mapfile -t scripts < <(
	{
		list_files '*.sh'
		list_files '.ci/*' | while IFS= read -r file; do
			if head -n 1 "$file" | grep -q '^#!.*sh$'; then
				printf '%s\n' "$file"
			fi
		done
	} | sort -u
)
[[ ${#scripts[@]} -gt 0 ]] || exit 0
# SC2317: functions reached through a trap or by name. SC2016: text for another shell or awk.
# SC2001: sed reads better than a substitution with escapes.
shellcheck --exclude=SC2317,SC2016,SC2001 --external-sources --source-path=SCRIPTDIR --format=gcc "${scripts[@]}"
