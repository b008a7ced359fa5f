#!/bin/sh
# SPDX-License-Identifier: MIT
# A network in C learns from 640 pictures, the same each time: a run that stops
# after an epoch and is resumed ends with the bytes of one that did not stop.
# What it learned can be evaluated and compiled. And with all of Fashion-MNIST
# two epochs teach it four test pictures out of five: train.sh two-epochs
set -eu
run=$FXQ_RUN net=$EXAMPLES/fmnist_net.so
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() {
	echo "train.sh: $*" >&2
	exit 1
}

# teach ARGUMENT...
teach() {
	"$run" train "$net" --mean 0.2860 --std 0.3530 "$@"
}

if [ "${1:-}" = two-epochs ]; then
	teach --fashion-mnist --epochs 2 --batch 64 -o net.npz | tee log
	right=$(sed -n 's/^epoch 2 .*test data \([0-9.]*\) %.*/\1/p' log)
	awk "BEGIN { exit !($right >= 80) }" || fail "$right % are right"
	exit 0
fi

. "$SOURCE/tests/e2e/pictures.sh"
cut_pictures 640

some() {
	teach --data x.idx --labels y.idx --epochs 2 --augment crop=2,flip \
		--batch 32 "$@"
}

some --seed 7 -o whole.npz --test x.idx --test-labels y.idx | tee log
some --seed 7 -o half.npz --checkpoint c.npz --until 1
some --seed 7 -o resumed.npz --checkpoint c.npz --resume
cmp whole.npz resumed.npz || fail 'a resumed run ends elsewhere'
cmp -s whole.npz half.npz && fail 'the second epoch taught nothing'
some --seed 8 -o other.npz
cmp -s whole.npz other.npz && fail 'the seed changes nothing'

# refuses SENTENCE ARGUMENT...: in one message
refuses() {
	sentence=$1
	shift
	some "$@" >out 2>err && fail "some $*: is not refused"
	grep -qF -- "$sentence" err || fail "$*: $(cat err)"
}

refuses 'it was written with --seed 7 and this is 9' --seed 9 \
	--checkpoint c.npz --resume
refuses 'it was written with --batch 32 and this is 16' --seed 7 --batch 16 \
	--checkpoint c.npz --resume
refuses 'unexpected: optimizer.momentum_buffer' --checkpoint c.npz --resume \
	--optimizer adam
refuses 'it was written with --epochs 2 and this is 3' --seed 7 --epochs 3 \
	--checkpoint c.npz --resume
refuses 'missing: optimizer.step' --seed 7 --checkpoint whole.npz --resume

# spoil NAME NUMBER: s.npz is c.npz with another int64
spoil() {
	python3 - "$1" "$2" <<-'EOF'
	import struct, sys, zipfile
	name, number = sys.argv[1] + ".npy", int(sys.argv[2])
	with zipfile.ZipFile("c.npz") as old, \
	        zipfile.ZipFile("s.npz", "w") as new:
	    for n in old.namelist():
	        v = old.read(n)
	        if n == name:
	            v = v[:-8] + struct.pack("<q", number)
	        new.writestr(n, v)
	EOF
}

spoil train.epochs_done 3
refuses '3 epochs are done, of 2; begin anew' --seed 7 --checkpoint s.npz \
	--resume
spoil train.epochs_done -1
refuses '-1 epochs are done, of 2; begin anew' --seed 7 --checkpoint s.npz \
	--resume
spoil optimizer.step 9223372036854775807
refuses 'is at step 9223372036854775807, and 2 epochs end at 40; begin anew' \
	--seed 7 --checkpoint s.npz --resume
head -c 1000 c.npz >s.npz
refuses 's.npz' --seed 7 --checkpoint s.npz --resume
refuses 'fewer than the 1000 of --batch' --batch 1000 -o x.npz
refuses 'optimizer.step' --weights c.npz -o x.npz

# The weights are the model's: eval agrees with what training counted.
right=$(sed -n 's/^epoch 2 .*test data \([0-9.]*\) %.*/\1/p' log)
"$run" eval "$net" --weights whole.npz --data x.idx --labels y.idx \
	--mean 0.2860 --std 0.3530 --json >eval.json
