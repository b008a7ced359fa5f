#!/bin/sh
# SPDX-License-Identifier: MIT
# tool_usage.sh FXQ_RUN SOURCE   what fxq-run says to wrong and right arguments
#
# Each refusal must come with the right exit code and a sentence with the
# remedy, on standard error, and leave standard output and files alone.
set -u
run=$1
models=$2/userspace/examples/models
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0

fail() {
	echo "FAILED: $*"
	failed=1
}

# refuses CODE SENTENCE ARGUMENT...
refuses() {
	code=$1 sentence=$2
	shift 2
	"$run" "$@" >out 2>err </dev/null
	is=$?
	[ $is = "$code" ] || fail "fxq-run $*: exit $is, not $code"
	[ -s out ] && fail "fxq-run $*: writes to standard output"
	grep -qF -- "$sentence" err || {
		fail "fxq-run $*: does not say: $sentence"
		cat err
	}
}

# does ARGUMENT...: exit 0, output in ./out
does() {
	"$run" "$@" >out 2>err </dev/null || {
		fail "fxq-run $*: exit $?"
		cat err
	}
}

# says TEXT: the last output has it
says() {
	grep -qF -- "$1" out || {
		fail "no '$1' in:"
		head -20 out
	}
}

# help fits a screen and ends with a command to paste
for command in '' check show build compile quantize info infer eval bench \
	verify compare dump devices top train qat profile; do
	does $command --help
	[ "$(wc -l <out)" -le 24 ] || fail "help $command: over 24 lines"
	[ "$(wc -L <out)" -le 79 ] || fail "help $command: over 79 columns"
	tail -n 1 out | grep -q '^  fxq-run [a-z]' ||
		fail "help $command: no command to paste"
done
does --version

# commands
refuses 2 'a command is missing'
refuses 2 "'brew' is no command" brew
refuses 2 "'in' begins 2 commands" in
refuses 2 "Try \`fxq-run --help'" brew
does devi
says embedded

# devices that are not there
does devices --json
says '"driver": "libfxq"'
says '"contract": "'
[ -e /sys/class/accel ] || refuses 4 'fxq.ko is not loaded' top
refuses 2 "'x' is one argument too many" top x

# who uses devices: a /proc with one file open in two processes, another that
# is busy, and one of another driver
process() {
	mkdir -p "proc/$1/fdinfo"
	echo "$2" >"proc/$1/comm"
	printf 'pos:\t0\ndrm-driver:\t%s\ndrm-pdev:\t0000:00:04.0\n' "$3" \
		>"proc/$1/fdinfo/4"
	printf 'drm-client-id:\t%s\ndrm-engine-npu:\t%s ns\n' "$4" "$5" \
		>>"proc/$1/fdinfo/4"
	printf 'drm-cycles-npu:\t%s\ndrm-total-memory:\t%s\n' "$6" "$7" \
		>>"proc/$1/fdinfo/4"
}
process 7 parent fxq 1 100 1000 '12 KiB'
process 8 child fxq 1 100 1000 '12 KiB'
process 9 busy fxq 2 1000000000 5000000 '3 MiB'
process 10 other i915 3 1 1 '1 KiB'
mkdir proc/self proc/9/task
echo nonsense >proc/9/fdinfo/5
: >proc/9/fdinfo/6
(sleep 0.5; process 9 busy fxq 2 1250000000 9000000 '3 MiB') &
does top --once --proc proc
wait
[ "$(wc -l <out)" = 3 ] || fail "top shows $(wc -l <out) lines, not 3"
sed -n 2p out | grep -q '^ *9  0000:00:04.0 *2[0-9]\.[0-9].*3072.*busy$' ||
	fail "top: $(sed -n 2p out)"
does top --json --proc proc
says '"busy_ns": 1250000000'
says '"total_bytes": 3145728'
refuses 3 'none cannot be read' top --once --proc none

