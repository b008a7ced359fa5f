#!/bin/sh
# SPDX-License-Identifier: MIT
#
# What an OpenCL program that knows nothing of fxq sees: clinfo lists the device
# in full, PyOpenCL runs the demo's network and gets fxq-run's bytes, and PoCL
# stands beside it.
set -eu
data=/usr/share/datasets/fashion-mnist
python=/usr/bin/python3
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

[ -r $data/train-images-idx3-ubyte.gz ] ||
	{ echo "SKIP: dataset-fashion-mnist is not installed"; exit 77; }
command -v clinfo >/dev/null || { echo "SKIP: clinfo is not installed"; exit 77; }
$python -c 'import pyopencl' 2>"$tmp/why" ||
	{ echo "SKIP: python3-pyopencl: $(tail -n 1 "$tmp/why")"; exit 77; }
OCL_ICD_VENDORS=$VENDORS
PYOPENCL_NO_CACHE=1	# it would complain that source does not compile
export OCL_ICD_VENDORS PYOPENCL_NO_CACHE

# Every query has an answer; what cannot be answered says "error" in its line.
clinfo >"$tmp/clinfo" 2>&1
! grep -i 'error -\|warning' "$tmp/clinfo" ||
	{ echo "clinfo is not content"; exit 1; }
grep -q 'Device Type  *Custom' "$tmp/clinfo"
grep -q 'Compiler Available  *No' "$tmp/clinfo"
clinfo --json >"$tmp/json"
$python -m json.tool "$tmp/json" >"$tmp/out"

"$FXQ_RUN" compile "$SOURCE/userspace/examples/models/fmnist_res.onnx" \
	-o "$tmp/net.fxq" --calibrate $data/train-images-idx3-ubyte.gz \
	--calibrate-count 64 --mean 0.2860 --std 0.3530 --order gray \
	--size 28x28 --layout nchw >"$tmp/out" 2>"$tmp/err"
$python -c "import numpy, sys
numpy.save(sys.argv[1], numpy.random.default_rng(1).standard_normal(
	(3, 1, 28, 28)).astype('float32'))" "$tmp/x.npy"
"$FXQ_RUN" infer "$tmp/net.fxq" --input "@$tmp/x.npy" --output "@$tmp/y.npy" \
	>"$tmp/out"
$python -B "$SOURCE/tests/e2e/opencl.py" "$tmp/net.fxq" "$tmp/x.npy" \
	"$tmp/y.npy"

# Beside another driver, in one list of platforms.
pocl=/etc/OpenCL/vendors/pocl.icd
[ -r $pocl ] || { echo "pocl-opencl-icd is not installed: it is left out"; exit 0; }
mkdir "$tmp/vendors"
cp $pocl "$VENDORS/fxq.icd" "$tmp/vendors/"
OCL_ICD_VENDORS=$tmp/vendors $python -B "$SOURCE/tests/e2e/opencl.py" \
	"$tmp/net.fxq" "$tmp/x.npy" "$tmp/y.npy" "Portable Computing Language"
