#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Of the words that the reader reads in float, most are still read in eight
# bits. It is calibrated on words of one list, and asked for those of
# another; no setting was chosen by the sixty of this test. It was 33 of 35 when
# this was written.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
symbols=$(dirname "$FXQ_RUN")/../../models/ppocr_keys.txt
model=${FXQ_MODELS:-/nonexistent}/ppocr_rec_48x320.fp32.onnx
fonts=/usr/share/fonts/truetype/dejavu
[ -r "$model" ] || { echo "SKIP: FXQ_MODELS has no ppocr_rec_48x320"; exit 77; }
[ -r "$symbols" ] || { echo "SKIP: no symbols; run tests/e2e/fetch.sh"; exit 77; }
[ -r $fonts/DejaVuSerif.ttf ] || { echo "SKIP: no fonts"; exit 77; }

# words LIST FIRST LAST   into the folder LIST, the four fonts in turn
words() {
	mkdir "$dir/$1"
	seed=$2
	while [ "$seed" -le "$3" ]; do
		for font in Sans Serif SansMono Sans-Bold; do
			"$RENDER_PAGE" $fonts/DejaVu$font.ttf "$seed" "$1" \
				>"$dir/strip" 2>"$dir/said"
			mv "$dir/strip" "$dir/$1/${seed}_$(cat "$dir/said").pgm"
			seed=$((seed + 1))
		done
	done
}
words word 3001 3048
words other 31001 31060
# Small changes of a range move the result by up to three words either way: what
# is well below 33 of 35 is a fault.
"$WORDS" "$model" "$symbols" "$dir/word" "$dir/other" 80
