#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# seed_window.sh MARKER CPU RECORD COUNTS - one window measured as scripts do it today: the guest's
# output goes through tee into a FIFO, grep -m1 waits for each marker, perf stat -p is started at
# the first and interrupted at the second. Only what is plainly wrong there is put right: perf
# attaches to the guest, whereas $! of a pipeline is tee.
#
# Two traps stay as they are. Between the first grep and the second nobody reads the FIFO, and a
# line written then kills tee and the guest by SIGPIPE; the caller bounds it with timeout and finds
# no RECORD. And what happens before perf counts is lost: that is what is measured.
set -uo pipefail
export LC_ALL=C
marker=$1 cpu=$2 record=$3 counts=$4

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fifo=$folder/fifo
mkfifo "$fifo"

# It waits before its first line: by then grep has opened the FIFO.
"$marker" "$cpu" 150 "$record" 2>&1 | tee "$fifo" >/dev/null &
tee_pid=$!
guest_pid=$(jobs -p) # the first of the pipeline

grep -m1 BENCHMARK_START "$fifo"
perf stat -x, -e page-faults -o "$counts" -p "$guest_pid" &
perf_pid=$!

grep -m1 BENCHMARK_END "$fifo"
kill -INT "$perf_pid"
wait "$tee_pid"
wait "$perf_pid"
exit 0
