#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A program outside the tree finds libfxq as any installed library: install
# into a folder of its own, build classify.c with what pkg-config says, run it.
# outside.sh BUILD SOURCE CC
set -eu

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

DESTDIR=$root meson install -C "$1" --no-rebuild --quiet >"$root/log" 2>&1 ||
	{ cat "$root/log"; exit 1; }
pc=$(find "$root" -name fxq.pc)
PKG_CONFIG_LIBDIR=$(dirname "$pc")
PKG_CONFIG_SYSROOT_DIR=$root
export PKG_CONFIG_LIBDIR PKG_CONFIG_SYSROOT_DIR
flags=$(pkg-config --cflags --libs fxq)

cp "$2/userspace/examples/classify.c" "$root"
cd "$root"
# Unquoted: flags are words.
# shellcheck disable=SC2086
$3 -Wall -Wextra -Werror classify.c $flags ${SANITIZE-} -o classify

LD_LIBRARY_PATH=$(dirname "$(find "$root" -name 'libfxq.so.0')")
export LD_LIBRARY_PATH
if ./classify </dev/null 2>usage; then
	echo "classify without arguments succeeds"
	exit 1
fi
grep -q '^classify: usage:' usage
printf 'P5 1 1 255\n.' | ./classify /nonexistent.fxq 2>refused && exit 1
grep -q 'nonexistent.fxq cannot be opened' refused