# networks in C: what cannot be built, and what can, with the headers at hand
printf '#include <fxq/plugin.h>\n#include <fxq/trace.h>\n
FX_MODULE(Net, module(fc, Linear(2, 1)))
FX_FORWARD(Net, x) { return fx_call(self->fc, x); }
FXQ_PLUGIN(Net, FXQ_INPUT(1, 2))\n' >net.c
echo 'int f(void) { return missing(); }' >wrong.c
refuses 2 'which network? Give a .c file' build
refuses 2 "a network's source ends with .c: 'net.so'" build net.so
refuses 2 "a plugin's name ends with .so: 'net'" build net.c -o net
refuses 3 'none.c: it cannot be read: No such file' build none.c
refuses 3 'wrong.c: it does not compile; the compiler says why above' \
	build wrong.c
fxq_run=$run
run=./poor
printf '#!/bin/sh\nPATH=/nothing exec %s "$@"\n' "$fxq_run" >poor
chmod +x poor
refuses 3 'pkg-config is missing; install it' build net.c
printf '#!/bin/sh\nCC=nocc exec %s "$@"\n' "$fxq_run" >poor
refuses 3 "there is no compiler 'nocc'; install one" build net.c
run=$fxq_run
does build net.c
does show net.so
says fc

# saved graphs
does show net.so --save net.fxg
does show net.fxg
says 'fc'
does show net.fxg --save again.fxg
cmp -s net.fxg again.fxg || fail 'a graph saved again has other bytes'
does check net.fxg
head -c 100 net.fxg >cut.fxg
refuses 3 'cut.fxg: this is no safetensors file, or it is cut short' show cut.fxg
refuses 2 'a saved graph has its mode and shapes' show --eval net.fxg
does show net.so
mv out table
does show net.so --save kept.fxg --modules
does show kept.fxg
cmp -s table out || fail 'a saved graph module has another table'
does show kept.fxg --save again.fxg --modules
cmp -s kept.fxg again.fxg || fail 'a graph module saved again has other bytes'
does check kept.fxg
refuses 2 'a saved graph has its mode and parameters' show --eval kept.fxg
does show net.fxg --save modules.fxg --modules
does show modules.fxg
says 'call_module'
head -c 100 kept.fxg >cut.fxg
refuses 3 'this is no safetensors file, or it is cut short' show cut.fxg
sed 's/class\\":\\"Linear/class\\":\\"Curved/' kept.fxg >cut.fxg
refuses 5 "is of class 'Curved', which fxq does not have" show cut.fxg
does quantize kept.fxg --calibrate random --prepared -o prepared.fxg
does quantize prepared.fxg -o integers.fxg
does compile prepared.fxg -o kept.fxq
does compile integers.fxg -o kept.fxq
does verify prepared.fxg
refuses 2 'it has no floats to compare with; give the graph it was before, which' \
	compare integers.fxg
refuses 2 'it has its scales; leave --calibrate' \
	compile prepared.fxg --calibrate x.npy -o x.fxq
refuses 2 'it has its scales; leave --calibrate, --observer and --scales away' \
	compile prepared.fxg --observer mse -o x.fxq
refuses 2 'it has its integers, and float ends; leave --int8-ends away' \
	compile prepared.fxg --int8-ends -o x.fxq
refuses 5 'it is on integers already' \
	quantize integers.fxg --calibrate random -o x.onnx
does quantize "$models/fmnist_mb.onnx" --calibrate random -o onnx.fxg
refuses 2 'it is on integers already; give the float model' \
	quantize onnx.fxg --calibrate random -o x.fxg
refuses 2 '--prepared is for a saved graph: give -o FILE.fxg' \
	quantize kept.fxg --prepared -o x.onnx
refuses 2 'calibration data are missing' quantize kept.fxg -o x.fxg

refuses 2 '--fused is for ONNX: give -o FILE.onnx' \
	quantize kept.fxg --calibrate random --fused -o x.fxg
refuses 2 'keeps its scales itself; leave --scales and --save-scales away' \
	quantize kept.fxg --calibrate random --save-scales x.json -o x.fxg
refuses 2 'it is prepared, and has its observers; leave --observer away' \
	quantize prepared.fxg --calibrate random --observer mse -o x.fxg

