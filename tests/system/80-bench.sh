#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The benchmarks still run and print figures; what the figures are is not judged here.
. "$(dirname "$0")/lib.sh"
cd "$scratch" || exit 1

list=$("$tree/tests/bench/run.sh" --list)
is $? 0 "--list"
like "$list" '^window' "the list has window"
like "$list" '^overhead' "the list has overhead"
ASSAY_BUILD=$bin timeout 300 "$tree/tests/bench/run.sh" window >figures.txt 2>err.txt
is $? 0 "window runs"
is "$(grep -vcE '^[a-z_]+/[a-z0-9_]+ -?[0-9.]+ [a-zA-Z]+$' figures.txt)" 0 "every line is a name, a value and a unit"
like "$(cat figures.txt)" '^window/start_p50 [0-9.]+ us$' "it has the start error"
sed 's/^/# /' figures.txt
"$tree/tests/bench/run.sh" no-such-benchmark >/dev/null 2>err.txt
is $? 2 "an unknown name is refused"
finish
