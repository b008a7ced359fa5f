#!/bin/sh
# Every command of Documentation/first-model.rst, in its order.
set -eu
[ -d /usr/share/datasets/fashion-mnist ] ||
	{ echo "no dataset-fashion-mnist"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# A tree that looks like a clone in which make has run.
mkdir -p "$tmp/build"
ln -s "$SOURCE/userspace" "$tmp/userspace"
ln -s "$(dirname "$(dirname "$EXAMPLES")")/userspace" "$tmp/build/userspace"
cd "$tmp"

# The lines of code blocks.
awk '/^\.\. code-block:: sh/ { on = 1; next }
     on && /^[^ ]/ { on = 0 }
     on { sub(/^   /, ""); print }' "$SOURCE/Documentation/first-model.rst" \
	>commands
[ "$(grep -c '^fxq-run' commands)" -ge 10 ] || { cat commands; exit 1; }
sh -eux commands >log 2>&1 || { cat log; exit 1; }
for file in net.fxq net.html logits.npy net.int8.onnx peaks.npy; do
	[ -s "build/first/$file" ] || { echo "no $file"; cat log; exit 1; }
done
