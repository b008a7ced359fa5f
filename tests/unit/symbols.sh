#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What libfxq.so exports is what libfxq.map lists, what its headers declare, and
# nothing else: symbols.sh LIBRARY MAP HEADER...
set -eu
LC_ALL=C
export LC_ALL

exported=$(nm -D --defined-only "$1" | awk '$2 != "A" { print $3 }' |
	sed 's/@.*//' | sort)
mapped=$(sed -n 's/^[[:space:]]*\(fxq_[a-z0-9_]*\);$/\1/p' "$2" | sort)
shift 2
declared=$(sed -n 's/^[a-z].*[ *]\(fxq_[a-z0-9_]*\)(.*/\1/p' "$@" | sort)

compare() {
	[ "$exported" = "$2" ] && return
	echo "exported symbols differ from those $1:"
	printf '%s\n%s\n' "$exported" "$2" | sort | uniq -u
	exit 1
}

compare "mapped" "$mapped"
compare "declared" "$declared"
