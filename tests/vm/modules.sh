#!/bin/sh
# SPDX-License-Identifier: MIT
#
# modules.sh BUILD   builds fxq.ko for each kernel of the cache, as "make
# modules_install" does, in a copy of the sources: BUILD/vm/RELEASE/fxq.ko. Any
# warning fails, sparse's as well. What was built of these sources stays.
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
known="$known|System.map|depmod: WARNING"
# The root has neither xz nor the key that Debian signs with, and what is
# installed there is but one module, which depmod remarks.
plain="CONFIG_MODULE_COMPRESS_XZ= CONFIG_MODULE_SIG_ALL="

want=$(cd "$source" && find Makefile Kbuild driver uapi "$here/modules.sh" \
	"$cache/stamp" -type f -exec sha256sum {} + | sort | sha256sum)
for release in $(releases); do
	to=$build/vm/$release
	mkdir -p "$to"
	[ "$(cat "$to/stamp" 2>/dev/null)" != "$want" ] || continue
	rm -f "$to/stamp"
	as_root rm -rf --one-file-system "$root/build"
	as_root mkdir "$root/build"
	as_root cp -r "$source/Makefile" "$source/Kbuild" "$source/driver" \
		"$source/uapi" "$root/build/"
	log=$to/build.log
	in_root make -C /build modules_install -j2 BUILD=/build/build \
		KDIR="/lib/modules/$release/build" INSTALL_MOD_PATH=/build/to \
		CC=gcc-14 W=1 $sparse $plain >"$log" 2>&1 ||
		{ cat "$log" >&2; die "fxq.ko does not build for $release"; }
	# Headers without vmlinux make no BTF, which is told and does not matter.
	if grep -iE 'warning|error:' "$log" | grep -vE "BTF|$known" >&2; then
		die "fxq.ko builds with warnings for $release"
	fi
	cp "$root/build/to/lib/modules/$release/updates/driver/fxq.ko" "$to/"
	echo "$want" >"$to/stamp"
done
