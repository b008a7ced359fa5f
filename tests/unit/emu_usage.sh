#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What fxq-emu says to wrong and right arguments, and which sockets it leaves.
# emu_usage.sh FXQ-EMU
set -eu
emu=$1
dir=$(mktemp -d)
running=
trap 'kill $running 2>/dev/null || true; rm -rf "$dir"' EXIT

fail() {
	echo "emu_usage.sh: $*" >&2
	exit 1
}

# refused STATUS WORD ARGUMENTS...
refused() {
	status=$1
	word=$2
	shift 2
	got=0
	"$emu" "$@" >"$dir/out" 2>&1 || got=$?
	[ "$got" = "$status" ] || fail "$* ends with $got, not $status"
	grep -q -- "$word" "$dir/out" || fail "$*: no '$word' in $(cat "$dir/out")"
	! grep -q listening "$dir/out" || fail "$*: listens"
}

# Starts the rest of the arguments and waits until it listens.
start() {
	: >"$dir/log"		# of the one before
	"$@" 2>"$dir/log" &
	running="$running $!"
	tries=0
	until grep -q '^fxq-emu: listening on ' "$dir/log"; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || fail "$* does not listen: $(cat "$dir/log")"
		sleep 0.05
	done
}

# The summary fits a screen and ends with what QEMU wants to be told.
"$emu" --help >"$dir/help"
[ "$(wc -l <"$dir/help")" -le 25 ] || fail "--help is longer than a screen"
[ "$(wc -L <"$dir/help")" -le 80 ] || fail "--help is wider than a screen"
tail -n 5 "$dir/help" | grep -q 'vfio-user-pci'

refused 64 --socket
refused 64 "'0'" --socket "$dir/a" --threads 0
refused 64 "'257'" --socket "$dir/a" --threads 257
refused 64 "'1x'" --socket "$dir/a" --threads 1x
for word in 0 0x 123456789 -1; do
	refused 64 "'$word'" --socket "$dir/a" --contract "$word"
done
refused 64 extra --socket "$dir/a" extra
refused 1 "'dam'" --socket "$dir/a" --fault dam@1
refused 1 'choose another' --socket "$dir/$(printf '%0200d' 0)"
refused 1 'No such file' --socket "$dir/none/a"
FXQ_ISA=mmx
export FXQ_ISA
refused 1 'FXQ_ISA=mmx is not' --socket "$dir/a"
unset FXQ_ISA
echo keep >"$dir/file"
refused 1 'choose another' --socket "$dir/file"
refused 1 'choose another' --socket "$dir/a" --control "$dir/file"
[ "$(cat "$dir/file")" = keep ]
[ ! -e "$dir/a" ] || fail "a socket is left behind"

# One that is in use stays; one that a killed process left is taken.
start "$emu" --socket "$dir/a" --control "$dir/c" --threads 2 --fault dma@9
first=$!
refused 1 'another fxq-emu' --socket "$dir/a"
kill -9 "$first"
wait "$first" 2>/dev/null || true
[ -S "$dir/a" ] || fail "the test is wrong: no socket is left"
start "$emu" --socket "$dir/a" --control "$dir/c"
second=$!
kill "$second"
wait "$second" || fail "SIGTERM is no regular end"
[ ! -e "$dir/a" ] && [ ! -e "$dir/c" ] || fail "sockets are left behind"
