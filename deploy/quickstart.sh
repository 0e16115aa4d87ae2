#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# quickstart.sh - from a bare Debian 12 to a comparison table: packages, build, guest images, and a
# small run of recipes/unikernel-vs-debian.yaml. What is there already is used as it is, so a second
# call only runs.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C.UTF-8

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tree=$(dirname "$here")
runs=3
db=${ASSAY_DB:-$tree/build/quickstart.db}

usage() {
	cat <<-END
	usage: deploy/quickstart.sh [--runs N] [--db FILE]

	Installs the Debian packages that are missing, builds assay, makes the guest images and
	compares a unikernel, a Debian guest and a plain process on this host.

	  --runs N    iterations of each guest [$runs]
	  --db FILE   where the results go [\$ASSAY_DB, else build/quickstart.db]
	END
}

die() {
	echo "quickstart: $*" >&2
	exit 2
}

while (($#)); do
	case $1 in
	--runs) runs=${2:?--runs needs a number}; shift ;;
	--db) db=${2:?--db needs a file}; shift ;;
	--help) usage; exit 0 ;;
	*) die "unknown option $1; see --help" ;;
	esac
	shift
done
[[ $runs =~ ^[1-9][0-9]*$ ]] || die "--runs: '$runs' is not a number from 1"

step() {
	printf '== %s\n' "$*"
}

step "packages"
"$here/setup.sh" --run --build

step "build"
cd "$tree"
log=build/quickstart-build.log
mkdir -p build
{ [[ -f build/release/build.ninja ]] || cmake --preset release; cmake --build --preset release --target assay assay-agent; } \
	>"$log" 2>&1 || { tail -n 30 "$log"; die "the build failed; all of it is in $log"; }
build/release/assay version

step "guest images"
images/build.sh treebench-unikernel treebench-debian treebench-process

step "run"
# A tenth of the seed's commits: enough to see a difference, quick where Linux guests have no KVM.
exec build/release/assay run recipes/unikernel-vs-debian.yaml --runs "$runs" --db "$db" \
	--set params.ncommits=100
