#!/bin/sh
# SPDX-License-Identifier: MIT
#
# static.sh BUILD   what the kernel's own tools say of driver/ and of the
# headers it shares: checkpatch.pl --strict, kernel-doc, and sparse, which
# modules.sh runs for each kernel. BUILD/vm/static/tap has the results. Needs
# modules.sh and sources.sh.
#
# All is clean but for what is ignored here, with the reason.
set -eu
. "$(dirname "$0")/lib.sh"
source=$(cd "$here/../.." && pwd)
build=${1:?usage: static.sh BUILD}
out=$build/vm/static
mkdir -p "$out"
out=$(cd "$out" && pwd)
: >"$out/tap"
count=0

# report NAME COMMAND...   one result; what a command that fails says follows
report() {
	name=$1
	shift
	count=$((count + 1))
	if "$@" >"$out/log" 2>&1; then
		echo "ok $count $name" >>"$out/tap"
	else
		{ echo "not ok $count $name"; sed 's/^/# /' "$out/log"; } \
			>>"$out/tap"
	fi
}

# Locks stand in kernel-doc comments, which say what they protect; checkpatch
# looks for a comment beside each.
# kzalloc_obj() is not in every stable kernel that the driver builds for.
# kobject_uevent_env() takes no constant strings.
everywhere=UNCOMMENTED_DEFINITION,ALLOC_WITH_SIZEOF,STATIC_CONST_CHAR_ARRAY

# Events of trace headers are laid out like code, not like arguments.
trace=OPEN_ENDED_LINE,PARENTHESIS_ALIGNMENT

# Userspace has neither BIT() nor __aligned().
# Lists are macros X(...), so that names and numbers are written once: they
# cannot be in parentheses, an X need not use all it is given, and what it
# expands to is whole cases.
shared=BIT_MACRO,PREFER_DEFINED_ATTRIBUTE_MACRO
shared=$shared,COMPLEX_MACRO,MACRO_ARG_REUSE,MACRO_ARG_UNUSED
shared=$shared,TRAILING_SEMICOLON,SPACING

checkpatch() {
	ignored=$1
	shift
	perl "$sources/scripts/checkpatch.pl" --no-tree --strict --terse \
		--show-types --no-summary --ignore "$everywhere,$ignored" \
		-f "$@"
}

kernel_doc() {
	python3 "$sources/tools/docs/kernel-doc" -none -Wall -Werror "$@"
}

# Has sparse seen each file? Its complaints have failed modules.sh before.
sparse() {
	for file in driver/*.c; do
		grep -q "CHECK .*$file" "$build/vm/$1/build.log" ||
			{ echo "sparse has not seen $file"; return 1; }
	done
}

# modinfo tells the contracts that a module was built for.
contract() {
	told=$(from_root usr/sbin/modinfo -F contract "$1")
	hash=$(uapi/contract.sh uapi/fxq |
		sed -n 's/.*CONTRACT_HEX "\(.*\)"/\1/p')
	echo "module: $told"
	echo "uapi/contract.sh: $hash"
	[ -n "$hash" ] && [ "$told" = "$hash" ]
}

build=$(cd "$build" && pwd)
cd "$source"
report "checkpatch driver" checkpatch NONE \
	$(ls driver/*.[ch] | grep -v trace.h)
report "checkpatch driver/fxq_trace.h" checkpatch "$trace" driver/fxq_trace.h
report "checkpatch uapi" checkpatch "$shared" uapi/drm/fxq_accel.h \
	uapi/fxq/fxq_regs.h uapi/fxq/fxq_check.h uapi/fxq/fxq_cmd.h
report "kernel-doc" kernel_doc driver/*.[ch] uapi/drm/*.h uapi/fxq/*.h
for release in $(releases); do
	report "sparse and W=1 $release" sparse "$release"
	report "modinfo contract $release" contract "$build/vm/$release/fxq.ko"
done
echo "1..$count" >>"$out/tap"
cat "$out/tap"
! grep -q '^not ok' "$out/tap"
