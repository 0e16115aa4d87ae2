#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# The command line as a stranger meets it: help everywhere, exit statuses, errors that say what to do.
. "$(dirname "$0")/lib.sh"
cd "$scratch" || exit 1

out=$("$assay" --help)
is $? 0 "assay --help ends with 0"
for command in run plan check report list host recipe version; do
	like "$out" "^  $command " "assay --help names $command"
	help=$("$assay" $command --help)
	is $? 0 "assay $command --help ends with 0"
	like "$help" "^Usage: assay $command" "assay $command --help shows its usage"
done
like "$("$assay" version)" '^assay [0-9]+\.[0-9]+\.[0-9]+ \(' "assay version"
is "$("$assay" version --json | jq -r .version)" "$("$assay" version | cut -d' ' -f2)" "version --json"

err=$("$assay" 2>&1 >/dev/null)
is $? 2 "no command: usage, status 2"
err=$("$assay" rnu 2>&1)
is $? 2 "unknown command: status 2"
like "$err" "^assay: unknown command 'rnu', did you mean run;" "unknown command: the nearest one"
err=$("$assay" run --rnus 3 x.yaml 2>&1)
is $? 2 "unknown option: status 2"
like "$err" "did you mean --runs" "unknown option: the nearest one"
err=$("$assay" run --runs 0 x.yaml 2>&1)
is $? 2 "--runs 0: status 2"
err=$("$assay" run 2>&1)
is $? 2 "run without recipe: status 2"
err=$("$assay" run nothing-here.yaml 2>&1)
is $? 2 "missing recipe: status 2"
like "$err" "nothing-here.yaml" "missing recipe: named"
err=$("$assay" report --db nothing.db 2>&1)
is $? 4 "missing database: status 4"
like "$err" "^assay: .*nothing.db" "missing database: named"
holds "a missing database is not made by report" test ! -e nothing.db

out=$("$assay" host)
is $? 0 "assay host ends with 0"
like "$out" "counters.software" "assay host lists software counters"
like "$out" "energy.package" "assay host lists energy"
holds "assay host --json is JSON" jq -e '.capabilities | length > 3' <<<"$("$assay" host --json)"
like "$("$assay" recipe help runs.iterations)" "iterations" "assay recipe help KEY"
like "$("$assay" recipe help)" "^#" "assay recipe help is Markdown"

process_recipe ok.yaml ok 3 1 /bin/true
out=$("$assay" check ok.yaml)
is $? 0 "assay check of a good recipe"
out=$("$assay" plan ok.yaml)
is $? 0 "assay plan ends with 0"
like "$out" "4 runs" "assay plan counts runs, the warm-up too"
holds "assay plan makes no database" test ! -e assay.db
holds "assay plan --json is JSON" jq -e '.order | length == 4' <<<"$("$assay" plan --json ok.yaml)"
a=$("$assay" plan --json --seed 7 ok.yaml)
b=$("$assay" plan --json --seed 7 ok.yaml)
is "$a" "$b" "the same seed gives the same plan"

# Whoever reads may go away; whoever cannot write is told.
"$assay" run ok.yaml --db ok.db --quiet >/dev/null 2>&1
for words in "report" "report --json" "list" "run ok.yaml --quiet"; do
	# shellcheck disable=SC2086
	err=$( { "$assay" $words --db ok.db; echo "status $?" >&2; } 2>&1 >/dev/full | tail -1)
	is "$err" "status 4" "assay $words to a full disk: status 4"
	# shellcheck disable=SC2086
	err=$( { { "$assay" $words --db ok.db; echo "status $?" >&2; } | true; } 2>&1)
	is "$err" "status 0" "assay $words to a pipe that nobody reads: not a word"
done
err=$("$assay" run --resume 01 --runs 3 --db ok.db 2>&1)
is $? 2 "--runs on resuming: status 2"
err=$("$assay" run --resume 01 --set runs.iterations=3 --db ok.db 2>&1)
is $? 2 "--set on resuming: status 2"
like "$err" "keeps the settings it was submitted with" "--set on resuming: said"
id=$(sql ok.db 'SELECT min(id) FROM campaign')
err=$("$assay" run --resume "$id" --db ok.db 2>&1)
is $? 2 "resuming what is done: status 2"

# Two labels that are one file name: each has its console.
cat >same.yaml <<'END'
assay: 1
name: same
axes: {word: ['a/b', 'a b', 'ab']}
guests: {it: {driver: process, command: [/bin/echo, '{axis.word}']}}
runs: {iterations: 1, warmup: 0}
END
folder=$("$assay" run same.yaml --db same.db --quiet 2>/dev/null | sed -n 's/^consoles  //p')
is "$(cat "$folder"/*.log | sort | paste -sd,)" "a b,a/b,ab" "labels that collide as file names: no console is lost"
mkdir readonly
cd readonly || exit 1
"$assay" run ../ok.yaml --db ../elsewhere.db --quiet >/dev/null 2>&1
is $? 0 "a database elsewhere"
is "$(ls)" "" "and nothing is written into the current folder"
cd ..
finish
