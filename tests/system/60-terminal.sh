#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What a person sees: one live line at a terminal, plain lines elsewhere, Ctrl-C at the terminal.
. "$(dirname "$0")/lib.sh"
cd "$scratch" || exit 1
process_recipe five.yaml five 5 0 /bin/sleep 0.3

"$assay" run five.yaml --db plain.db >out.txt 2>plain.txt
is "$(grep -c '^[1-5]/5' plain.txt)" 5 "no terminal: a line each finished run"
holds "no terminal: no escape codes" sh -c '! grep -q "$(printf "\033")" out.txt plain.txt'

script -qec "stty cols 100; $assay run five.yaml --db tty.db" tty.txt >/dev/null 2>&1 </dev/null
text=$(tr '\r' '\n' <tty.txt | sed 's/\x1b\[[0-9;]*[A-Za-z]//g')
like "$text" '[1-4]/5, about .* left  it #[0-9]: ' "terminal: progress, cell and time left in one line"
like "$text" '^database ' "terminal: the paths at the end"
over=$(grep '^[0-9]/5' <<<"$text" | awk 'length > 99' | wc -l)
is "$over" 0 "terminal: the line fits"
finish
