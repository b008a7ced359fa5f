#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Of ONNX's own cases, each model that compiles is loaded and run, and in each
# layer machine and integer reference are equal to the bit.
set -eu
data=/usr/share/libonnx-testdata/data
[ -d $data ] || { echo "SKIP: $data is missing"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
equal=0
refused=0

for model in $data/*/*/model.onnx; do
	"$FXQ_RUN" compile "$model" --calibrate random --calibrate-count 2 \
		-o "$tmp/net.fxq" >"$tmp/out" 2>"$tmp/err" || {
		# 2 to 5: a sentence. Anything else is a crash.
		status=$?
		[ $status -lt 64 ] && [ -s "$tmp/err" ] || {
			echo "cases.sh: $model: compile ends with $status" >&2
			exit 1
		}
		refused=$((refused + 1))
		continue
	}
	"$FXQ_RUN" verify "$model" --calibrate random --calibrate-count 2 \
		>"$tmp/out" 2>"$tmp/err" || {
		echo "cases.sh: $model: $(tail -n 1 "$tmp/err")" >&2
		tail -n 3 "$tmp/out" >&2
		exit 1
	}
	"$FXQ_RUN" bench "$tmp/net.fxq" --iterations=1 --warm-up=0 \
		>"$tmp/out" 2>"$tmp/err" || {
		echo "cases.sh: $model: $(tail -n 1 "$tmp/err")" >&2
		exit 1
	}
	equal=$((equal + 1))
done
echo "$equal models run, equal to the bit; $refused are refused"
# Most of them are for the compiler, more of them in older releases of ONNX than
# in newer ones: a wave of refusals is a failure too.
[ $equal -gt $refused ]
