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

# network NAME TITLE MODEL [--weights FILE]: leaves NAME.fxq and NAME.json in
# BUILD/demo
network() {
	name=$1
	image=$build/demo/$1.fxq

	echo "$2"
	shift 2
	"$run" compile "$@" -o "$image" \
		--calibrate $data/train-images-idx3-ubyte.gz \
		--calibrate-count 512 --mean 0.2860 --std 0.3530 \
		--order gray --size 28x28 --layout nchw --json \
		>"$build/demo/$name.compile.json"
	"$run" eval "$image" --model "$@" --fashion-mnist --json \
		--within 0.1 >"$build/demo/$name.json" || failed=1
	awk -v float="$(field float_top1 "$name")" \
		-v int8="$(field int8_top1 "$name")" \
		-v rate="$(field images_per_s "$name")" \
		-v cycles="$(field cycles_per_image "$name")" \
		-v use="$(field utilization "$name")" 'BEGIN {
		printf "  right     float %.2f %%, int8 %.2f %%\n", float, int8
		printf "  machine   %d cycles a picture, %.1f %% of its MAC array\n",
			cycles, 100 * use
		printf "  here      %d pictures/s simulated\n", rate
	}'
}

failed=0
mkdir -p "$build/demo"
echo "10,000 pictures of clothes (Fashion-MNIST) on the fxq machine"
network fmnist_net "fmnist_net, a residual network in C that fxq trained" \
	"$build/userspace/examples/fmnist_net.so" \
	--weights "$here/models/fmnist_net.npz"
network fmnist_mb "fmnist_mb, a MobileNet in ONNX" "$here/models/fmnist_mb.onnx"

# The first network's numbers, then both.
{
	sed '$d' "$build/demo/fmnist_net.json" | sed '$s/$/,/'
	echo '  "networks": ['
	sed 's/^/    /; $s/$/,/' "$build/demo/fmnist_net.json"
	sed 's/^/    /' "$build/demo/fmnist_mb.json"
	echo '  ]'
	echo '}'
} >"$build/demo.json"
echo "numbers in $build/demo.json, images in $build/demo/"
exit $failed
