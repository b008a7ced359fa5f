#!/bin/sh
# SPDX-License-Identifier: MIT
# coredump.sh FXQ_RUN SOURCE   fxq-run dump on coredumps, whole and damaged
#
# The coredump is made here, as the driver writes it, of the stream of an image.
# Each refusal comes with a sentence; whatever the bytes, nothing crashes.
set -u
run=$1
net=$2/userspace/examples/models/fmnist_mb.onnx
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
failed=0

fail() {
	echo "FAILED: $*"
	failed=1
}

# says TEXT FILE...: fxq-run dump FILE... is fine and its output has TEXT
says() {
	text=$1
	shift
	"$run" dump "$@" >out 2>err || fail "dump $*: $(cat err)"
	grep -qF -- "$text" out || { fail "dump $*: no '$text' in:"; cat out; }
}

# refuses TEXT FILE...: fxq-run dump FILE... ends with 3 and says TEXT
refuses() {
	text=$1
	shift
	"$run" dump "$@" >out 2>err
	is=$?
	[ $is = 3 ] || fail "dump $*: exit $is, not 3"
	[ -s out ] && fail "dump $*: writes to standard output"
	grep -qF -- "$text" err || fail "dump $*: no '$text' but: $(cat err)"
}

"$run" compile "$net" -o net.fxq -c random >/dev/null 2>&1 || exit 1
set -- $(readelf -SW net.fxq | sed -n 's/.* \.fxq\.stream\.1 *PROGBITS//p')
tail -c +$((0x$2 + 1)) net.fxq | head -c $((0x$3)) >stream
od -An -v -tx1 -w128 stream | tr -d ' ' >hex
count=$(wc -l <hex)
{
	cat <<-END
	fxq-coredump 1
	kernel: 7.3.4
	contract: 00ff
	device: 0000:00:04.0
	client: 12
	context: 1
	job: 3
	run: 0xb00
	error: -5
	cause: 25
	index: 20
	tag: 4
	address: 0x1000
	cycles: 332000
	depth: 8
	running: 0xb00
	of-another-year: what nobody knows
	descriptors: $count
	END
	i=4
	while [ $i -le 36 ]; do
		echo "descriptor $i: $(sed -n "$((i + 1))p" hex)"
		i=$((i + 1))
	done
} >good

says 'run 0xb00 of job 3, context 1, client 12, ended with -5' good
says "at descriptor 20 of $count, tag 4, device address 0x1000" good
says 'cause: ' good
says '>     20 ' good
says 'ring: depth 8 running 0xb00' good
# With the image there are names, the same that the image's table has.
layer=$("$run" dump net.fxq --tables | awk '/^ *tag /{ on = 1 } on && $1 == 4 { print $2; exit }')
[ -n "$layer" ] || fail 'the image has no tag 4'
says "tag 4: layer $layer (" good net.fxq
says 'step 1:' good net.fxq
says '"fault": true' good net.fxq --json
says '"error": -5' good --json
# A run of which there is no record.
grep -v -e ^cause -e ^index -e ^tag -e ^address good >silent
says 'the device said nothing of it' silent net.fxq

# Damage is named, with its line.
edit() { sed "$1" good >bad; }
edit 's/^fxq-coredump 1/fxq-coredump 2/'
refuses "'fxq-coredump 2' is of another driver" bad
edit '/^error/d'
refuses "no line 'error'" bad
edit '/^descriptor /d'
refuses 'no descriptors' bad
edit 's/^job: 3/job: three/'
refuses "line 7: not a number: 'three'" bad
edit 's/^job: 3/job: 99999999999999999999/'
refuses 'line 7: not a number' bad
edit 's/^job: 3/job: 3\njob: 3/'
refuses 'line 8: said twice' bad
edit 's/^job: 3/job/'
refuses "line 7: neither key nor value: 'job'" bad
edit 's/^descriptor 5:/descriptor 6:/'
refuses 'descriptors are out of order' bad
edit 's/^descriptors: .*/descriptors: 20/'
refuses "no such descriptor: '20'" bad
edit 's/^descriptor 4: ../descriptor 4: xx/'
refuses 'not 256 hexadecimal digits' bad
edit 's/^descriptor 4: ../descriptor 4: /'
refuses 'not 256 hexadecimal digits' bad
head -c 1000 good >bad
refuses 'ends in the middle' bad
{ cat good; printf 'x: \0\n'; } >bad
refuses 'a byte is zero' bad
{ cat good; head -c 2000000 /dev/zero; } >bad
refuses 'more than any coredump has' bad
edit 's/^descriptors: .*/descriptors: 5000/'
i=37
last=$(sed -n '21p' hex)
while [ $i -le 1030 ]; do
	echo "descriptor $i: $last"
	i=$((i + 1))
done >>bad
refuses 'more descriptors than 1024' bad

# An image that the stream is not of lends no names.
edit 's/^descriptor 36: ....../descriptor 36: ffffff/'
says 'descriptor 20 of' bad
refuses 'none of its streams is the one of bad' bad net.fxq
printf 'kernel: \033[31mred\n' >>bad
"$run" dump bad | grep -q "$(printf '\033')" && fail 'a terminal is steered'

# Any byte may be any other: an answer or a sentence, never a crash.
size=$(wc -c <good)
i=0
while [ $i -lt 60 ]; do
	at=$((16 + i * 7919 % (size - 16)))
	{ head -c $at good; printf "\\$(printf %o $((i * 37 % 256)))"
		tail -c +$((at + 2)) good; } >bad
	"$run" dump bad net.fxq >/dev/null 2>err
	is=$?
	[ $is = 0 ] || [ $is = 3 ] || fail "byte $at: exit $is: $(cat err)"
	i=$((i + 1))
done
exit $failed
