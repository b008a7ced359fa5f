#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The same model and calibration data give the same image and the same answers,
# byte for byte, whatever runs them: threads, what the C library may use of
# the processor, the machine's instruction sets, and processors that QEMU plays,
# with and without vectors of 32 bytes, on which other kernels are chosen.
# test_reproducible.sh FXQ_RUN SOURCE
set -eu

fxq_run=$1
models=$2/userspace/examples/models
data=/usr/share/datasets/fashion-mnist/train-images-idx3-ubyte.gz
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

# Both spellings: of glibc 2.36 (Usable is implied), and of those before it.
less=glibc.cpu.hwcaps
less=$less=-AVX2,-AVX,-FMA,-FMA4,-AVX512F,-AVX512VL,-AVX512BW,-AVX512DQ,-SSE4_2
usable=glibc.cpu.hwcaps
usable=$usable=-AVX2_Usable,-AVX_Usable,-FMA_Usable,-FMA4_Usable
usable=$usable,-AVX512F_Usable,-AVX512VL_Usable,-AVX512BW_Usable

# Compiles and runs @net with @threads; anything more is put before fxq-run.
# An image says nothing of where and when it was made, so its hash is enough.
hash() {
	net=$1
	threads=$2
	shift 2
	set -- "$@" "$fxq_run"
	if [ -r "$data" ]; then
		"$@" compile "$models/$net.onnx" --calibrate "$data" \
			--calibrate-count 16 --mean 0.2860 --std 0.3530 \
			--threads "$threads" -o "$tmp/net.fxq"
		"$@" infer "$tmp/net.fxq" --input "@$data" --count 8 \
			--threads "$threads" --output "@$tmp/answer.npy"
	else
		"$@" compile "$models/$net.onnx" --calibrate random \
			--calibrate-count 16 --threads "$threads" \
			-o "$tmp/net.fxq"
		head -c 3136 /dev/zero >"$tmp/x.raw"
		"$@" infer "$tmp/net.fxq" --input "@$tmp/x.raw" \
			--threads "$threads" --output "@$tmp/answer.npy"
	fi >"$tmp/log" 2>&1 || { cat "$tmp/log" >&2; return 1; }
	cat "$tmp/net.fxq" "$tmp/answer.npy" | sha256sum | cut -d ' ' -f 1
}

# same NAME NET THREADS COMMAND...
same() {
	name=$1
	shift
	got=$(hash "$@") || got="did not run"
	[ "$got" = "$want" ] && result="equal" || {
		result="DIFFERENT: $got"
		failed=1
	}
	echo "$1, $name: $result"
}

for net in fmnist_res fmnist_mb; do
	want=$(hash "$net" 1 env)
	echo "$net, one thread: $want"
	same "two threads" "$net" 2 env
	same "less of the C library" "$net" 2 env "GLIBC_TUNABLES=$less"
	same "less, spelled as before" "$net" 2 env "GLIBC_TUNABLES=$usable"
	for isa in portable avx2 avxvnni avx512; do
		if FXQ_ISA=$isa "$fxq_run" devices >"$tmp/log" 2>&1; then
			same "FXQ_ISA=$isa" "$net" 2 env "FXQ_ISA=$isa"
		else
			echo "$net, FXQ_ISA=$isa: skipped, not of this" \
				"processor"
		fi
	done
	for cpu in Nehalem Haswell; do
		if command -v qemu-x86_64 >/dev/null; then
			same "on a $cpu" "$net" 1 qemu-x86_64 -cpu "$cpu"
		else
			echo "$net, on a $cpu: skipped, no qemu-user"
		fi
	done
done
exit "$failed"
