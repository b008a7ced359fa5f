#!/bin/sh
# SPDX-License-Identifier: MIT
#
# modules.sh BUILD   builds fxq.ko for each kernel of the cache, in a copy of
# the sources: BUILD/vm/RELEASE/fxq.ko. Any warning fails, sparse's as well.
set -eu
. "$(dirname "$0")/lib.sh"
source=$(cd "$(dirname "$0")/../.." && pwd)
build=${1:?usage: modules.sh BUILD}
mkdir -p "$build/vm"
exec 9>"$cache/lock"
flock 9

# What Debian 13's sparse does not know of newer kernels: __typeof_unqual__, and
# a constant expression in MODULE_INFO(), which counts its string. Their headers
# come without the script that looks how new sparse is.
sparse="KBUILD_CHECKSRC=1 CF=-D__typeof_unqual__=__typeof__"
known='checker-valid.sh|sparse is not available|bad constant expression'

for release in $(releases); do
	to=$build/vm/$release
	mkdir -p "$to"
	as_root rm -rf --one-file-system "$root/build"
	as_root mkdir "$root/build"
	as_root cp -r "$source/Kbuild" "$source/driver" "$source/uapi" \
		"$root/build/"
	log=$to/build.log
	in_root make -C "/usr/src/linux-headers-$release" M=/build \
		CC=gcc-14 W=1 $sparse -j2 modules >"$log" 2>&1 ||
		{ cat "$log" >&2; die "fxq.ko does not build for $release"; }
	# Headers without vmlinux make no BTF, which is told and does not matter.
	if grep -iE 'warning|error:' "$log" | grep -vE "BTF|$known" >&2; then
		die "fxq.ko builds with warnings for $release"
	fi
	cp "$root/build/driver/fxq.ko" "$to/"
done
