#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A race for a moment: the JSON has its form and becomes a picture, what does not
# run counts as said, and no time is looked at. Rivals run if they are at hand.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/kept"
cp "$SOURCE/userspace/examples/models/fmnist_mb.onnx" "$dir/good.fp32.onnx"
cp "$dir/good.fp32.onnx" "$dir/bad.fp32.onnx"
"$FXQ_RUN" compile "$dir/good.fp32.onnx" --calibrate random \
	--calibrate-count 2 -o "$dir/good.fxq" >/dev/null 2>&1
echo nonsense >"$dir/bad.fxq"
"$SCENE" "$dir/good.fp32.onnx" good 1 1 "$dir/good.npy"

# check JSON NAME...: of a race between these, of which `bad` does not run
check() {
	python3 - "$@" <<-'PYTHON'
	import json, math, sys
	bench = json.load(open(sys.argv[1]), parse_constant=lambda c: 1 / 0)
	assert set(bench) >= {"models", "geomean", "peak"}, bench
	keys = {"name", "threads", "fxq_ms", "ort_int8_ms", "ort_fp32_ms",
	        "ratio", "macs", "peak_gops"}
	models = bench["models"]
	assert [(m["name"], m["threads"]) for m in models] == [
	    (name, threads) for name in sys.argv[2:] for threads in (1, 2)], models
	raced = bench["onnxruntime"]
	for m in models:
	    assert set(m) >= keys, m
	    assert m["ort_int8_ms"] is None, m
	    if m["name"] == "bad":
	        assert m["ratio"] == 0.01 and "bad.fxq" in m["failed"], m
	        continue
	    assert m["fxq_ms"] > 0 and m["macs"] > 5e6, m
	    if raced:
	        assert m["ratio"] == m["ort_fp32_ms"] / m["fxq_ms"] or math.isclose(
	            m["ratio"], m["ort_fp32_ms"] / m["fxq_ms"], rel_tol=1e-4), m
	    else:
	        assert m["ort_fp32_ms"] is None and m["ratio"] is None, m
	if raced:
	    logs = [math.log(m["ratio"]) for m in models]
	    mean = math.exp(sum(logs) / len(logs))
	    assert math.isclose(bench["geomean"], mean, rel_tol=1e-4), bench
	else:
	    assert bench["geomean"] is None and bench["skipped"], bench
	PYTHON
}

# picture JSON: becomes an SVG that is sound and has every name
picture() {
	python3 "$SOURCE/tests/bench/plot.py" "$1" "$dir/bench.svg"
	python3 - "$1" "$dir/bench.svg" <<-'PYTHON'
	import json, sys
	from xml.etree import ElementTree
	words = " ".join(ElementTree.parse(sys.argv[2]).getroot().itertext())
	for m in json.load(open(sys.argv[1]))["models"]:
	    assert m["name"] in words, words
	assert "nan" not in words and "None" not in words, words
	PYTHON
}

# refused SENTENCE ARGUMENTS...
refused() {
	sentence=$1
	shift
	if "$RACE" "$@" >"$dir/out" 2>&1; then
		echo "race $* succeeds"
		exit 1
	fi
	grep -q "$sentence" "$dir/out" || { cat "$dir/out"; exit 1; }
}

# says TEXT: the last table
says() {
	grep -q -- "$1" "$dir/table" || { cat "$dir/table"; exit 1; }
}

"$RACE" --seconds 0.01 --output "$dir/bench.json" "$dir" >"$dir/table"
check "$dir/bench.json" bad good
picture "$dir/bench.json"
[ "$(grep -c '^good ' "$dir/table")" = 2 ] || { cat "$dir/table"; exit 1; }
says '^SKIP: no ratios: ONNX Runtime: give its library, --ort'
grep -qw nan "$dir/table" && { cat "$dir/table"; exit 1; }
"$RACE" --ort /nonexistent.so --seconds 0.01 "$dir" good >"$dir/table"
says '^SKIP: no ratios: ONNX Runtime: \(.*nonexistent.so\|built without\)'

mkdir "$dir/empty"
refused 'no \*.fp32.onnx' "$dir/empty"
refused 'which folder' --seconds 1
refused 'a number above 0' --seconds 0 "$dir"

