#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# selftest.sh - feeds each lint a small tree that is clean and then trees that each break it in one
# way: a lint that cannot fail proves nothing. Prints TAP.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
count=0
failed=0

# put FILE: its text comes from stdin.
put() {
	mkdir -p "$tree/$(dirname "$1")"
	cat >"$tree/$1"
}

clean_tree() {
	rm -rf "$tree"
	mkdir -p "$tree"
	cp "$here/../../.clang-format" "$tree/"
	put proto/base/err.h <<'END'
// SPDX-License-Identifier: GPL-3.0-or-later
/* err - an error. */
struct err {
	int code;
};
END
	put agent/guest/guest.h <<'END'
// SPDX-License-Identifier: GPL-3.0-or-later
/* guest - what is launched. */
#include "proto/base/err.h"

int guest_start(struct err *err);
END
	put agent/guest/guest.c <<'END'
// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/guest/guest.h"

#include <stddef.h>

static const char *const names[] = {"qemu", NULL};

int guest_start(struct err *err)
{
	static const int code = 1;
	err->code = names[0] ? code : 0;
	return 0;
}
END
	put agent/guest/qemu.h <<'END'
// SPDX-License-Identifier: GPL-3.0-or-later
struct qemu;
END
	put agent/guest/qemu.c <<'END'
// SPDX-License-Identifier: GPL-3.0-or-later
#include "agent/guest/qemu.h"
END
	put deploy/hello.sh <<'END'
#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
echo "hello $1"
END
}

# expect LINT pass|fail TEXT: and a failure names its file.
expect() {
	local out rc=0
	count=$((count + 1))
	out=$("$here/$1.sh" "$tree" 2>&1) || rc=$?
	if [[ $rc == 77 ]]; then
		echo "ok $count - $1: $3 # SKIP $out"
	elif [[ $2 == pass && $rc == 0 ]] || [[ $2 == fail && $rc == 1 && $out == *:[0-9]* ]]; then
		echo "ok $count - $1: $3"
	else
		echo "not ok $count - $1: $3"
		printf '# expected to %s, ended with %d\n' "$2" "$rc"
		printf '%s\n' "$out" | sed 's/^/# /'
		failed=1
	fi
}

# breaks LINT TEXT FILE: the clean tree with this file (stdin) in it fails the lint.
breaks() {
	clean_tree
	put "$3"
	expect "$1" fail "$2"
}

# holds LINT TEXT FILE: the clean tree with this file (stdin) in it passes the lint.
holds() {
	clean_tree
	put "$3"
	expect "$1" pass "$2"
}

for lint in includes statics format headers shell words; do
	clean_tree
	expect "$lint" pass "a clean tree"
done

breaks includes "base knows no agent" proto/base/text.c <<<'#include "agent/guest/guest.h"'
breaks includes "agent and controller are apart" agent/main.c <<<'#include "controller/plan/plan.h"'
breaks includes "sibling rooms are apart" agent/meter/perf.c <<<'#include "agent/guest/guest.h"'
breaks includes "back-ends are apart" agent/guest/firecracker.c <<<'#include "agent/guest/qemu.h"'
breaks includes "a path from the folder" agent/guest/fake.c <<<'#include "guest.h"'
breaks includes "a path upwards" agent/guest/fake.c <<<'#include "../../proto/base/err.h"'
breaks includes "a room that nobody listed" agent/magic/magic.c <<<'#include "proto/base/err.h"'
breaks includes "the own header comes first" agent/guest/guest.c <<'END'
#include <stddef.h>

#include "agent/guest/guest.h"
END

breaks statics "a counter" agent/main.c <<<'static int runs;'
breaks statics "in a function" agent/main.c <<<$'void f(void)\n{\n\tstatic char buffer[64];\n}'
breaks statics "a pointer to const" agent/main.c <<<'static const char *name = "x";'
breaks statics "a function pointer" agent/main.c <<<'static int (*hook)(int) = NULL;'
breaks statics "an array of structs" agent/main.c <<<'static struct run runs[4] = {0};'
breaks statics "a global" agent/main.c <<<'int verbose = 1;'
breaks statics "a thread's own" agent/main.c <<<'_Thread_local int depth;'
breaks statics "a type without a name" agent/main.c <<<$'static struct {\n\tint n;\n} state;'
breaks statics "a declaration of two lines" agent/main.c <<<$'static struct a_long_name\n\tvariable = {0};'
holds statics "what is const or a function" agent/main.c <<'END'
struct run;
extern const struct run run_first;
static const char *const names[] = {"a"};
static int (*const hook)(int) = NULL;
static void forward(struct run *run);
static int f(int a, int (*order)(const void *, const void *))
{
	int n = 0;
	return order ? n : a;
}
const struct run run_first = {
	.name = names,
};
END

breaks format "spaces for tabs" agent/main.c <<<$'int main(void)\n{\n    return 0;\n}'
breaks headers "an unknown type" agent/agent.h <<<'int agent_run(uint64_t deadline_ns);'
breaks shell "an unquoted variable" deploy/bad.sh <<<$'#!/bin/bash\nrm -r $1/x'
breaks words "unfinished work" agent/main.c <<END
// SPDX-License-Identifier: GPL-3.0-or-later
/* TO${nothing:-}DO: finish */
END
breaks words "a developer's path" deploy/bad.sh <<END
# SPDX-License-Identifier: GPL-3.0-or-later
cd /ho${nothing:-}me/somebody/src
END
breaks words "no licence" agent/main.c <<<'int main(void);'

echo "1..$count"
exit $failed
