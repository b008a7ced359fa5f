#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A rendered page is read: detector, classifier and reader run on the machine,
# calibrated on other text than the page's. Upside down, each line is turned.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fetched=$(dirname "$FXQ_RUN")/../../models
symbols=$fetched/ppocr_keys.txt
fonts=/usr/share/fonts/truetype/dejavu
[ -d "${FXQ_MODELS:-}" ] || { echo "SKIP: FXQ_MODELS names no folder"; exit 77; }
[ -r "$symbols" ] || { echo "SKIP: no symbols; run tests/e2e/fetch.sh"; exit 77; }
[ -r $fonts/DejaVuSerif.ttf ] || { echo "SKIP: no fonts"; exit 77; }

mkdir "$dir/pages" "$dir/lines" "$dir/words"
for seed in 11 12 13 14 15 16; do
	for font in Serif Sans; do
		"$RENDER_PAGE" $fonts/DejaVu$font.ttf $seed \
			>"$dir/pages/$font$seed.pgm" 2>"$dir/said"
		"$RENDER_PAGE" $fonts/DejaVu$font.ttf $seed 0 \
			>"$dir/lines/$font$seed.pgm" 2>"$dir/said"
	done
done
seed=1000
for font in Sans Serif SansMono Sans-Bold; do
	for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16; do
		seed=$((seed + 1))
		"$RENDER_PAGE" $fonts/DejaVu$font.ttf $seed word \
			>"$dir/words/$seed.pgm" 2>"$dir/said"
	done
done

"$FXQ_RUN" compile "$FXQ_MODELS/ppocr_det_320.fp32.onnx" --post ppocr-det \
	--calibrate "$dir/pages" -o "$dir/det.fxq" >/dev/null
"$FXQ_RUN" compile "$FXQ_MODELS/ppocr_cls_48x192.fp32.onnx" --order bgr \
	--mean 0.5 --std 0.5 --calibrate "$dir/lines" -o "$dir/cls.fxq" \
	>/dev/null
"$FXQ_RUN" compile "$FXQ_MODELS/ppocr_rec_48x320.fp32.onnx" --post ppocr-rec \
	--observer percentile=99.999 --calibrate "$dir/words" -o "$dir/rec.fxq" \
	>/dev/null
for step in "$dir/det.fxq" "$dir/cls.fxq" "$dir/rec.fxq"; do
	[ "$("$FXQ_RUN" info "$step" | grep -c '^ *[0-9]*  device')" = 1 ] ||
		{ echo "$step is not one device segment"; exit 1; }
done

# read_page [turned]   how many lines it reads, but for spaces and "^"
read_page() {
	python3 "$SOURCE/tests/e2e/png.py" "$dir/page.pgm" "$dir/page.png" "$@"
	"$EXAMPLES/read" "$dir/det.fxq" "$dir/cls.fxq" "$dir/rec.fxq" \
		"$symbols" "$dir/page.png" >"$dir/read"
	tr -d ' ^~' <"$dir/read" | sort >"$dir/read.sorted"
	cut -d ' ' -f 5- "$dir/said" | tr -d ' ^~' | sort >"$dir/said.sorted"
	comm -12 "$dir/said.sorted" "$dir/read.sorted" | wc -l
}
"$RENDER_PAGE" $fonts/DejaVuSans.ttf 5 >"$dir/page.pgm" 2>"$dir/said"
lines=$(wc -l <"$dir/said")
upright=$(read_page)
cat "$dir/read"
turned=$(read_page turned)
echo "of $lines lines $upright are read, upside down $turned"
# All eleven lines were read when this was written; a tenth may get lost.
[ $((upright * 10)) -ge $((lines * 9)) ] && [ $((turned * 10)) -ge $((lines * 9)) ]

# refused ABOUT WHY ARGUMENTS...
refused() {
	about=$1
	why=$2
	shift 2
	if "$EXAMPLES/read" "$@" >"$dir/out" 2>&1; then
		echo "read $* succeeds"
		exit 1
	fi
	grep -q "^read: $about: .*$why" "$dir/out" || { cat "$dir/out"; exit 1; }
}
det=$dir/det.fxq
cls=$dir/cls.fxq
rec=$dir/rec.fxq
page=$dir/page.png
refused usage DET.fxq "$det"
refused "$dir/none" symbols "$det" "$cls" "$rec" "$dir/none" "$page"
refused "$dir/page.pgm" PNG "$det" "$cls" "$rec" "$symbols" "$dir/page.pgm"
refused "$dir/none" none "$det" "$dir/none" "$rec" "$symbols" "$page"
refused "$cls" detector "$cls" "$cls" "$rec" "$symbols" "$page"
