#!/bin/sh
# SPDX-License-Identifier: MIT
#
# initramfs.sh BUILD RELEASE   what the guest boots into: busybox, fxq.ko and
# the modules it needs, programs of BUILD with their libraries, guest/init, and
# the tests. Prints the file's name.
set -eu
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?usage: initramfs.sh BUILD RELEASE}" && pwd)
release=${2:?usage: initramfs.sh BUILD RELEASE}
out=$build/vm/$release
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT

mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/tmp" \
	"$tree/tests" "$tree/programs" "$tree/images" "$tree/lib/modules"
cp "$root/bin/busybox" "$tree/bin/"
cp "$here/guest/init" "$tree/init"
cp "$here"/guest/*.sh "$tree/tests/"

# A module and all that it depends on, from the kernel's own list.
modules=$kernels/$release/lib/modules/$release
[ -d "$modules" ] || modules=$kernels/$release/usr/lib/modules/$release
to=$tree/lib/modules/$release
mkdir -p "$to/extra"
cp "$out/fxq.ko" "$to/extra/"
add() {
	file=$(cd "$modules" && find . -name "$1.ko*" | head -n 1)
	[ -n "$file" ] || return 0
	mkdir -p "$to/$(dirname "$file")"
	[ -e "$to/$file" ] && return 0
	cp "$modules/$file" "$to/$file"
	for need in $(as_root chroot "$root" modinfo -F depends \
			"/kernel-module/$file" | tr ',' ' '); do
		add "$(echo "$need" | sed 's/_/[-_]/g')"
	done
}
as_root mkdir -p "$root/kernel-module"
as_root mount --bind "$modules" "$root/kernel-module"
trap 'as_root umount "$root/kernel-module"; rm -rf "$tree"' EXIT
for module in drm drm_shmem_helper gpu-sched drm_exec udmabuf system_heap; do
	add "$module"
done
cp "$modules"/modules.builtin* "$modules"/modules.order "$to/"
as_root chroot "$root" true
depmod=$root/sbin/depmod
"$root/lib64/ld-linux-x86-64.so.2" \
	--library-path "$root/usr/lib/x86_64-linux-gnu" "$depmod" -b "$tree" \
	"$release"

# Programs and what the loader maps for them.
for program in "$build"/userspace/tools/fxq-run "$build"/vm/programs/*; do
	[ -x "$program" ] || continue
	cp "$program" "$tree/programs/"
	ldd "$program" 2>/dev/null | awk '$3 ~ /^\// { print $3 }
		$1 ~ /^\// { print $1 }' | while read -r library; do
		mkdir -p "$tree$(dirname "$library")"
		[ -e "$tree$library" ] || cp -L "$library" "$tree$library"
	done
done
[ -d "$build/vm/images" ] && cp -r "$build/vm/images/." "$tree/images/"

(cd "$tree" && find . | "$root/bin/busybox" cpio -o -H newc 2>/dev/null |
	gzip -1) >"$out/initramfs.gz"
echo "$out/initramfs.gz"
