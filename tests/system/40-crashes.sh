#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Ctrl-C, and SIGKILL for agent and controller, in the middle of a run: no guest survives, nothing
# that was measured is lost, nothing is counted twice, and the campaign can go on.
. "$(dirname "$0")/lib.sh"
cd "$scratch" || exit 1

# A guest with a child that left its session: the whole tree must end with the run.
cat >tree.sh <<'END'
#!/bin/sh
echo $$ >"$1/guest.pid"
(setsid sleep 1000 & echo $! >"$1/stray.pid")
echo started
sleep "$2"
kill $(cat "$1/stray.pid")
END
chmod +x tree.sh

start() { # RECIPE DB: in the background; its id in $controller
	"$assay" run "$1" --db "$2" >out.txt 2>err.txt &
	controller=$!
	started+=("$controller")
}

agent_of() { # CONTROLLER: its agent
	pgrep -P "$1" -f assay-agent
}

guests_running() {
	[ -s guest.pid ] && [ -s stray.pid ] && ! gone "$(cat guest.pid)"
}

guests_gone() {
	gone "$(cat guest.pid)" && gone "$(cat stray.pid)"
}

one_result_a_run() { # DB N
	[ "$(sql "$1" "SELECT count(*) FROM results WHERE metric='wall' AND window='whole'")" = "$2" ] &&
		[ "$(sql "$1" "SELECT count(DISTINCT iteration) FROM results")" = "$2" ]
}

process_recipe tree.yaml tree 3 0 "$scratch/tree.sh" "$scratch" 1.5

# The agent is killed.
start tree.yaml agent.db
holds "the guest runs" within 10 guests_running
agent=$(agent_of $controller)
kill -KILL "$agent"
holds "agent killed: its guest's whole tree is gone within 3 s" within 3 guests_gone
wait $controller
is $? 0 "agent killed: the campaign goes on and ends with 0"
is "$(sql agent.db 'SELECT count(*) FROM attempt')" 4 "agent killed: both attempts are stored"
is "$(sql agent.db "SELECT code FROM reason WHERE level='invalid'")" agent-lost "agent killed: the first attempt says why"
holds "agent killed: each run has one result" one_result_a_run agent.db 3
is "$(sql agent.db "$UNUSABLE")" 0 "agent killed: and they are valid"

# Agent and keeper both.
rm -f guest.pid stray.pid
start tree.yaml both.db
holds "the guest runs" within 10 guests_running
agent=$(agent_of $controller)
keeper=$(pgrep -P "$agent" | head -1)
kill -KILL "$keeper" "$agent"
wait $controller
is $? 0 "agent and keeper killed: the campaign goes on and ends with 0"
holds "agent and keeper killed: each run has one result" one_result_a_run both.db 3
holds "agent and keeper killed: nothing of the first guest is left" guests_gone

# The keeper alone.
rm -f guest.pid stray.pid
start tree.yaml keeper.db
holds "the guest runs" within 10 guests_running
agent=$(agent_of $controller)
kill -KILL "$(pgrep -P "$agent" | head -1)"
wait $controller
is $? 0 "keeper killed: the campaign goes on and ends with 0"
holds "keeper killed: each run has one result" one_result_a_run keeper.db 3
holds "keeper killed: nothing of the first guest is left" guests_gone

# The controller is killed.
rm -f guest.pid stray.pid
start tree.yaml controller.db
holds "the guest runs" within 10 guests_running
agent=$(agent_of $controller)
kill -KILL $controller
wait $controller 2>/dev/null
holds "controller killed: the guest is gone within 5 s" within 5 guests_gone
holds "controller killed: its agent is gone" within 5 gone "$agent"
id=$(sql controller.db 'SELECT id FROM campaign')
"$assay" run --resume "$id" --db controller.db >out.txt 2>err.txt
is $? 0 "controller killed: resume ends with 0"
holds "controller killed: each run has one result" one_result_a_run controller.db 3
is "$(sql controller.db "SELECT state FROM campaign")" 'done' "controller killed: the campaign is done"
err=$("$assay" run --resume "$id" --db controller.db 2>&1)
is $? 2 "a campaign that is done cannot be resumed"
like "$err" "is done" "and that is said"

# Ctrl-C.
rm -f guest.pid stray.pid
start tree.yaml interrupt.db
holds "the guest runs" within 10 guests_running
kill -INT $controller
wait $controller
is $? 130 "Ctrl-C: status 130"
holds "Ctrl-C: the guest is gone" guests_gone
like "$(cat err.txt)" "assay run --resume [0-9A-Z]{26} --db interrupt.db" "Ctrl-C: it says how to go on"
is "$(sql interrupt.db "SELECT state FROM campaign")" interrupted "Ctrl-C: the campaign is interrupted"
is "$(sql interrupt.db "SELECT count(*) FROM reason WHERE code='cancelled'")" 1 "Ctrl-C: the ended attempt is kept"
read -r -a words < <(sed -n 's/.*go on with: assay //p' err.txt)
"$assay" "${words[@]}" >out.txt 2>err.txt
is $? 0 "the printed command goes on and ends with 0"
holds "Ctrl-C: each run has one result" one_result_a_run interrupt.db 3

# A database that was removed is a new one; the agent's spool for that path is an old one.
process_recipe again.yaml again 2 0 /bin/true
timeout 60 "$assay" run again.yaml --db again.db --quiet >out.txt 2>&1
rm -rf again.db*
timeout 60 "$assay" run again.yaml --db again.db --quiet >out.txt 2>&1
is $? 0 "a database that was removed is made anew"
holds "and has its runs" one_result_a_run again.db 2

