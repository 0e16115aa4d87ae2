#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# headers.sh [ROOT] - each header compiles alone: whoever includes it needs to know nothing else.
set -euo pipefail
# shellcheck source=tests/lint/files.sh
. "$(dirname "${BASH_SOURCE[0]}")/files.sh"
need_tool gcc

generated=$(mktemp -d)
trap 'rm -rf "$generated"' EXIT
if [[ -f proto/wire/assay.proto ]]; then
	need_tool protoc-c
	protoc-c --proto_path=. --c_out="$generated" proto/wire/assay.proto
fi
touch "$generated/version.h"
read -ra flags < <(pkg-config --cflags libzmq libprotobuf-c libsodium sqlite3 jansson libpcre2-8 \
	libfyaml gsl smartcols cmocka 2>/dev/null || echo)

mapfile -t headers < <(list_files '*.h')
[[ ${#headers[@]} -gt 0 ]] || exit 0
bad=0
for header in "${headers[@]}"; do
	gcc -fsyntax-only -std=gnu17 -D_GNU_SOURCE -Wall -Wextra -Werror -I. -I"$generated" \
		"${flags[@]}" -x c - <<<"#include \"$header\"" || bad=1
done
exit $bad
