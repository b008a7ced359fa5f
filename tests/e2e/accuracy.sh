#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What eight bits cost real networks on real pictures: photographs that come
# with scikit-image, of which the portrait is the only one with a face, and
# rendered pages of text. Calibration sees others than the evaluation.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fetched=$(dirname "$FXQ_RUN")/../../models
fonts=/usr/share/fonts/truetype/dejavu
(cd "$dir" && apt-get download python3-skimage >/dev/null 2>&1 &&
	dpkg -x python3-skimage_*.deb .) ||
	{ echo "SKIP: the photographs of python3-skimage are not to be had"; exit 77; }
photos=$dir/usr/lib/python3/dist-packages/skimage/data

mkdir "$dir/seen" "$dir/unseen" "$dir/faces" "$dir/pages" "$dir/more"
for name in brick camera chelsea clock_motion coins grass gravel moon \
	motorcycle_left rocket; do
	cp "$photos/$name".* "$dir/seen/" 2>/dev/null || true
done
cp "$photos/coffee.png" "$photos/astronaut.png" "$dir/unseen/"
cp -r "$dir/seen/." "$dir/faces/"
cp "$photos/astronaut.png" "$dir/faces/"
seed=0
for font in Sans Serif SansMono Sans-Bold; do
	for page in 1 2 3 4; do
		seed=$((seed + 1))
		"$RENDER_PAGE" "$fonts/DejaVu$font.ttf" $((seed + 10)) \
			>"$dir/more/$seed.pgm" 2>/dev/null || true
	done
done
for seed in 1 2 3 4 5; do
	"$RENDER_PAGE" "$fonts/DejaVuSans.ttf" $seed \
		>"$dir/pages/$seed.pgm" 2>/dev/null || true
done

found=0
failed=0
# measure NETWORK CALIBRATE EVALUATE MODEL...   the first model that is there
measure() {
	network=$1 calibrate=$2 evaluate=$3
	shift 3
	for model in "$@"; do
		[ -r "$model" ] || continue
		found=$((found + 1))
		"$ACCURACY" "$model" "$network" "$dir/$calibrate" \
			"$dir/$evaluate" || failed=$((failed + 1))
		return
	done
}
models=${FXQ_MODELS:-/nonexistent}
measure blazeface faces unseen "$models/blazeface_back.fp32.onnx" \
	"$fetched/blazeface_back.onnx"
measure ultraface faces unseen "$models/ultraface_320.fp32.onnx"
measure yunet faces unseen "$models/yunet_n_320.fp32.onnx"
measure fastestdet faces unseen "$models/fastestdet_352.fp32.onnx"
measure mobilenet seen unseen "$models/mobilenetv2_5class.fp32.onnx"
measure vww seen unseen "$models/tiny_vww_mbv1.fp32.onnx"
measure resnet8 seen unseen "$models/tiny_resnet8.fp32.onnx"
[ ! -s "$dir/pages/5.pgm" ] ||
	measure ppocr-det more pages "$models/ppocr_det_320.fp32.onnx"
[ $found -gt 0 ] ||
	{ echo "SKIP: FXQ_MODELS names no folder, and npm brought no networks"; exit 77; }
[ $failed = 0 ]
