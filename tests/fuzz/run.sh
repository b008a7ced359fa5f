#!/bin/sh
# SPDX-License-Identifier: MIT
#
# Feeds a fuzzer for a while, under the address and undefined sanitizers.
#
#	run.sh BUILD SECONDS TARGET...		TARGET: graph_file image module_file
#						npy onnx safetensors stream vfio
#
# BUILD/TARGET/corpus keeps what was found to reach new code, and is where the
# next run begins; an input that broke something is BUILD/TARGET/crash-*, and
# `BUILD/tree/tests/fuzz/fuzz_TARGET FILE` shows it again.
set -eu

[ $# -ge 3 ] || { sed -n 's/^#	//p' "$0"; exit 1; }
here=$(cd "$(dirname "$0")" && pwd)
build=$1
seconds=$2
shift 2
mkdir -p "$build"
build=$(cd "$build" && pwd)
tree=$build/tree
fxq_run=$tree/userspace/tools/fxq-run
onnx=/usr/share/libonnx-testdata/data

# Clones for several processors have resolvers that sanitizers break.
[ -f "$tree/build.ninja" ] || CC=clang meson setup "$tree" "$here/../.." \
	-Dtests=true -Dbuildtype=debugoptimized -Db_lundef=false \
	-Db_sanitize=address,undefined -Dc_args="-fsanitize=fuzzer-no-link \
	-fno-sanitize-recover=undefined -DFXQ_NO_CLONES -DFXQ_PORTABLE" \
	>"$build/setup.log" || { cat "$build/setup.log"; exit 1; }

# Small models of ONNX's own, and their images: $1 takes each.
images() {
	for model in pytorch-converted/test_Conv2d \
		     pytorch-converted/test_ConvTranspose2d \
		     pytorch-converted/test_GLU pytorch-converted/test_Linear \
		     pytorch-converted/test_MaxPool2d \
		     pytorch-operator/test_operator_addmm \
		     pytorch-operator/test_operator_concat2 \
		     pytorch-operator/test_operator_params \
		     pytorch-operator/test_operator_reduced_mean \
		     node/test_averagepool_2d_pads node/test_max_example \
		     node/test_relu node/test_softmax_axis_1 node/test_sub \
		     node/test_transpose_all_permutations_2; do
		image=$build/images/$(basename "$model").fxq
		[ -f "$image" ] || "$fxq_run" compile "$onnx/$model/model.onnx" \
			--calibrate random --calibrate-count 2 -o "$image" \
			>/dev/null 2>&1 || continue
		"$1" "$image"
	done
}

copy_seed() { cp "$1" seeds/; }

# Offset and size of the first stream of an image, if it has one.
stream_of() {
	readelf -SW "$1" | awk '/ \.fxq\.stream/ {
		sub(/.*PROGBITS */, ""); print "0x" $2, "0x" $3; exit }'
}

# The stream's bytes follow one that chooses which fields are tamed: none.
stream_seed() {
	range=$(stream_of "$1")
	[ -n "$range" ] || return 0
	{
		printf '\0'
		tail -c +$((${range% *} + 1)) "$1" | head -c $((${range#* }))
	} >"seeds/$(basename "$1" .fxq)"
}

seeds_image() { images copy_seed; }
seeds_stream() {
	images stream_seed
	# Whole networks: the fuzzer takes their first two dozen descriptors.
	for net in "$here"/../../userspace/examples/models/*.onnx; do
		image=$build/images/$(basename "$net" .onnx).fxq
		"$fxq_run" compile "$net" --calibrate random \
			--calibrate-count 2 -o "$image" >/dev/null 2>&1
		stream_seed "$image"
	done
}
seeds_onnx() {
	for model in "$onnx"/*/*/model.onnx; do
		cp "$model" "seeds/$(basename "$(dirname "$model")")"
	done
}
# Steps of a fuzz_vfio input: what a client does first, and a ring's entry.
seeds_vfio() {
	map='\001\002\040\040\000\000\000\003\000\000\000'
	zeros='\000\000\000\000\000\000\000\000'
	printf "\100$map$zeros\000\000\000\000\000\000\000\000\000\000\001\000\000\000\000\000" >seeds/map
	printf '\100\000\004\020\020\000\000\000\000\000\000\000' >seeds/info
	printf '\100\005\010\024\024\000\000\000\044\000\000\000\002\000\000\000\000\000\000\000\001\000\000\000' >seeds/irq
	printf "\100\000\012\024\100$zeros\000\000\000\004\000\000\000\001\000\000\000" >seeds/write
}
seeds_npy() {
	cp "$here"/../golden/quant/*.npz seeds/
	for npz in seeds/lin__*.npz; do
		unzip -qoj "$npz" -d seeds
	done
	for idx in /usr/share/datasets/*/*labels*gz; do
		[ ! -f "$idx" ] || cp "$idx" seeds/
	done
}

seeds_graph_file() {
	for model in "$onnx"/pytorch-*/*/model.onnx; do
		"$fxq_run" show "$model" --save \
			"seeds/$(basename "$(dirname "$model")")" \
			2>/dev/null || continue
	done
}
seeds_module_file() {
	ninja -C "$tree" --quiet tests/fuzz/seeds_module_file
	"$tree/tests/fuzz/seeds_module_file" seeds
}
seeds_safetensors() { cp "$here"/../golden/nn/*.safetensors seeds/; }

fuzz() {
	mkdir -p "$build/$1/seeds" "$build/$1/corpus" "$build/images"
	cd "$build/$1"
	[ -n "$(ls seeds)" ] || "seeds_$1"
	echo "fuzz_$1: $seconds s, $(find seeds -type f | wc -l) seeds"
	# Memory is bounded, so that a size from a file cannot ask for much.
	"$tree/tests/fuzz/fuzz_$1" -max_total_time="$seconds" -timeout=60 \
		-rss_limit_mb=2048 -max_len=32768 -print_final_stats=1 \
		corpus seeds >fuzz.log 2>&1 ||
		{ tail -n 60 fuzz.log; ls -l crash-* oom-* timeout-* leak-* \
			2>/dev/null; return 1; }
	sed -n 's/^stat::number_of_executed_units: */	inputs: /p;
		s/^stat::peak_rss_mb: */	MiB: /p' fuzz.log
	tail -n 20 fuzz.log | grep -o 'cov: [0-9]*' | tail -n 1
}

for target in "$@"; do
	ninja -C "$tree" --quiet "tests/fuzz/fuzz_$target" \
		userspace/tools/fxq-run
	(fuzz "$target")
done
