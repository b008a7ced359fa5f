#!/bin/sh
# SPDX-License-Identifier: MIT
# An ONNX file is a model like one in C: it is trained, calibrated, trained with
# the error of 8 bits, saved and gone on with, each step in a process of its own.
# One that came quantized keeps its scales, and gives ONNX Runtime's answers.
set -eu
run=$FXQ_RUN net=net.onnx
golden=$SOURCE/tests/golden/ort
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() {
	echo "imported.sh: $*" >&2
	exit 1
}

. "$SOURCE/tests/e2e/pictures.sh"
cut_pictures 128
pictures='--mean 0.2860 --std 0.3530'
learn="$pictures --data x.idx --labels y.idx --batch 32"
test='--test x.idx --test-labels y.idx'
mkdir a b
# An image is called what its model is.
cp "$SOURCE/userspace/examples/models/fmnist_res.onnx" net.onnx

# trained in float: weights for the file, or the model whole
# shellcheck disable=SC2086
{
"$run" train "$net" $learn --epochs 1 --lr 0.001 -o net.npz
"$run" train "$net" $learn --epochs 1 --lr 0.001 -o net.fxg
"$run" compile "$net" --weights net.npz -c x.idx $pictures -o a/net.fxq >log
"$run" compile net.fxg -c x.idx $pictures -o b/net.fxq >log
cmp a/net.fxq b/net.fxq || fail 'weights and saved graph give two images'
"$run" compile "$net" -c x.idx $pictures -o b/net.fxq >log
cmp -s a/net.fxq b/net.fxq && fail 'the epoch taught nothing'

# calibrated at once, and in three processes
"$run" quantize "$net" $pictures --calibrate x.idx -o at-once.fxg
"$run" quantize "$net" $pictures --calibrate x.idx --prepared -o prepared.fxg
"$run" quantize prepared.fxg -o integers.fxg
cmp at-once.fxg integers.fxg || fail 'converted elsewhere, it is another'
"$run" compare prepared.fxg $pictures --data x.idx >log ||
	fail "compare: $(cat log)"

# qat: 0 epochs calibrate; an epoch, then on from the file
"$run" qat "$net" $learn --epochs 0 $test --json >ptq.json
"$run" qat "$net" $learn --epochs 1 $test --json -o a/qat.fxg >qat.json
"$run" qat "$net" $learn --epochs 1 -o a/qat.fxq
"$run" compile a/qat.fxg $pictures -o b/qat.fxq >log
"$run" eval b/qat.fxq --data x.idx --labels y.idx --json >eval.json
"$run" qat a/qat.fxg $learn --epochs 1 -o on.fxq
cmp -s a/qat.fxq on.fxq && fail 'the second epoch taught nothing'
}
python3 - <<'END' || fail 'accuracies do not fit together'
import json
ptq, qat, image = (json.load(open(n + ".json")) for n in ("ptq", "qat", "eval"))
print(ptq, qat, image, sep="\n")
assert ptq["float_top1"] == qat["float_top1"] > 85
assert ptq["int8_top1"] > ptq["float_top1"] - 3
assert ptq["same_answer"] > 95
assert ptq["epochs"] == [] and len(qat["epochs"]) == 1
assert abs(qat["int8_top1"] - image["int8_top1"]) < 0.01
END

# quantized elsewhere: nothing is left to observe, so no data are needed, and the
# integers are ONNX Runtime's; trained on, it begins with the file's accuracy
"$run" quantize "$golden/fmnist_res.int8.onnx" -o int8.fxg
"$run" compile int8.fxg -o int8.fxq >log
"$run" infer int8.fxq --input @"$golden/x.npy" --output @y.npy >log
cmp y.npy "$golden/fmnist_res.y.npy" || fail 'scales of the file are lost'
# shellcheck disable=SC2086
"$run" qat "$golden/fmnist_res.int8.onnx" $learn --epochs 1 --lr 0.0005 $test \
	-o learned.fxg | tee log
right=$(sed -n 's/^of the test data the file has \([0-9.]*\) .*/\1/p' log)
awk "BEGIN { exit !($right > 85) }" || fail "the file has $right % right"

# One operator that is no module, y = |x|, is saved as it is at every stage; an
# input whose name is no text is not.
python3 - <<'END'
def field(n, v):
    if isinstance(v, int):
        return bytes([n << 3, v])
    v = v.encode() if isinstance(v, str) else v
    return bytes([n << 3 | 2, len(v)]) + v
def value(n, name):
    shape = b"".join(field(1, field(1, d)) for d in (1, 1, 28, 28))
    return field(n, field(1, name) +
                 field(2, field(1, field(1, 1) + field(2, shape))))
def write(path, x):
    graph = field(1, field(1, x) + field(2, "y") + field(3, "a") +
                  field(4, "Abs")) + value(11, x) + value(12, "y")
    open(path, "wb").write(field(1, 8) + field(8, field(2, 13)) +
                           field(7, graph))
write("abs.onnx", "x")
write("text.onnx", b"x\xff")
END
# shellcheck disable=SC2086
{
"$run" quantize abs.onnx $pictures --calibrate x.idx -o abs.fxg
"$run" quantize abs.onnx $pictures --calibrate x.idx --prepared -o prepared.fxg
"$run" quantize prepared.fxg -o elsewhere.fxg
cmp abs.fxg elsewhere.fxg || fail 'an operator is another, converted elsewhere'
"$run" compile abs.fxg $pictures -c x.idx -o abs.fxq >log
"$run" compare prepared.fxg $pictures --data x.idx >log ||
	fail "compare: $(cat log)"
}

# refuses SENTENCE ARGUMENT...
refuses() {
	sentence=$1
	shift
	"$run" "$@" >out 2>err && fail "$*: is not refused"
	grep -qF -- "$sentence" err || fail "$*: $(cat err)"
}
# shellcheck disable=SC2086
{
refuses 'another network without its rounding; train it on with qat' \
	train "$golden/fmnist_res.int8.onnx" $learn -o x.npz
refuses 'with scales for the weights it has' \
	compile "$golden/fmnist_res.int8.onnx" --weights net.npz -o x.fxq
refuses 'calibration data are missing' quantize "$net" -o x.fxg
# before the data are looked at
refuses "x.fxg: 'x_' has text that is no UTF-8; rename it" \
	quantize text.onnx --calibrate none.idx -o x.fxg
refuses "x.fxg: 'x_' has text that is no UTF-8; rename it" \
	qat text.onnx --data none.idx --labels none.idx -o x.fxg
refuses 'it is on integers already' quantize integers.fxg -o x.fxg
}
