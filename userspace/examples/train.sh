#!/bin/sh
# train.sh BUILD [WEIGHTS]   trains the demo's network anew
#
# WEIGHTS is models/fmnist_net.npz beside this script, if it is not said. The
# same processor type and as many threads give the same file. What is interrupted
# goes on from BUILD/fmnist.ckpt.
set -eu

build=${1:?usage: train.sh BUILD [WEIGHTS]}
here=$(dirname "$0")
weights=${2:-$here/models/fmnist_net.npz}
checkpoint=$build/fmnist.ckpt

resume=
[ ! -e "$checkpoint" ] || resume=--resume
"$build/userspace/tools/fxq-run" train \
	"$build/userspace/examples/fmnist_net.so" --fashion-mnist \
	--mean 0.2860 --std 0.3530 --epochs 16 --batch 64 \
	--schedule one-cycle,warmup=0.25 --augment crop=1,flip \
	--checkpoint "$checkpoint" $resume -o "$weights"
rm "$checkpoint"
