#!/bin/sh
# SPDX-License-Identifier: MIT
#
# sources.sh   puts what we use of the newest kernel's sources into the cache:
# the harness of its selftests, its headers for userspace, and the scripts that
# look at sources. Nothing happens if they are there. Needs root.sh.
#
# They lie as they do in a kernel tree, so that a folder of selftests builds.
set -eu
. "$(dirname "$0")/lib.sh"

release=$(releases | tail -n 1)
[ -n "$release" ] || die "there is no kernel in $cache: run root.sh"
want="$(sha256sum "$0" | cut -d' ' -f1) $release"
exec 9>"$cache/lock"
flock 9
[ "$(cat "$sources/stamp" 2>/dev/null)" = "$want" ] && exit 0

# A release is like 7.3.4+deb13-amd64, its sources' package linux-source-7.3,
# and the headers for userspace have the same version.
package=linux-source-$(echo "$release" | cut -d. -f1-2)
version=$(as_root chroot "$root" apt-cache policy "$package" |
	sed -n 's/^ *Candidate: //p')
new=$cache/sources.new
rm -rf "$new"
mkdir "$new"
as_root chroot "$root" sh -c "cd /tmp && apt-get download -q $package=$version \
	linux-libc-dev=$version" >"$cache/sources.log" 2>&1 ||
	{ cat "$cache/sources.log" >&2; die "cannot download $package"; }

dpkg-deb -x "$root"/tmp/linux-libc-dev_*.deb "$new/headers"
mkdir "$new/usr"
cp -rL "$new/headers/usr/include" "$new/usr/"
cp -rL "$new/headers/usr/include/x86_64-linux-gnu/asm" "$new/usr/include/"
rm -rf "$new/headers" "$new"/usr/include/*-linux-*

dpkg-deb --fsys-tarfile "$root"/tmp/linux-source-*.deb |
	tar xO "./usr/src/$package.tar.xz" | xz -dc |
	tar x -C "$new" --strip-components=1 --wildcards \
		'*/tools/testing/selftests/lib.mk' \
		'*/tools/testing/selftests/kselftest*' \
		'*/scripts/checkpatch.pl' '*/scripts/spelling.txt' \
		'*/scripts/const_structs.checkpatch' \
		'*/scripts/kernel-doc*' '*/tools/lib/python/*' \
		'*/tools/docs/kernel-doc*' ||
	die "$package does not have what we use"
as_root rm -f "$root"/tmp/linux-*.deb
rm -rf "$sources"
mv "$new" "$sources"
echo "$want" >"$sources/stamp"
