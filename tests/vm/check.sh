#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check.sh BUILD [RELEASE...]   builds fxq.ko and boots each kernel with it
#
# BUILD/vm/RELEASE/tap has the results, which .ci/summary counts. Where no root
# can be made nothing is booted, and the reason is the result.
set -eu
. "$(dirname "$0")/lib.sh"
build=${1:?usage: check.sh BUILD [RELEASE...]}
shift
mkdir -p "$build/vm"
rm -f "$build"/vm/*/tap "$build/vm/tap"
if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
	echo "ok 1 vm # SKIP neither root nor sudo, so no root for the guests" |
		tee "$build/vm/tap"
	exit 0
fi
"$here/root.sh"
"$here/modules.sh" "$build"
"$here/selftests.sh" "$build"
[ $# -gt 0 ] || set -- $(releases)
status=0
"$here/static.sh" "$build" || status=1
# What kmalloc() gave is poisoned when it is freed and has zones around it: who
# reads it then, or writes over its end, is found out without a kernel of one's
# own.
export GUEST_ENV="slab_debug=FZP,kmalloc-* ${GUEST_ENV:-}"
for release in "$@"; do
	echo "== $release ($(accelerator "$release"))"
	"$here/run.sh" "$build" "$release" || status=1
done
exit $status
