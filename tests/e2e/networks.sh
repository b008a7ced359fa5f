#!/bin/sh
# SPDX-License-Identifier: MIT
# Networks as people write them, from their sources in C to images, both ways:
# compiled from the float graph, and from what the verbs converted. The device
# computes the bits of the reference, and what it can do is not cut in pieces.
set -eu
run=$FXQ_RUN nets=$SOURCE/tests/e2e/networks
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() {
	echo "networks.sh: $*" >&2
	exit 1
}

# device_steps FILE...   how often the image of FILE goes to the device
device_steps() {
	"$run" compile "$@" -o image.fxq >out 2>err || fail "$*: $(cat err)"
	sed -n 's/.*: \([0-9]*\) device and .*/\1/p' out
}

# An LSTM and a group norm are the CPU's; so is what puts the class token of vit,
# which is a parameter, before its patches, where the verbs made the integers.
while read -r name steps converted; do
	"$run" build "$nets/$name.c" -o "$name.so" 2>err && [ ! -s err ] ||
		fail "$name.c: $(cat err)"
	random='--calibrate random'
	# shellcheck disable=SC2086
	[ "$(device_steps "$name.so" $random)" = "$steps" ] ||
		fail "$name, compiled: $(cat out)"
	# shellcheck disable=SC2086
	"$run" verify "$name.so" $random >out 2>&1 || fail "$(cat out)"
	grep -q ' 0 differ, 1 of 1 outputs equal' out || fail "$name: $(cat out)"
	# shellcheck disable=SC2086
	"$run" quantize "$name.so" $random -o "$name.fxg" >out 2>&1 ||
		fail "$(cat out)"
	[ "$(device_steps "$name.fxg")" = "$converted" ] ||
		fail "$name, converted: $(cat out)"
	"$run" infer image.fxq --input random >out 2>&1 || fail "$(cat out)"
	[ "$name" != sound ] || continue	# ONNX's LSTM has other gates
	# shellcheck disable=SC2086
	"$run" quantize "$name.so" $random -o "$name.onnx" >out 2>&1 ||
		fail "$(cat out)"
	[ "$(device_steps "$name.onnx")" = "$steps" ] ||
		fail "$name, as ONNX: $(cat out)"
done <<EOT
mobilenet	1 1
shufflenet	1 1
convnext	1 1
vit		1 2
bert		1 1
sound		2 2
detector	1 1
upscaler	1 1
unet		2 2
EOT
