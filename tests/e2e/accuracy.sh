#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What eight bits cost real networks on real pictures: photographs and portraits
# that come with scikit-image, and rendered pages of text. Calibration sees
# others than the evaluation, but for the one large portrait: of its kind there
# is no second.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fetched=$(dirname "$FXQ_RUN")/../../models
fonts=/usr/share/fonts/truetype/dejavu
(cd "$dir" && apt-get download python3-skimage >/dev/null 2>&1 &&
	dpkg -x python3-skimage_*.deb .) ||
	{ echo "SKIP: the photographs of python3-skimage are not to be had"; exit 77; }
photos=$dir/usr/lib/python3/dist-packages/skimage/data

for folder in seen unseen people others fonts pages lines read groups; do
	mkdir "$dir/$folder"
done
for name in brick camera chelsea clock_motion coins grass gravel moon \
	motorcycle_left rocket; do
	cp "$photos/$name".* "$dir/seen/" 2>/dev/null || true
done
cp "$photos/coffee.png" "$photos/astronaut.png" "$dir/unseen/"

# Groups of four, nine and sixteen: two thirds of the people are calibrated on.
for side in 2 3 4; do
	python3 "$SOURCE/tests/e2e/groups.py" "$photos/lfw_subset.npy" $side \
		"$dir/groups"
done
cp -r "$dir/seen/." "$photos/astronaut.png" "$dir/people/"
cp -r "$dir/unseen/." "$dir/others/"
for group in 2-16 2-18 2-20 2-22 2-24 3-7 3-8 3-9 3-10 4-4 4-5; do
	mv "$dir/groups/$group.pgm" "$dir/others/"
done
rm "$dir"/groups/2-*[13579].pgm
mv "$dir"/groups/* "$dir/people/"

# text FONT SEED TO [LINE]
text() {
	"$RENDER_PAGE" "$fonts/DejaVu$1.ttf" "$2" ${4:-} >"$3.pgm" 2>/dev/null ||
		rm -f "$3.pgm"
}
seed=10
for font in Sans Serif SansMono Sans-Bold; do
	for page in 1 2 3 4; do
		seed=$((seed + 1))
		text $font $seed "$dir/fonts/$seed"
		text $font $seed "$dir/lines/$seed-0" 0
		text $font $seed "$dir/lines/$seed-1" 1
	done
done
for seed in 1 2 3 4 5; do
	text Sans $seed "$dir/pages/$seed"
	for line in 0 1 2 3; do
		text Sans $seed "$dir/read/$seed-$line" $line
	done
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
# classifier MODEL   pictures of clothes come from a data set of Debian's
classifier() {
	least=$("$FXQ_RUN" verify "$SOURCE/userspace/examples/models/$1.onnx" \
		--calibrate $clothes --calibrate-count 64 --sample 1 \
		--mean 0.2860 --std 0.3530 |
		sed -n 's/.* at least \([0-9.]*\) dB.*/\1/p')
	echo "$1 $least dB"
	found=$((found + 1))
	[ "${least%.*}" -ge 20 ] || failed=$((failed + 1))
}
clothes=/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz
if [ -r $clothes ]; then
	classifier fmnist_res
	classifier fmnist_mb
fi

models=${FXQ_MODELS:-/nonexistent}
measure blazeface people others "$models/blazeface_back.fp32.onnx" \
	"$fetched/blazeface_back.onnx"
measure ultraface people others "$models/ultraface_320.fp32.onnx"
measure yunet people others "$models/yunet_n_320.fp32.onnx"
measure fastestdet seen unseen "$models/fastestdet_352.fp32.onnx"
measure mlsd seen unseen "$models/mlsd_tiny_320.fp32.onnx" \
	"$fetched/mlsd_tiny_320.onnx"
measure mobilenet seen unseen "$models/mobilenetv2_5class.fp32.onnx"
measure vww seen unseen "$models/tiny_vww_mbv1.fp32.onnx"
measure resnet8 seen unseen "$models/tiny_resnet8.fp32.onnx"
if [ -s "$dir/pages/5.pgm" ]; then
	measure ppocr-det fonts pages "$models/ppocr_det_320.fp32.onnx"
	measure ppocr-cls lines read "$models/ppocr_cls_48x192.fp32.onnx"
fi
echo "$found networks, $failed below what is asked"
[ $found -gt 0 ] ||
	{ echo "SKIP: FXQ_MODELS names no folder, and npm brought no networks"; exit 77; }
[ $failed = 0 ]