# Two scenes are not one.
"$SCENE" "$dir/good.fp32.onnx" good 1 2 "$dir/good.npy"
"$RACE" --seconds 0.01 "$dir" good >"$dir/table"
says "good.npy is not of the input's type"
rm "$dir/good.npy"
# draws_not SENTENCE ARGUMENTS...
draws_not() {
	sentence=$1
	shift
	if "$SCENE" "$@" 2>"$dir/table"; then
		echo "scene $* succeeds"
		exit 1
	fi
	says "$sentence"
}
draws_not usage "$dir/good.fp32.onnx"
draws_not 'bad.fxq' "$dir/bad.fxq" good 1 1 "$dir/x.npy"
draws_not '1x1x28 is no shape' "$dir/good.fp32.onnx" good 1 1 "$dir/x.npy" 1x1x28

# Each part of the start has a time of its own.
"$STARTUP" "$dir/good.fxq" >"$dir/start"
[ "$(grep -c ' [0-9.]* ms$' "$dir/start")" = 7 ] || { cat "$dir/start"; exit 1; }
if "$STARTUP" "$dir/bad.fxq" 2>"$dir/out"; then
	echo "startup of a bad image succeeds"
	exit 1
fi
grep -q 'bad.fxq' "$dir/out" || { cat "$dir/out"; exit 1; }

# The script around it, where there is no ONNX Runtime: it needs no npm then, and
# races the networks of FXQ_MODELS. What does not compile does not run.
mkdir -p "$dir/build/tests/bench" "$dir/build/userspace/tools" "$dir/models"
ln -s "$RACE" "$dir/build/tests/bench/race"
ln -s "$SCENE" "$dir/build/tests/bench/scene"
ln -s "$FXQ_RUN" "$dir/build/userspace/tools/fxq-run"
ln -s "$dir/good.fp32.onnx" "$dir/models/good.fp32.onnx"
echo nonsense >"$dir/models/bad.fp32.onnx"
ONNXRUNTIME=/nonexistent.so BENCH_SECONDS=0.01 FXQ_MODELS="$dir/models" \
	"$SOURCE/tests/bench/bench.sh" "$dir/build" >"$dir/table"
says '^bad: .*bad.fp32.onnx'
says '^SKIP: no ONNX Runtime: ONNXRUNTIME=/nonexistent.so is not there'
check "$dir/build/bench.json" bad good
[ -r "$dir/build/bench/good.npy" ]
grep -q '^n3_Clip .* compute ' "$dir/build/bench/good.1.profile"
grep -q '</svg>' "$dir/build/bench.svg"
grep -q '^good  *2 .* - .*%.*compute [0-9]' "$dir/build/bench.rst" ||
	{ cat "$dir/build/bench.rst"; exit 1; }
grep -q '^bad  *1 .*does not run' "$dir/build/bench.rst"
if FXQ_MODELS="$dir/empty" "$SOURCE/tests/bench/bench.sh" "$dir/build" \
	>"$dir/table" 2>&1; then
	echo "bench.sh succeeds without networks"
	exit 1
fi
says 'has no NAME.fp32.onnx'

# Without FXQ_MODELS, and with an npm that has nothing, fxq's own are left.
mkdir "$dir/bin"
printf '#!/bin/sh\nexit 1\n' >"$dir/bin/npm"
chmod +x "$dir/bin/npm"
env -u FXQ_MODELS PATH="$dir/bin:$PATH" ONNXRUNTIME=/nonexistent.so \
	BENCH_SECONDS=0.01 "$SOURCE/tests/bench/bench.sh" "$dir/build" \
	fmnist_mb >"$dir/table" 2>&1
check "$dir/build/bench.json" fmnist_mb
if env -u FXQ_MODELS PATH="$dir/bin:$PATH" "$SOURCE/tests/bench/bench.sh" \
	"$dir/build" nobody >"$dir/table" 2>&1; then
	echo "bench.sh races nobody"
	exit 1
fi
says 'no network is called nobody'

# Rivals that an earlier `make bench` brought.
[ -r "$KEPT/libonnxruntime.so.1" ] || exit 0
"$RACE" --seconds 0.01 --ort "$KEPT/libonnxruntime.so.1" \
	--output "$dir/bench.json" "$dir" >"$dir/table"
grep -q 'built without' "$dir/table" && exit 0
check "$dir/bench.json" bad good
picture "$dir/bench.json"
says '^geometric mean of 4 ratios: '
