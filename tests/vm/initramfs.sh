#!/bin/sh
# SPDX-License-Identifier: MIT
#
# initramfs.sh BUILD RELEASE   what the guest boots into: busybox, fxq.ko and
# the modules it needs, programs of BUILD with their libraries, guest/init, and
# the tests (TESTS is a pattern; all). Prints the file's name.
set -eu
. "$(dirname "$0")/lib.sh"
build=$(cd "${1:?usage: initramfs.sh BUILD RELEASE}" && pwd)
release=${2:?usage: initramfs.sh BUILD RELEASE}
out=$build/vm/$release
from=$kernels/$release/usr/lib/modules/$release
tree=$(mktemp -d)
chmod 755 "$tree"
trap 'rm -rf "$tree"' EXIT

mkdir -p "$tree/bin" "$tree/dev" "$tree/proc" "$tree/sys" "$tree/tmp" \
	"$tree/tests" "$tree/programs" "$tree/images"
cp "$root/bin/busybox" "$tree/bin/"
cp "$here/guest/init" "$tree/init"
cp "$here"/guest/${TESTS:-[0-9]*}.sh "$tree/tests/"

# Modules that the driver and the tests want, with all that they depend on.
to=$tree/lib/modules/$release
mkdir -p "$to/extra"
cp "$out/fxq.ko" "$to/extra/"
for module in drm drm_shmem_helper gpu-sched drm_exec vgem; do
	sed -n "s|^\(.*/$module\.ko[^:]*\):|\1|p" "$from/modules.dep"
done | tr ' ' '\n' | sort -u | while read -r file; do
	mkdir -p "$to/$(dirname "$file")"
	"$root/bin/busybox" xz -dc "$from/$file" >"$to/${file%.xz}"
done
touch "$to/modules.builtin" "$to/modules.builtin.modinfo" "$to/modules.order"
from_root usr/sbin/depmod -b "$tree" "$release"

# What tests written in shell run: a file or a folder is a program.
mkdir -p "$build/vm/programs"
for source in "$here"/programs/*.c "$here"/programs/*/; do
	case $source in
	*/) files=$source*.c ;;
	*) files=$source ;;
	esac
	${CC:-cc} -O1 -Wall -I"$here/../../uapi" -I"$here/programs" \
		-I"$here/../../userspace/include" \
		$(pkg-config --cflags libdrm) $files \
		-L"$build/userspace/lib" -Wl,--as-needed -lfxq -luring \
		-o "$build/vm/programs/$(basename "$source" .c)"
done

# Programs and what the loader maps for them; libraries of BUILD are in /lib.
for program in "$build"/userspace/tools/fxq-run "$build"/vm/programs/* \
	"$build"/userspace/examples/ioctl "$build"/tests/unit/test_libfxq \
	"$build"/userspace/examples/label "$build"/userspace/examples/chain \
	"$build"/tests/unit/test_functions "$build"/tests/unit/test_queue \
	"$build"/tests/unit/test_pipeline; do
	[ -x "$program" ] || continue
	cp "$program" "$tree/programs/"
	ldd "$program" 2>/dev/null | awk '$3 ~ /^\// { print $3 }
		$1 ~ /^\// { print $1 }' | while read -r library; do
		folder=$(dirname "$library")
		case $library in "$build"/*) folder=/lib ;; esac
		mkdir -p "$tree$folder"
		cp -Lu "$library" "$tree$folder/"
	done
done
"$here/python.sh" "$tree"
"$here/images.sh" "$build"
[ ! -e "$tree/tests/45-opencl.sh" ] || "$here/opencl.sh" "$build" "$tree"
cp -r "$build/vm/images/." "$tree/images/"

(cd "$tree" && find . | "$root/bin/busybox" cpio -o -H newc 2>/dev/null |
	gzip -1) >"$out/initramfs.gz"
echo "$out/initramfs.gz"
