#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# statics.sh [ROOT] - finds variables that outlive a call and can change: `static` ones wherever
# they are, and those at file scope. Each must be const, or be on the list below with the reason
# that a reviewer accepted. It reads the code as .clang-format writes it: file scope is column 0.
set -euo pipefail
# shellcheck source=tests/lint/files.sh
. "$(dirname "${BASH_SOURCE[0]}")/files.sh"

# "file variable  reason"; the unikernel is a machine of its own, and a machine has state.
reviewed() {
	cat <<-'END'
	proto/base/log.c log_program   set once by main; who is speaking is a fact of the process
	proto/base/log.c log_limit     set once by main
	proto/base/text.c c_locale     made once, under pthread_once
	proto/base/text.c once         the once of c_locale
	proto/base/ulid.c lock         guards last
	proto/base/ulid.c last         ids of one process sort in the order they were made
	proto/stamp/assay_stamp.h assay_stamp_client  the measured program's own, opened once
	agent/meter/event_generic.c names       made once, under pthread_once
	agent/meter/event_generic.c names_once  the once of names
	agent/meter/event_pfm.c pfm_once  the state of libpfm4 is the process's
	images/debian/*  *     process 1 of a guest owns its machine
	images/unikernel/*  *  a kernel owns its machine
	END
}

mapfile -t sources < <(list_files 'proto/*.c' 'proto/*.h' 'agent/*.c' 'agent/*.h' \
	'controller/*.c' 'controller/*.h' 'images/*.c' 'images/*.h')
[[ ${#sources[@]} -gt 0 ]] || exit 0

awk '
# The name of the variable declared, or "" where it is const or a function.
function changes(text,    head) {
	head = text
	sub(/__attribute__\(\([^;=]*\)\)/, "", head)
	sub(/[ \t]*[=;[{].*/, "", head)
	if (match(head, /\(/) && substr(head, RSTART, 2) != "(*")
		return "" # a function
	if (head ~ /\(\*[ \t]*const/)
		return ""
	if (head ~ /\*/ ? head ~ /\*[ \t]*const[^*]*$/ : head ~ /(^|[ \t])const([ \t]|$)/)
		return ""
	if (match(head, /\(\*[a-z_0-9]+/))
		return substr(head, RSTART + 2, RLENGTH - 2)
	return match(head, /[A-Za-z_][A-Za-z_0-9]*$/) ? substr(head, RSTART) : ""
}
function complain(    folder) {
	folder = FILENAME
	sub(/[^\/]*$/, "*", folder)
	if (name == "" || (FILENAME " " name) in reason || (folder " *") in reason)
		return
	print FILENAME ":" FNR ": " name " can change and outlives its call; make it const," \
		" hand it over as an argument, or add it to the reviewed list"
	bad = 1
}
FNR == NR { reason[$1 " " $2] = 1; next }
FNR == 1 { pending = ""; closing = "" }
closing != "" && index($0, closing) == 1 { # a type without a name: the variable comes after it
	name = $0
	sub(/^[ \t}]*/, "", name)
	sub(/[^A-Za-z_0-9].*/, "", name)
	closing = ""
	complain()
	next
}
/^[ \t]*static[ \t]+(struct|union)[ \t]*({|[a-z_0-9]+[ \t]*{)$/ {
	closing = $0
	sub(/static.*/, "}", closing)
	next
}
{
	text = pending $0
	pending = ""
	sub(/[ \t]*\/\*.*/, "", text)
	sub(/[ \t]*\/\/.*/, "", text)
	if (text ~ /^[ \t]*static[ \t]/)
		;
	else if (text ~ /^(_Thread_local |volatile |_Atomic |unsigned |struct |enum )*[a-z_][A-Za-z_0-9]* +\**[a-z_][A-Za-z_0-9]*(\[[^]]*\])*( =.*|;)$/ &&
		 text !~ /^(typedef|extern|return|goto|else|case|struct [a-z_0-9]+;|enum [a-z_0-9]+;|union )/)
		;
	else
		next
	if (text !~ /[=;{(]/) { # goes on in the next line
		pending = text " "
		next
	}
	name = changes(text)
	complain()
}
END { exit bad }
' <(reviewed) "${sources[@]}"
