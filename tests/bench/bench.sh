#!/bin/sh
# SPDX-License-Identifier: MIT
#
# bench.sh BUILD [NAME...]   fxq against ONNX Runtime; BUILD/bench.json, its
# picture bench.svg and its table bench.rst
#
# Networks are NAME.fp32.onnx and NAME.int8.onnx of the folder FXQ_MODELS; or,
# without it, what `make models` fetches and the two that fxq brings, which have
# no int8 file. BENCH_SECONDS (0.7) is how long each of three runs each network,
# on one thread and again on two. Where ONNX Runtime is not to be had, fxq runs
# alone. BUILD/bench keeps all that this needs, and a profile of each network.
set -eu
build=${1:?usage: bench.sh BUILD [NAME...]}
shift
here=$(dirname "$0")
kept=$build/bench
run=$build/userspace/tools/fxq-run
scene=$build/tests/bench/scene
mkdir -p "$kept"

# A folder without build.ninja has what was built elsewhere.
build_with() {
	[ -e "$build/build.ninja" ] || return 0
	meson configure "$build" "$@" >/dev/null
	ninja -C "$build" --quiet >/dev/null
}
build_with -Dtests=true

# network NAME FLOAT INT8 [--shape DIMS]: makes NAME ready, calibrated on scenes to
# race on another, so that its outputs can be compared with float's. Where no
# scene fits, it is noise. What does not compile loses its race.
network() {
	name=$1 float=$2 int8=$3
	shift 3
	rm -f "$kept/$name".*
	ln -s "$(realpath "$float")" "$kept/$name.fp32.onnx"
	[ ! -r "$int8" ] || ln -s "$(realpath "$int8")" "$kept/$name.int8.onnx"
	data=$kept/$name.calibrate.npy
	"$scene" "$float" "$name" 2 8 "$data" ${2:-} >/dev/null 2>&1 &&
		"$scene" "$float" "$name" 1 1 "$kept/$name.npy" ${2:-} ||
		data=random
	"$run" compile "$float" --calibrate "$data" --calibrate-count 8 \
		-o "$kept/$name.fxq" "$@" >"$kept/$name.log" 2>&1 ||
		echo "$name: $(tail -n 1 "$kept/$name.log")"
	rm -f "$kept/$name.calibrate.npy"
}

# Of a network that leaves it open, the shape.
shape_of() {
	case $1 in
	ppocr_det) echo --shape 1x3x320x320 ;;
	ppocr_cls) echo --shape 1x3x48x192 ;;
	esac
}

names() {
	ls "$1" | sed -n "s/$2\$//p"
}

if [ -n "${FXQ_MODELS:-}" ]; then
	[ $# -gt 0 ] || set -- $(names "$FXQ_MODELS" '\.fp32\.onnx')
	[ $# -gt 0 ] || {
		echo "FXQ_MODELS=$FXQ_MODELS has no NAME.fp32.onnx" >&2
		exit 1
	}
	for name in "$@"; do
		network "$name" "$FXQ_MODELS/$name.fp32.onnx" \
			"$FXQ_MODELS/$name.int8.onnx"
	done
else
	echo "FXQ_MODELS names no folder: what make models fetches is raced"
	"$here/../e2e/fetch.sh" "$build/models" || true
	mkdir -p "$build/models"
	only=" $* "
	set --
	for folder in "$build/models" "$here/../../userspace/examples/models"; do
		for name in $(names "$folder" '\.onnx'); do
			case $only in "  " | *" $name "*) ;; *) continue ;; esac
			network "$name" "$folder/$name.onnx" "" $(shape_of "$name")
			set -- "$@" "$name"
		done
	done
	[ $# -gt 0 ] || { echo "no network is called$only" >&2; exit 1; }
fi

ort=
if "$here/fetch_ort.sh" "$kept"; then
	ort=$kept/libonnxruntime.so.1
fi
build_with -Donnxruntime="$(realpath "$kept")/include"
"$build/tests/bench/race" ${ort:+--ort "$ort"} --output "$build/bench.json" \
	--seconds "${BENCH_SECONDS:-0.7}" "$kept" "$@"

# profile NAME THREADS TO [OPTION]
profile() {
	"$run" bench "$kept/$1.fxq" --layers --threads $2 --iterations 30 $4 \
		>"$kept/$1.$2.$3" || echo "$1: no profile on $2 threads"
}

# Where the time of each went, for who wants to know why.
for name in "$@"; do
	for threads in 1 2; do
		[ -e "$kept/$name.fxq" ] || continue
		profile "$name" $threads profile ""
		profile "$name" $threads json --json
	done
done
python3 "$here/plot.py" "$build/bench.json" "$build/bench.svg"
python3 "$here/table.py" "$build/bench.json" "$kept" >"$build/bench.rst"
echo "$build/bench.json, bench.svg, bench.rst; $kept/NAME.THREADS.profile"

# The machine's convolutions alone, beside oneDNN's where libdnnl-dev is there;
# and what exactness costs without VNNI.
mx=$build/tests/bench/mx
[ -x "$mx" ] || exit 0
for threads in 1 2; do
	"$mx" $threads | tee "$kept/mx.$threads"
done
if grep -q '^flags.* avx2 ' /proc/cpuinfo 2>/dev/null; then
	FXQ_ISA=avx2 "$mx" 1 | tee "$kept/mx.avx2"
fi
