#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fxq-run quantize: what it writes is sound ONNX, by ONNX's own checker where
# python3-onnx is installed, needs no data to be compiled, and answers as the
# network that it was made of.
set -eu
models=$SOURCE/userspace/examples/models
x=$SOURCE/tests/golden/ort/x.npy
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

check() {
	/usr/bin/python3 -c 'import onnx' 2>/dev/null || return 0
	/usr/bin/python3 -c 'import onnx, sys
onnx.checker.check_model(sys.argv[1], full_check=True)' "$1"
}

# answers MODEL [OPTION...]: the classes of 32 images, a line each
answers() {
	"$FXQ_RUN" compile "$@" -o "$tmp/net.fxq" >"$tmp/out" 2>"$tmp/err"
	"$FXQ_RUN" infer "$tmp/net.fxq" --input @"$x" --output @"$tmp/y.npy" \
		>"$tmp/out"
}

for name in fmnist_res fmnist_mb; do
	model=$models/$name.onnx
	"$FXQ_RUN" quantize "$model" -c "$x" -o "$tmp/q.onnx" >"$tmp/out"
	grep -q 'values of 8 bits' "$tmp/out"
	check "$tmp/q.onnx"
	"$FXQ_RUN" verify "$tmp/q.onnx" >"$tmp/out" 2>"$tmp/err"

	"$FXQ_RUN" quantize "$model" -c "$x" --fused -o "$tmp/q.onnx" \
		>"$tmp/out"
	check "$tmp/q.onnx"
	answers "$tmp/q.onnx"
	mv "$tmp/y.npy" "$tmp/fused.npy"
	answers "$model" -c "$x"
	cmp "$tmp/fused.npy" "$tmp/y.npy"
done

# A model that is quantized already is written as it is.
"$FXQ_RUN" quantize "$SOURCE/tests/golden/ort/fmnist_mb.int8.onnx" \
	-o "$tmp/again.onnx" >"$tmp/out"
answers "$tmp/again.onnx"
cmp "$tmp/y.npy" "$SOURCE/tests/golden/ort/fmnist_mb.y.npy"
