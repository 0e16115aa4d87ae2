#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# words.sh [ROOT] - no word that marks unfinished work, no path of somebody's own machine, and the
# licence named at the top of every source.
set -euo pipefail
# shellcheck source=tests/lint/files.sh
. "$(dirname "${BASH_SOURCE[0]}")/files.sh"

# The brackets keep this file from finding itself.
unfinished='\b(TO[D]O|FIX[M]E|X[X]X|HA[C]K|TB[D]|W[I]P)\b|not (yet )?implement[e]d|unimplement[e]d|lorem ips[u]m'
own_paths='(^|[^A-Za-z0-9_.$}~-])/(hom[e]|User[s]|wor[k])/[a-z]'

bad=0
mapfile -t all < <(list_files '*' | grep -vE '(^|/)(LICENSE|.*\.(png|jpg|svg|bin|gz|zst|db))$')
[[ ${#all[@]} -gt 0 ]] || exit 0
for pattern in "$unfinished" "$own_paths"; do
	if grep -InE -e "$pattern" -- "${all[@]}" /dev/null; then
		bad=1
	fi
done
while IFS= read -r file; do
	if ! head -n 3 "$file" | grep -q 'SPDX-License-Identifier: GPL-3.0-or-later'; then
		echo "$file:1: names no licence; begin with SPDX-License-Identifier: GPL-3.0-or-later"
		bad=1
	fi
done < <(list_files '*.c' '*.h' '*.S' '*.ld' '*.sh' '*.cmake' '*CMakeLists.txt' '*.proto' '*.sql')
exit $bad
