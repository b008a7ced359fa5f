#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fxq-run bench --layers: its rows are the image's layers and CPU steps, each
# once and in order, and their shares, MACs and cycles are those of the whole.
# No time is looked at but for what cannot be. Then timelines of the same.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
plugin=$EXAMPLES/fx_wrap_method_plugin.so
"$FXQ_RUN" compile "$SOURCE/userspace/examples/models/fmnist_mb.onnx" \
	-o "$tmp/net.fxq" --calibrate random --calibrate-count 2 >/dev/null 2>&1
"$FXQ_RUN" compile "$plugin" -o "$tmp/wrapped.fxq" --calibrate random \
	--calibrate-count 2 >/dev/null 2>&1

# profile NAME OPTIONS...: as JSON, and as a table of the same image
profile() {
	name=$1
	shift
	"$FXQ_RUN" info "$tmp/$name.fxq" --json >"$tmp/info"
	"$FXQ_RUN" dump "$tmp/$name.fxq" --json >"$tmp/dump"
	"$FXQ_RUN" bench "$tmp/$name.fxq" --layers --iterations 20 --json "$@" \
		>"$tmp/bench" 2>"$tmp/err" || { cat "$tmp/err"; exit 1; }
	"$FXQ_RUN" bench "$tmp/$name.fxq" --layers --iterations 20 "$@" \
		>"$tmp/table" 2>"$tmp/err" || { cat "$tmp/err"; exit 1; }
	python3 "$SOURCE/tests/e2e/profile.py" "$tmp/info" "$tmp/dump" \
		"$tmp/bench" "$tmp/table"
}

profile net --threads 1
profile net --threads 2
profile wrapped --plugin "$plugin"

# timeline NAME RUNS INFLIGHT OPTIONS...: of CPU and device
timeline() {
	name=$1 runs=$2 inflight=$3
	shift 3
	"$FXQ_RUN" info "$tmp/$name.fxq" --json >"$tmp/info"
	"$FXQ_RUN" profile "$tmp/$name.fxq" --trace "$tmp/trace.json" --json \
		--iterations "$runs" --inflight "$inflight" "$@" \
		>"$tmp/summary" 2>"$tmp/err" || { cat "$tmp/err"; exit 1; }
	python3 "$SOURCE/tests/e2e/timeline.py" "$tmp/info" "$tmp/trace.json" \
		"$tmp/summary" "$runs" "$inflight"
}

settle=$EXAMPLES/settle_plugin.so
"$FXQ_RUN" compile "$settle" -o "$tmp/settle.fxq" --calibrate random \
	--calibrate-count 1 >/dev/null 2>&1
timeline net 7 1 --threads 1
timeline wrapped 5 2 --plugin "$plugin" --threads 2
timeline settle 6 3 --plugin "$settle" --threads 1
timeline settle 6 3 --plugin "$settle" --workers 1 --threads 1
