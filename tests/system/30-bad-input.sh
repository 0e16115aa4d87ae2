#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# Everything that can be wrong with what people, guests and disks give us: one clear sentence, a
# status that is not 0, and nothing lost.
. "$(dirname "$0")/lib.sh"
cd "$scratch" || exit 1

# refused STATUS REGEX TEXT ARGUMENT...: assay run says so.
refused() {
	local status=$1 regex=$2 text=$3
	shift 3
	err=$("$assay" run "$@" --quiet 2>&1 >/dev/null)
	is $? "$status" "$text: status $status"
	like "$err" "$regex" "$text: said"
}

printf 'assay: [1\nname: {' >broken.yaml
refused 2 'broken.yaml:[0-9]+:[0-9]+: ' "not YAML" broken.yaml --db a.db
head -c 3000 /dev/urandom >noise.yaml
refused 2 'noise.yaml' "binary rubbish" noise.yaml --db a.db
: >empty.yaml
refused 2 'empty.yaml' "empty file" empty.yaml --db a.db
process_recipe typo.yaml typo 1 0 /bin/true
echo 'measrue: {counters: [page-faults]}' >>typo.yaml
refused 2 'typo.yaml:[0-9]+:1: .*measrue.*measure' "unknown key, with the nearest" typo.yaml --db a.db
process_recipe event.yaml event 1 0 /bin/true
echo 'measure: {counters: [page-faults, cylces]}' >>event.yaml
refused 2 'event.yaml:[0-9]+:[0-9]+: .*cylces.*cycles' "unknown event, with place and the nearest" event.yaml --db a.db
cat >image.yaml <<'END'
assay: 1
name: image
images: {uk: {build: no-such-image}}
guests: {uk: {driver: qemu, memory: 64M, kernel: '{image.uk}'}}
END
refused 2 'no-such-image' "missing image" image.yaml --db a.db
is "$(sql a.db 'SELECT count(*) FROM campaign' 2>/dev/null || echo 0)" 0 "no campaign came of it"
process_recipe none.yaml none 1 0 /no/such/program
refused 3 '' "a program that is not there" none.yaml --db none.db
like "$(sql none.db 'SELECT text FROM reason')" '/no/such/program' "a program that is not there: the reason names it"
echo x >notdir
process_recipe ok.yaml ok 2 0 /bin/true
refused 4 'notdir' "a database where none can be" ok.yaml --db notdir/x.db
echo "this is no database, it is a text" >text.db
refused 4 'text.db' "a file that is no database" ok.yaml --db text.db
is "$(cat text.db)" "this is no database, it is a text" "a file that is no database is left alone"

# The house: no agent, no folder for sockets, no home, keys that others can read.
mkdir bare
cp "$assay" bare/assay
cp "$bin/assay-agent" bare/agent
bare() { # STATUS REGEX TEXT [VARIABLE=VALUE...]
	local status=$1 regex=$2 text=$3
	shift 3
	SECONDS=0
	err=$(env "$@" PATH=/usr/bin:/bin bare/assay run ok.yaml --db bare.db --quiet 2>&1 >/dev/null)
	is $? "$status" "$text: status $status"
	like "$err" "$regex" "$text: said"
	holds "$text: at once ($SECONDS s)" test $SECONDS -lt 5
}
bare 4 'no assay-agent to start' "the agent is missing" X=
cp bare/agent bare/assay-agent
chmod 644 bare/assay-agent
bare 4 'no assay-agent to start' "the agent cannot be executed" X=
printf '#!/bin/sh\nexit 9\n' >bare/assay-agent
chmod 755 bare/assay-agent
bare 4 'the agent ended with status 9' "the agent ends at once" X=
cp bare/agent bare/assay-agent
bare 4 '/no/such/folder' "TMPDIR is missing" TMPDIR=/no/such/folder
bare 4 'notdir' "ASSAY_HOME is a file" "ASSAY_HOME=$scratch/notdir"
long=$scratch/$(printf 'x%.0s' {1..150})
mkdir "$long"
bare 0 '' "TMPDIR is long" "TMPDIR=$long"
chmod 644 "$ASSAY_HOME/keys/controller.key"
bare 4 'run: chmod 600 ' "a key that others can read" X=
chmod 600 "$ASSAY_HOME/keys/controller.key"