again=$(sed -n 's/.*"float_top1": \([0-9.]*\).*/\1/p' eval.json)
awk "BEGIN { d = $right - $again; exit !(d * d < 0.1) }" ||
	fail "training counted $right %, eval $again %"
"$run" compile "$net" --weights whole.npz -c x.idx --mean 0.2860 --std 0.3530 \
	-o net.fxq >/dev/null
"$run" eval net.fxq --data x.idx --labels y.idx --json >int8.json
grep -q '"images": 640' int8.json

# Trained on with the error of eight bits, into an image that has what the last
# epoch counted, also if it was interrupted.
eight() {
	"$run" qat "$net" --mean 0.2860 --std 0.3530 --weights whole.npz \
		--data x.idx --labels y.idx --epochs 2 --batch 32 "$@"
}

eight --test x.idx --test-labels y.idx -o qat.fxq | tee log
eight -o half.fxq --checkpoint q.npz --until 1
eight -o resumed.fxq --checkpoint q.npz --resume
cmp qat.fxq resumed.fxq || fail 'a resumed qat ends elsewhere'
right=$(sed -n 's/^integers: \([0-9.]*\) %.*/\1/p' log)
"$run" eval qat.fxq --data x.idx --labels y.idx --json >int8.json
again=$(sed -n 's/.*"int8_top1": \([0-9.]*\).*/\1/p' int8.json)
awk "BEGIN { d = $right - $again; exit !(d * d < 0.0001) }" ||
	fail "qat counted $right %, the machine $again %"

# A setting that costs accuracy costs it in floats that are rounded and on integers
# alike, and training wins it back.
# set_of NAME WHAT ARGUMENT...
set_of() {
	name=$1 what=$2
	shift 2
	eight --test x.idx --test-labels y.idx --qconfig "$what" --json "$@" \
		>"$name.json"
}

set_of ptq bits=3,per-tensor --epochs 0
set_of qat bits=3,per-tensor,weight-quantizer=lsq
set_of shifts bits=4,power-of-two --epochs 0
set_of learned quantizer=pact,weight-quantizer=lsq,observer=mse --epochs 1
python3 - <<'EOF' || fail 'what qat tells of accuracy does not fit together'
import json
ptq, qat, shifts, learned = (json.load(open(n + ".json")) for n in
                             ("ptq", "qat", "shifts", "learned"))
print(ptq, qat, shifts, learned, sep="\n")
assert ptq["epochs"] == [] and len(qat["epochs"]) == 2
assert ptq["float_top1"] == qat["float_top1"]
assert ptq["calibrated_top1"] == qat["calibrated_top1"]
for r in ptq, shifts:
    assert abs(r["calibrated_top1"] - r["int8_top1"]) <= 1, r
for r in qat, learned:
    assert abs(r["epochs"][-1]["test_top1"] - r["int8_top1"]) <= 1, r
    assert r["int8_top1"] > r["float_top1"], r
assert ptq["int8_top1"] < ptq["float_top1"], ptq
assert 50 < shifts["same_answer"] < 100, shifts
EOF

# refuses_qat SENTENCE WHAT
refuses_qat() {
	eight --qconfig "$2" -o x.fxq >out 2>err && fail "$2: is not refused"
	grep -qF -- "$1" err || fail "$2: $(cat err)"
}

refuses_qat 'bits needs a number from 2 to 8, not' bits=9
refuses_qat 'weight_observer is one of min_max moving_average' \
	weight-observer=mse
refuses_qat "activation_fake_quant is one of fake_quant lsq pact, not 'x'" \
	quantizer=x
refuses_qat "activation_fake_quant is one of fake_quant lsq pact, not ''" \
	quantizer
refuses_qat 'a scale that is learned is no power of two' \
	power-of-two,quantizer=lsq
refuses_qat '--qconfig knows bits=' shift

# A loop of one's own: three bits cost something, training brings it back, and
# integers have what the fake quantizers had.
"$EXAMPLES/spirals" | tee spirals
awk -F ': ' '{ right[$1] = $2 + 0 }
	END {
		trained = right["3-bit weights that trained"]
		exit !(right["float"] >= 99 && trained >= 99 &&
		       right["3-bit weights"] < 90 &&
		       right["the same in integers"] == trained)
	}' spirals || fail 'the spirals are not told apart'