# three samples of five are the first, the second and the fourth
# five NAME PAIRS: NAME.fxg is calibrated with pairs of bytes
five() {
	printf '\0\0\010\002\0\0\0\005\0\0\0\002%s' "$2" >five.idx
	does quantize kept.fxg --calibrate five.idx --calibrate-count 3 \
		-o "$1.fxg"
}
five same 1111111111
five third 1111z11111
cmp -s same.fxg third.fxg || fail 'the third sample of five is seen'
five fourth 111111z111
cmp -s same.fxg fourth.fxg && fail 'the fourth sample of five is not seen'

# arguments
refuses 2 'which model?' compile
refuses 2 'which model?' quantize
refuses 2 'where to? Give -o FILE.onnx' quantize net.onnx
refuses 2 'calibration data are missing' \
	quantize "$models/fmnist_mb.onnx" -o x.onnx
refuses 2 'where to? Give -o' compile net.onnx --calibrate random
refuses 2 'calibration data are missing: give --calibrate' \
	compile "$models/fmnist_mb.onnx" -o x
refuses 2 "'b.onnx' is the second" check a.onnx b.onnx
refuses 2 "unrecognized option '--nothing'" check --nothing
refuses 2 '--calibrate-count needs a number from 1' compile --calibrate-count 0 n
refuses 2 "--threads needs a number from 1 to 1024, not '-1'" info --threads=-1 x
refuses 2 '--observer is one of auto, min-max, moving-average, percentile, mse, kl, mix, histogram' \
	compile --observer max x
refuses 2 "--observer percentile is of 50 to 100, not '9x'" \
	compile --observer percentile=9x x
refuses 2 "--observer percentile is of 50 to 100, not '101'" \
	compile --observer percentile=101 x
refuses 2 '--mean needs one to four numbers' compile --mean 1,,2 x
refuses 2 '--std needs one to four positive numbers' compile --std 0 x
refuses 2 '--size needs width x height' compile --size 224 x
refuses 2 '--order is one of rgb, bgr, gray' compile --order gbr x
refuses 2 '--shape' check --shape 1xAx3 x
refuses 2 'one of --code, --graph, --notes, --dot and --html at a time' \
	show --code --dot x
refuses 2 "--style is one of native, torch, not 'c'" show --style c x
refuses 2 'on what?' infer x.fxq
refuses 2 'labelled data are missing' eval x.fxq
refuses 2 '--within needs the float network' eval x.fxq --fashion-mnist --within 1
refuses 2 'which model? Give a plugin' train
refuses 2 'labelled data are missing' train net.so -o x.npz
refuses 2 'where to? Give -o FILE.npz' train net.so --fashion-mnist
refuses 2 '--resume goes on from the file of --checkpoint' \
	train net.so --fashion-mnist -o x.npz --resume
refuses 2 '--optimizer is one of sgd, adam, adamw' train --optimizer rms net.so
refuses 2 "--optimizer knows momentum=, nesterov, decay= and matrices, not 'beta=1'" \
	train --optimizer adam,beta=1 net.so
refuses 2 "momentum needs a number from 0 to 0.9999, not '1'" \
	train --optimizer sgd,momentum=1 net.so
refuses 2 '--schedule is one of constant, one-cycle, cosine' \
	train --schedule step net.so
refuses 2 "--schedule knows warmup= and last=, not 'gamma=2'" \
	train --schedule cosine,gamma=2 net.so
refuses 2 "--augment knows crop=, flip and cutout=, not 'blur'" \
	train --augment flip,blur net.so
refuses 2 'where to? Give -o FILE.fxq' qat net.so --data x
refuses 2 "FILE.fxq, or the model with its fake quantizers, FILE.fxg; 'x.npz' is neither" \
	qat net.so --weights w.npz --fashion-mnist -o x.npz
refuses 2 "FILE.npz or FILE.safetensors, or the model with it, FILE.fxg; 'x.fxq' is none" \
	train net.so --fashion-mnist -o x.fxq
