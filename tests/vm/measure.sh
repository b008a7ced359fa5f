#!/bin/sh
# SPDX-License-Identifier: MIT
#
# measure.sh BUILD TEST FILE   runs one test of guest/ on the newest kernel and
# keeps the line of JSON that it prints, with the kernel's name, in FILE
#
# GUEST_ENV is what the test finds in its environment: "FAULTS=1000 KILLS=200".
set -eu
. "$(dirname "$0")/lib.sh"
build=${1:?usage: measure.sh BUILD TEST FILE}
test=${2:?usage: measure.sh BUILD TEST FILE}
file=${3:?usage: measure.sh BUILD TEST FILE}
"$here/root.sh"
"$here/modules.sh" "$build"
release=$(releases | tail -n 1)
status=0
TESTS=$test VM_TIMEOUT=${VM_TIMEOUT:-7200} \
	"$here/run.sh" "$build" "$release" || status=1
sed -n "s/^# {/{\"kernel\": \"$release\", /p" "$build/vm/$release/tap" |
	tail -n 1 >"$file"
rm "$build/vm/$release/tap"
[ -s "$file" ] || die "$test printed no figures"
cat "$file"
exit $status
