#!/bin/sh
# SPDX-License-Identifier: MIT
#
# The contracts that a kernel driver includes need nothing but the types and
# static_assert() of a kernel: no libc, no floating point, little stack, and
# no helper functions of the compiler on 64-bit or, where it can build for
# them, on 32-bit machines. freestanding.sh UAPI CC...
set -eu

uapi=$1
shift
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

mkdir "$dir/linux"
cat >"$dir/linux/types.h" <<'END'
typedef signed char __s8;
typedef unsigned char __u8;
typedef short __s16;
typedef unsigned short __u16;
typedef int __s32;
typedef unsigned int __u32;
typedef long long __s64;
typedef unsigned long long __u64;
END
echo '#define static_assert _Static_assert' >"$dir/linux/build_bug.h"
cat >"$dir/driver.c" <<'END'
#include <fxq/fxq_regs.h>
#include <fxq/fxq_spm.h>

__u32 take_stream(const struct fxq_caps *caps, const struct fxq_desc *stream,
		  __u64 count, struct fxq_checker *k, __u32 *index);

__u32 take_stream(const struct fxq_caps *caps, const struct fxq_desc *stream,
		  __u64 count, struct fxq_checker *k, __u32 *index)
{
	__u32 cause;

	fxq_checker_init(k, caps);
	cause = fxq_check_stream(k, stream, count, index);
	return cause ? cause : fxq_check_spm(caps, stream);
}
END

# What a kernel provides to compiled code, whatever that was written as.
provided='mem\(cpy\|set\|cmp\|move\)'

build() {
	"$@" -std=gnu11 -O2 -Wall -Wextra -Werror -ffreestanding -nostdinc \
		-D__KERNEL__ -I"$dir" -I"$uapi" -fno-stack-protector -fno-pic \
		-Wvla -Wframe-larger-than=1024 -c "$dir/driver.c" \
		-o "$dir/driver.o"
	missing=$(nm -u "$dir/driver.o" | sed 's/^ *U //' |
		grep -v "^$provided\$" || true)
	[ -z "$missing" ] || { echo "$*: needs $missing"; exit 1; }
}

case $("$@" -dumpmachine) in
x86_64*)
	build "$@" -mgeneral-regs-only
	build "$@" -mgeneral-regs-only -m32
	;;
*)
	build "$@"
	;;
esac
