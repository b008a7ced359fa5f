#!/bin/sh
# SPDX-License-Identifier: MIT
#
# python.sh TREE   puts python/ioctl.py into what the guest boots, and of this
# machine's python3 no more than it imports. Nothing where there is no python3.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
tree=${1:?usage: python.sh TREE}
command -v python3 >/dev/null || exit 0

# The files behind all modules that are loaded, and the interpreter itself,
# which may be elsewhere than PATH says.
cd "$here/python"
python3 -B -S -c 'import encodings.ascii, ioctl, os, sys
files = [getattr(m, "__file__", None) for m in list(sys.modules.values())]
print(os.path.realpath(sys.executable),
      *(f for f in files if f and f.startswith(sys.base_prefix)), sep="\n")' |
	while read -r file; do
		echo "$file"
		ldd "$file" 2>/dev/null | awk '$3 ~ /^\// { print $3 }
			$1 ~ /^\// { print $1 }'
	done | sort -u | while read -r file; do
		mkdir -p "$tree$(dirname "$file")"
		cp -L "$file" "$tree$file"
	done
ln -sf "$(python3 -c 'import os, sys; print(os.path.realpath(sys.executable))')" \
	"$tree/bin/python3"
cp ioctl.py "$tree/programs/"
