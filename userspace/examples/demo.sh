#!/bin/sh
# demo.sh BUILD   compiles two networks and classifies 10,000 pictures with them
#
# The numbers also go to BUILD/demo.json. Exits 1 if int8 is more than 0.1
# percentage points below float for either network.
set -eu

build=${1:?usage: demo.sh BUILD}
here=$(dirname "$0")
run=$build/userspace/tools/fxq-run
data=/usr/share/datasets/fashion-mnist

[ -r $data/t10k-images-idx3-ubyte.gz ] || {
	echo "demo.sh: $data is missing; install dataset-fashion-mnist" >&2
	exit 1
}

# field KEY NAME: a number of NAME.json
field() {
	sed -n "s/^  \"$1\": \([0-9.]*\),*$/\1/p" "$build/demo/$2.json"
}

# network NAME TITLE: leaves NAME.fxq and NAME.json in BUILD/demo
network() {
	onnx=$here/models/$1.onnx
	image=$build/demo/$1.fxq

	echo "$2"
	"$run" compile "$onnx" -o "$image" \
		--calibrate $data/train-images-idx3-ubyte.gz \
		--calibrate-count 512 --mean 0.2860 --std 0.3530 \
		--order gray --size 28x28 --layout nchw --json \
		>"$build/demo/$1.compile.json"
	"$run" eval "$image" --model "$onnx" --fashion-mnist --json \
		--within 0.1 >"$build/demo/$1.json" || failed=1
	awk -v float="$(field float_top1 "$1")" -v int8="$(field int8_top1 "$1")" \
		-v rate="$(field images_per_s "$1")" \
		-v cycles="$(field cycles_per_image "$1")" \
		-v use="$(field utilization "$1")" 'BEGIN {
		printf "  right     float %.2f %%, int8 %.2f %%\n", float, int8
		printf "  machine   %d cycles an image, %.1f %% of its MAC array\n",
			cycles, 100 * use
		printf "  here      %d images/s simulated\n", rate
	}'
}

failed=0
mkdir -p "$build/demo"
echo "10,000 pictures of clothes (Fashion-MNIST) on the fxq machine"
network fmnist_res "fmnist_res, a residual network"
network fmnist_mb "fmnist_mb, a MobileNet"

# The first network's numbers, then both.
{
	sed '$d' "$build/demo/fmnist_res.json" | sed '$s/$/,/'
	echo '  "networks": ['
	sed 's/^/    /; $s/$/,/' "$build/demo/fmnist_res.json"
	sed 's/^/    /' "$build/demo/fmnist_mb.json"
	echo '  ]'
	echo '}'
} >"$build/demo.json"
echo "numbers in $build/demo.json, images in $build/demo/"
exit $failed
