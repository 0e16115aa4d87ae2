#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# includes.sh [ROOT] - proves the direction of dependencies from the #include lines: a file of a
# room includes only the rooms listed for it, two back-ends of one room never include each other,
# a source's own header comes first, and every path is written from the root of the repository.
set -euo pipefail
# shellcheck source=tests/lint/files.sh
. "$(dirname "${BASH_SOURCE[0]}")/files.sh"

# "room: rooms it may include"; its own is implied. "x/" stands for x and every room below it.
rooms() {
	cat <<-'END'
	proto/base:
	proto/stamp:
	proto/measure: proto/base
	proto/wire: proto/base proto/measure
	agent/host: proto/base proto/measure
	agent/guest: proto/base proto/measure proto/stamp
	agent/meter: proto/base proto/measure proto/stamp
	agent: proto/ agent/
	controller/recipe: proto/base proto/measure
	controller/store: proto/base proto/measure
	controller/parse: proto/base proto/measure
	controller/stats: proto/base proto/measure
	controller/plan: proto/base proto/measure controller/recipe
	controller/report: proto/base proto/measure controller/store controller/stats
	controller/schedule: proto/base proto/measure
	controller/fleet: proto/
	controller/campaign: proto/ controller/recipe controller/plan controller/store controller/parse controller/schedule controller/fleet
	controller/cli: proto/ controller/
	controller: proto/ controller/
	images/treebench: proto/stamp
	images/debian:
	images/unikernel: images/treebench
	tests/: proto/ agent/ controller/ images/ tests/
	END
}

# "room: back-ends", each the stem of a file.
backends() {
	cat <<-'END'
	agent/guest: process qemu firecracker oci virtualbox vmware ssh command fake
	agent/meter: perf powercap hwmon msr rss cgroup psi meminfo throttle fake event_sysfs event_generic event_pfm
	controller/parse: regex treebench sysbench time meminfo criterion zlog perf
	controller/store: sqlite postgres memory
	END
}

list_files '*.c' '*.h' >"${TMPDIR:-/tmp}/assay-includes.$$"
trap 'rm -f "${TMPDIR:-/tmp}/assay-includes.$$"' EXIT

awk -v files="${TMPDIR:-/tmp}/assay-includes.$$" '
function say(text) { print file ":" line ": " text; bad = 1 }
function folder_of(path) { return match(path, /\/[^\/]*$/) ? substr(path, 1, RSTART - 1) : "" }
function stem_of(path) { sub(/.*\//, "", path); sub(/\.[^.]*$/, "", path); return path }
function inside(list, folder,    n, parts, i) {
	n = split(list, parts, " ")
	for (i = 1; i <= n; i++) {
		if (parts[i] == folder)
			return 1
		if (parts[i] ~ /\/$/ && index(folder "/", parts[i]) == 1)
			return 1
	}
	return 0
}
# The row of the folder itself, else the longest "x/" above it.
function room_of(folder,    up) {
	if (folder in allowed)
		return folder
	for (up = folder "/"; up != ""; ) {
		if (up in allowed)
			return up
		up = up ~ /\/.*\// ? substr(up, 1, match(up, /[^\/]*\/$/) - 1) : ""
	}
	return ""
}
function check_path(path,    target) {
	target = folder_of(path)
	if (path ~ /(^|\/)\.\.?\//)
		say("\"" path "\" is not written from the root of the repository")
	else if (path == "version.h" || path ~ /\.pb-c\.h$/)
		return # generated
	else if (!(path in known))
		say("\"" path "\" does not exist below the root of the repository")
	else if (target != folder && !inside(allowed[room], target))
		say(room " may not include " target " (" path ")")
	else if (target == folder && ((folder "/" stem_of(path)) in backend) &&
		 ((folder "/" stem_of(file)) in backend) && stem_of(path) != stem_of(file))
		say("two back-ends of " folder " include each other (" path ")")
}
function check_file(    text, own, first) {
	line = 1
	folder = folder_of(file)
	room = room_of(folder)
	if (room == "") {
		say("no room is known for this folder; add it to tests/lint/includes.sh")
		return
	}
	own = folder "/" stem_of(file) ".h"
	first = file ~ /\.c$/ && (own in known)
	for (line = 1; (getline text < file) > 0; line++) {
		if (text !~ /^[ \t]*#[ \t]*include/)
			continue
		if (first && text !~ /"/ || first && index(text, "\"" own "\"") == 0)
			say("the first include is not its own header, \"" own "\"")
		first = 0
		if (match(text, /"[^"]*"/))
			check_path(substr(text, RSTART + 1, RLENGTH - 2))
	}
	close(file)
}
FILENAME == files { known[$0] = 1; order[++count] = $0; next }
mode == "" && $0 == "--" { mode = "backends"; next }
mode == "" { split($0, part, ":"); allowed[part[1]] = part[2]; next }
{
	split($0, part, ": ")
	n = split(part[2], stems, " ")
	for (i = 1; i <= n; i++)
		backend[part[1] "/" stems[i]] = 1
}
END {
	for (i = 1; i <= count; i++) {
		file = order[i]
		check_file()
	}
	exit bad
}
' "${TMPDIR:-/tmp}/assay-includes.$$" <(rooms; echo --; backends)