# Two controllers: one campaign has one at a time, one host has one agent at a time.
process_recipe long.yaml long 3 0 /bin/sleep 5
start long.yaml two.db
holds "a campaign runs" within 10 test -n "$(sleep 1; sql two.db 'SELECT id FROM campaign' 2>/dev/null)"
id=$(sql two.db 'SELECT id FROM campaign')
ln -s two.db link.db
err=$("$assay" run --resume "$id" --db link.db 2>&1 >/dev/null)
is $? 4 "a campaign that runs is not resumed: status 4"
like "$err" "$id is being run already, by process $controller" "and by whom it is run is said"
"$assay" report --db two.db >/dev/null 2>err2.txt
is $? 0 "a campaign that runs can be reported"
process_recipe other.yaml other 1 0 /bin/true
err=$("$assay" run other.yaml --db other.db --quiet 2>&1 >/dev/null)
is $? 4 "another campaign on a busy host: status 4"
like "$err" 'another assay agent \(process [0-9]+\) works on this host' "and why is said"
is "$(sql other.db 'SELECT count(*) FROM campaign')" 0 "and nothing came of it"
wait $controller
is $? 0 "the first campaign was not disturbed"
is "$(sql two.db 'SELECT count(*) FROM attempt')" 3 "and measured each run once"
is "$(ls two.db-*.lock 2>/dev/null)" "" "no lock is left"

# Stopped for a while (Ctrl-Z and fg), longer than an agent may be silent.
start tree.yaml stopped.db
sleep 1
kill -STOP $controller
sleep 12
kill -CONT $controller
wait $controller
is $? 0 "controller stopped for 12 s: it goes on"
holds "controller stopped: each run has one result" one_result_a_run stopped.db 3
rm -f guest.pid stray.pid
start tree.yaml frozen.db
holds "the guest runs" within 10 guests_running
kill -STOP "$(agent_of $controller)"
wait $controller
is $? 0 "an agent that stopped answering is replaced"
holds "frozen agent: each run has one result" one_result_a_run frozen.db 3

# SIGTERM for the agent alone: somebody's, not ours.
rm -f guest.pid stray.pid
start tree.yaml term.db
holds "the guest runs" within 10 guests_running
kill -TERM "$(agent_of $controller)"
wait $controller
is $? 0 "agent told to end: the campaign goes on and ends with 0"
holds "agent told to end: each run has one result" one_result_a_run term.db 3

# Resuming under other circumstances.
process_recipe moved.yaml moved 3 0 /bin/sleep 0.5
"$assay" run moved.yaml --db sqlite:moved.db >out.txt 2>err.txt &
controller=$!
started+=("$controller")
holds "one run is done" within 10 sh -c "[ \"\$(sqlite3 moved.db \"SELECT count(*) FROM run WHERE state='done'\" 2>/dev/null)\" = 1 ]"
kill -KILL $controller
wait $controller 2>/dev/null
id=$(sql moved.db 'SELECT id FROM campaign')
sqlite3 moved.db ".backup changed.db"
sql changed.db "UPDATE run SET key = replace(key, substr(key, 1, 4), 'beef') WHERE position = 2"
err=$("$assay" run --resume "$id" --db changed.db 2>&1 >/dev/null)
is $? 2 "a campaign whose runs would be others now: status 2"
like "$err" 'cannot go on: .*run the recipe anew' "and that is said"
rm moved.yaml
"$assay" run --resume "$id" --db "$PWD/./moved.db" --quiet >out.txt 2>err.txt
is $? 0 "resumed without the recipe's file, by another spelling of the database"
is "$(sql moved.db "SELECT count(*) FROM reason WHERE text LIKE '%spool was lost%'")" 0 "the spool was found again"
holds "moved: each run has one result" one_result_a_run moved.db 3

# Many kills of short runs: every run one result, whatever was hit.
process_recipe short.yaml short 60 0 /bin/sleep 0.02
seed=${ASSAY_TEST_SEED:-$RANDOM}
RANDOM=$seed
echo "# kills from seed $seed"
"$assay" run short.yaml --db short.db >out.txt 2>err.txt &
controller=$!
kills=0
id=
for _ in 1 2 3 4 5 6 7 8; do
	sleep "0.$((RANDOM % 4 + 2))"
	if [ $((RANDOM % 2)) = 0 ]; then
		kill -KILL $controller 2>/dev/null && kills=$((kills + 1))
		wait $controller 2>/dev/null
		id=$(sql short.db 'SELECT id FROM campaign' 2>/dev/null)
		if [ -n "$id" ]; then
			"$assay" run --resume "$id" --db short.db >out.txt 2>err.txt &
		else
			"$assay" run short.yaml --db short.db >out.txt 2>err.txt &
		fi
		controller=$!
	else
		agent=$(agent_of $controller)
		[ -n "$agent" ] && kill -KILL "$agent" 2>/dev/null && kills=$((kills + 1))
	fi
done
started+=("$controller")
wait $controller
id=$(sql short.db 'SELECT id FROM campaign')
if [ "$(sql short.db 'SELECT state FROM campaign')" != 'done' ]; then
	"$assay" run --resume "$id" --db short.db >out.txt 2>err.txt
fi
echo "# $kills kills, $(sql short.db 'SELECT count(*) FROM attempt') attempts"
holds "after $kills kills each of 60 runs has one result" one_result_a_run short.db 60
is "$(sql short.db "SELECT count(*) FROM attempt WHERE state <> 'ended'")" 0 "no attempt is left open"
is "$("$assay" list --db short.db --json | jq -r '.[0].state')" 'done' "assay list says done"
finish
