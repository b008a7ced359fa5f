#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A program outside the tree finds libfxq as any installed library: install
# into a folder of its own, build classify.c with what pkg-config says, run it.
# outside.sh BUILD SOURCE CC...
set -eu

drm=$(pkg-config --cflags --libs libdrm)
source=$(cd "$2" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

DESTDIR=$root meson install -C "$1" --no-rebuild --quiet >"$root/log" 2>&1 ||
	{ cat "$root/log"; exit 1; }
pc=$(find "$root" -name fxq.pc)
PKG_CONFIG_LIBDIR=$(dirname "$pc")
PKG_CONFIG_SYSROOT_DIR=$root
export PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR
flags=$(pkg-config --cflags --libs fxq)
include=$(pkg-config --cflags fxq)
prefix=$(dirname "${include#-I}")

cp "$2/userspace/examples/classify.c" "$root"
cd "$root"
shift 2
# Unquoted: flags are words.
# shellcheck disable=SC2086
"$@" -Wall -Wextra -Werror classify.c $flags ${SANITIZE-} -o classify

LD_LIBRARY_PATH=$(dirname "$(find "$root" -name 'libfxq.so.0')")
export LD_LIBRARY_PATH
if ./classify </dev/null 2>usage; then
	echo "classify without arguments succeeds"
	exit 1
fi
grep -q '^classify: usage:' usage
printf 'P5 1 1 255\n.' | ./classify /nonexistent.fxq 2>refused && exit 1
grep -q 'nonexistent.fxq cannot be opened' refused

# So does one that uses the ioctls alone; and udev has its rule.
# shellcheck disable=SC2086
"$@" -Wall -Wextra -Werror "$source/userspace/examples/ioctl.c" $include $drm \
	-lelf ${SANITIZE-} -o ioctl
if ./ioctl </dev/null 2>usage; then
	echo "ioctl without arguments succeeds"
	exit 1
fi
grep -q '^ioctl: usage:' usage
grep -q 'GROUP="render"' "$prefix/lib/udev/rules.d/60-fxq.rules"
