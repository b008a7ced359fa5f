#!/bin/sh
# Files that are not what they should be: an error in a sentence, exit code 3,
# and nothing left behind.
set -eu
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
model=$SOURCE/userspace/examples/models/fmnist_res.onnx

# refuse NAME COMMAND...: fails with 3 and one sentence that names the file
refuse() {
	name=$1
	shift
	status=0
	"$FXQ_RUN" "$@" >"$tmp/out" 2>"$tmp/err" || status=$?
	[ $status = 3 ] && grep -q "$name" "$tmp/err" && return
	echo "hostile.sh: fxq-run $* exited $status: $(cat "$tmp/err")" >&2
	exit 1
}

"$FXQ_RUN" compile "$model" -o "$tmp/good.fxq" --calibrate random 2>"$tmp/err"
for size in 0 1 63 64 1000 50000; do
	head -c $size "$model" >"$tmp/cut.onnx"
	refuse cut.onnx compile "$tmp/cut.onnx" -o "$tmp/bad.fxq" \
		--calibrate random
	head -c $size "$tmp/good.fxq" >"$tmp/cut.fxq"
	refuse cut.fxq info "$tmp/cut.fxq"
	refuse cut.fxq infer "$tmp/cut.fxq" --input "@$model"
done
refuse none.fxq info "$tmp/none.fxq"
refuse good.fxq compile "$tmp/good.fxq" -o "$tmp/bad.fxq" --calibrate random
refuse cut.fxq dump "$tmp/cut.fxq"
[ ! -e "$tmp/bad.fxq" ] || {
	echo "hostile.sh: a refused model left an image behind" >&2
	exit 1
}
