#!/bin/sh
# SPDX-License-Identifier: MIT
#
# A few frames of the network of settle.c, sequential and pipelined: the same
# bits, and a picture of the timeline. No time is looked at.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$FXQ_RUN" compile "$PLUGIN" -o "$tmp/settle.fxq" --calibrate random \
	--calibrate-count 1 >/dev/null 2>&1
"$OVERLAP" "$tmp/settle.fxq" "$PLUGIN" 3 1 >"$tmp/overlap.json"
python3 - "$tmp/overlap.json" <<'END'
import json, sys
for race in json.load(open(sys.argv[1])):
    assert race["equal_bits"] and race["ratio"] > 0, race
END
"$FXQ_RUN" profile "$tmp/settle.fxq" --plugin "$PLUGIN" --threads 1 \
	--inflight 3 --iterations 8 --trace "$tmp/trace.json" >/dev/null
python3 "$SOURCE/tests/bench/timeline_plot.py" "$tmp/trace.json" \
	"$tmp/timeline.svg"
python3 - "$tmp/timeline.svg" <<'END'
import sys
import xml.etree.ElementTree as tree
svg = tree.parse(sys.argv[1]).getroot()
texts = [t.text for t in svg.iter("{http://www.w3.org/2000/svg}text")]
assert {"caller", "MX", "frames"} <= set(texts), texts
assert len(list(svg.iter("{http://www.w3.org/2000/svg}rect"))) > 50
END