refuses 2 'a model that has learned is quantized: give --weights' \
	qat net.so --fashion-mnist -o x.fxq
refuses 2 "--lr needs a number from 1e-12 to 1000, not '0'" train --lr 0 net.so
refuses 2 '--epochs needs a number from 1' train --epochs 0 net.so
refuses 2 'calibration data are missing' verify "$models/fmnist_mb.onnx"
refuses 2 'calibration data are missing' compare "$models/fmnist_mb.onnx"
refuses 2 '--samples needs a number from 1' compare --samples 0 x
refuses 6 'none/x.html: it cannot be written' compare "$models/fmnist_mb.onnx" \
	-c random --samples 1 --html none/x.html

# the documentation has the list of operators as it is
does check --operators
cmp -s out "$2/Documentation/operators.txt" ||
	fail 'fxq-run check --operators is not Documentation/operators.txt'

# files
refuses 3 'none.onnx: ' check none.onnx
refuses 3 'none.fxq cannot be opened' info none.fxq
refuses 3 'none.so: it cannot be loaded' check none.so
echo nonsense >bad.onnx
echo nonsense >bad.fxq
refuses 3 'bad.onnx' check bad.onnx
refuses 3 'bad.fxq' info bad.fxq
refuses 3 'bad.fxq' infer bad.fxq x.png

net=$models/fmnist_res.onnx
refuses 3 'none.npy: No such file' compile "$net" -o x.fxq -c none.npy
refuses 3 'raw elements of float32 1x1x28x28 are 3136 bytes and the file has 9' \
	compile "$net" -o x.fxq -c bad.onnx
mkdir empty
refuses 3 'has neither files nor folders' compile "$net" -o x.fxq -c empty
refuses 2 'add --range 255' compile "$net" -o x.fxq -c random --mean 127
refuses 2 'has 1 channels and --mean has 3' compile "$net" -o x.fxq -c random \
	--mean 1,2,3
refuses 2 'which --order rgb does not fit' compile "$net" -o x.fxq -c random \
	--order rgb
refuses 2 'is 28x28 and --size says 32x32' compile "$net" -o x.fxq -c random \
	--size 32x32
# Its input, 1x1x28x28, with a first dimension of 0.
LC_ALL=C sed -z 's/\n\x02\x08\x01\(\n\x02\x08\x01\n\x02\x08\x1c\)/\n\x02\x08\x00\1/' \
	"$net" >nothing.onnx
refuses 2 'is float32 0x1x28x28, a batch of no picture' \
	compile nothing.onnx -o x.fxq -c random
refuses 3 'none.npz' train "$net" --weights none.npz --fashion-mnist -o x.npz
refuses 2 'are for plugins' compile "$net" -o x.fxq -c random --train
refuses 6 'it cannot be written' compile "$net" -o none/x.fxq -c random
[ -e x.fxq ] && fail 'a refused compile left an image'

# the way through
does check "$net"
says '2 on the CPU'
does show "$net"
says '/1/a/a.0/Conv'
does show "$net" --json
says '"opcode": "placeholder"'
refuses 2 'C code is of models that were written in C' show "$net" --code
refuses 2 '--notes are for plugins' show "$net" --notes
does compile "$net" -o x.fxq -c random --save-scales scales.json
grep -q 'warning: calibrated on random numbers' err || fail 'no warning'
does compile "$net" -o y.fxq --scales scales.json
cmp -s x.fxq y.fxq || fail 'kept scales give another image'
does info x.fxq
says 'logits: float32 1x10'
does dump x.fxq --tables
says 'step 1: device'
does infer x.fxq -i random -o logits=@named.npy
[ -s named.npy ] || fail 'an output is not found by the name the model gives it'
refuses 2 "the network has no 'nope' there; its first is 'logits'" \
	infer x.fxq -i random -o nope=@z.npy
refuses 2 "the network has no 'nope' there; its first is 'x'" \
	infer x.fxq -i nope=@named.npy
