#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# run.sh - in the lab's machine: one campaign for each way in which a host may have RAPL. Each has
# its database and its output in out/; the counters' own files are kept beside them.
export LD_LIBRARY_PATH=/box/lib ASSAY_HOME=/tmp/assay
PATH=/box/bin:$PATH

# campaign NAME ARGUMENT...
campaign() {
	name=$1
	shift
	assay run rapl.yaml --db "out/$name.db" --quiet "$@" >"out/$name.txt" 2>&1
	echo $? >"out/$name.rc"
}

# As a user without rights, who may at least write here.
campaign_of_nobody() {
	name=$1
	mkdir -m 777 /tmp/nobody
	ASSAY_HOME=/tmp/nobody/home setpriv --reuid 65534 --regid 65534 --clear-groups \
		assay run rapl.yaml --db "/tmp/nobody/$name.db" --quiet --runs 1 \
		--set 'axes.guest=[busy]' >"out/$name.txt" 2>&1
	echo $? >"out/$name.rc"
	cp "/tmp/nobody/$name.db" out/
}

# look NAME: what the kernel shows: the counters, and how long the machine has been up.
look() {
	for file in /proc/uptime /sys/class/powercap/intel-rapl:*/name \
		/sys/class/powercap/intel-rapl:*/*_uj \
		/sys/bus/event_source/devices/power/cpumask \
		/sys/bus/event_source/devices/power/events/*; do
		[ ! -e "$file" ] || echo "$file $(cat "$file")"
	done >"out/$1.sys"
}

load() {
	insmod ./fakerapl.ko "$@" || exit 1
}

campaign none --runs 1 --set 'axes.guest=[busy]'

load milliwatts=12500 range_uj=10000000
look perf
campaign perf
campaign_of_nobody nobody
assay host --json >out/host.json 2>out/host.txt
rmmod fakerapl

load milliwatts=12500 range_uj=10000000 perf=N
look powercap
campaign powercap
rmmod fakerapl

# Something sets the counter back, over and over.
load milliwatts=12500 perf=N
while sleep 0.3; do echo 1 >/sys/module/fakerapl/parameters/reset; done &
campaign reset --runs 1 --set 'axes.guest=[long]'
kill $!
wait
rmmod fakerapl

load milliwatts=12500,30000 range_uj=20000000
look perf2
campaign perf2 --set 'axes.guest=[long]'
rmmod fakerapl

load milliwatts=12500,30000 range_uj=20000000 perf=N
look powercap2
campaign powercap2 --set 'axes.guest=[long]'
