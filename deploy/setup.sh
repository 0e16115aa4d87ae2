#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# setup.sh - install the Debian packages that assay needs: only those that are missing, each with
# its reason. It changes nothing else: no service, no user, no setting.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C

# One line a package: the set, the name in Debian 12, what it is for.
packages() {
	cat <<-'END'
	run qemu-system-x86 starts guests of the driver qemu
	run libzmq5 carries messages between controller and agents
	run libprotobuf-c1 encodes these messages
	run libsodium23 hashes and keys
	run libpfm4 knows the names of CPU events
	run libsqlite3-0 keeps results, and what an agent has not yet delivered
	run libjansson4 reads and writes JSON
	run libpcre2-8-0 finds marks in what a guest prints
	run libfyaml0 reads recipes
	run libgsl27 statistics and random numbers
	run libsmartcols1 tables in the terminal
	run mmdebstrap makes the file system of Debian guests
	run e2fsprogs makes disks of guests
	run uidmap lets mmdebstrap work without root
	build gcc the compiler
	build binutils links the unikernel image
	build libc6-dev headers of the C library
	build cmake configures the build
	build ninja-build builds
	build git tells the version that is built
	build pkg-config finds libraries
	build protobuf-c-compiler turns assay.proto into C
	build libprotobuf-c-dev headers: messages
	build libzmq3-dev headers: transport
	build libsodium-dev headers: hashes and keys
	build libpfm4-dev headers: names of CPU events
	build libsqlite3-dev headers: the store
	build libjansson-dev headers: JSON
	build libpcre2-dev headers: marks and parsers
	build libfyaml-dev headers: recipes
	build libgsl-dev headers: statistics
	build libsmartcols-dev headers: terminal tables
	test libcmocka-dev unit tests
	test sqlite3 looks into a store as users do
	test clang the second compiler, and the fuzzers
	test libclang-rt-14-dev sanitizers of clang
	test clang-format checks the form of the code
	test shellcheck checks the scripts
	test linux-perf an independent judge of counters
	test hyperfine an independent judge of wall time
	test jq looks into JSON
	test make builds the kernel modules of the emulated machines
	test libelf1 the kernel's build of modules uses it
	END
}

usage() {
	cat <<-'END'
	usage: deploy/setup.sh [--run] [--build] [--test] [--dry-run]
	       deploy/setup.sh --help

	Installs the missing Debian 12 packages of the sets asked for (default: --run --build), as
	root or with sudo.

	  --run      what assay and its guests need to run
	  --build    what it takes to build assay and the unikernel image
	  --test     what tests/run.sh needs beside these
	  --dry-run  say what would be installed, and install nothing
	END
}

die() {
	echo "setup: $*" >&2
	exit 1
}

# is_installed PACKAGE
is_installed() {
	[[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

is_debian_12() {
	grep -qx 'ID=debian' /etc/os-release 2>/dev/null &&
		grep -qxE 'VERSION_ID="?12"?' /etc/os-release
}

# print_sets SET...: name and reason of every package of the sets.
print_sets() {
	local set name reason
	packages | while read -r set name reason; do
		if [[ " $* " == *" $set "* ]]; then
			printf '%-22s %s\n' "$name" "$reason"
		fi
	done
}

# print_missing SET...: the same of those that are not installed.
print_missing() {
	local name reason
	print_sets "$@" | while read -r name reason; do
		is_installed "$name" || printf '%-22s %s\n' "$name" "$reason"
	done
}

# apt_get ARGUMENT...: as root, asking nothing.
apt_get() {
	local as_root=()
	if [[ $(id -u) != 0 ]]; then
		command -v sudo >/dev/null ||
			die "installing packages takes root; run this as root, or install sudo"
		as_root=(sudo)
	fi
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" </dev/null
}

# install_packages NAME...
install_packages() {
	local name
	for name in "$@"; do
		# A fresh machine or container has no package lists, or some too old for the archive.
		if ! apt-cache show --no-all-versions "$name" >/dev/null 2>&1; then
			apt_get update || die "apt-get update failed; its message is above"
			break
		fi
	done
	apt_get install --no-install-recommends "$@" && return
	apt_get update || die "apt-get update failed; its message is above"
	apt_get install --no-install-recommends "$@" ||
		die "apt-get could not install the packages; its message is above"
}

sets=()
dry_run=false
for argument in "$@"; do
	case $argument in
	--run | --build | --test) sets+=("${argument#--}") ;;
	--dry-run) dry_run=true ;;
	--help)
		usage
		exit 0
		;;
	*)
		usage >&2
		exit 2
		;;
	esac
done
[[ ${#sets[@]} -gt 0 ]] || sets=(run build)

if ! is_debian_12; then
	echo "setup: this is not Debian 12; install what these packages hold in your system's way:" >&2
	print_sets "${sets[@]}"
	exit 1
fi

missing=$(print_missing "${sets[@]}")
if [[ -z $missing ]]; then
	echo "setup: every package of ${sets[*]} is installed"
	exit 0
fi
echo "setup: packages to install for ${sets[*]}:"
echo "$missing"
if $dry_run; then
	exit 0
fi
mapfile -t names <<<"$(cut -d ' ' -f 1 <<<"$missing")"
install_packages "${names[@]}"
echo "setup: done"