does infer x.fxq -i random -o y.npy -o y.npz -o y.json -o y.raw
[ "$(wc -c <y.raw)" = 40 ] || fail 'ten floats are not 40 bytes'
[ "$(wc -c <y.npy)" = 168 ] || fail 'y.npy is not 128 + 40 bytes'
head -c 3136 /dev/zero >zeros.raw
does infer x.fxq zeros.raw --json
says '"top"'
"$run" infer x.fxq -i - -o - <zeros.raw >out 2>err || fail "pipe: $(cat err)"
[ "$(wc -c <out)" = 168 ] || fail 'standard output is not an npy file'
refuses 3 'raw elements of float32 1x1x28x28 are 3136 bytes' infer x.fxq scales.json
refuses 2 'its ending is none of' infer x.fxq zeros.raw -o y.txt
does verify "$net" -c random
says '0 differ'
refuses 4 'there is no device called accel99; there ' infer x.fxq zeros.raw \
	--device accel99
refuses 4 'there is no device called 0000:ff:1f.7' bench x.fxq \
	--device 0000:ff:1f.7
refuses 4 'no device called /dev/accel/accel99' verify "$net" -c random \
	--device /dev/accel/accel99
does infer x.fxq zeros.raw --device embedded
export FXQ_ISA=portable
does infer x.fxq zeros.raw
export FXQ_ISA=mmx
refuses 4 'FXQ_ISA=mmx is not the name of an instruction set; there are: portable' \
	infer x.fxq zeros.raw
unset FXQ_ISA
does bench x.fxq --iterations 3 --layers
says 'modelled'
says 'bound by'
refuses 2 'leave --inflight out' bench x.fxq --layers --inflight 2
refuses 2 'leave --streams out' bench x.fxq --layers --streams 2
does bench x.fxq --iterations 7 --inflight 3 --streams 2
says '7 runs'
says '3 in flight in each of 2 streams'
does bench x.fxq --iterations 7 --inflight 3 --streams 2 --json
says '"streams": 2'
says '"stream_images_per_s"'
refuses 2 '--streams needs a number from 1 to 64' bench x.fxq --streams 0
does profile x.fxq --iterations 3
says 'bound by'
does profile x.fxq --iterations 3 --inflight 2 --trace t.json
says '3 runs, 2 in flight'
says 'both at once'
grep -q '"cat":"engine"' t.json || fail 'no engine in the timeline'
does profile x.fxq --iterations 3 --trace t.json --device embedded
says 'bound by'
refuses 2 'leave --inflight out, or give --trace' profile x.fxq --inflight 2
refuses 2 'which image? Give a .fxq file' profile
refuses 6 'none/t.json: it cannot be written: No such file' profile x.fxq \
	--iterations 1 --inflight 2 --trace none/t.json
refuses 4 'not time the descriptors of a run; that is what the device embedded' \
	bench x.fxq --layers --device accel0
printf 'P5 2 2 255\n\001\002\003\004' >picture.pgm
refuses 3 'the network does not take a picture' infer x.fxq picture.pgm
does compile "$net" -o x.fxq -c picture.pgm --mean 0.5 --std 0.25
does info x.fxq
says 'mean 0.5, std 0.25'
printf 'zero\none\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n' >names
does infer x.fxq picture.pgm --labels names --top 3
grep -q '  [0-9]  [a-z]*$' out || fail 'classes have no names'
[ "$(wc -l <out)" = 3 ] || fail 'top 3 are not three lines'

mkdir -p classes/3 classes/10
cp picture.pgm classes/3/
cp picture.pgm classes/10/
does eval x.fxq --data classes --json
says '"images": 2'
printf '\0\0\010\001\0\0\0\001\005' >one.idx
refuses 3 'it has 1 labels and there are 2 samples' eval x.fxq --data classes \
	--labels one.idx
echo nonsense >classes/10/x.pgm
refuses 3 'x.pgm: this is no PNG' eval x.fxq --data classes

# what cannot be written is an error
"$run" info x.fxq >/dev/full 2>err
[ $? = 6 ] || fail 'a full device is no error'
exit $failed
