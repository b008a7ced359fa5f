#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A network that was quantized elsewhere needs no data and keeps its scales: the
# answers are those of ONNX Runtime, byte for byte. So do the machine and the
# integer reference agree on it.
set -eu
golden=$SOURCE/tests/golden/ort
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

for name in fmnist_res fmnist_mb; do
	"$FXQ_RUN" compile "$golden/$name.int8.onnx" -o "$tmp/net.fxq" \
		>"$tmp/out" 2>"$tmp/err"
	"$FXQ_RUN" infer "$tmp/net.fxq" --input @"$golden/x.npy" \
		--output @"$tmp/y.npy" >"$tmp/out"
	cmp "$tmp/y.npy" "$golden/$name.y.npy"
	"$FXQ_RUN" verify "$golden/$name.int8.onnx" >"$tmp/out" 2>"$tmp/err"
done
