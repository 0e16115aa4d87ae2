#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# deploy/quickstart.sh, the way the README has it: once, and a second time that only runs.
. "$(dirname "$0")/lib.sh"
cd "$scratch" || exit 1

timeout 900 "$tree/deploy/quickstart.sh" --runs 2 --db "$scratch/q.db" >first.txt 2>&1
is $? 0 "quickstart ends with 0"
like "$(cat first.txt)" 'unikernel / debian' "it ends with a comparison"
like "$(cat first.txt)" "^database  $scratch/q.db" "it names the database"
like "$(cat first.txt)" '^consoles  ' "it names the consoles"
is "$(sql q.db "SELECT count(*) FROM reason WHERE level='invalid'")" 0 "all runs are usable"
is "$(sql q.db "SELECT count(*) FROM results WHERE metric='wall' AND window='bench' AND warmup=0")" 6 \
	"three guests, two runs each"

timeout 300 "$tree/deploy/quickstart.sh" --runs 1 --db "$scratch/q.db" >second.txt 2>&1
is $? 0 "a second call ends with 0"
like "$(cat second.txt)" 'every package .* is installed' "it installs nothing"
like "$(cat second.txt)" 'treebench-debian is up to date' "it makes no image"
is "$(sql q.db 'SELECT count(*) FROM campaign')" 2 "both campaigns are in the database"
like "$("$tree/deploy/quickstart.sh" --runs many 2>&1)" "^quickstart: --runs: 'many'" "nonsense is refused in words"
finish