# Guests that misbehave: invalid runs with reasons, status 3, everything kept.
invalid() { # TEXT REGEX RECIPE DB
	out=$("$assay" run "$3" --db "$4" --quiet 2>err.txt)
	is $? 3 "$1: status 3"
	like "$(sql "$4" 'SELECT code || ": " || text FROM reason')" "$2" "$1: the reason"
	like "$out" "$(sed 's/:.*//' <<<"$2")" "$1: the report lists it"
	is "$(sql "$4" "SELECT count(*) FROM results WHERE verdict='valid'")" 0 "$1: nothing valid came of it"
}
process_recipe mark.yaml mark 1 0 /bin/echo nothing to see
echo "windows: {bench: {from: {console: START}, to: {console: END}}}" >>mark.yaml
invalid "a guest that never prints its marker" 'no-mark: .*START' mark.yaml mark.db
process_recipe dies.yaml dies 1 0 /bin/sh -c 'echo last words; kill -SEGV $$'
invalid "a guest that dies" 'killed: .*last words' dies.yaml dies.db
process_recipe status.yaml status 1 0 /bin/sh -c 'exit 7'
invalid "a guest that fails" 'exit-status: .*7' status.yaml status.db
process_recipe slow.yaml slow 1 0 /bin/sleep 1000
sed -i 's/timeout: 60s/timeout: 1s/' slow.yaml
invalid "a guest that hangs" 'timeout: .*1 s' slow.yaml slow.db
process_recipe spam.yaml spam 1 0 /bin/sh -c 'head -c 1000000000 /dev/zero | tr "\0" x'
SECONDS=0
invalid "a guest that prints 1 GB" 'output-limit: ' spam.yaml spam.db
holds "a guest that prints 1 GB is ended early ($SECONDS s)" test $SECONDS -lt 20
holds "what it printed is kept to the limit" test "$(sql spam.db 'SELECT max(size_bytes) FROM artifact')" -ge 16000000
process_recipe check.yaml check 2 0 /bin/sh -c 'echo result $$'
echo "checks: {result: {console: 'result (.*)'}}" >>check.yaml
out=$("$assay" run check.yaml --db check.db --quiet 2>&1)
is $? 3 "runs that disagree on their result: status 3"
is "$(sql check.db "SELECT count(*) FROM reason WHERE code='check'")" 1 "the one that differs from the first is invalid"

# A database of a newer version is refused, and left as it is.
"$assay" run ok.yaml --db newer.db --quiet >/dev/null 2>&1
sql newer.db 'PRAGMA user_version=9999' >/dev/null
before=$(sha256sum <newer.db)
refused 4 'newer.db.*(newer|version)' "a database of a newer version" ok.yaml --db newer.db
is "$(sha256sum <newer.db)" "$before" "a database of a newer version is left as it is"

# Disk full in the database's folder: what was acknowledged stays, and the campaign can go on.
if [ "$(id -u)" = 0 ] && mkdir small && mount -t tmpfs -o size=600k tmpfs small 2>/dev/null; then
	cleanup() { umount -l "$scratch/small" 2>/dev/null; }
	process_recipe fill.yaml fill 40 0 /bin/sh -c 'head -c 30000 /dev/urandom | od'
	err=$("$assay" run fill.yaml --db small/x.db --quiet 2>&1 >/dev/null)
	is $? 4 "disk full: status 4"
	like "$err" 'x.db' "disk full: the file is named"
	like "$err" 'resume' "disk full: how to go on is said"
	mount -o remount,size=40m small
	done_before=$(sql small/x.db "SELECT count(*) FROM run WHERE state='done'")
	id=$(sql small/x.db 'SELECT id FROM campaign')
	echo "# done before the disk was full: $done_before of 40"
	"$assay" run --resume "$id" --db small/x.db --quiet >/dev/null 2>&1
	is $? 0 "after there is room: resumed, status 0"
	is "$(sql small/x.db "SELECT count(*) FROM results WHERE metric='wall' AND window='whole'")" 40 \
		"every run has its result once"
else
	skip "disk full" "cannot mount a tmpfs here"
fi
finish
