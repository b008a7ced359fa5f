#!/bin/sh
# SPDX-License-Identifier: MIT
# A network is saved at every stage, and each stage goes on from the file of the
# one before, in a process of its own: trained, calibrated, trained with the
# error of 8 bits, converted, compiled. What goes on is what was not interrupted.
set -eu
run=$FXQ_RUN net=$EXAMPLES/fmnist_net.so
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"

fail() {
	echo "saved.sh: $*" >&2
	exit 1
}

. "$SOURCE/tests/e2e/pictures.sh"
cut_pictures 256
pictures='--mean 0.2860 --std 0.3530'
learn="$pictures --data x.idx --labels y.idx --batch 64 --epochs 1"

# float: from the file as from the plugin
"$run" show "$net" --save float.fxg --modules
"$run" show "$net" --style=torch >table
"$run" show float.fxg --style=torch | cmp - table ||
	fail 'a saved graph has another table'
# shellcheck disable=SC2086
"$run" train float.fxg $learn -o learned.fxg
"$run" train "$net" $learn -o learned.npz
"$run" train "$net" $learn --weights learned.npz -o further.npz
"$run" train learned.fxg $learn -o further.fxg.npz
cmp further.npz further.fxg.npz ||
	fail 'what goes on from a saved graph learns something else'

# calibrated in one process, in two, and converted in another
"$run" quantize learned.fxg $pictures --calibrate x.idx \
	--calibrate-count 64 --prepared -o prepared.fxg
"$run" quantize prepared.fxg -o integers.fxg
"$run" quantize learned.fxg $pictures --calibrate x.idx \
	--calibrate-count 64 -o at-once.fxg
cmp integers.fxg at-once.fxg || fail 'converted elsewhere, it is another'
mkdir a b
"$run" compile prepared.fxg $pictures -o a/net.fxq >/dev/null
cp integers.fxg b/prepared.fxg
"$run" compile b/prepared.fxg $pictures -o b/net.fxq >/dev/null
cmp a/net.fxq b/net.fxq || fail 'compiled from integers, it is another'
"$run" verify prepared.fxg $pictures >log || fail "verify: $(cat log)"
"$run" compare prepared.fxg $pictures --data x.idx >log ||
	fail "compare: $(cat log)"
"$run" eval a/net.fxq --data x.idx --labels y.idx --model prepared.fxg |
	grep -q 'same answer for' || fail 'eval does not take a saved graph'
"$run" eval learned.fxg $pictures --data x.idx --labels y.idx >one
"$run" eval "$net" --weights learned.npz $pictures --data x.idx \
	--labels y.idx >other
[ "$(sed -n 's/% right.*//p' one)" = "$(sed -n 's/% right.*//p' other)" ] ||
	fail 'eval of a saved graph counts something else'

# trained on, in two processes, with fake quantizers that know what they saw
"$run" qat learned.fxg $learn --qconfig quantizer=lsq -o first.fxg
"$run" qat first.fxg $learn -o second.fxg --test x.idx --test-labels y.idx |
	tee log
grep -q 'integers: .* the same answer' log || fail 'there is no answer'
"$run" qat second.fxg $learn -o net.fxq
"$run" compile second.fxg $pictures -o second.fxq >/dev/null
"$run" infer second.fxq --input random >/dev/null

refuses() {
	sentence=$1
	shift
	"$run" "$@" >out 2>err && fail "$*: is not refused"
	grep -qF -- "$sentence" err || fail "$*: $(cat err)"
}
refuses 'prepared, which is trained by qat' train first.fxg $learn -o x.npz
refuses 'on integers, which do not learn' train integers.fxg $learn -o x.npz
refuses 'it is prepared, and has its qconfig' qat first.fxg $learn \
	--qconfig bits=4 -o x.fxq
refuses 'on integers it has no floats to count' eval integers.fxg \
	--data x.idx --labels y.idx
refuses 'has no fake quantizers to train with' qat prepared.fxg $learn -o x.fxq

# wrapped code of a program comes with its plugin
for name in fx_wrap_method_plugin three_regions_plugin; do
	wrapped=$EXAMPLES/$name.so
	"$run" show "$wrapped" --save wrapped.fxg --modules
	refuses 'load it with' show wrapped.fxg
	"$run" show "$wrapped" >table
	"$run" show wrapped.fxg --plugin "$wrapped" | cmp - table ||
		fail 'a wrapped graph has another table'
done
"$run" compile wrapped.fxg --plugin "$wrapped" --calibrate random \
	-o wrapped.fxq >/dev/null
"$run" quantize wrapped.fxg --plugin "$wrapped" --calibrate random \
	-o wrapped.int8.fxg
"$run" compile wrapped.int8.fxg --plugin "$wrapped" -o wrapped.fxq >/dev/null
