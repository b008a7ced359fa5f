#!/bin/sh
# SPDX-License-Identifier: MIT
#
# opencl.sh BUILD TREE   puts the OpenCL driver of BUILD, its tests and the
# system's loader into what the guest boots; and of Debian's Python what
# PyOpenCL needs to run a network of images.sh, where it is installed.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
build=${1:?usage: opencl.sh BUILD TREE}
tree=${2:?usage: opencl.sh BUILD TREE}
python=/usr/bin/python3
driver=$build/userspace/opencl/libfxq-opencl.so.0

# with_libraries   files on standard input, and what the loader maps for them
with_libraries() {
	while read -r file; do
		echo "$file"
		ldd "$file" 2>/dev/null | awk '$3 ~ /^\// { print $3 }
			$1 ~ /^\// { print $1 }'
	done | sort -u | while read -r file; do
		folder=$(dirname "$file")
		case $file in
		"$build"/tests/*) folder=/programs ;;
		"$build"/*) folder=/lib ;;
		esac
		mkdir -p "$tree$folder"
		cp -Lu "$file" "$tree$folder/"
	done
}

{
	echo "$driver"
	find "$build/tests/unit" -maxdepth 1 -type f -name 'test_opencl_*'
} | with_libraries
mkdir -p "$tree/etc/OpenCL/vendors"
echo /lib/libfxq-opencl.so.0 >"$tree/etc/OpenCL/vendors/fxq.icd"

# All modules that are loaded when the program has run here.
$python -c 'import pyopencl' 2>/dev/null || exit 0
images=$build/vm/images
$python -c 'import numpy, sys
numpy.save(sys.argv[1], numpy.random.default_rng(1).standard_normal(
	(3, 1, 28, 28)).astype("float32"))' "$images/opencl.x.npy"
"$build/userspace/tools/fxq-run" infer "$images/fmnist_res.fxq" \
	--device embedded --input "@$images/opencl.x.npy" \
	--output "@$images/opencl.y.npy" >/dev/null
OCL_ICD_VENDORS=$build/userspace/opencl/vendors PYOPENCL_NO_CACHE=1 \
	$python -B -c 'import runpy, sys
sys.argv = sys.argv[1:]
sys.stdout = sys.stderr
runpy.run_path(sys.argv[0])
files = [getattr(m, "__file__", None) for m in list(sys.modules.values())]
print(*(f for f in files if f), sep="\n", file=sys.__stdout__)' \
	"$here/../e2e/opencl.py" "$images/fmnist_res.fxq" \
	"$images/opencl.x.npy" "$images/opencl.y.npy" 2>/dev/null |
	with_libraries
# A folder that PyOpenCL wants to be there, for headers that nobody compiles.
mkdir -p "$tree$($python -c 'import os, pyopencl
print(os.path.dirname(pyopencl.__file__))')/cl"
realpath $python | with_libraries
ln -s "$(realpath $python)" "$tree/bin/debian-python3"
cp "$here/../e2e/opencl.py" "$tree/programs/"
