#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Instants that a guest names itself, from the header that users include to the table `event`.
. "$(dirname "$0")/lib.sh"
cd "$scratch" || exit 1

cat >work.c <<'END_C'
#include "assay_stamp.h"
#include <stdio.h>

enum { READY = 1, STEP, DONE };

int main(int argc, char **argv)
{
	int many = argc > 1 ? atoi(argv[1]) : 3;
	printf("open %d\n", assay_stamp_open());
	assay_stamp_name(READY, "ready");
	assay_stamp_name(STEP, "step");
	assay_stamp_name(DONE, "done");
	puts("BENCHMARK_START");
	fflush(stdout);
	usleep(20000);
	assay_stamp(READY);
	for (int i = 0; i < many; i++)
		assay_stamp(STEP);
	assay_stamp(DONE);
	usleep(20000);
	puts("BENCHMARK_END");
	return 0;
}
END_C
for std in c99 gnu11 gnu17; do
	holds "a program of $std can include the header, and nothing else of assay" \
		gcc -std=$std -Wall -Wextra -Wconversion -Wno-sign-conversion -Werror \
		-O2 -I"$tree/proto/stamp" -o work work.c
done
if command -v g++ >/dev/null; then
	holds "so can one of C++" g++ -Wall -Wextra -Werror -x c++ -I"$tree/proto/stamp" -o work++ work.c
else
	skip "so can one of C++" "there is no g++"
fi
is "$(./work | head -n 1)" "open 0" "without assay the header does nothing"

process_recipe some.yaml some 2 0 "$scratch/work"
cat >>some.yaml <<'END_YAML'
windows:
  bench: {from: {console: 'BENCHMARK_START'}, to: {console: 'BENCHMARK_END'}}
measure: {stamps: true}
END_YAML
"$assay" run some.yaml --db s.db --quiet >/dev/null 2>err.txt
is $? 0 "a campaign with stamps ends with 0"
is "$(sql s.db 'SELECT count(*) FROM event')" 10 "five events in each of two runs"
is "$(sql s.db 'SELECT group_concat(name) FROM (SELECT name FROM event ORDER BY attempt_id, ordinal LIMIT 5)')" \
	"ready,step,step,step,done" "in the order in which they were stamped"
is "$(sql s.db 'SELECT count(*) FROM event AS e JOIN event AS f ON f.attempt_id = e.attempt_id
	AND f.ordinal = e.ordinal + 1 AND f.t_ns < e.t_ns')" 0 "and of their times"
is "$(sql s.db "SELECT count(*) FROM event JOIN window USING (attempt_id) WHERE window.name = 'bench'
	AND event.t_ns BETWEEN window.from_ns + 15000000 AND window.to_ns - 15000000")" 10 \
	"all inside the window, by the clock that marks are of"
is "$(sql s.db "$UNUSABLE")" 0 "and the runs are valid"

process_recipe many.yaml many 1 0 "$scratch/work" 100
echo 'measure: {stamps: 50}' >>many.yaml
"$assay" run many.yaml --db m.db --quiet >/dev/null 2>&1
is "$(sql m.db 'SELECT count(*) FROM event')" 64 "a ring is a power of two"
like "$(sql m.db "SELECT level, text FROM reason WHERE code = 'stamps-lost'")" 'the 38 before' \
	"what did not fit is counted"
is "$(sql m.db 'SELECT DISTINCT verdict FROM results')" flagged "and flags the run"

process_recipe none.yaml none 1 0 "$scratch/work"
"$assay" run none.yaml --db n.db --quiet >/dev/null 2>&1
is "$(sql n.db 'SELECT count(*) FROM event')" 0 "no stamps where the recipe asks for none"

# The images' own benchmark, from the sources as the image is made of them.
gcc -std=gnu17 -O2 -I"$tree" -o treebench "$tree"/images/treebench/*.c || exit 1
process_recipe tree.yaml tree 1 0 "$scratch/treebench" ncommits=20
echo 'measure: {stamps: 16}' >>tree.yaml
"$assay" run tree.yaml --db t.db --quiet >/dev/null 2>&1
is "$(sql t.db 'SELECT group_concat(name) FROM (SELECT name FROM event ORDER BY ordinal)')" \
	"init-begin,run-begin,run-end" "treebench stamps its stages"
finish
