#!/bin/sh
# SPDX-License-Identifier: MIT
#
# overlap.sh BUILD   frames one behind the other beside frames one at a time;
# BUILD/bench/overlap.json, and the timeline's picture BUILD/bench/timeline.svg
#
# How long the solver of settle.c takes beside the layers depends on the
# processor, so its sweeps are counted out until both take equally long.
set -eu
build=$(realpath "${1:?usage: overlap.sh BUILD}")
run=$build/userspace/tools/fxq-run
kept=$build/bench
settle=$(realpath userspace/examples/settle.c)

meson configure "$build" -Dtests=true >/dev/null
ninja -C "$build" --quiet >/dev/null
mkdir -p "$kept"

# compile SWEEPS: settle.so and settle.fxq
compile() {
	printf '#define SWEEPS %d\n#include "%s"\n' "$1" "$settle" \
		>"$kept/settle.c"
	"$run" build "$kept/settle.c" -o "$kept/settle.so" >/dev/null
	"$run" compile "$kept/settle.so" -o "$kept/settle.fxq" \
		--calibrate random --calibrate-count 2 >/dev/null 2>&1
}

# race ROUNDS: the plugin asks for the library that fxq-run has anyhow
race() {
	LD_LIBRARY_PATH=$build/compiler "$build/tests/bench/overlap" "$kept/settle.fxq" "$kept/settle.so" 4 "$1"
}

sweeps=12
for pass in 1 2; do
	compile $sweeps
	race 10 >"$kept/overlap.json"
	sweeps=$(python3 - "$kept/overlap.json" $sweeps <<'END'
import json, sys
with open(sys.argv[1]) as f:
    one = json.load(f)[0]
solver = one["cpu_ms"] - one["border_ms"]
wanted = one["device_ms"] - one["border_ms"]
print(max(1, round(int(sys.argv[2]) * wanted / solver)))
END
	)
done
compile $sweeps
race 40 | tee "$kept/overlap.json"
"$run" profile "$kept/settle.fxq" --plugin "$kept/settle.so" --threads 1 \
	--inflight 4 --trace "$kept/settle.json"
python3 tests/bench/timeline_plot.py "$kept/settle.json" "$kept/timeline.svg"
