# shellcheck shell=bash disable=SC2154
# SPDX-License-Identifier: GPL-3.0-or-later
# lib.sh - emulated machines with parts that real ones at hand may lack: a Debian 12 with its cloud
# kernel under QEMU's TCG, and kernel modules of ours that are the missing parts. Sourced, not run.
#
# The machine has one NVMe controller with two namespaces: n1 is its root, always the same; n2 is
# the box, a bare tar archive each way: what to run goes in with it, what was found comes back. So
# nothing is mounted on the host, and no root is needed. What takes time to get is kept in
# build/lab/, each piece in a folder that is named by the hash of what it was made from.
. "$(dirname "${BASH_SOURCE[0]}")/../system/lib.sh"

lab=$tree/tests/lab
pieces=${ASSAY_LAB:-$tree/build/lab}
PATH=$PATH:/usr/sbin:/sbin

LAB_BOX_BYTES=$((64 << 20))
LAB_SUITE=bookworm
LAB_PACKAGES=base-files,coreutils,dash,kmod,mount,tar,util-linux
LAB_KERNEL=linux-image-cloud-amd64
LAB_HEADERS=linux-headers-cloud-amd64

# skip_all REASON: there is no such machine here.
skip_all() {
	echo "1..0 # SKIP $*"
	exit 0
}

# must STATUS TEXT: what follows would mean nothing without it.
must() {
	report "$1" "$2"
	[ "$1" -eq 0 ] || finish
}

# lab_need COMMAND PACKAGE
lab_need() {
	command -v "$1" >/dev/null || skip_all "$1 is missing; install the Debian package $2"
}

lab_needs() {
	lab_need qemu-system-x86_64 qemu-system-x86
	lab_need mmdebstrap mmdebstrap
	lab_need mke2fs e2fsprogs
	lab_need apt-get apt
	lab_need dpkg-deb dpkg
	lab_need make make
	lab_need gcc-12 gcc-12
	lab_need sqlite3 sqlite3
}

# lab_depends PACKAGE PATTERN: the packages it depends on whose names match.
lab_depends() {
	apt-cache depends "$1" 2>/dev/null |
		awk -v pattern="$2" '$1 == "Depends:" && $2 ~ pattern { print $2 }'
}

# The packages that the kernel and its headers are in today, one NAME=VERSION a line.
lab_kernel_packages() {
	local headers name
	headers=$(lab_depends $LAB_HEADERS '^linux-headers-[0-9]')
	for name in $(lab_depends $LAB_KERNEL '^linux-image-[0-9]') $headers \
		$(lab_depends "$headers" '^linux-(headers|kbuild)-[0-9]'); do
		apt-cache show --no-all-versions "$name" |
			awk -v name="$name" '$1 == "Version:" { print name "=" $2 }'
	done
}

# lab_piece NAME INPUTS MAKER: prints the folder of a piece; MAKER fills a new one, its working
# directory, where there is none from these inputs. What it was made from before goes away. It is
# called where bash ignores set -e: a maker checks each of its steps.
lab_piece() {
	local name=$1 hash folder making old
	hash=$({ cat <<<"$2" && declare -f "$3"; } | sha256sum | cut -c 1-16)
	folder=$pieces/$name-$hash
	if [ ! -d "$folder" ]; then
		mkdir -p "$pieces"
		making=$(mktemp -d "$pieces/making-XXXXXX")
		if ! (cd "$making" && "$3") >&2; then
			rm -rf "$making"
			return 1
		fi
		for old in "$pieces/$name"-*; do
			rm -rf "$old"
		done
		chmod 755 "$making"
		mv "$making" "$folder"
	fi
	echo "$folder"
}

# vmlinuz, and usr/: the headers, which believe that they are in /usr until they are told.
make_kernel() {
	local package deb
	mkdir download || return
	for package in $(lab_kernel_packages); do
		# Downloading as root into a directory of ours is no business of the user _apt.
		(cd download && apt-get -qq -o APT::Sandbox::User=root download "$package") || return
	done
	for deb in download/linux-headers-*.deb download/linux-kbuild-*.deb; do
		dpkg-deb -x "$deb" . || return
	done
	dpkg-deb --fsys-tarfile download/linux-image-*.deb |
		tar -x --wildcards --strip-components=2 './boot/vmlinuz-*' &&
		mv vmlinuz-* vmlinuz &&
		sed -i 's|^include /usr/src/|include ../|' \
			usr/src/linux-headers-*-cloud-amd64/Makefile || return
	rm -rf download
}

