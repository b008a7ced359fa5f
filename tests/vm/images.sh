#!/bin/sh
# SPDX-License-Identifier: MIT
#
# images.sh BUILD   what guest/40-models.sh runs: BUILD/vm/images gets compiled
# networks, inputs, and what the embedded device of this machine makes of them.
#
# The two networks of the examples are always there. Those of BUILD/models and
# of FXQ_MODELS, a folder of *.fp32.onnx, come along if there are any. What is
# newer than model and fxq-run stays.
# shellcheck disable=SC3013	# -nt: every sh here has it
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "${1:?usage: images.sh BUILD}" && pwd)
run=$build/userspace/tools/fxq-run
to=$build/vm/images
data=/usr/share/datasets/fashion-mnist
pictures=500
mkdir -p "$to"

# image NAME MODEL OPTIONS...   NAME.fxq, and NAME.npz for one random input; of
# a plugin, whose functions run there, NAME.so as well
# shellcheck disable=SC2086	# the plugin is two words or none
image() {
	name=$1 model=$2 plugin=
	shift 2
	[ -r "$model" ] || return 0
	[ "$to/$name.npz" -nt "$model" ] && [ "$to/$name.npz" -nt "$run" ] &&
		return 0
	"$run" compile "$model" -o "$to/$name.fxq" "$@" >"$to/log" 2>&1 ||
		{ cat "$to/log" >&2; exit 1; }
	case $model in *.so)
		cp "$model" "$to/$name.so"
		plugin="--plugin $to/$name.so" ;;
	esac
	"$run" infer "$to/$name.fxq" $plugin --device embedded -i random \
		-o "$to/$name.npz" || exit 1
}

# The first pictures of the data set, as idx; then what becomes of each.
if [ ! -e "$to/pictures.idx" ]; then
	printf '\0\0\010\003\0\0\001\364\0\0\0\034\0\0\0\034' >"$to/pictures.idx"
	gzip -dc $data/t10k-images-idx3-ubyte.gz |
		tail -c +17 | head -c $((pictures * 28 * 28)) >>"$to/pictures.idx"
	printf '\0\0\010\001\0\0\001\364' >"$to/classes.idx"
	gzip -dc $data/t10k-labels-idx1-ubyte.gz |
		tail -c +9 | head -c $pictures >>"$to/classes.idx"
fi
for name in fmnist_res fmnist_mb; do
	image $name "$here/../../userspace/examples/models/$name.onnx" \
		--calibrate "$to/pictures.idx" --calibrate-count 64 \
		--mean 0.2860 --std 0.3530 --order gray --layout nchw
	[ "$to/$name.labels" -nt "$to/$name.npz" ] && continue
	"$run" infer "$to/$name.fxq" --device embedded "$to/pictures.idx" \
		-o "$to/$name.classes.npy"
	"$build/userspace/examples/label" "$to/$name.fxq" "$to/pictures.idx" \
		"$to/$name.labels" embedded >/dev/null
	"$run" eval "$to/$name.fxq" --device embedded \
		--data "$to/pictures.idx" --labels "$to/classes.idx" --json |
		sed -n '/"images"\|top1/p' >"$to/$name.eval"
done

# The first of these for chain: int8 at both ends, where a pixel less 128 is what
# the scale makes of it, if black and white were among the pictures.
if [ ! "$to/int8.results" -nt "$to/fmnist_res.npz" ]; then
	"$run" compile "$here/../../userspace/examples/models/fmnist_res.onnx" \
		-o "$to/int8.image" --int8-ends --calibrate "$to/pictures.idx" \
		--calibrate-count 64 --mean 0.2860 --std 0.3530 --order gray \
		--layout nchw >"$to/log"
	tail -c +17 "$to/pictures.idx" |
		LC_ALL=C tr '\000-\377' '\200-\377\000-\177' >"$to/int8.records"
	"$build/userspace/examples/chain" "$to/int8.image" "$to/int8.records" \
		"$to/int8.results" embedded >/dev/null
fi

# The first segment of fmnist_res by itself: what goes in and what comes out.
# The image that keeps each layer has that among its outputs.
if command -v python3 >/dev/null &&
	[ ! "$to/segment.out.raw" -nt "$to/fmnist_res.npz" ]; then
	keep=$build/vm/keep.fxq
	"$run" compile "$here/../../userspace/examples/models/fmnist_res.onnx" \
		-o "$keep" --calibrate "$to/pictures.idx" \
		--calibrate-count 64 --mean 0.2860 --std 0.3530 --order gray \
		--layout nchw --keep-layers --json >/dev/null
	python3 -B "$here/python/segment.py" "$to/fmnist_res.fxq" "$to"
	"$run" infer "$keep" --device embedded "$to/segment.f32.raw" \
		-o "linear=@$to/segment.out.raw"
fi

random="--calibrate random --calibrate-count 2"
# Unquoted: options are words.
# shellcheck disable=SC2086
{
	image three_regions \
		"$build/userspace/examples/three_regions_plugin.so" $random
	for model in "${FXQ_MODELS:-/nonexistent}"/*.fp32.onnx; do
		name=$(basename "$model" .fp32.onnx)
		# The examples' own are there already, calibrated on data.
		[ -e "$to/$name.eval" ] || image "$name" "$model" $random
	done
	image npm_blazeface_back "$build/models/blazeface_back.onnx" $random
	image npm_ppocr_det "$build/models/ppocr_det.onnx" $random \
		--shape 1x3x320x320
	image npm_ppocr_cls "$build/models/ppocr_cls.onnx" $random \
		--shape 1x3x48x192
	image npm_mlsd_tiny_320 "$build/models/mlsd_tiny_320.onnx" $random
}
rm -f "$to/log"
