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
# verify NAME MODEL DATA OPTIONS...   what fxq-run says of the last layer, on a
# sample that calibration leaves out
verify() {
	name=$1 model=$2 data=$3
	shift 3
	least=$("$FXQ_RUN" verify "$model" --calibrate "$data" --sample 1 "$@" |
		awk '$2 == "dequantize_channels" { db = $4 } END { print db }')
	echo "$name $least dB"
	found=$((found + 1))
	[ "${least%.*}" -ge 20 ] || failed=$((failed + 1))
}

# Pictures of clothes come from a data set of Debian's.
clothes=/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz
if [ -r $clothes ]; then
	for name in fmnist_res fmnist_mb; do
		verify $name "$SOURCE/userspace/examples/models/$name.onnx" \
			$clothes --calibrate-count 64 --mean 0.2860 --std 0.3530
	done
fi

models=${FXQ_MODELS:-/nonexistent}

# Spoken words are what alsa-utils tests loudspeakers with. The network knows
# two of them, and must hear them on the machine.
hear() {
	"$FXQ_RUN" compile "$1" --calibrate "$dir/words.npy" -o "$dir/kws.fxq" \
		>/dev/null
	python3 "$SOURCE/tests/e2e/speech.py" "$sounds/$2.wav" "$dir/word.npy"
	"$FXQ_RUN" infer "$dir/kws.fxq" "$dir/word.npy" --labels "$dir/names" \
		--top 1 --count 2 | tail -n 1 | grep -q " $3\$" ||
		{ echo "kws does not hear '$3' in $2"; failed=$((failed + 1)); }
}
kws=$models/tiny_kws_dscnn.fp32.onnx
if [ -r "$kws" ] && (cd "$dir" && apt-get download alsa-utils >/dev/null 2>&1 &&
		dpkg -x alsa-utils_*.deb .); then
	sounds=$dir/usr/share/sounds/alsa
	python3 "$SOURCE/tests/e2e/speech.py" "$sounds/Front_Center.wav" \
		"$sounds/Front_Left.wav" "$sounds/Rear_Right.wav" \
		"$sounds/Noise.wav" "$dir/words.npy"
	printf '%s\n' down go left no off on right stop up yes silence \
		unknown >"$dir/names"
	verify kws "$kws" "$dir/words.npy" --calibrate-count 6
	hear "$kws" Rear_Left left
	hear "$kws" Front_Right right
fi

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
