#!/bin/sh
# SPDX-License-Identifier: MIT
#
# peer.sh   fxq's integers beside ONNX Runtime's
#
# What fxq-run quantize writes, and what ONNX Runtime quantized: the two
# networks of tests/golden/ort, and NAME.int8.onnx in the folder FXQ_MODELS.
# Every layer must be equal to the bit; of each operator a table says how far it
# is. That of FXQ_MODELS stays in KEPT/peer.inc, for Documentation. ONNXRUNTIME
# names the library; without it, it is what `make bench` has fetched.
set -eu
library=${ONNXRUNTIME:-$KEPT/libonnxruntime.so.1}
[ -r "$library" ] || {
	echo "SKIP: no ONNX Runtime: make bench fetches it"
	exit 77
}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for name in fmnist_res fmnist_mb; do
	"$FXQ_RUN" quantize "$SOURCE/userspace/examples/models/$name.onnx" \
		--calibrate random -o "$tmp/$name.onnx" 2>"$tmp/err"
done
"$PEER" "$library" "$tmp"/*.onnx "$SOURCE"/tests/golden/ort/*.int8.onnx

[ -n "${FXQ_MODELS:-}" ] || exit 0
"$PEER" -n 1 "$library" "$FXQ_MODELS"/*.int8.onnx >"$tmp/out" || code=$?
cat "$tmp/out"
sed -n '/^===/,$p' "$tmp/out" >"$KEPT/peer.inc"
exit "${code:-0}"
