#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# stamps.sh - what twenty stamps into assay's ring cost the measured program, beside twenty lines of
# JSON written to a file. stamper.c takes both by turns. Run by run.sh.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

ROUNDS=2000
rounds=$BENCH_WORK/rounds

"$BENCH_WORK/../stamper" $ROUNDS "$BENCH_WORK/lines.json" >"$rounds"
rm -f "$BENCH_WORK/lines.json"
mapfile -t ring < <(cut -d ' ' -f 1 "$rounds")
mapfile -t json < <(cut -d ' ' -f 2 "$rounds")
mapfile -t clock < <(cut -d ' ' -f 3 "$rounds")
mapfile -t ratios < <(awk '{ printf "%.6g\n", $1 / $2 }' "$rounds")
sample stamps/ring_ns_per_20 "${ring[@]}"
sample stamps/json_write_ns_per_20 "${json[@]}"
sample stamps/clock_ns_per_20 "${clock[@]}"
sample stamps/ratio "${ratios[@]}"

figure stamps/ring_ns_per_20 ns
figure stamps/json_write_ns_per_20 ns
figure stamps/clock_ns_per_20 ns
figure stamps/ratio x
