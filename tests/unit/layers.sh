#!/bin/sh
# layers.sh SOURCE BUILD   who may include what
#
# Each part is compiled with copies of just those headers that it may see; an
# include that crosses a border does not compile.
set -eu
source=$1
build=$2
cc=${CC:-cc}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

root=$source	# where the folders of the next parts are

# What files are for that only some instruction sets have.
isa_options() {
	case $1 in
	*_avx512.c)
		echo -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx512vnni ;;
	*_vnni.c)
		echo -mavx2 -mavxvnni ;;
	*_avx2.c|*strip.c|*/dwquad.c)
		echo -mavx2 ;;
	esac
}

# part NAME "CONTRACTS" "INCLUDE PATHS" FOLDERS...
part() {
	name=$1
	contracts=$2
	paths=$3
	shift 3
	mkdir -p "$tmp/$name/fxq" "$tmp/$name/drm"
	for header in $contracts; do
		cp "$source"/uapi/*/"fxq_$header.h" "$tmp/$name/fxq/"
	done
	# The ioctls are not among the machine's contracts.
	[ ! -e "$tmp/$name/fxq/fxq_accel.h" ] ||
		mv "$tmp/$name/fxq/fxq_accel.h" "$tmp/$name/drm/"
	flags="-I$tmp/$name"
	for path in $paths; do
		flags="$flags -I$path"
	done
	files=$(cd "$root" && find "$@" -name '*.c')
	count=0
	for file in $files; do
		options=$(isa_options "$file")
		case $options in
		?*) [ "$(uname -m)" = x86_64 ] || continue ;;
		esac
		$cc $options -fsyntax-only -w -std=gnu11 -D_GNU_SOURCE \
			-DFXQ_LIB_VERSION='""' $flags "$root/$file" || {
			echo "layers.sh: $name: $file sees what it may not" >&2
			exit 1
		}
		count=$((count + 1))
	done
	[ $count -gt 0 ] || { echo "layers.sh: $name: no files" >&2; exit 1; }
	echo "$name: $count files see $contracts and no more"
}

part compiler "cmd image arith cost check spm call" \
	"$source/compiler/include $source/compiler $source/compiler/nn \
	 $build/compiler/import $build/compiler/lower" compiler
part machine "cmd regs arith cost check spm" \
	"$source/userspace/emu/machine $build/compiler/lower" \
	userspace/emu/machine
# The embedded driver lives in the folder that has the machine's: a copy has
# only what it may see.
root=$tmp/beside
mkdir -p "$root/emu/machine"
cp "$source"/userspace/emu/embed*.[ch] "$root/emu"
cp "$source/userspace/emu/machine/machine.h" "$root/emu/machine"
part embed "cmd regs check" "" emu

# So has fxq-emu, which needs the contract's hash no more than the driver does.
rm "$root"/emu/embed*
for file in control fault function pci server socket vfio main; do
	cp "$source/userspace/emu/$file"*.[ch] "$root/emu"
done
part emu "cmd regs check" "" emu
root=$source

part lib "cmd image check spm call accel" \
	"$source/userspace/include $source/userspace/lib $source/userspace \
	 $source/compiler/include $source/compiler/nn $build/compiler/lower \
	 $(pkg-config --variable=includedir libdrm)/libdrm" \
	userspace/lib
part tools "cmd image arith cost check call" \
	"$source/userspace/include $source/compiler/include \
	 $source/compiler/files $source/userspace/tools" userspace/tools
part opencl "cmd image call check" \
	"$source/userspace/include $source/compiler/include \
	 $source/userspace/opencl" userspace/opencl
