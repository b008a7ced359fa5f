#!/bin/sh
# SPDX-License-Identifier: MIT
# train.sh BUILD [ROUNDS]   an epoch of training beside torch's
#
# Same network, batch, pictures and threads, in turns; numbers go to
# BUILD/bench-train.json. Fails if an epoch takes more than 1.5 of torch's.
set -eu
build=${1:?usage: train.sh BUILD [ROUNDS]}
rounds=${2:-3}
here=$(dirname "$0")
data=/usr/share/datasets/fashion-mnist
python=/usr/bin/python3
run=$build/userspace/tools/fxq-run

$python -c 'import torch' 2>/dev/null || {
	echo "SKIP: training beside torch: python3-torch is not installed"
	exit 0
}

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# 6,400 pictures: fifty steps.
{
	printf '\0\0\010\003\0\0\031\0\0\0\0\034\0\0\0\034'
	zcat $data/train-images-idx3-ubyte.gz | tail -c +17 |
		head -c $((6400 * 784))
} >"$dir/x.idx"
{
	printf '\0\0\010\001\0\0\031\0'
	zcat $data/train-labels-idx1-ubyte.gz | tail -c +9 | head -c 6400
} >"$dir/y.idx"

i=0
while [ $i -lt "$rounds" ]; do
	"$run" train "$build/userspace/examples/fmnist_net.so" --threads 2 \
		--data "$dir/x.idx" --labels "$dir/y.idx" --mean 0.2860 \
		--std 0.3530 --epochs 1 --batch 128 -o "$dir/w.npz" --json |
		sed -n 's/.*"seconds": \([0-9.]*\).*/\1/p' >>"$dir/fxq"
	$python "$here/train.py" "$dir/x.idx" "$dir/y.idx" 128 >>"$dir/torch"
	i=$((i + 1))
done

median() {
	sort -n "$1" | sed -n "$(((rounds + 1) / 2))p"
}
fxq=$(median "$dir/fxq")
torch=$(median "$dir/torch")
awk -v fxq="$fxq" -v torch="$torch" 'BEGIN {
	printf "{ \"pictures\": 6400, \"batch\": 128, \"threads\": 2, "
	printf "\"fxq_s\": %.3f, \"torch_s\": %.3f, \"ratio\": %.3f }\n",
		fxq, torch, fxq / torch
}' >"$build/bench-train.json"
echo "training, seconds for 6,400 pictures: fxq $fxq, torch $torch"
awk -v fxq="$fxq" -v torch="$torch" 'BEGIN { exit !(fxq <= 1.5 * torch) }'
