#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The contract hash stands for meaning: comments and white space do not change
# it, a number does, and so does the order of the headers. contract.sh UAPI
set -eu

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

hash() {
	"$1/contract.sh" "$dir" | sed -n 's/.*_HEX "\(.*\)"/\1/p'
}
same() {
	[ "$(hash "$1")" = "$before" ] || { echo "$2 changes the hash"; exit 1; }
}
other() {
	[ "$(hash "$1")" != "$before" ] || { echo "$2 keeps the hash"; exit 1; }
}

fresh() {
	cp "$1"/fxq/*.h "$dir"
}

fresh "$1"
before=$(hash "$1")
[ ${#before} = 64 ]

sed -i 's,$,   // a remark,' "$dir/fxq_arith.h"
sed -i 's,^#define FXQ_BLOCK.*,/* said\n * twice */ &,' "$dir/fxq_cmd.h"
sed -i 's,	,        ,g' "$dir/fxq_image.h"
same "$1" "what only readers see"

sed -i 's,FXQ_BLOCK		32,FXQ_BLOCK 33,; s,FXQ_BLOCK *32,FXQ_BLOCK 33,' \
	"$dir/fxq_cmd.h"
other "$1" "another block size"

fresh "$1"
mv "$dir/fxq_cmd.h" "$dir/x"
mv "$dir/fxq_image.h" "$dir/fxq_cmd.h"
mv "$dir/x" "$dir/fxq_image.h"
other "$1" "another order"

# The hash itself is plain SHA-256 of what is left.
for name in fxq_cmd fxq_arith fxq_image; do
	printf '/* %s */ #define X "%s" // end\n' "$name" "$name" \
		>"$dir/$name.h"
done
[ "$(hash "$1")" = "$(printf '%s' '#defineX"fxq_cmd"#defineX"fxq_arith"#defineX"fxq_image"' |
	sha256sum | cut -d' ' -f1)" ]
