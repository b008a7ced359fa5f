#!/bin/sh
# Faces on a photograph: detectors with their decoding and non-maximum
# suppression as wrapped functions find the one face of a portrait.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
[ -d "${FXQ_MODELS:-}" ] || { echo "SKIP: FXQ_MODELS names no folder"; exit 77; }
(cd "$dir" && apt-get download python3-skimage >/dev/null 2>&1 &&
	dpkg -x python3-skimage_*.deb .) ||
	{ echo "SKIP: the photographs of python3-skimage are not to be had"; exit 77; }
photos=$dir/usr/lib/python3/dist-packages/skimage/data
mkdir "$dir/calibrate"
for name in astronaut chelsea coffee rocket; do
	cp "$photos/$name".* "$dir/calibrate/" 2>/dev/null || true
done

# The portrait is 512 x 512; by eye the face is within (165, 50)-(280, 190).
for pair in ultraface:ultraface_320 yunet:yunet_n_320; do
	"$FXQ_RUN" compile "$FXQ_MODELS/${pair#*:}.fp32.onnx" \
		--post "${pair%%:*}" --calibrate "$dir/calibrate" \
		-o "$dir/net.fxq" >/dev/null
	"$FXQ_RUN" infer "$dir/net.fxq" "$photos/astronaut.png" \
		-o "$dir/boxes.raw" >/dev/null
	od -An -v -tf4 -w24 "$dir/boxes.raw" | awk -v net="${pair%%:*}" '
		{ n++; x = ($1 + $3) * 256; y = ($2 + $4) * 256
		  w = ($3 - $1) * 512
		  print net ": face at " x ", " y ", " w " wide, score " $5 }
		n == 1 { ok = x > 165 && x < 280 && y > 50 && y < 190 &&
			 w > 60 && w < 160 }
		END { exit !(n == 1 && ok) }'
	"$FXQ_RUN" infer "$dir/net.fxq" "$photos/astronaut.png" |
		grep -q 'left .* score  class'
	# Drawn: red along the left side of the box, the photograph within.
	"$EXAMPLES/boxes" "$dir/net.fxq" "$photos/astronaut.png" \
		"$dir/found.png" >"$dir/found.txt"
	read -r left top right bottom rest <"$dir/found.txt"
	python3 "$SOURCE/tests/e2e/pixel.py" "$dir/found.png" \
		$left $(((top + bottom) / 2)) >"$dir/side"
	[ "$(cat "$dir/side")" = "255 32 32" ] ||
		{ echo "the box is not drawn: $(cat "$dir/side")"; exit 1; }
done
