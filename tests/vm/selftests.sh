#!/bin/sh
# SPDX-License-Identifier: MIT
#
# selftests.sh BUILD   builds tests/kselftest as a kernel tree would, for the
# guests: BUILD/vm/programs/kselftest-*. Any warning fails.
#
# The tree is that of sources.sh, with our folder and our headers in their
# places. Programs are static, so the host's compiler will do.
set -eu
. "$(dirname "$0")/lib.sh"
source=$(cd "$here/../.." && pwd)
build=${1:?usage: selftests.sh BUILD}
mkdir -p "$build/vm/programs"
build=$(cd "$build" && pwd)
tree=$build/vm/tree
folder=$tree/tools/testing/selftests/drivers/fxq
out=$build/vm/selftests

"$here/sources.sh"
if ! cmp -s "$sources/stamp" "$tree/stamp"; then
	rm -rf "$tree" "$out"
	cp -r "$sources" "$tree"
fi
rm -rf "$folder"
mkdir -p "$folder" "$out"
cp -p "$source"/tests/kselftest/* "$folder/"
mkdir -p "$tree/usr/include/fxq"
cp -pu "$source"/uapi/drm/*.h "$tree/usr/include/drm/"
cp -pu "$source"/uapi/fxq/*.h "$tree/usr/include/fxq/"

make -C "$folder" --no-print-directory OUTPUT="$out" USERCFLAGS=-Werror \
	USERLDFLAGS=-static >"$build/vm/selftests.log" 2>&1 ||
	{ cat "$build/vm/selftests.log" >&2; die "the selftests do not build"; }
for program in "$out"/*; do
	[ -x "$program" ] || continue
	cp -p "$program" "$build/vm/programs/kselftest-$(basename "$program")"
done
