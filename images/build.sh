#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
# build.sh - build guest images by name. What each one is made of is said in image/NAME.sh.
#
# An image appears under its name only when it is whole: it is built in a temporary directory beside
# its place, and then renamed. It is built again only when the hash of its inputs has changed.
set -euo pipefail
shopt -s inherit_errexit
export LC_ALL=C

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
repository=$(dirname "$here")
images=${ASSAY_IMAGES:-$repository/build/images}

usage() {
	cat <<-END
	usage: images/build.sh [--force] NAME...
	       images/build.sh --list | --help

	Builds guest images into \$ASSAY_IMAGES/NAME/ (now $images).
	Each directory holds the parts of the image and image.json, which names them.

	  --force   build even if nothing has changed
	  --list    print the names of all images

	Environment:
	  ASSAY_IMAGES         where images are kept (default: build/images of the repository)
	  ASSAY_DEBIAN_MIRROR  URL of a Debian archive (default: what mmdebstrap chooses)
	END
}

die() {
	echo "images: $*" >&2
	exit 1
}

list_images() {
	local file
	for file in "$here"/image/*.sh; do
		basename "$file" .sh
	done
}

# need COMMAND PACKAGE: the command must be there.
need() {
	PATH=$PATH:/usr/sbin:/sbin command -v "$1" >/dev/null ||
		die "$1 is missing; install the Debian package $2"
}

# hash_inputs NAME: the sha256 of everything that the image is made from.
hash_inputs() {
	{
		cd "$repository"
		find images/build.sh "images/image/$1.sh" "${sources[@]}" -type f -print0 |
			sort -z | xargs -0 sha256sum
		versions
	} | sha256sum | cut -d ' ' -f 1
}

# is_current DIRECTORY INPUTS: it holds an image that was made from these inputs.
is_current() {
	local part
	grep -qsF "\"inputs\": \"$2\"" "$1/image.json" || return 1
	for part in "${parts[@]}"; do
		[[ -f $1/${part#*=} ]] || return 1
	done
}

# print_json NAME INPUTS
print_json() {
	local part separator=''
	printf '{"name": "%s", "main": "%s", "parts": {' "$1" "$main"
	for part in "${parts[@]}"; do
		printf '%s"%s": "%s"' "$separator" "${part%%=*}" "${part#*=}"
		separator=', '
	done
	printf '}, "inputs": "%s"}\n' "$2"
}

# install_image NEW PLACE: rename is all that can be seen from outside.
install_image() {
	chmod 755 "$1"
	if [[ -e $2 ]]; then
		mv "$2" "$work/old"
	fi
	mv "$1" "$2"
}

# build_image NAME: in a shell of its own, because image/NAME.sh defines
#   main         the part that a guest boots from or runs
#   parts        array of PART=FILE
#   sources      array of files and directories of the repository that it is made from
#   check_tools  need COMMAND PACKAGE for each tool
#   versions     print what else decides the result, such as versions of packages
#   build        write the files of all parts into $out, using $work; runs in the repository
build_image() (
	name=$1 work='' main='' parts=() sources=()
	# shellcheck source=/dev/null
	source "$here/image/$name.sh"
	check_tools
	inputs=$(hash_inputs "$name")
	if [[ $force == no ]] && is_current "$images/$name" "$inputs"; then
		echo "images: $name is up to date in $images/$name"
		return
	fi
	rm -rf "$images/.$name".?????? # of a build that was killed; we hold the lock
	work=$(mktemp -d "$images/.$name.XXXXXX")
	trap 'rm -rf "$work"' EXIT
	out=$work/new
	mkdir "$out"
	cd "$repository"
	build
	print_json "$name" "$inputs" >"$out/image.json"
	install_image "$out" "$images/$name"
	echo "images: $name is built in $images/$name"
)

force=no
names=()
for word in "$@"; do
	case $word in
	--help | -h)
		usage
		exit 0
		;;
	--list)
		list_images
		exit 0
		;;
	--force) force=yes ;;
	-*) die "unknown option $word; try --help" ;;
	*)
		[[ $word =~ ^[a-z0-9-]+$ && -f $here/image/$word.sh ]] ||
			die "there is no image '$word'; known are: $(list_images | xargs)"
		names+=("$word")
		;;
	esac
done
[[ ${#names[@]} -gt 0 ]] || die "which image? known are: $(list_images | xargs)"
[[ $(uname -m) == x86_64 ]] || die "images are built on x86-64 hosts only, this one is $(uname -m)"

need flock util-linux
mkdir -p "$images"
images=$(cd "$images" && pwd) # the builds change directory
exec {lock}<"$images"
flock "$lock" # one build at a time; others wait
trap 'exit 130' INT TERM
for name in "${names[@]}"; do
	build_image "$name"
done
