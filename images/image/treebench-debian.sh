# shellcheck shell=bash disable=SC2034,SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# treebench-debian - a small Debian 12: its cloud kernel, and a disk with a few of its packages, our
# init and the same program as treebench-process.
#
# The cloud kernel has NVMe and ext4 built in, so it needs neither an initramfs nor modules. The
# packages are unpacked but not configured: init is the only process besides treebench, and the
# shell and coreutils are there for whoever boots with init=/bin/sh. The same inputs give the same
# bytes: times, identifiers and the order of files do not depend on when and where it is built.

main=disk
parts=(disk=disk.raw kernel=vmlinuz)
sources=(images/compiler.sh images/treebench images/treebench.sh proto/stamp images/debian)

# shellcheck source=/dev/null
source "$here/compiler.sh"
# shellcheck source=/dev/null
source "$here/treebench.sh"

suite=bookworm
packages=base-files,dash,coreutils,util-linux
kernel_package=linux-image-cloud-amd64
disk_size=128M # sparse
epoch=1686398400 # the day of Debian 12; no file is younger
uuid=61737361-7900-4000-8000-000000000001

check_tools() {
	check_compiler
	need mmdebstrap mmdebstrap
	need mke2fs e2fsprogs
	need debugfs e2fsprogs
	need apt-get apt
	need dpkg-deb dpkg
	[[ $(id -u) == 0 ]] || check_user_namespaces
}

# Without root, mmdebstrap needs a range of user ids to own the files of the guest.
check_user_namespaces() {
	need newuidmap uidmap
	grep -qsE "^($(id -un)|$(id -u)):" /etc/subuid ||
		die "$(id -un) has no line in /etc/subuid; ask for 'usermod --add-subuids" \
			"100000-165535 --add-subgids 100000-165535 $(id -un)', or build as root"
}

# The package that the meta-package stands for today, as NAME=VERSION.
chosen_kernel() {
	local name version
	name=$(apt-cache depends "$kernel_package" 2>/dev/null |
		awk '$1 == "Depends:" && $2 ~ /^linux-image-[0-9]/ { print $2; exit }')
	[[ $name ]] ||
		die "apt knows no $kernel_package; on Debian 12, 'apt-get update' should help"
	version=$(apt-cache show --no-all-versions "$name" | awk '$1 == "Version:" { print $2 }')
	echo "$name=$version"
}

versions() {
	compiler_versions
	chosen_kernel
	# shellcheck disable=SC2046
	apt-cache show --no-all-versions ${packages//,/ } libc6 2>/dev/null |
		awk '$1 == "Package:" || $1 == "Version:"'
	dpkg-query -W mmdebstrap e2fsprogs 2>/dev/null || true
	echo "${ASSAY_DEBIAN_MIRROR:-}"
}

fetch_kernel() {
	local kernel
	kernel=$(chosen_kernel)
	mkdir "$work/download" "$work/kernel"
	(
		cd "$work/download"
		# Downloading as root into a directory of ours is no business of the user _apt.
		apt-get -qq -o APT::Sandbox::User=root download "$kernel"
	) || die "could not download $kernel; if it is no longer there, 'apt-get update' may help"
	dpkg-deb -x "$work"/download/*.deb "$work/kernel"
	cp "$work"/kernel/boot/vmlinuz-* "$out/vmlinuz"
}

# Everything goes through an archive, so that an ordinary user can make files that root owns.
make_archive() {
	SOURCE_DATE_EPOCH=$epoch mmdebstrap --quiet --mode=auto --variant=extract \
		--include="$packages" --format=tar \
		"$suite" "$work/root.tar" ${ASSAY_DEBIAN_MIRROR:+"$ASSAY_DEBIAN_MIRROR"} ||
		die "mmdebstrap could not make Debian $suite; its message is above"
	mkdir -p "$work/add/sbin" "$work/add/usr/bin"
	gcc -std=gnu17 -O2 -Wall -Wextra -static -s images/debian/init.c -o "$work/add/sbin/init"
	compile_treebench "$work"
	link_process "$work" "$work/add/usr/bin/treebench"
	tar --append --file "$work/root.tar" --directory "$work/add" --owner=0 --group=0 \
		--mtime="@$epoch" --mode=755 ./sbin/init ./usr/bin/treebench
}

# normalise_times DISK: those that only the kernel can set on a mounted file system.
normalise_times() {
	local inodes
	inodes=$(dumpe2fs -h "$1" 2>/dev/null | awk \
		'/^Inode count:/ { all = $3 } /^Free inodes:/ { free = $3 } END { print all - free }')
	seq 1 "$inodes" | awk -v time="@$epoch" '{
		for (split("atime ctime crtime", name); name[++i]; ) {
			print "set_inode_field <" $1 "> " name[i] " " time
			print "set_inode_field <" $1 "> " name[i] "_extra 0"
		}
		i = 0
		print "set_inode_field <" $1 "> mtime_extra 0"
	}' >"$1.commands"
	debugfs -w -f "$1.commands" "$1" >/dev/null 2>"$1.errors" ||
		{ cat "$1.errors" >&2 && return 1; }
}

# In: the archive. Out: the disk. Runs as root, or as what passes for root in a user namespace.
make_disk() {
	set -euo pipefail
	PATH=$PATH:/usr/sbin:/sbin
	directory=$(mktemp -d)
	trap 'rm -rf "$directory"' EXIT
	mkdir "$directory/root"
	tar --extract --directory "$directory/root" --numeric-owner --same-permissions \
		--exclude='./dev/*' --exclude='./usr/share/locale/*' --exclude='./usr/share/man/*'
	find "$directory/root" -newermt "@$epoch" -exec touch --no-dereference -d "@$epoch" {} +
	truncate -s "$disk_size" "$directory/disk"
	export E2FSPROGS_FAKE_TIME=$epoch
	mke2fs -q -t ext4 -O '^has_journal' -m 0 -L assay -U "$uuid" \
		-E hash_seed="$uuid" -d "$directory/root" "$directory/disk"
	normalise_times "$directory/disk"
	cat "$directory/disk"
}

build() {
	local as_root=()
	[[ $(id -u) == 0 ]] || as_root=(mmdebstrap --unshare-helper)
	fetch_kernel
	make_archive
	"${as_root[@]}" env disk_size="$disk_size" epoch="$epoch" uuid="$uuid" \
		bash -c "$(declare -f normalise_times make_disk); make_disk" \
		<"$work/root.tar" >"$work/disk"
	cp --sparse=always "$work/disk" "$out/disk.raw"
}
