#!/bin/sh
# Every layer of the networks that come along: machine and integer reference
# are equal to the bit with every instruction set that this processor has, on one
# thread and on two, and the debug mode finds nothing. What the last layer
# makes, under a name of its own, is compared with float as well.
set -eu
data=/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz
[ -r $data ] || { echo "SKIP: $data is missing"; exit 77; }
out=$(mktemp)
trap 'rm -f "$out"' EXIT
for name in fmnist_res fmnist_mb; do
	"$FXQ_RUN" verify "$SOURCE/userspace/examples/models/$name.onnx" \
		--calibrate $data --calibrate-count 64 \
		--mean 0.2860 --std 0.3530 | tee "$out"
	grep -q '^linear_1 .* cpu  *[0-9][0-9]\.[0-9] ' "$out" ||
		{ echo "the last layer is not compared with float"; exit 1; }
	for isa in portable avx2 avxvnni avx512; do
		FXQ_ISA=$isa "$FXQ_RUN" devices >"$out" 2>&1 ||
			{ echo "$name, $isa: not on this processor"; continue; }
		for threads in 1 2; do
			FXQ_ISA=$isa "$FXQ_RUN" verify \
				"$SOURCE/userspace/examples/models/$name.onnx" \
				--calibrate $data --calibrate-count 16 \
				--threads $threads >"$out" ||
				{ cat "$out"; exit 1; }
			echo "$isa, $threads threads: $(tail -n 1 "$out")"
		done
	done
done