# In: the archive. Out: the disk. Runs as root, or as what passes for root in a user namespace, which
# can write in a folder of its own only.
make_disk() {
	local folder
	folder=$(mktemp -d)
	trap 'rm -rf "$folder"' EXIT
	mkdir "$folder/root"
	tar -x -C "$folder/root" --numeric-owner --exclude='./dev/*' --exclude='./usr/share/*'
	truncate -s 256M "$folder/disk"
	mke2fs -q -t ext4 -O '^has_journal' -m 0 -d "$folder/root" "$folder/disk"
	cat "$folder/disk"
}

# root.ext4: packages unpacked but not configured, and our init.
make_root() {
	local as_root=()
	[ "$(id -u)" -eq 0 ] || as_root=(mmdebstrap --unshare-helper)
	mmdebstrap --quiet --mode=auto --variant=extract --include=$LAB_PACKAGES --format=tar \
		$LAB_SUITE root.tar ${ASSAY_DEBIAN_MIRROR:+"$ASSAY_DEBIAN_MIRROR"} &&
		mkdir -p add/sbin add/box &&
		install -m 755 "$lab/init.sh" add/sbin/init &&
		tar --append --file root.tar --directory add --owner=0 --group=0 ./sbin/init ./box &&
		"${as_root[@]}" bash -ec "$(declare -f make_disk); make_disk" <root.tar >disk &&
		cp --sparse=always disk root.ext4 || return
	rm -rf root.tar add disk
}

# lab_machine: sets kernel_piece and root_piece, or skips everything.
lab_machine() {
	local packages
	lab_needs
	packages=$(lab_kernel_packages)
	[ "$(wc -l <<<"$packages")" -ge 4 ] ||
		skip_all "apt knows no $LAB_KERNEL with its headers; apt-get update may help"
	kernel_piece=$(lab_piece kernel "$packages" make_kernel 2>"$scratch/kernel.err") ||
		skip_all "the kernel's packages could not be had: $(tail -n 1 "$scratch/kernel.err")"
	root_piece=$(lab_piece root "$LAB_SUITE $LAB_PACKAGES $(cat "$lab/init.sh")" make_root \
		2>"$scratch/root.err") ||
		skip_all "no Debian could be made: $(tail -n 1 "$scratch/root.err")"
}

# lab_module NAME FOLDER: builds tests/lab/NAME/ for the machine's kernel; FOLDER gets NAME.ko.
lab_module() {
	cp -r "$lab/$1" "$scratch/$1" &&
		make -s -C "$kernel_piece"/usr/src/linux-headers-*-cloud-amd64 \
			CC=gcc-12 KCFLAGS=-Werror "M=$scratch/$1" modules >"$scratch/$1.log" 2>&1 &&
		cp "$scratch/$1/$1.ko" "$2/" && return
	sed 's/^/# /' "$scratch/$1.log"
	return 1
}

# lab_programs FOLDER: assay and its agent, and the libraries that the root does not have.
lab_programs() {
	local library
	mkdir -p "$1/bin" "$1/lib"
	cp "$bin/assay" "$bin/assay-agent" "$1/bin/"
	for library in $(ldd "$bin/assay" "$bin/assay-agent" | awk '$2 == "=>" { print $3 }' | sort -u); do
		case ${library##*/} in
		libc.so.* | libm.so.* | libpthread.so.* | libresolv.so.*) ;; # the root's own libc6
		*) cp -L "$library" "$1/lib/" ;;
		esac
	done
}

# lab_run FOLDER SECONDS QEMU-ARGUMENT...: boots the machine with what is in FOLDER; its ./run is
# started in there, and everything below its out/ is in FOLDER/out afterwards. The console is in
# FOLDER.console.
lab_run() {
	local folder=$1 limit=$2 box=$1.box
	shift 2
	tar -c -f "$box" -C "$folder" . && truncate -s $LAB_BOX_BYTES "$box" || return
	timeout --kill-after=5 "$limit" qemu-system-x86_64 -M q35 -accel tcg -cpu max -m 512M \
		-nodefaults -no-user-config -nographic -no-reboot -serial stdio \
		-kernel "$kernel_piece/vmlinuz" \
		-append "console=ttyS0 root=/dev/nvme0n1 ro init=/sbin/init quiet panic=-1" \
		-drive "id=root,file=$root_piece/root.ext4,if=none,format=raw,read-only=on" \
		-drive "id=box,file=$box,if=none,format=raw,cache=unsafe" \
		-device nvme,id=nvme,serial=lab -device nvme-ns,drive=root,nsid=1 \
		-device nvme-ns,drive=box,nsid=2 "$@" >"$folder.console" 2>&1 </dev/null &&
		grep -q 'init: run ended with 0' "$folder.console" &&
		mkdir -p "$folder/out" && tar -x -f "$box" -C "$folder/out" && return
	tail -n 20 "$folder.console" | sed 's/^/# /'
	return 1
}
