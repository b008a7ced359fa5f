#!/bin/sh
# Real networks: each is verified layer by layer on random input, machine
# against integer reference, with the debug mode on; as compile makes integers of
# it, and as the verbs do, which go to the device as few times.
set -eu
fetched=$(dirname "$FXQ_RUN")/../../models
found=0
failed=0

# verify FILE [OPTIONS...]
verify() {
	[ -r "$1" ] || return 0
	found=$((found + 1))
	"$FXQ_RUN" verify "$@" --calibrate random --calibrate-count 2 \
		>out.txt 2>err.txt || {
		failed=$((failed + 1))
		grep -v ' yes$' out.txt || true
		cat err.txt
	}
	tail -n 1 out.txt
}

# by_verbs FILE REGIONS [OPTIONS...]
by_verbs() {
	[ -r "$1" ] || return 0
	file=$1 regions=$2
	shift 2
	"$FXQ_RUN" quantize "$file" "$@" --calibrate random \
		--calibrate-count 2 -o verbs.fxg 2>err.txt || {
		cat err.txt
		return 1
	}
	verify verbs.fxg
	"$FXQ_RUN" compile verbs.fxg -o verbs.fxq >out.txt
	grep -q ": $regions device and" out.txt || {
		echo "$file: $(tail -n 1 out.txt): not $regions"
		failed=$((failed + 1))
	}
}

cd "$(mktemp -d)"
for file in "${FXQ_MODELS:-/nonexistent}"/*.fp32.onnx; do
	verify "$file"
done
verify "$fetched/blazeface_back.onnx"
verify "$fetched/ppocr_det.onnx" --shape 1x3x320x320
verify "$fetched/ppocr_cls.onnx" --shape 1x3x48x192
verify "$fetched/mlsd_tiny_320.onnx"
by_verbs "$fetched/blazeface_back.onnx" 1
by_verbs "$fetched/ppocr_det.onnx" 1 --shape 1x3x320x320
by_verbs "$fetched/ppocr_cls.onnx" 1 --shape 1x3x48x192
by_verbs "$fetched/mlsd_tiny_320.onnx" 3
[ $found -gt 0 ] || {
	echo "SKIP: no models; set FXQ_MODELS, or run tests/e2e/fetch.sh"
	exit 77
}
echo "$found models, $failed failed"
[ $failed = 0 ]
