#!/bin/sh
# SPDX-License-Identifier: MIT
#
# demo.sh BUILD   what the demo's network costs beside its inferences: the way
# to the first answer, and what one and two threads make of 10,000 pictures
set -eu
build=${1:?usage: demo.sh BUILD}
run=$build/userspace/tools/fxq-run
clothes=/usr/share/datasets/fashion-mnist
kept=$build/bench

[ -r $clothes/t10k-images-idx3-ubyte.gz ] || {
	echo "SKIP: $clothes is missing; install dataset-fashion-mnist"
	exit 0
}
meson configure "$build" -Dtests=true >/dev/null
ninja -C "$build" --quiet >/dev/null
mkdir -p "$kept"
"$run" compile userspace/examples/models/fmnist_res.onnx \
	--calibrate $clothes/train-images-idx3-ubyte.gz \
	--mean 0.2860 --std 0.3530 -o "$kept/demo.fxq" >/dev/null
"$build/tests/bench/startup" "$kept/demo.fxq"

# In turns: what else the computer does meets both.
for round in 1 2 3 4 5; do
	for threads in 1 2; do
		"$run" eval "$kept/demo.fxq" --fashion-mnist --json \
			--threads $threads |
			sed -n "s/.*\"images_per_s\": \([0-9]*\).*/$threads \1/p"
	done
done | sort -k 1,1n -k 2,2n | awk '
	{ rate[$1, ++n[$1]] = $2 }
	END {
		one = rate[1, 3]
		two = rate[2, 3]
		printf "one thread %d pictures/s, two %d: %.2f times as many\n",
			one, two, two / one
	}'
