#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fxq-run bench --layers: its rows are the image's layers and CPU steps, each
# once and in order, and their shares, MACs and cycles are those of the whole.
# No time is looked at but for what cannot be.
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
