#!/bin/sh
# SPDX-License-Identifier: MIT
#
# root.sh   makes the cache: a Debian root with compiler, kernel headers and
# QEMU, and beside it the kernels to boot. Nothing happens if it is there.
#
# Packages come from the mirror that apt uses here. Kernels are named by their
# metapackages: those of trixie and of its backports, whatever is newest. They
# are unpacked, not installed.
set -eu
. "$(dirname "$0")/lib.sh"

stamp=$cache/stamp
want=$(sha256sum "$0" | cut -d' ' -f1)
mkdir -p "$cache"
exec 9>"$cache/lock"
flock 9
[ "$(cat "$stamp" 2>/dev/null)" = "$want" ] && exit 0

mirror=$(apt-get indextargets --format '$(SITE)' 'Created-By: Packages' |
	grep -m 1 '/debian/*$') || die "apt names no mirror of Debian"
echo "making $root from $mirror" >&2
as_root rm -rf --one-file-system "$root" "$kernels"
mkdir -p "$kernels"
log=$cache/root.log
as_root mmdebstrap --variant=apt --include=ca-certificates \
	--aptopt='APT::Install-Recommends "false"' trixie "$root" \
	"deb $mirror trixie main" "deb $mirror trixie-backports main" \
	>"$log" 2>&1 || { tail -n 20 "$log" >&2; die "mmdebstrap failed"; }

inside() {
	as_root chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C \
		PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"
}
install() {
	inside apt-get install -y -q "$@" >>"$log" 2>&1 ||
		{ tail -n 20 "$log" >&2; die "apt-get install $* failed"; }
}
inside apt-get update -q >>"$log" 2>&1 || die "apt-get update failed"
install gcc-14 make binutils kmod busybox-static cpio sparse perl \
	linux-headers-amd64
# The second metapackage takes the place of the first; what that brought stays.
install -t trixie-backports linux-headers-amd64 qemu-system-x86 \
	qemu-system-common qemu-system-data seabios

for release in $(inside ls /lib/modules); do
	to=$kernels/$release
	packages=linux-image-$release
	inside apt-cache show "linux-binary-$release" >/dev/null 2>&1 &&
		packages="linux-binary-$release linux-modules-$release"
	inside sh -c "cd /tmp && apt-get download $packages" >>"$log" 2>&1 ||
		die "apt-get download $packages failed"
	for deb in "$root"/tmp/linux-*.deb; do
		inside dpkg-deb -x "/tmp/$(basename "$deb")" "/tmp/$release"
	done
	as_root rm -f "$root"/tmp/linux-*.deb
	as_root mv "$root/tmp/$release" "$to"
	modules=$to/usr/lib/modules/$release
	as_root touch "$modules/modules.builtin" "$modules/modules.builtin.modinfo" \
		"$modules/modules.order"
	as_root "$root/lib64/ld-linux-x86-64.so.2" \
		--library-path "$root/usr/lib/x86_64-linux-gnu" \
		"$root/usr/sbin/depmod" -b "$to/usr" "$release"
done
[ -n "$(releases)" ] || die "no kernel was unpacked"
echo "$want" >"$stamp"
