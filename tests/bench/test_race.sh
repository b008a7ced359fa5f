#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A race for a moment, without rivals: the JSON has its form, a network that
# does not run counts as said, and no time is looked at.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cp "$SOURCE/userspace/examples/models/fmnist_mb.onnx" "$dir/good.fp32.onnx"
cp "$dir/good.fp32.onnx" "$dir/bad.fp32.onnx"
"$FXQ_RUN" compile "$dir/good.fp32.onnx" --calibrate random \
	--calibrate-count 2 -o "$dir/good.fxq" >/dev/null
echo nonsense >"$dir/bad.fxq"
"$RACE" --seconds 0.01 --output "$dir/bench.json" "$dir" >"$dir/table"
python3 - "$dir/bench.json" <<-'PYTHON'
	import json, sys
	bench = json.load(open(sys.argv[1]))
	assert set(bench) >= {"models", "geomean", "peak"}, bench
	keys = {"name", "threads", "fxq_ms", "ort_int8_ms", "ort_fp32_ms", "ratio"}
	models = bench["models"]
	assert [(m["name"], m["threads"]) for m in models] == [
	    ("bad", 1), ("bad", 2), ("good", 1), ("good", 2)], models
	for m in models:
	    assert set(m) >= keys, m
	    assert m["ort_int8_ms"] is None and m["ort_fp32_ms"] is None, m
	    if m["name"] == "bad":
	        assert m["ratio"] == 0.01 and "bad.fxq" in m["failed"], m
	    else:
	        assert m["fxq_ms"] > 0 and m["ratio"] is None, m
PYTHON
[ "$(grep -c '^good ' "$dir/table")" = 2 ] || { cat "$dir/table"; exit 1; }

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
mkdir "$dir/empty"
refused 'no \*.fp32.onnx' "$dir/empty"
refused 'which folder' --seconds 1
refused 'a number above 0' --seconds 0 "$dir"
"$RACE" --ort /nonexistent.so --seconds 0.01 "$dir" good |
	grep -q '^SKIP: ONNX Runtime: '

# Each part of the start has a time of its own.
"$STARTUP" "$dir/good.fxq" >"$dir/start"
[ "$(grep -c ' [0-9.]* ms$' "$dir/start")" = 7 ] || { cat "$dir/start"; exit 1; }
if "$STARTUP" "$dir/bad.fxq" 2>"$dir/out"; then
	echo "startup of a bad image succeeds"
	exit 1
fi
grep -q 'bad.fxq' "$dir/out" || { cat "$dir/out"; exit 1; }
